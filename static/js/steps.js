/** <step-list>: the steps of a build, or the layers of a pull, each with state, time or bytes, and its own lines. */
import { LineView } from "./lines.js";

const WORDS = { waiting: "waiting", running: "running", done: "done", cached: "cached", error: "failed", cancelled: "cancelled" };
const MARKS = { waiting: "○", running: "◐", done: "✓", cached: "≡", error: "✕", cancelled: "⊘" };
const TONES = { waiting: "neutral", running: "info", done: "success", cached: "neutral", error: "danger", cancelled: "warning" };
const PREFIX = /^#\d+ (?:\d+\.\d+ )?/;
const MOST_LINES_HIGH = 24;
const LINE = 18;

/** @param {number} seconds */
function time(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/** @param {number} bytes */
function size(bytes) {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export class StepList extends HTMLElement {
  bytes = false;
  over = false;
  #following = true;
  /** @type {Map<string, {row: HTMLElement, item: any, view: LineView | null}>} */
  #rows = new Map();
  /** @type {Map<number, number[]>} Step -> indexes of its lines. */
  #lines = new Map();
  /** @type {(index: number) => string} */
  #textAt = () => "";

  connectedCallback() {
    this.setAttribute("role", "list");
    this.addEventListener("click", (event) => {
      const head = event.target instanceof Element ? event.target.closest(".step-head") : null;
      const row = head?.closest(".step");
      if (!row) return;
      this.following = false;
      this.#open(row.dataset.id, !row.classList.contains("open"));
    });
    this.timer = setInterval(() => this.#tick(), 500);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  get size() {
    return this.#rows.size;
  }

  /** While following, the step that runs is open. */
  get following() {
    return this.#following;
  }

  set following(value) {
    if (value === this.#following) return;
    this.#following = value;
    this.dispatchEvent(new Event("followchange"));
    if (!value) return;
    for (const { view } of this.#rows.values()) if (view) view.following = true;
    this.#followRunning();
  }

  /** @param {number} step @param {number} index */
  addLine(step, index) {
    const lines = this.#lines.get(step);
    if (lines) lines.push(index);
    else this.#lines.set(step, [index]);
  }

  /** Draw the lines of open steps again. @param {(index: number) => string} textAt */
  refresh(textAt) {
    this.#textAt = textAt;
    if (this.#following && !this.over) this.#followRunning();
    for (const [id, { view }] of this.#rows) if (view) this.#fill(id, view);
  }

  /** @param {any[]} items */
  update(items) {
    for (const item of items) {
      const id = String(item.id);
      const known = this.#rows.get(id);
      if (!known) this.#add(id, item);
      else if (known.item.state !== item.state || known.item.current !== item.current || known.item.name !== item.name) {
        known.item = item;
        this.#draw(known.row, item);
      } else known.item = item;
      if (item.state === "error" && known?.item !== item) this.#fail(id);
    }
    if (items.some((item) => item.state === "error")) this.#fail(String(items.find((item) => item.state === "error").id));
    else if (this.#following && !this.over) this.#followRunning();
  }

  /** @param {string} id @param {any} item */
  #add(id, item) {
    const row = document.createElement("div");
    row.className = "step";
    row.dataset.id = id;
    row.setAttribute("role", "listitem");
    const head = document.createElement(this.bytes ? "div" : "button");
    head.className = this.bytes ? "step-line" : "step-head";
    if (!this.bytes) {
      head.type = "button";
      head.setAttribute("aria-expanded", "false");
    }
    for (const name of ["mark", "name", "bar", "state", "time"]) {
      const part = document.createElement(name === "bar" && this.bytes ? "progress" : "span");
      part.className = name;
      if (name === "mark") part.ariaHidden = "true";
      if (name !== "bar" || this.bytes) head.append(part);
    }
    row.append(head);
    this.append(row);
    this.#rows.set(id, { row, item, view: null });
    this.#draw(row, item);
  }

  /** @param {HTMLElement} row @param {any} item */
  #draw(row, item) {
    row.className = `step ${TONES[item.state] ?? "neutral"}${row.classList.contains("open") ? " open" : ""}`;
    row.querySelector(".mark").textContent = MARKS[item.state] ?? "○";
    row.querySelector(".name").textContent = this.bytes ? item.id : item.name;
    row.querySelector(".name").title = this.bytes ? item.id : item.name;
    row.querySelector(".state").textContent = this.bytes ? item.name.toLowerCase() : (WORDS[item.state] ?? item.state);
    const bar = row.querySelector("progress");
    if (bar) {
      const over = item.state === "done" || item.state === "cached";
      bar.max = over ? 1 : item.total || 1;
      bar.value = over ? 1 : item.current || 0;
      row.querySelector(".time").textContent = item.total ? size(item.total) : "";
    } else this.#time(row, item);
  }

  /** @param {HTMLElement} row @param {any} item */
  #time(row, item) {
    let seconds = item.seconds;
    if (seconds === null && item.started && item.state === "running") seconds = Math.max(0, Date.now() / 1000 - item.started);
    row.querySelector(".time").textContent = typeof seconds === "number" && item.state !== "cached" ? time(seconds) : "";
  }

  #tick() {
    if (this.over || this.bytes) return;
    for (const { row, item } of this.#rows.values()) if (item.state === "running") this.#time(row, item);
  }

  #followRunning() {
    const running = [...this.#rows].filter(([id, { item }]) => item.state === "running" && (this.#lines.get(Number(id))?.length ?? 0) > 1);
    const last = running.at(-1);
    if (!last || this.bytes) return;
    for (const [id] of this.#rows) if (id !== last[0]) this.#open(id, false);
    this.#open(last[0], true);
  }

  /** @param {string} id */
  #fail(id) {
    const entry = this.#rows.get(id);
    if (!entry || entry.row.dataset.failed) return;
    entry.row.dataset.failed = "true";
    if (!this.#following) {
      // What one is reading stays where it is.
      this.#open(id, true);
      return;
    }
    for (const [other] of this.#rows) if (other !== id) this.#open(other, false);
    this.#open(id, true);
    entry.row.scrollIntoView({ block: "nearest" });
  }

  /** @param {string | undefined} id @param {boolean} open */
  #open(id, open) {
    const entry = this.#rows.get(id ?? "");
    if (!entry || this.bytes || entry.row.classList.contains("open") === open) return;
    entry.row.classList.toggle("open", open);
    entry.row.querySelector(".step-head").setAttribute("aria-expanded", String(open));
    if (!open) {
      entry.view?.remove();
      entry.view = null;
      return;
    }
    entry.view = /** @type {LineView} */ (document.createElement("line-view"));
    entry.view.setAttribute("aria-label", `Lines of ${entry.item.name}`);
    entry.row.append(entry.view);
    entry.view.following = true;
    // Who scrolls up in a step reads it: the next step must not close it.
    entry.view.addEventListener("followchange", () => {
      if (!entry.view?.following) this.following = false;
    });
    this.#fill(id ?? "", entry.view);
  }

  /** @param {string} id @param {LineView} view */
  #fill(id, view) {
    // The first line repeats the step's name.
    const lines = this.#lines.get(Number(id)) ?? [];
    const count = Math.max(0, lines.length - 1);
    view.style.blockSize = `${Math.min(Math.max(count, 1), MOST_LINES_HIGH) * LINE}px`;
    if (!count) view.show(1, () => "(no output)");
    else view.show(count, (index) => this.#textAt(lines[index + 1]).replace(PREFIX, ""));
  }
}

customElements.define("step-list", StepList);
