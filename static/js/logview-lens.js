/**
 * Which lines of a store are shown, in order, and how many rows of the screen each takes: one, or when lines are wrapped
 * as many as its columns need. Places are numbers that stay the same while the store forgets old lines.
 */
const SHIFT = 10;
const CHUNK = 1 << SHIFT;

export class Lens {
  /** The first place, and one after the last. */
  first = 0;
  end = 0;
  /** Columns of a row; 0 when lines are not wrapped. */
  #columns = 0;
  /** The place that is at index 0 of the arrays; a multiple of CHUNK. */
  #base = 0;
  #lines = new Uint32Array(CHUNK);
  /** @type {number[]} Rows per CHUNK of places. */
  #sums = [];
  #rows = 0;

  /** @param {import("./logview-store.js").Store} store */
  constructor(store) {
    this.store = store;
  }

  /** In all. */
  get rows() {
    return this.#columns ? this.#rows : this.end - this.first;
  }

  get count() {
    return this.end - this.first;
  }

  clear() {
    this.first = this.end = this.#base = this.#rows = 0;
    this.#sums = [];
  }

  /** @param {number} line */
  push(line) {
    if (this.end - this.#base === this.#lines.length) this.#grow();
    this.#lines[this.end - this.#base] = line;
    this.end += 1;
    if (this.#columns) this.#count((this.end - 1) >> SHIFT, this.#height(line));
  }

  /** The line at `place`. @param {number} place */
  line(place) {
    return this.#lines[place - this.#base];
  }

  /** Forget what the store has forgotten. */
  trim() {
    const before = this.first;
    while (this.first < this.end && this.line(this.first) < this.store.first) this.first += 1;
    if (this.first === before || !this.#columns) return;
    for (let chunk = before >> SHIFT; chunk <= this.first >> SHIFT; chunk += 1) this.#recount(chunk);
  }

  /** @param {number} columns */
  wrap(columns) {
    if (columns === this.#columns) return false;
    this.#columns = columns;
    this.#sums = [];
    this.#rows = 0;
    if (columns) for (let chunk = this.first >> SHIFT; chunk << SHIFT < this.end; chunk += 1) this.#recount(chunk);
    return true;
  }

  /** How many rows stand before `place`. @param {number} place */
  before(place) {
    if (!this.#columns) return place - this.first;
    let rows = 0;
    const chunk = place >> SHIFT;
    for (let each = this.first >> SHIFT; each < chunk; each += 1) rows += this.#sums[each];
    for (let each = Math.max(this.first, chunk << SHIFT); each < place; each += 1) rows += this.#height(this.line(each));
    return rows;
  }

  /** The place whose rows hold this row. @param {number} row */
  at(row) {
    if (!this.#columns) return Math.min(this.end - 1, this.first + Math.floor(row));
    let rest = row;
    let chunk = this.first >> SHIFT;
    while (rest >= this.#sums[chunk]) {
      rest -= this.#sums[chunk];
      chunk += 1;
    }
    let place = Math.max(this.first, chunk << SHIFT);
    while (place < this.end - 1) {
      const height = this.#height(this.line(place));
      if (rest < height) break;
      rest -= height;
      place += 1;
    }
    return Math.min(place, this.end - 1);
  }

  /** The place of `line`, or of the first one after it. @param {number} line */
  placeOf(line) {
    let low = this.first;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.line(middle) < line) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {number} line */
  #height(line) {
    return this.#columns ? Math.max(1, Math.ceil(this.store.width(line) / this.#columns)) : 1;
  }

  /** @param {number} chunk @param {number} rows */
  #count(chunk, rows) {
    this.#sums[chunk] = (this.#sums[chunk] ?? 0) + rows;
    this.#rows += rows;
  }

  /** @param {number} chunk */
  #recount(chunk) {
    let rows = 0;
    const end = Math.min(this.end, (chunk + 1) << SHIFT);
    for (let place = Math.max(this.first, chunk << SHIFT); place < end; place += 1) rows += this.#height(this.line(place));
    this.#count(chunk, rows - (this.#sums[chunk] ?? 0));
  }

  /** Room for more: where much was forgotten, by moving what is left. */
  #grow() {
    const kept = (this.first >> SHIFT) << SHIFT;
    const used = this.#lines.subarray(kept - this.#base);
    const lines = used.length > this.#lines.length / 2 ? new Uint32Array(this.#lines.length * 2) : new Uint32Array(this.#lines.length);
    lines.set(used);
    this.#lines = lines;
    this.#base = kept;
  }
}
