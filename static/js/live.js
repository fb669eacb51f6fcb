/**
 * One socket per page, at the address in <body data-live>. A frame {"type":"changed","topic":t} becomes the DOM event
 * `changed:t` on the body: the first at once, further ones gathered, the last never lost. Parts of the page ask for
 * themselves again. {"type":"rights"}: the person may do more or less here than before.
 */
import { say } from "./actions.js";
import { logIn } from "./login.js";
import { leave, stays } from "./refused.js";

const SPACING = 250;
/** A socket open for this long counts as working: one that is closed at once must not be tried ever faster. */
const SETTLED = 5000;
const CLOSED = { LOG_IN: 4401, FORBIDDEN: 4403, GONE: 4404 };
const RIGHTS = "rights";
const TOPICS = ["state", "containers", "images", "networks", "volumes", "operations"];

const lost = document.getElementById("live-lost");
/** @type {Map<string, {again: boolean}>} Topics told less than SPACING ago, and whether they changed again since. */
const recent = new Map();
let failures = 0;
let refused = false;
let rightsTold = false;
/** Whether anything was typed or chosen on this page. */
let typed = false;
/** @type {ReturnType<typeof setTimeout> | undefined} The next try. */
let waiting;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let settling;
/** @type {WebSocket | undefined} */
let socket;

/** @param {string} topic */
function tell(topic) {
  const told = recent.get(topic);
  if (told) {
    told.again = true;
    return;
  }
  document.body.dispatchEvent(new CustomEvent(`changed:${topic}`, { bubbles: true }));
  recent.set(topic, { again: false });
  setTimeout(() => {
    const again = recent.get(topic)?.again;
    recent.delete(topic);
    if (again) tell(topic);
  }, SPACING);
}

function connect() {
  clearTimeout(waiting);
  const path = document.body.dataset.live;
  if (!path) {
    stays();
    return;
  }
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}${path}`);
  socket.addEventListener("open", opened);
  socket.addEventListener("message", (event) => {
    const frame = JSON.parse(event.data);
    if (frame.type === "changed") tell(frame.topic);
    else if (frame.type === "rights") rightsChanged();
  });
  socket.addEventListener("close", closed);
}

/** The page is asked for anew, unless something was typed into it that would be lost. */
function rightsChanged() {
  if (!typed) {
    sessionStorage.setItem(RIGHTS, "changed");
    location.replace(location.pathname + location.search);
    return;
  }
  TOPICS.forEach(tell);
  if (rightsTold) return;
  rightsTold = true;
  say("What you may do here has changed. Reload the page to see all of it.", "warning");
}

function opened() {
  if (lost) lost.hidden = true;
  document.body.dataset.liveState = "open";
  // Between the page and the socket, or while it was lost, anything may have changed.
  TOPICS.forEach(tell);
  settling = setTimeout(() => {
    failures = 0;
    stays();
  }, SETTLED);
}

/** @param {CloseEvent} event */
function closed(event) {
  clearTimeout(settling);
  document.body.dataset.liveState = "closed";
  if (event.code === CLOSED.LOG_IN) {
    logIn();
    return;
  }
  if (event.code === CLOSED.FORBIDDEN || event.code === CLOSED.GONE) {
    refused = true;
    leave(() => {
      if (!lost) return;
      lost.textContent = "You have no access to this any more, or it was removed. Reload the page.";
      lost.hidden = false;
    });
    return;
  }
  failures += 1;
  if (lost && failures > 1) lost.hidden = false;
  const wait = Math.min(10_000, 250 * 2 ** failures) * (0.7 + Math.random() * 0.6);
  waiting = setTimeout(connect, wait);
}

document.addEventListener("input", () => {
  typed = true;
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && !refused && socket?.readyState === WebSocket.CLOSED) connect();
});
window.addEventListener("pagehide", () => socket?.removeEventListener("close", closed));
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
if (document.body.dataset.live && sessionStorage.getItem(RIGHTS)) {
  sessionStorage.removeItem(RIGHTS);
  say("What you may do here has changed.", "warning");
}
connect();
