/**
 * The log of an operation over its socket: every line once and in order, whatever happens to the connection.
 * The cursor says what was taken; a frame that does not continue it is not taken, and the socket is opened again there.
 */
import { logIn } from "./login.js";
import { leave } from "./refused.js";

const LOG_IN = 4401;
const REFUSED = new Set([4403, 4404]);

/**
 * @param {string} path The socket's address without cursor.
 * @param {{text(text: string): void, progress(progress: object): void, status(status: string, sentence: string): void,
 *          finished(status: string): void, connection(state: "open"|"lost"|"refused"): void}} on
 */
export function follow(path, on) {
  let cursor = 0;
  let failures = 0;
  let over = false;

  function connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${path}?after=${cursor}`);
    socket.addEventListener("open", () => on.connection("open"));
    socket.addEventListener("message", (event) => take(JSON.parse(event.data), socket));
    socket.addEventListener("close", (event) => closed(event.code));
  }

  /** @param {any} frame @param {WebSocket} socket */
  function take(frame, socket) {
    failures = 0;
    if (frame.type === "chunk") {
      if (frame.after !== cursor) {
        // Already taken, or a gap: only what continues the cursor counts.
        if (frame.after > cursor) socket.close();
        return;
      }
      cursor = frame.next;
      on.text(frame.text);
    } else if (frame.type === "progress") on.progress(frame.progress);
    else if (frame.type === "status") on.status(frame.status, frame.sentence);
    else if (frame.type === "finished") {
      over = true;
      on.finished(frame.status);
    }
  }

  /** @param {number} code */
  function closed(code) {
    if (over) return;
    if (code === LOG_IN) {
      logIn();
      return;
    }
    if (REFUSED.has(code)) {
      leave(() => on.connection("refused"));
      return;
    }
    failures += 1;
    if (failures > 1) on.connection("lost");
    setTimeout(connect, Math.min(5000, 100 * 2 ** failures) * (0.7 + Math.random() * 0.6));
  }

  connect();
}
