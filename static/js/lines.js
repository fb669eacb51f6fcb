/**
 * <line-view>: a million lines of text in a scroller, of which only those in view exist as elements.
 * Lines are of one height. Following the end is a state of its own, left by scrolling up and entered again at the end.
 */
import { parse } from "./sgr.js";

const LINE = 18;
const MARGIN = 6;
/** Browsers limit the height of an element: beyond this, one pixel of scrolling stands for more than one of text. */
const MOST_PIXELS = 15_000_000;

export class LineView extends HTMLElement {
  /** @type {(index: number) => string} */
  textAt = () => "";
  count = 0;
  #following = false;
  #marked = -1;
  #scheduled = false;
  #height = 0;
  #viewport = 0;
  #expected = -1;
  /** @type {HTMLElement[]} */
  #rows = [];
  /** @type {WeakMap<HTMLElement, string>} */
  #shown = new WeakMap();

  connectedCallback() {
    if (this.spacer) return;
    this.tabIndex = 0;
    this.setAttribute("role", "log");
    this.setAttribute("aria-live", "off");
    this.spacer = document.createElement("div");
    this.window = document.createElement("div");
    this.window.className = "window";
    this.spacer.append(this.window);
    this.append(this.spacer);
    this.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // Heard before the scrolling itself, which in a flood the next frame would undo.
    this.addEventListener(
      "wheel",
      (event) => {
        if (event.deltaY < 0 && this.scrollTop > 0) this.following = false;
      },
      { passive: true },
    );
    new ResizeObserver(() => this.refresh()).observe(this);
  }

  get following() {
    return this.#following;
  }

  set following(value) {
    if (value === this.#following) return;
    this.#following = value;
    this.dispatchEvent(new Event("followchange"));
    this.refresh();
  }

  /** Show `count` lines, of which `textAt` gives each. @param {number} count @param {(index: number) => string} textAt */
  show(count, textAt) {
    this.count = count;
    this.textAt = textAt;
    this.refresh();
  }

  /** Scroll to a line and mark it. @param {number} index */
  reveal(index) {
    this.following = false;
    this.#marked = index;
    // Before the first frame there is no height yet to scroll in.
    this.#measure();
    const ratio = this.#ratio();
    this.#expected = -1;
    this.scrollTop = Math.max(0, (index * LINE - this.clientHeight / 2) / ratio);
    this.refresh();
  }

  refresh() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  #ratio() {
    const full = this.count * LINE;
    return full > MOST_PIXELS ? (full - this.#viewport) / (MOST_PIXELS - this.#viewport) : 1;
  }

  #scrolled() {
    const end = this.#height - this.#viewport;
    // Only the reader's own scrolling counts: the height may have grown since we scrolled to the end.
    if (this.scrollTop < this.#expected - 1) this.following = false;
    else if (this.scrollTop >= end - LINE && end > 0) this.following = true;
    this.refresh();
  }

  #measure() {
    this.#viewport = this.clientHeight;
    const height = Math.min(this.count * LINE, MOST_PIXELS);
    if (height === this.#height) return;
    this.#height = height;
    this.spacer.style.height = `${height}px`;
  }

  #draw() {
    if (!this.isConnected || !this.window) return;
    this.#measure();
    if (this.#following) {
      const end = Math.max(0, this.#height - this.#viewport);
      if (Math.abs(this.scrollTop - end) > 1) this.scrollTop = end;
      this.#expected = this.scrollTop;
    } else {
      this.#expected = -1;
    }
    const top = this.scrollTop * this.#ratio();
    const first = Math.max(0, Math.floor(top / LINE) - MARGIN);
    const last = Math.min(this.count, Math.ceil((top + this.#viewport) / LINE) + MARGIN);
    this.window.style.transform = `translateY(${this.scrollTop - (top - first * LINE)}px)`;
    while (this.#rows.length < last - first) {
      const row = document.createElement("div");
      row.className = "line";
      this.#rows.push(row);
      this.window.append(row);
    }
    this.#rows.forEach((row, offset) => this.#fill(row, first + offset < last ? first + offset : -1));
  }

  /** @param {HTMLElement} row @param {number} index */
  #fill(row, index) {
    const text = index < 0 ? "" : this.textAt(index);
    const key = `${index}:${index === this.#marked}:${text}`;
    if (this.#shown.get(row) === key) return;
    this.#shown.set(row, key);
    row.hidden = index < 0;
    row.classList.toggle("marked", index >= 0 && index === this.#marked);
    row.replaceChildren(
      ...parse(text).map(([names, part]) => {
        if (!names) return part;
        const span = document.createElement("span");
        span.className = names;
        span.textContent = part;
        return span;
      }),
    );
  }
}

customElements.define("line-view", LineView);
