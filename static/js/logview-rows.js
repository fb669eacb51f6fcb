/**
 * <log-rows>: the lines of a lens in a scroller, of which only those in view exist as elements. Following the end is a
 * state of its own, left by scrolling up and entered again at the end. Where one reads, the line at the top stays
 * where it is, whatever comes or is forgotten.
 */
export const ROW = 18;
const MARGIN = 6;
/** Browsers limit the height of an element: beyond this, one pixel of scrolling stands for more than one of text. */
const MOST_PIXELS = 15_000_000;

export class LogRows extends HTMLElement {
  /** @type {import("./logview-lens.js").Lens | null} */
  lens = null;
  /** Fills a row with what it shows. @type {(row: HTMLElement, line: number) => void} */
  fill = () => {};
  #following = false;
  #wrap = false;
  #scheduled = false;
  #height = -1;
  #viewport = 0;
  /** Where we scrolled to ourselves: from anywhere else, the reader did. */
  #expected = -1;
  /** The place at the top and how many pixels of it are above; null after the reader scrolled. @type {{place: number, above: number} | null} */
  #held = null;
  #edition = 0;
  /** What the columns were measured for, and how many there were. */
  #measured = "";
  #columnsThen = 0;
  /** @type {HTMLElement[]} */
  #rows = [];
  /** @type {WeakMap<HTMLElement, string>} */
  #shown = new WeakMap();

  connectedCallback() {
    if (this.spacer) return;
    this.tabIndex = 0;
    this.setAttribute("role", "log");
    // A flood read aloud helps nobody: lines are read where one goes.
    this.setAttribute("aria-live", "off");
    this.spacer = document.createElement("div");
    this.window = document.createElement("div");
    this.window.className = "window";
    this.probe = document.createElement("div");
    this.probe.className = "line probe";
    this.probe.ariaHidden = "true";
    this.spacer.append(this.window, this.probe);
    this.append(this.spacer);
    this.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // Heard before the scrolling itself, which in a flood the next frame would undo.
    this.addEventListener("wheel", (event) => event.deltaY < 0 && this.scrollTop > 0 && this.pause(), { passive: true });
    document.addEventListener("selectionchange", () => {
      const selection = getSelection();
      if (this.#following && !selection.isCollapsed && this.contains(selection.anchorNode)) this.pause();
    });
    new ResizeObserver(() => this.refresh()).observe(this);
  }

  get following() {
    return this.#following;
  }

  set following(value) {
    if (value === this.#following) return;
    this.#following = value;
    if (value) this.#held = null;
    this.dispatchEvent(new Event("followchange"));
    this.refresh();
  }

  get wrap() {
    return this.#wrap;
  }

  set wrap(value) {
    this.#wrap = value;
    this.classList.toggle("wrap", value);
    this.again();
  }

  pause() {
    this.following = false;
  }

  /** How the same lines are shown has changed. */
  again() {
    this.#edition += 1;
    this.refresh();
  }

  /** The lens shows other lines than before: `place` is to be at the top, or the first one. @param {number} [place] */
  reset(place) {
    this.#held = { place: place ?? this.lens.first, above: 0 };
    this.again();
  }

  /** The place at the top of the view. */
  get top() {
    return Math.max(this.#held?.place ?? 0, this.lens.first);
  }

  /** The places that are in view. @returns {[number, number]} */
  get view() {
    const drawn = this.#rows.filter((row) => !row.hidden && row.offsetHeight);
    const box = this.getBoundingClientRect();
    const seen = drawn.filter((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return bottom > box.top && top < box.bottom;
    });
    return seen.length ? [Number(seen[0].dataset.place), Number(seen.at(-1).dataset.place) + 1] : [0, 0];
  }

  /** Scroll to a place, in the middle of the view. @param {number} place */
  reveal(place) {
    this.following = false;
    this.#measure();
    this.#hold(Math.max(0, this.lens.before(place) * ROW - (this.#viewport - ROW) / 2));
    this.again();
  }

  /** Scroll to a place only where it is not in view. @param {number} place */
  keep(place) {
    this.#measure();
    const above = this.lens.before(place) * ROW - (this.lens.before(this.top) * ROW + (this.#held?.above ?? 0));
    if (above < 0 || above > this.#viewport - ROW) this.reveal(place);
  }

  /** Rows to go by a page. */
  get page() {
    return Math.max(1, Math.floor(this.clientHeight / ROW) - 1);
  }

  /** @param {number} rows */
  scrollRows(rows) {
    if (rows < 0) this.pause();
    this.scrollBy({ top: (rows * ROW) / this.#ratio(), behavior: "instant" });
  }

  toStart() {
    this.following = false;
    this.#hold(0);
    this.refresh();
  }

  /** @param {number} pixels Of text. */
  #hold(pixels) {
    if (!this.lens.count) return;
    const place = this.lens.at(pixels / ROW);
    this.#held = { place, above: pixels - this.lens.before(place) * ROW };
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
    const full = this.lens.rows * ROW;
    return full > MOST_PIXELS ? (full - this.#viewport) / (MOST_PIXELS - this.#viewport) : 1;
  }

  #scrolled() {
    if (Math.abs(this.scrollTop - this.#expected) > 1) {
      this.#held = null;
      const end = this.scrollHeight - this.clientHeight;
      // A view that grew was moved to the end by the browser, and not by the reader.
      if (this.scrollTop >= end - 2) this.following = true;
      else if (this.scrollTop < this.#expected) this.following = false;
    }
    this.refresh();
  }

  #measure() {
    this.#viewport = this.clientHeight;
    this.lens.wrap(this.#wrap ? this.#columns() : 0);
    const height = Math.min(this.lens.rows * ROW, MOST_PIXELS);
    if (height === this.#height) return;
    this.#height = height;
    this.spacer.style.height = `${height}px`;
  }

  /** Of a line's text, beside its time and name. */
  #columns() {
    const measured = `${this.clientWidth}:${this.#edition}`;
    if (measured === this.#measured) return this.#columnsThen;
    this.#measured = measured;
    this.fill(this.probe, -1);
    const text = this.probe.lastElementChild;
    const range = document.createRange();
    range.selectNodeContents(text);
    const letter = range.getBoundingClientRect().width / text.textContent.length;
    this.#columnsThen = Math.max(10, Math.floor(text.getBoundingClientRect().width / letter));
    return this.#columnsThen;
  }

  #draw() {
    if (!this.isConnected || !this.lens) return;
    this.#measure();
    const { lens } = this;
    if (!lens.count) {
      for (const row of this.#rows) row.hidden = true;
      return;
    }
    const room = Math.ceil(this.#viewport / ROW) + MARGIN;
    if (this.#following) this.#drawEnd(Math.max(lens.first, lens.at(Math.max(0, lens.rows - room))));
    else this.#drawFrom(room);
    this.#expected = this.scrollTop;
  }

  /** The last lines, of which the last is at the bottom. @param {number} first */
  #drawEnd(first) {
    const end = Math.max(0, this.#height - this.#viewport);
    if (Math.abs(this.scrollTop - end) > 1) this.scrollTop = end;
    const full = this.#height > this.#viewport;
    this.window.style.transform = full ? `translateY(calc(${this.scrollTop + this.#viewport}px - 100%))` : "none";
    this.#fill(first, this.lens.end);
    const place = this.lens.at(Math.max(0, this.lens.rows - this.#viewport / ROW));
    this.#held = { place, above: 0 };
  }

  /** From the line that is held, or where the reader scrolled to. @param {number} room Rows to draw. */
  #drawFrom(room) {
    const { lens } = this;
    const ratio = this.#ratio();
    if (this.#held) {
      if (this.#held.place < lens.first) this.#held = { place: lens.first, above: 0 };
      const pixels = (lens.before(Math.min(this.#held.place, lens.end)) * ROW + this.#held.above) / ratio;
      if (Math.abs(this.scrollTop - pixels) >= 1) this.scrollTop = pixels;
    } else this.#hold(this.scrollTop * ratio);
    const most = lens.rows * ROW - this.#viewport;
    if (lens.before(this.#held.place) * ROW + this.#held.above > most) this.#hold(Math.max(0, most));
    const top = lens.before(this.#held.place) * ROW;
    const first = lens.at(Math.max(0, top / ROW - MARGIN));
    this.window.style.transform = `translateY(${this.scrollTop - this.#held.above - (top - lens.before(first) * ROW)}px)`;
    this.#fill(first, Math.min(lens.end, lens.at(top / ROW + room) + 1));
  }

  /** @param {number} first @param {number} end */
  #fill(first, end) {
    while (this.#rows.length < end - first) {
      const row = document.createElement("div");
      row.className = "line";
      this.#rows.push(row);
      this.window.append(row);
    }
    this.#rows.forEach((row, offset) => {
      const place = first + offset;
      const key = place < end ? `${place}:${this.#edition}` : "";
      if (this.#shown.get(row) === key) return;
      this.#shown.set(row, key);
      row.hidden = !key;
      row.dataset.place = String(place);
      if (key) this.fill(row, this.lens.line(place));
    });
  }
}

customElements.define("log-rows", LogRows);
