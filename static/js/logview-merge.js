/**
 * Lines of several containers in the order of their timestamps. A line waits until every other container has told of a
 * later one, or has been silent for WINDOW; in the beginning until the others have answered, but no longer than PATIENCE.
 */
const WINDOW = 300;
const PATIENCE = 3000;
/** Lines given out that are still kept, since taking each from an array's beginning would move all others. */
const MOST_PASSED = 10_000;

/** @typedef {{text: string, seconds: number, nanos: number, stream: number, source: number, more: number, came: number}} Line */

export class Merge {
  #began = performance.now();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {number} count Of containers. @param {(line: Line) => void} out @param {() => void} done After lines were given out. */
  constructor(count, out, done) {
    /** @type {{lines: Line[], at: number, opening: boolean, quiet: boolean}[]} */
    this.queues = Array.from({ length: count }, () => ({ lines: [], at: 0, opening: true, quiet: false }));
    this.out = out;
    this.done = done;
  }

  /** @param {Line} line */
  add(line) {
    line.came = performance.now();
    this.queues[line.source].lines.push(line);
  }

  /** @param {number} source @param {boolean} opening Its first lines are still to come. @param {boolean} quiet It will not tell anything now. */
  note(source, opening, quiet) {
    Object.assign(this.queues[source], { opening, quiet });
    this.flow();
  }

  close() {
    clearTimeout(this.#timer);
  }

  /** Give out what need not wait any longer. */
  flow() {
    const now = performance.now();
    let some = false;
    for (;;) {
      const next = this.#earliest();
      if (!next) break;
      if (this.#waits(next.lines[next.at], now)) break;
      this.out(next.lines[next.at]);
      next.at += 1;
      some = true;
      if (next.at === next.lines.length || next.at > MOST_PASSED) {
        next.lines = next.lines.slice(next.at);
        next.at = 0;
      }
    }
    clearTimeout(this.#timer);
    if (this.queues.some(({ lines, at }) => at < lines.length)) this.#timer = setTimeout(() => this.flow(), WINDOW / 4);
    if (some) this.done();
  }

  #earliest() {
    let best = null;
    for (const queue of this.queues) {
      if (queue.at < queue.lines.length && (!best || before(queue.lines[queue.at], best.lines[best.at]))) best = queue;
    }
    return best;
  }

  /** @param {Line} line @param {number} now */
  #waits(line, now) {
    const patient = now - this.#began < PATIENCE;
    return this.queues.some(({ lines, at, opening, quiet }) => {
      if (at < lines.length || quiet) return false;
      return opening ? patient : now - line.came < WINDOW;
    });
  }
}

/** @param {Line} one @param {Line} other */
function before(one, other) {
  return one.seconds < other.seconds || (one.seconds === other.seconds && one.nanos < other.nanos);
}
