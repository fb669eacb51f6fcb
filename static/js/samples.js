/**
 * What containers use, over a socket that is opened again when it is lost; and how such numbers are written and drawn.
 * @typedef {{id?: string, time?: number, cpu: number | null, cpus: number, memory: number, memory_limit: number, peak: number,
 *            rx: number, tx: number, read: number, write: number, pids: number}} Sample
 */
import { logIn } from "./login.js";

const LOG_IN = 4401;
const REFUSED = new Set([4403, 4404, 4409]);
const LONGEST_WAIT = 10_000;

/**
 * @param {string} path
 * @param {{frame(frame: any): void, lost?(): void}} on `lost`: the numbers are old now.
 * @returns {{close(): void}}
 */
export function listen(path, on) {
  let failures = 0;
  let over = false;
  /** @type {WebSocket} */
  let socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;

  function connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}${path}`);
    socket.addEventListener("message", (event) => {
      failures = 0;
      const frame = JSON.parse(event.data);
      if (frame.type === "ended") over = true;
      on.frame(frame);
    });
    socket.addEventListener("close", (event) => closed(event.code));
  }

  /** @param {number} code */
  function closed(code) {
    if (over) return;
    on.lost?.();
    if (code === LOG_IN) logIn();
    // The container is gone, which its page says elsewhere; or the right is, and then live.js leaves the page.
    else if (!REFUSED.has(code)) {
      failures += 1;
      waiting = setTimeout(connect, Math.min(LONGEST_WAIT, 250 * 2 ** failures) * (0.7 + Math.random() * 0.6));
    }
  }

  connect();
  return {
    close() {
      over = true;
      clearTimeout(waiting);
      socket.close();
    },
  };
}

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"];
const DECIMAL = ["B", "kB", "MB", "GB", "TB"];

/** @param {number} count @param {number} step @param {string[]} units */
function scaled(count, step, units) {
  let [value, unit] = [count, 0];
  while (value >= step && unit < units.length - 1) [value, unit] = [value / step, unit + 1];
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** As memory is counted. @param {number} count */
export const memory = (count) => scaled(count, 1024, BINARY);
/** As what goes over wires is counted. @param {number} count */
export const bytes = (count) => scaled(count, 1000, DECIMAL);
/** @param {number} count */
export const rate = (count) => `${bytes(count)}/s`;
/** Null where nothing is known yet. @param {number | null} share */
export const percent = (share) => (share === null ? "–" : `${share < 10 ? share.toFixed(1) : share.toFixed(0)} %`);

export const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [60, 16];
/** A flat line is one that hardly moves, not one that is drawn large. */
const LEAST_PEAK = 5;

/** An empty small line; `draw` fills it. */
export function spark() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(SVG, "path"));
  return svg;
}

/** @param {Element} svg @param {number[]} values The newest last. @param {number} room How many there is room for. */
export function draw(svg, values, room) {
  const peak = Math.max(LEAST_PEAK, ...values);
  const first = room - values.length;
  const points = values.map((value, at) => {
    const x = ((first + at) * WIDTH) / (room - 1);
    const y = HEIGHT - 1 - (value / peak) * (HEIGHT - 2);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  svg.firstElementChild.setAttribute("d", points.length > 1 ? `M${points.join("L")}` : "");
}

/** What is told as sums since the start, and shown per second. */
export const SUMS = /** @type {const} */ (["rx", "tx", "read", "write"]);

/**
 * Per second, between two samples; null where there is nothing to compare with, or where it began anew.
 * @param {Sample | undefined} before @param {Sample} now @param {number} seconds Between them.
 * @returns {Record<typeof SUMS[number], number | null>}
 */
export function rates(before, now, seconds) {
  const per = (/** @type {typeof SUMS[number]} */ name) => {
    const grown = before && seconds > 0 ? now[name] - before[name] : -1;
    return grown < 0 ? null : grown / seconds;
  };
  return { rx: per("rx"), tx: per("tx"), read: per("read"), write: per("write") };
}
