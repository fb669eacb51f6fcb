/**
 * What the viewer shows and how, as the page's address says it, so that a link shows the same. How lines look is also
 * remembered by the browser.
 */
import { LEVELS } from "./logview-level.js";

const LOOKS = "log";
const DEFAULTS = { tail: "1000", since: "", until: "", out: true, err: true, follow: true, time: "off", wrap: false, q: "", regex: false, mode: "mark", levels: LEVELS, hide: /** @type {string[]} */ ([]) };
/** Minutes of the presets. */
const PRESETS = { "5m": 5, "15m": 15, "1h": 60, "24h": 1440 };
const SPAN_MS = 60_000;
const MARKED = /^#L(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z$/;

/** @typedef {typeof DEFAULTS} Options */

/** @returns {Options} */
export function read() {
  const query = new URLSearchParams(location.search);
  const looks = remembered();
  const text = (name, among) => (query.has(name) && (!among || among.includes(query.get(name))) ? query.get(name) : (looks[name] ?? DEFAULTS[name]));
  const flag = (name) => (query.has(name) ? query.get(name) === "1" : (looks[name] ?? DEFAULTS[name]));
  const list = (name) => (query.has(name) ? query.get(name).split(",").filter(Boolean) : DEFAULTS[name]);
  return {
    tail: /^(?:\d{1,7}|all)$/.test(query.get("tail") ?? "") ? query.get("tail") : DEFAULTS.tail,
    since: text("since"),
    until: text("until"),
    out: flag("out"),
    err: flag("err"),
    follow: flag("follow"),
    time: text("time", ["off", "local", "utc"]),
    wrap: flag("wrap"),
    q: text("q"),
    regex: flag("regex"),
    mode: text("mode", ["mark", "only", "hide"]),
    levels: list("levels"),
    hide: list("hide"),
  };
}

/** Put it into the address, and remember how lines look. @param {Options} options */
export function write(options) {
  const query = new URLSearchParams();
  for (const container of new URLSearchParams(location.search).getAll("container")) query.append("container", container);
  for (const [name, value] of Object.entries(options)) {
    if (String(value) === String(DEFAULTS[name])) continue;
    query.set(name, typeof value === "boolean" ? String(Number(value)) : String(value));
  }
  localStorage.setItem(LOOKS, JSON.stringify({ time: options.time, wrap: options.wrap }));
  const text = query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  history.replaceState(history.state, "", `${location.pathname}${text && `?${text}`}${location.hash}`);
}

/** @returns {{time?: string, wrap?: boolean}} */
function remembered() {
  try {
    return JSON.parse(localStorage.getItem(LOOKS) ?? "{}");
  } catch {
    return {};
  }
}

/** The timestamp of the line that the address marks, or "". */
export function marked() {
  return MARKED.test(location.hash) ? location.hash.slice(2) : "";
}

/** The options that show what is around a timestamp. @param {Options} options @param {string} stamp @returns {Options} */
export function around(options, stamp) {
  const moment = Date.parse(`${stamp.slice(0, 19)}Z`);
  const [since, until] = [-SPAN_MS, SPAN_MS].map((span) => new Date(moment + span).toISOString());
  return { ...options, tail: "all", since, until, follow: false };
}

/** A moment as RFC 3339, from a preset, "today" or a moment; "" where it is none. @param {string} value */
export function moment(value) {
  if (!value) return "";
  const now = new Date();
  if (value === "today") return new Date(now.getFullYear(), now.getMonth(), now.getDate()).toISOString();
  if (PRESETS[value]) return new Date(now.getTime() - PRESETS[value] * 60_000).toISOString();
  const given = new Date(value);
  if (Number.isNaN(given.getTime())) return "";
  // As it stands, with its nanoseconds; what a form gives is in the reader's own zone.
  return value.endsWith("Z") ? value : given.toISOString();
}

/** The query of the log's socket. @param {Options} options */
export function asked(options) {
  const [since, until] = [moment(options.since), moment(options.until)];
  const query = new URLSearchParams({ tail: since ? "all" : options.tail, stdout: String(Number(options.out)), stderr: String(Number(options.err)), follow: "1" });
  if (since) query.set("since", since);
  if (until) query.set("until", until);
  return query;
}

/** In a few words, what is shown. @param {Options} options */
export function words(options) {
  const names = { "5m": "Last 5 minutes", "15m": "Last 15 minutes", "1h": "Last hour", "24h": "Last 24 hours", today: "Today" };
  if (names[options.since] && !options.until) return names[options.since];
  if (options.since || options.until) return "Chosen time";
  return options.tail === "all" ? "All lines" : `Last ${Number(options.tail).toLocaleString("en")} lines`;
}
