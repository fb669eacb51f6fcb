/**
 * What all running containers of an engine use: a row for each, largest first by whatever column one chooses. The rows
 * come from the server; their numbers come by the socket, every few seconds.
 */
import { draw, listen, memory, percent, rate, rates, spark, SUMS } from "./samples.js";

const board = document.getElementById("board");
const ROOM = 60;

/** @type {Map<string, {sample: import("./samples.js").Sample, time: number, per: any, cpu: number[]}>} */
const known = new Map();
let sort = "cpu";
let paused = false;

/** @param {{time: number, samples: import("./samples.js").Sample[]}} frame */
function take(frame) {
  const told = new Set();
  for (const sample of frame.samples) {
    const before = known.get(sample.id);
    const time = (sample.time ?? frame.time) / 1000;
    const per = before && time === before.time ? before.per : rates(before?.sample, sample, before ? time - before.time : 0);
    const cpu = [...(before?.cpu ?? []), sample.cpu].filter((share) => share !== null).slice(-ROOM);
    known.set(sample.id, { sample, time, per, cpu });
    told.add(sample.id);
  }
  for (const id of known.keys()) if (!told.has(id)) known.delete(id);
  if (!paused) show();
}

function show() {
  for (const row of rows()) paint(row);
  totals();
  arrange();
}

/** @returns {HTMLTableRowElement[]} */
const rows = () => [...board.querySelectorAll("tbody tr")];

/** @param {HTMLTableRowElement} row */
function paint(row) {
  const found = known.get(row.dataset.id);
  const cell = (/** @type {string} */ name) => row.querySelector(`[data-cell=${name}]`);
  if (!found) {
    for (const each of row.querySelectorAll("[data-cell]")) each.replaceChildren();
    return;
  }
  const { sample, per, cpu } = found;
  if (!cell("cpu").firstChild) cell("cpu").append(spark(), document.createElement("span"));
  draw(cell("cpu").firstElementChild, cpu, ROOM);
  cell("cpu").lastElementChild.textContent = percent(sample.cpu);
  if (!cell("memory").firstChild) {
    cell("memory").append(Object.assign(document.createElement("meter"), { ariaLabel: "Memory" }), document.createElement("span"));
  }
  const meter = /** @type {HTMLMeterElement} */ (cell("memory").firstElementChild);
  meter.max = sample.memory_limit || sample.memory || 1;
  meter.high = meter.max * 0.9;
  meter.value = sample.memory;
  cell("memory").title = `of ${memory(sample.memory_limit)}`;
  cell("memory").lastElementChild.textContent = memory(sample.memory);
  for (const name of SUMS) cell(name).textContent = per[name] === null ? "–" : rate(per[name]);
  cell("pids").textContent = String(sample.pids);
}

function totals() {
  const all = [...known.values()];
  const sum = (/** @type {(each: any) => number} */ read) => all.reduce((total, each) => total + read(each), 0);
  const told = {
    running: String(all.length),
    cpu: percent(sum((each) => each.sample.cpu)),
    memory: memory(sum((each) => each.sample.memory)),
    rx: rate(sum((each) => each.per.rx ?? 0)),
    tx: rate(sum((each) => each.per.tx ?? 0)),
    read: rate(sum((each) => each.per.read ?? 0)),
    write: rate(sum((each) => each.per.write ?? 0)),
    pids: String(sum((each) => each.sample.pids)),
  };
  for (const [name, text] of Object.entries(told)) document.querySelector(`[data-total=${name}]`).textContent = text;
}

/** How much of what it is sorted by a row has. @param {HTMLTableRowElement} row */
function weight(row) {
  const found = known.get(row.dataset.id);
  if (!found) return -1;
  return SUMS.includes(/** @type {any} */ (sort)) ? (found.per[sort] ?? 0) : found.sample[sort];
}

/** The largest first; not while somebody points at a row or has the focus in one. */
function arrange() {
  const body = board.querySelector("tbody");
  if (!body || body.matches(":hover, :focus-within")) return;
  const before = rows();
  const name = (/** @type {HTMLTableRowElement} */ row) => row.dataset.name;
  const after = before.toSorted((a, b) => (sort === "name" ? 0 : weight(b) - weight(a)) || name(a).localeCompare(name(b)));
  if (after.some((row, at) => row !== before[at])) body.append(...after);
}

board.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-sort]") : null;
  if (!button) return;
  sort = button.dataset.sort;
  mark();
  arrange();
});

function mark() {
  for (const head of board.querySelectorAll("thead th")) {
    const own = head.querySelector("[data-sort]")?.dataset.sort === sort;
    if (own) head.setAttribute("aria-sort", sort === "name" ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  }
}

document.querySelector("[data-pause]").addEventListener("click", (event) => {
  paused = !paused;
  event.currentTarget.setAttribute("aria-pressed", String(paused));
  if (!paused) show();
});

document.addEventListener("htmx:after:swap", () => {
  mark();
  show();
});
mark();
listen(board.dataset.socket, {
  frame: (frame) => frame.type === "samples" && take(frame),
  lost: () => take({ time: 0, samples: [] }),
});
