/**
 * Lines in blocks of one string each, with arrays of numbers beside it, since an object per line would take three times the
 * memory. A line is known by its sequence number, from 0 in the order of arrival. Beyond its limits the store forgets
 * its oldest block.
 */
import { levelOf } from "./logview-level.js";
import { plain } from "./sgr.js";

const SHIFT = 10;
const LINES = 1 << SHIFT;
const MASK = LINES - 1;
/** Of a line this many characters are shown in its row. */
export const MOST_SHOWN = 4096;

export const OUT = 1;
export const ERR = 2;
/** Said by the viewer, not by a container. */
export const MARK = 3;

/**
 * @typedef {{lines: string[] | null, text: string, starts: Uint32Array, seconds: Uint32Array, nanos: Uint32Array,
 *            kinds: Uint8Array, sources: Uint8Array, widths: Uint16Array, chars: number, more: Map<number, number>}} Block
 */

/** @returns {Block} */
function block() {
  return {
    lines: [],
    text: "",
    starts: new Uint32Array(0),
    seconds: new Uint32Array(LINES),
    nanos: new Uint32Array(LINES),
    kinds: new Uint8Array(LINES),
    sources: new Uint8Array(LINES),
    widths: new Uint16Array(LINES),
    chars: 0,
    more: new Map(),
  };
}

export class Store {
  /** The oldest line that is kept, and one after the newest. */
  first = 0;
  end = 0;
  #chars = 0;
  /** @type {(Block | undefined)[]} By sequence number / LINES; forgotten ones are empty. */
  #blocks = [];

  /** @param {number} mostLines @param {number} mostChars */
  constructor(mostLines = 1_000_000, mostChars = 200_000_000) {
    this.mostLines = mostLines;
    this.mostChars = mostChars;
  }

  get full() {
    return this.end - this.first >= this.mostLines - LINES || this.#chars >= this.mostChars;
  }

  clear() {
    this.first = this.end = this.#chars = 0;
    this.#blocks = [];
  }

  /**
   * @param {string} text @param {number} seconds Since the epoch. @param {number} nanos @param {number} stream OUT, ERR or MARK.
   * @param {number} source Which container. @param {number} more Characters of the line that were not kept.
   */
  add(text, seconds, nanos, stream, source, more = 0) {
    const at = this.end & MASK;
    if (at === 0) this.#blocks.push(block());
    const into = this.#blocks[this.end >> SHIFT];
    const bare = plain(text.length > MOST_SHOWN ? text.slice(0, MOST_SHOWN) : text);
    into.lines.push(text);
    into.seconds[at] = seconds;
    into.nanos[at] = nanos;
    into.kinds[at] = stream | ((stream === MARK ? 0 : levelOf(bare)) << 2);
    into.sources[at] = source;
    into.widths[at] = columns(bare);
    into.chars += text.length;
    this.#chars += text.length;
    if (more) into.more.set(at, more);
    this.end += 1;
    if (at === MASK) this.#seal(into);
  }

  /** @param {Block} full */
  #seal(full) {
    full.starts = new Uint32Array(LINES + 1);
    let start = 0;
    full.lines.forEach((line, at) => {
      full.starts[at] = start;
      start += line.length + 1;
    });
    full.starts[LINES] = start;
    full.text = full.lines.join("\n");
    full.lines = null;
    while (this.end - this.first > this.mostLines || this.#chars > this.mostChars) {
      const oldest = this.#blocks[this.first >> SHIFT];
      if (oldest === full) break;
      this.#chars -= oldest.chars;
      this.#blocks[this.first >> SHIFT] = undefined;
      this.first += LINES;
    }
  }

  /** @param {number} line */
  #of(line) {
    return this.#blocks[line >> SHIFT];
  }

  /** As it was printed, escape sequences included. @param {number} line */
  text(line) {
    const from = this.#of(line);
    const at = line & MASK;
    return from.lines ? from.lines[at] : from.text.slice(from.starts[at], from.starts[at + 1] - 1);
  }

  /** The lines of the block that `line` is in, from `line` on: what they say, joined by newlines. @param {number} line */
  rest(line) {
    const from = this.#of(line);
    if (from.lines) return from.lines.slice(line & MASK).join("\n");
    return from.text.slice(from.starts[line & MASK]);
  }

  /** One after the last line of the block that `line` is in. @param {number} line */
  restEnd(line) {
    return Math.min(this.end, ((line >> SHIFT) + 1) << SHIFT);
  }

  /** @param {number} line */
  seconds(line) {
    return this.#of(line).seconds[line & MASK];
  }

  /** @param {number} line */
  nanos(line) {
    return this.#of(line).nanos[line & MASK];
  }

  /** @param {number} line */
  stream(line) {
    return this.#of(line).kinds[line & MASK] & 3;
  }

  /** @param {number} line An index of LEVELS. */
  level(line) {
    return this.#of(line).kinds[line & MASK] >> 2;
  }

  /** @param {number} line */
  source(line) {
    return this.#of(line).sources[line & MASK];
  }

  /** How many columns of a monospaced font it takes. @param {number} line */
  width(line) {
    return this.#of(line).widths[line & MASK];
  }

  /** Characters of it that were not kept. @param {number} line */
  more(line) {
    return this.#of(line).more.get(line & MASK) ?? 0;
  }

  /** The timestamp as RFC 3339, with all of its nanoseconds. @param {number} line */
  stamp(line) {
    const whole = new Date(this.seconds(line) * 1000).toISOString().slice(0, 19);
    return `${whole}.${String(this.nanos(line)).padStart(9, "0")}Z`;
  }
}

/** @param {string} bare */
function columns(bare) {
  if (!bare.includes("\t")) return bare.length;
  let width = 0;
  for (const character of bare) width += character === "\t" ? 8 - (width % 8) : 1;
  return width;
}
