/** Searches the lines of a store, and goes on with those that come. The work is done in a worker, a block at a time. */
import { matches } from "./logview-matcher.js";
import { MARK } from "./logview-store.js";
import { plain, visible } from "./sgr.js";

/** What a block may take: a pattern that needs longer might never end. */
const MOST_MS = 2000;
const SPECIAL = /[.*+?^${}()|[\]\\]/g;

// The one script that may run as a worker, whatever is asked for.
const only = { createScriptURL: () => import.meta.resolve("./logview-matcher.js") };
const policy = globalThis.trustedTypes?.createPolicy("pilothouse-matcher", only) ?? only;

/** @param {string} text @returns {string} As it is seen. */
function seen(text) {
  return visible(text.includes("\x1b") ? text.split("\n").map(plain).join("\n") : text);
}

export class Finder {
  /** Lines that match, in order. @type {number[]} */
  hits = [];
  /** The next line to search. */
  scanned = 0;
  /** What is wrong with the pattern, as a sentence. */
  fault = "";
  /** @type {RegExp | null} */
  #pattern = null;
  #busy = false;
  /** Of the search: an answer to an earlier one is not taken. */
  #edition = 0;
  /** @type {Worker | null} */
  #worker = null;

  /**
   * @param {import("./logview-store.js").Store} store
   * @param {{found(from: number, end: number, hits: number[]): void, changed(): void}} on Lines from..end were searched.
   */
  constructor(store, on) {
    this.store = store;
    this.on = on;
  }

  get active() {
    return this.#pattern !== null;
  }

  get searching() {
    return this.active && this.scanned < this.store.end;
  }

  /** @param {string} words Nothing ends the search. @param {boolean} regex */
  find(words, regex) {
    this.#end();
    this.fault = "";
    this.#pattern = null;
    try {
      if (words) this.#pattern = new RegExp(regex ? words : words.replace(SPECIAL, "\\$&"), "gi");
    } catch (error) {
      this.fault = `Not a pattern: ${error.message.split(": ").at(-1).toLowerCase()}.`;
    }
    this.again();
  }

  /** From the first line. */
  again() {
    this.#edition += 1;
    this.hits = [];
    this.scanned = this.store.first;
    this.on.changed();
    this.more();
  }

  /** Lines have come. */
  async more() {
    if (this.#busy) return;
    this.#busy = true;
    while (this.searching) await this.#block();
    this.#busy = false;
  }

  /** Where a line that is a hit matches, as it is shown. @param {string} text */
  marks(text) {
    return this.#pattern ? matches(this.#pattern, text) : [];
  }

  /** @param {number} line */
  has(line) {
    return this.hits[this.index(line)] === line;
  }

  /** Which hit is at `line`, or the first after it. @param {number} line */
  index(line) {
    let low = 0;
    let high = this.hits.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.hits[middle] < line) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async #block() {
    const { store } = this;
    const edition = this.#edition;
    const from = Math.max(this.scanned, store.first);
    const end = store.restEnd(from);
    const found = await this.#ask(this.#pattern, seen(store.rest(from)));
    if (edition !== this.#edition) return;
    if (!found) {
      this.#pattern = null;
      this.hits = [];
      this.fault = "This pattern takes too long; the search was given up.";
      this.on.changed();
      return;
    }
    if (this.hits.length && this.hits[0] < store.first) this.hits = this.hits.slice(this.index(store.first));
    const lines = found.map((index) => from + index).filter((line) => line >= store.first && store.stream(line) !== MARK);
    for (const line of lines) this.hits.push(line);
    this.scanned = end;
    this.on.found(from, end, lines);
    this.on.changed();
  }

  /** @param {RegExp} pattern @param {string} text @returns {Promise<number[] | null>} Nothing when it takes too long. */
  #ask(pattern, text) {
    this.#worker ??= new Worker(policy.createScriptURL(""), { type: "module" });
    const worker = this.#worker;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(null);
        this.#end();
      }, MOST_MS);
      this.#give = (hits) => {
        clearTimeout(timer);
        resolve(hits);
      };
      worker.onmessage = ({ data }) => this.#give(data);
      worker.postMessage({ pattern, text });
    });
  }

  /** Answers the question that is open. @type {(hits: number[]) => void} */
  #give = () => {};

  #end() {
    this.#worker?.terminate();
    this.#worker = null;
    this.#give([]);
  }
}
