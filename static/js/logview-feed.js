/**
 * The log of one container over its socket: every line once and in the engine's order, whatever happens to the connection.
 * A binary message holds Docker's frames: 1 byte for the stream, 3 zeros, 4 for the length, and the bytes. Each line begins
 * with its timestamp; a line may go on in the next frame of its stream. When the socket is opened again, it is told for each
 * stream the timestamp of the last whole line and how many lines of just that timestamp were taken.
 */
import { logIn } from "./login.js";
import { ERR, OUT } from "./logview-store.js";
import { leave } from "./refused.js";
import { settled } from "./sgr.js";

/** Of a longer line only the beginning is kept. */
export const MOST_OF_A_LINE = 65_536;
const CLOSED = { WRONG: 1008, LOG_IN: 4401, FORBIDDEN: 4403, GONE: 4404, DISABLED: 4409 };
const AFTER_RESTART = 1000;
const SIGNALS = { 129: "SIGHUP", 130: "SIGINT", 131: "SIGQUIT", 132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 136: "SIGFPE", 137: "SIGKILL", 139: "SIGSEGV", 141: "SIGPIPE", 143: "SIGTERM" };

/** The lines of one stream, of which the last may not have ended yet. */
class Lines {
  /** Of the last whole line, and how many lines have just that. */
  stamp = "";
  count = 0;
  #rest = "";
  #cut = 0;
  // A byte order mark is shown as every other hidden character.
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** Seconds of the last timestamp, and its text up to them: most lines share it with the one before. */
  #second = "";
  #seconds = 0;

  /** @param {(text: string, seconds: number, nanos: number, more: number) => void} each */
  constructor(each) {
    this.each = each;
  }

  /** What has not ended comes again as a whole. */
  forget() {
    this.#rest = "";
    this.#cut = 0;
    this.#decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  }

  /** @param {Uint8Array} bytes */
  take(bytes) {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (this.#cut) {
      const end = text.indexOf("\n");
      this.#cut += end < 0 ? text.length : end;
      if (end < 0) return;
      this.#whole(this.#rest);
      text = text.slice(end + 1);
    } else if (this.#rest) text = this.#rest + text;
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.#whole(text.slice(from, end));
      from = end + 1;
    }
    this.#rest = text.slice(from, from + MOST_OF_A_LINE);
    this.#cut = Math.max(0, text.length - from - MOST_OF_A_LINE);
  }

  /** The stream is over: what has not ended has. */
  finish() {
    if (this.#rest) this.#whole(this.#rest);
    this.#rest = "";
  }

  /** @param {string} line */
  #whole(line) {
    const space = line.indexOf(" ");
    const stamp = line.slice(0, space);
    if (stamp === this.stamp) this.count += 1;
    else {
      this.stamp = stamp;
      this.count = 1;
    }
    const second = stamp.slice(0, 19);
    if (second !== this.#second) {
      this.#second = second;
      this.#seconds = Date.parse(`${second}Z`) / 1000 || 0;
    }
    const nanos = Number(stamp.slice(20, -1).padEnd(9, "0")) || 0;
    const more = this.#cut + Math.max(0, line.length - space - 1 - MOST_OF_A_LINE);
    this.#cut = 0;
    const text = line.slice(space + 1, space + 1 + MOST_OF_A_LINE);
    this.each(text.includes("\r") ? settled(text) : text, this.#seconds, nanos, more);
  }
}

export class Feed {
  /** "opening", "open", "lost", "over" (ended; may go on) or "closed" (for good). */
  state = "opening";
  #failures = 0;
  #lostAt = 0;
  /** Seconds that the connection was lost, not said yet. */
  #away = 0;
  #first = "";
  #finished = "";
  /** Not to be asked for again: the time asked for is over. */
  #complete = false;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {{socket: string, name: string}} source
   * @param {URLSearchParams} query Of the first connection, and of each later one without what was seen.
   * @param {{line(text: string, seconds: number, nanos: number, stream: number, more: number): void, mark(sentence: string): void,
   *          taken(): void, changed(): void}} on
   */
  constructor(source, query, on) {
    this.source = source;
    this.query = query;
    this.on = on;
    /** @type {Record<number, Lines>} */
    this.lines = {};
    for (const stream of [OUT, ERR]) {
      this.lines[stream] = new Lines((text, seconds, nanos, more) => {
        this.#first ||= this.lines[stream].stamp;
        on.line(text, seconds, nanos, stream, more);
      });
    }
    this.#open();
  }

  /** For good. */
  close() {
    clearTimeout(this.#timer);
    this.state = "closed";
    this.#socket?.close();
    this.#socket = null;
  }

  /** It ended, and may run again. */
  goOn() {
    if (this.state === "over" && !this.#complete && !this.#socket) this.#open();
  }

  #open() {
    clearTimeout(this.#timer);
    const query = new URLSearchParams(this.query);
    if (this.#first) {
      for (const [stream, { stamp, count }] of Object.entries(this.lines)) query.append("seen", `${stream},${count},${stamp || this.#first}`);
    }
    for (const lines of Object.values(this.lines)) lines.forget();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.source.socket}?${query}`);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket !== socket) return;
      if (typeof data === "string") this.#told(JSON.parse(data));
      else this.#frames(data);
    });
    socket.addEventListener("close", ({ code }) => this.#socket === socket && this.#closed(code));
  }

  /** @param {ArrayBuffer} data */
  #frames(data) {
    this.#back(false);
    const view = new DataView(data);
    let at = 0;
    while (at + 8 <= data.byteLength) {
      const length = view.getUint32(at + 4);
      this.lines[view.getUint8(at)]?.take(new Uint8Array(data, at + 8, length));
      at += 8 + length;
    }
    this.on.taken();
  }

  /** Say that the connection was lost, once it is known what that cost. @param {boolean} gap */
  #back(gap) {
    if (!this.#away) return;
    const cost = gap ? ". The engine has dropped older lines meanwhile: some may be missing here." : "; nothing is missing.";
    this.on.mark(`The connection was lost for ${this.#away} s${cost}`);
    this.#away = 0;
  }

  /** @param {any} frame */
  #told(frame) {
    if (frame.type !== "start") this.#back(frame.type === "gap");
    if (frame.type === "start") this.#started(frame.running);
    else if (frame.type === "ended") this.#ended(frame);
    else if (frame.type === "refused") this.#stop(frame.sentence);
  }

  /** @param {boolean} running */
  #started(running) {
    if (this.state === "lost") this.#away = Math.max(1, Math.round((performance.now() - this.#lostAt) / 1000));
    if (this.#finished && running) {
      this.on.mark(`${this.source.name} runs again.`);
      this.#finished = "";
    }
    this.#failures = 0;
    this.#lostAt = 0;
    if (!this.#finished) this.#become("open");
  }

  /** @param {any} frame */
  #ended(frame) {
    for (const lines of Object.values(this.lines)) lines.finish();
    this.on.taken();
    this.#socket = null;
    if (frame.restarted) {
      this.#finished = frame.finished_at || "before";
      this.on.mark(`${this.source.name} ended${how(frame)} and is started again.`);
      this.#become("over");
      this.#timer = setTimeout(() => this.goOn(), AFTER_RESTART);
      return;
    }
    this.#complete = frame.running || this.query.has("until");
    if (!this.#complete && this.#finished !== frame.finished_at) this.on.mark(`${this.source.name} ended${how(frame)}.`);
    this.#finished = this.#complete ? "" : frame.finished_at;
    this.#become("over");
  }

  /** @param {string} sentence */
  #stop(sentence) {
    this.#socket = null;
    this.on.mark(sentence);
    this.#become("closed");
  }

  /** @param {number} code */
  #closed(code) {
    this.#socket = null;
    if (this.state === "closed") return;
    if (code === CLOSED.LOG_IN) logIn();
    else if (code === CLOSED.FORBIDDEN) leave(() => this.#stop(`You may not read the log of ${this.source.name} any more.`));
    else if (code === CLOSED.GONE) this.#stop(`${this.source.name} was removed. What was read of its log stays here until you leave.`);
    else if (code === CLOSED.DISABLED) this.#stop("The engine was disabled in this console.");
    else if (code === CLOSED.WRONG) this.#stop("The console does not understand what is asked for. Choose another time or number of lines.");
    else this.#retry();
  }

  #retry() {
    this.#lostAt ||= performance.now();
    this.#failures += 1;
    this.#become(this.#finished ? "over" : "lost");
    this.#timer = setTimeout(() => this.#open(), Math.min(10_000, 250 * 2 ** this.#failures) * (0.7 + Math.random() * 0.6));
  }

  /** @param {string} state */
  #become(state) {
    this.state = state;
    this.on.changed();
  }
}

/** @param {any} frame */
function how(frame) {
  if (frame.oom_killed) return ` with exit code ${frame.exit_code}: it was killed for lack of memory`;
  if (typeof frame.exit_code !== "number") return "";
  const signal = SIGNALS[frame.exit_code];
  return ` with exit code ${frame.exit_code}${signal ? ` (${signal})` : ""}`;
}
