/**
 * Lists of containers: groups that fold, verbs on many that tell how far they are, the order of columns, and what those
 * that run use. The rows come from the server and are morphed in; what is only the browser's is put back after that.
 */
import { say } from "./actions.js";
import { draw, listen, memory, percent, spark } from "./samples.js";
import { markup } from "./trusted.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("containers"));

// -- groups --
const FOLDED = "folded";
/** @type {Set<string>} Ids of table bodies. */
const folded = new Set(JSON.parse(sessionStorage.getItem(FOLDED) ?? "[]"));

function fold() {
  for (const body of form.querySelectorAll("tbody[data-group]")) {
    const closed = folded.has(body.id);
    body.classList.toggle("folded", closed);
    body.querySelector("[data-fold]").setAttribute("aria-expanded", String(!closed));
  }
}

form.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-fold]") : null;
  if (!button) return;
  const { id } = button.closest("tbody");
  if (!folded.delete(id)) folded.add(id);
  sessionStorage.setItem(FOLDED, JSON.stringify([...folded]));
  fold();
});

// -- the order of columns --
document.querySelector("[data-order]")?.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-sooner]") : null;
  const item = button?.closest("li");
  if (!item?.previousElementSibling) return;
  item.previousElementSibling.before(item);
  button.focus();
});

// -- verbs on many --
/** Sent together: the server does eight at a time, and each answer moves the bar on. */
const CHUNK = 16;

form.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || button?.getAttribute("name") !== "verb") return;
  event.preventDefault();
  const data = new FormData(form, button);
  const ids = data.getAll("id");
  data.delete("id");
  button.closest("[popover]")?.hidePopover();
  if (ids.length) many(button, data, ids);
});

/** @param {HTMLElement} button @param {FormData} data @param {FormDataEntryValue[]} ids */
async function many(button, data, ids) {
  const notice = Object.assign(document.createElement("div"), { className: "notice info", role: "status" });
  const [words, bar] = [document.createElement("span"), document.createElement("progress")];
  bar.max = ids.length;
  notice.append(words, bar);
  document.getElementById("toasts").append(notice);
  button.setAttribute("aria-busy", "true");
  /** @type {Element | null} */
  let results = null;
  for (let at = 0; at < ids.length; at += CHUNK) {
    words.textContent = `${button.textContent.trim()}: ${at} of ${ids.length} done`;
    bar.value = at;
    const body = new FormData();
    for (const [name, value] of data) body.append(name, value);
    for (const id of ids.slice(at, at + CHUNK)) body.append("id", id);
    const answer = await send(body);
    if (!answer) break;
    results = results ? joined(results, answer) : answer;
  }
  notice.remove();
  button.removeAttribute("aria-busy");
  if (results) show(results);
  document.body.dispatchEvent(new CustomEvent("changed:containers"));
}

/** The panel with a line for each, or null where the console refused. @param {FormData} body */
async function send(body) {
  try {
    const reply = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" }, redirect: "manual" });
    if (reply.type === "opaqueredirect" || reply.headers.has("HX-Refresh")) location.reload();
    else if (reply.ok || reply.status === 502) {
      const template = document.createElement("template");
      template.innerHTML = markup.createHTML(await reply.text());
      return template.content.firstElementChild;
    } else say(reply.status === 403 ? "Your role does not include this." : `The console refused this (${reply.status}). Reload the page and try again.`);
  } catch {
    say("The console does not answer. What the list shows is what was done.");
  }
  return null;
}

/** One panel of two: failures stay first. @param {Element} all @param {Element} more */
function joined(all, more) {
  const list = all.querySelector("ul");
  if (!list || !more.querySelector("ul")) return more;
  const lines = [...list.children, ...more.querySelector("ul").children];
  const failed = lines.filter((line) => line.matches(".danger"));
  const done = lines.filter((line) => !line.matches(".danger"));
  list.replaceChildren(...failed, ...done);
  const said = [done.length && `${done.length} done`, failed.length && `${failed.length} failed`].filter(Boolean);
  const panel = failed.length && !all.matches(".danger") ? more : all;
  panel.querySelector("summary").textContent = said.join(", ");
  panel.querySelector("ul").replaceWith(list);
  panel.querySelector("details").open = failed.length > 0;
  return panel;
}

const TOAST_MS = 6000;

/** @param {Element} panel */
function show(panel) {
  document.getElementById("toasts").append(panel);
  const close = Object.assign(document.createElement("button"), { type: "button", className: "btn ghost small", textContent: "Dismiss" });
  close.addEventListener("click", () => panel.remove());
  panel.append(close);
  if (panel.matches(".success")) setTimeout(() => panel.matches(":hover, :focus-within") || panel.remove(), TOAST_MS);
}

// -- what those that run use --
const SOURCES = /** @type {{path: string, row: string}[]} */ (JSON.parse(document.getElementById("stats-sources")?.textContent ?? "[]"));
/** More sockets than this make the numbers of a fleet dearer than they are worth. */
const MOST_SOURCES = 12;
const ROOM = 30;
/** @type {Map<string, number[]>} Id of a row -> its last shares of CPU. */
const history = new Map();
/** @type {Map<string, {close(): void}>} */
const open = new Map();

/** Listen to those engines of which rows are on the page, while somebody can see the numbers. */
function follow() {
  const head = form.querySelector("thead th.live");
  const seen = document.visibilityState === "visible" && head !== null && head.offsetParent !== null;
  const wanted = seen ? SOURCES.filter((source) => form.querySelector(`tr[data-live][id^="${source.row}"]`)).slice(0, MOST_SOURCES) : [];
  for (const [path, socket] of open) {
    if (wanted.some((source) => source.path === path)) continue;
    socket.close();
    open.delete(path);
  }
  for (const { path, row } of wanted) {
    if (open.has(path)) continue;
    const on = { frame: (frame) => frame.type === "samples" && take(row, frame.samples), lost: () => take(row, []) };
    open.set(path, listen(path, on));
  }
  // Of what has ended nobody tells anything any more.
  form.querySelectorAll("tr:not([data-live]) :is(.cpu, .memory)").forEach((cell) => cell.replaceChildren());
}

/** @param {string} row @param {import("./samples.js").Sample[]} samples */
function take(row, samples) {
  const told = new Set();
  for (const sample of samples) {
    const id = row + sample.id;
    told.add(id);
    const values = history.get(id) ?? [];
    if (sample.cpu !== null) values.push(sample.cpu);
    if (values.length > ROOM) values.shift();
    history.set(id, values);
    paint(document.getElementById(id), sample, values);
  }
  for (const id of history.keys()) {
    if (told.has(id) || !id.startsWith(row)) continue;
    history.delete(id);
    document.getElementById(id)?.querySelectorAll(".cpu, .memory").forEach((cell) => cell.replaceChildren());
  }
}

/** @param {HTMLElement | null} line @param {import("./samples.js").Sample} sample @param {number[]} values */
function paint(line, sample, values) {
  const cpu = line?.querySelector(".cpu");
  if (cpu) {
    if (!cpu.firstChild) cpu.append(spark(), document.createElement("span"));
    draw(cpu.firstElementChild, values, ROOM);
    cpu.lastElementChild.textContent = percent(sample.cpu);
  }
  const used = line?.querySelector(".memory");
  if (!used) return;
  if (!used.firstChild) used.append(Object.assign(document.createElement("meter"), { ariaLabel: "Memory" }), document.createElement("span"));
  const meter = /** @type {HTMLMeterElement} */ (used.firstElementChild);
  meter.max = sample.memory_limit || sample.memory || 1;
  meter.high = meter.max * 0.9;
  meter.value = sample.memory;
  used.title = `${memory(sample.memory)} of ${memory(sample.memory_limit)}`;
  used.lastElementChild.textContent = memory(sample.memory);
}

fold();
follow();
document.addEventListener("htmx:after:swap", () => {
  fold();
  follow();
});
document.addEventListener("visibilitychange", follow);
window.addEventListener("resize", follow);
