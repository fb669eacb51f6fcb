/**
 * What one container uses, as charts of the last ten minutes: one time axis and one cursor for all of them. The numbers
 * above each chart are those of the newest sample, or of the moment that is pointed at.
 */
import uPlot from "uplot";
import { bytes, listen, memory, percent, rate, rates } from "./samples.js";

const page = document.getElementById("stats");
const WINDOW = 600;
const LEAST = 60;
const HEIGHT = 150;
/** Without a sample for so long the line is broken. In seconds. */
const GAP = 10;
const LIMIT = Number(page.dataset.limit);

/** @type {Record<string, (number | null)[]>} The newest last; `time` in seconds. */
const data = { time: [], cpu: [], memory: [], limit: [], rx: [], tx: [], read: [], write: [], pids: [] };
const WRITTEN = { cpu: percent, memory, limit: memory, rx: rate, tx: rate, read: rate, write: rate, pids: String };

/** @type {import("./samples.js").Sample | undefined} */
let last;
let paused = false;
/** @type {{close(): void} | null} */
let socket = null;

/** A colour of the style sheet, as it is now. @param {string} name */
function colour(name) {
  return getComputedStyle(page.querySelector(`i.ink-${name}`)).color;
}

/** Steps in which memory is counted. */
const DOUBLES = Array.from({ length: 44 }, (_, power) => 2 ** power);

/** @param {number} seconds */
function clock(seconds) {
  const [from, to] = span();
  const exact = to - from < 4 * 60 ? { second: "2-digit" } : {};
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...exact });
}

/** From when to when the charts show: all there is, as far as the window goes. @returns {[number, number]} */
function span() {
  const now = data.time.at(-1) ?? Date.now() / 1000;
  return [Math.max(now - WINDOW, Math.min(data.time[0] ?? now, now - LEAST)), now];
}

/** @param {HTMLElement} figure */
function chart(figure) {
  const names = figure.dataset.series.split(" ").filter((name) => name !== "limit" || LIMIT);
  const written = WRITTEN[/** @type {keyof WRITTEN} */ (names[0])];
  const axis = { stroke: () => colour("muted"), grid: { stroke: () => colour("line"), width: 1 }, ticks: { show: false }, font: "12px sans-serif" };
  const plot = new uPlot(
    {
      width: figure.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { sync: { key: "stats" }, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { range: span },
        y: { range: (_, __, most) => [0, ceiling(names, most)] },
      },
      axes: [
        { ...axis, size: 28, incrs: [15, 30, 60, 120, 300], values: (_, ticks) => ticks.map(clock) },
        { ...axis, size: 72, incrs: names[0] === "memory" ? DOUBLES : undefined, values: (_, ticks) => ticks.map((tick) => written(tick)) },
      ],
      series: [
        {},
        ...names.map((name, at) => ({
          stroke: () => colour(name === "limit" ? "limit" : String(at)),
          width: 1.5,
          dash: name === "limit" ? [6, 4] : undefined,
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [(made) => tell(made.cursor.idx ?? null)] },
    },
    [[], ...names.map(() => [])],
    figure.querySelector(".plot"),
  );
  new ResizeObserver(() => plot.setSize({ width: figure.clientWidth, height: HEIGHT })).observe(figure);
  return { plot, names };
}

/** Where a chart ends above. @param {string[]} names @param {number | null} most */
function ceiling(names, most) {
  if (names.includes("limit")) return LIMIT * 1.05;
  const least = { cpu: 5, pids: 5, memory: 1 << 20 }[names[0]] ?? 1000;
  return Math.max(least, (most ?? 0) * 1.1);
}

const charts = [.../** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll("[data-series]"))].map(chart);

/** @param {any} sample */
function take(sample) {
  const time = sample.time / 1000;
  const before = data.time.at(-1);
  if (before && time <= before) return;
  page.hidden = false;
  if (before && time - before > GAP) broken();
  const per = rates(last, sample, last ? time - last.time / 1000 : 0);
  last = sample;
  const now = { time, cpu: sample.cpu, memory: sample.memory, limit: LIMIT, pids: sample.pids, ...per };
  for (const [name, values] of Object.entries(data)) values.push(now[name]);
  while (data.time[0] < time - WINDOW) for (const values of Object.values(data)) values.shift();
  page.querySelector("[data-of=cpus]").textContent = sample.cpus ? `of ${sample.cpus * 100} %` : "";
  const peak = sample.peak ? `, at most ${memory(sample.peak)}` : "";
  page.querySelector("[data-of=memory]").textContent = sample.memory_limit ? `of ${memory(sample.memory_limit)}${peak}` : "";
  for (const name of ["rx", "tx", "read", "write"]) page.querySelector(`[data-sum=${name}]`).textContent = bytes(sample[name]);
  if (!paused) show();
}

/** The lines stop here: nothing is known until the next sample. */
function broken() {
  if (data.time.length === 0 || data.cpu.at(-1) === null) return;
  last = undefined;
  for (const [name, values] of Object.entries(data)) values.push(name === "time" ? data.time.at(-1) + 0.001 : null);
}

function show() {
  for (const { plot, names } of charts) plot.setData([data.time, ...names.map((name) => data[name])]);
  tell(null);
  table();
}

/** The numbers of a moment; null for the newest. @param {number | null} at */
function tell(at) {
  const index = at ?? data.time.length - 1;
  for (const shown of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll("[data-now]"))) {
    const name = /** @type {keyof WRITTEN} */ (shown.dataset.now);
    const value = data[name][index] ?? null;
    shown.textContent = value === null ? "–" : WRITTEN[name](value);
  }
  page.querySelector("[data-moment]").textContent = at === null || !data.time[at] ? "" : new Date(data.time[at] * 1000).toLocaleTimeString();
}

const ROWS = 60;
const COLUMNS = /** @type {const} */ (["cpu", "memory", "rx", "tx", "read", "write", "pids"]);
const numbers = /** @type {HTMLDetailsElement} */ (document.getElementById("numbers"));

/** The same as a table, newest first, for those who cannot see the charts. */
function table() {
  if (!numbers.open) return;
  const rows = [];
  for (let at = data.time.length - 1; at >= 0 && rows.length < ROWS; at -= 1) {
    if (data.cpu[at] === null) continue;
    const row = document.createElement("tr");
    row.append(Object.assign(document.createElement("th"), { scope: "row", textContent: new Date(data.time[at] * 1000).toLocaleTimeString() }));
    for (const name of COLUMNS) {
      const value = data[name][at];
      row.append(Object.assign(document.createElement("td"), { className: "num", textContent: value === null ? "" : WRITTEN[name](value) }));
    }
    rows.push(row);
  }
  numbers.querySelector("tbody").replaceChildren(...rows);
}

numbers.addEventListener("toggle", table);
page.querySelector("[data-pause]").addEventListener("click", (event) => {
  paused = !paused;
  const button = event.currentTarget;
  button.setAttribute("aria-pressed", String(paused));
  if (!paused) show();
});

const over = document.getElementById("stats-over");

function follow() {
  over.hidden = true;
  socket = listen(page.dataset.socket, {
    frame(frame) {
      if (frame.type === "sample") take(frame);
      else if (frame.type === "ended") ended(frame);
    },
    lost: broken,
  });
}

/** @param {{running?: boolean, exit_code?: number}} frame */
function ended(frame) {
  socket = null;
  broken();
  const code = Number.isInteger(frame.exit_code) ? ` It ended with exit code ${frame.exit_code}.` : "";
  over.querySelector("p").textContent = `It does not run, so it uses nothing.${code}`;
  over.hidden = false;
  page.hidden = data.time.length === 0;
}

// It may have been started again.
document.body.addEventListener("changed:containers", () => {
  if (!socket) follow();
});

const repaint = () => charts.forEach(({ plot }) => plot.redraw(false, true));
new MutationObserver(repaint).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
follow();
