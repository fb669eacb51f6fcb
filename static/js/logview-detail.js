/** All there is to one line: its time, where it comes from, and its text whole; where it holds JSON, as a tree. */
import { spelled, size } from "./logview-time.js";
import { visible } from "./sgr.js";

/** More would hold up the page: the text has the rest. */
const MOST_NODES = 2000;
const MOST_DEEP = 30;

/** @param {string} name @param {string} text @param {string} [kind] */
function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/** The JSON object or array that a line holds, maybe after a word or two. @param {string} text */
export function json(text) {
  const start = /^[^{[]{0,200}(?=[{[]["{[\]}\d-])/.exec(text)?.[0].length ?? -1;
  if (start < 0) return undefined;
  try {
    const value = JSON.parse(text.slice(start));
    return typeof value === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @param {unknown} value @param {string} key @param {{left: number}} budget @param {number} depth @returns {HTMLElement} */
function tree(value, key, budget, depth) {
  budget.left -= 1;
  const item = document.createElement("li");
  const name = key ? [element("span", visible(key), "key"), ": "] : [];
  if (value === null || typeof value !== "object") {
    item.append(...name, element("span", visible(JSON.stringify(value)), `value ${value === null ? "null" : typeof value}`));
    return item;
  }
  const entries = Object.entries(value);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  if (!entries.length) {
    item.append(...name, element("span", open + close, "value"));
    return item;
  }
  const details = document.createElement("details");
  details.open = depth < 3;
  const summary = document.createElement("summary");
  summary.append(...name, element("span", `${open}${entries.length}${close}`, "muted"));
  const list = document.createElement("ul");
  for (const [inner, each] of entries) {
    if (budget.left <= 0 || depth >= MOST_DEEP) {
      list.append(element("li", "… the text has the rest", "muted"));
      break;
    }
    list.append(tree(each, inner, budget, depth + 1));
  }
  details.append(summary, list);
  item.append(details);
  return item;
}

/**
 * @param {HTMLElement} into
 * @param {{text: string, stamp: string, stream: string, level: string, name: string, more: number}} line `text` without escape sequences.
 */
export function show(into, line) {
  const facts = document.createElement("dl");
  facts.className = "facts";
  const fact = (name, ...values) => {
    const value = document.createElement("dd");
    value.append(...values);
    facts.append(element("dt", name), value);
  };
  fact("Time", element("code", line.stamp), element("div", spelled(line.stamp), "muted small"));
  fact("From", `${line.name}, ${line.stream}`);
  if (line.level !== "none") fact("Level", line.level);
  if (line.more) fact("Cut", `${size(line.more)} of this line are in the download.`);
  const parts = [facts];
  const value = json(line.text);
  if (value !== undefined) {
    const list = document.createElement("ul");
    list.className = "tree";
    list.append(tree(value, "", { left: MOST_NODES }, 0));
    parts.push(list);
  }
  parts.push(element("pre", visible(line.text), "whole"));
  into.replaceChildren(...parts);
}
