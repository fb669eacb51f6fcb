/** <log-view>: the log of one container, or of several in the order of time, read over sockets as it comes. */
import { Bar } from "./logview-bar.js";
import { show } from "./logview-detail.js";
import { Feed } from "./logview-feed.js";
import { Finder } from "./logview-finder.js";
import { Lens } from "./logview-lens.js";
import { LEVELS } from "./logview-level.js";
import { Merge } from "./logview-merge.js";
import { around, asked, marked, read, write } from "./logview-options.js";
import { LogRows } from "./logview-rows.js";
import { ERR, MARK, MOST_SHOWN, Store } from "./logview-store.js";
import { clock, size } from "./logview-time.js";
import { parse, plain } from "./sgr.js";

/** What happens on an engine within this is one reason to ask whether a container that ended runs again. */
const AGAIN_MS = 1000;
const MOST_COPIED = 50_000_000;
const FILTERS = ["levels", "hide", "mode", "q", "regex"];
const STATES = { opening: "Connecting…", open: "", lost: "Connection lost; connecting again…", over: "Not running", closed: "Stopped" };

class LogView extends HTMLElement {
  store = new Store();
  lens = new Lens(this.store);
  finder = new Finder(this.store, {
    found: (from, end, hits) => this.#found(from, end, hits),
    changed: () => this.#searched(),
  });
  /** @type {Feed[]} */
  feeds = [];
  /** The next line that the lens has not been asked about. */
  #next = 0;
  /** The end of the lens when following stopped. */
  #read = 0;
  /** First and last line that are chosen. @type {[number, number] | null} */
  #chosen = null;
  /** The hit that was gone to. */
  #hit = -1;
  /** The way to go to a hit, once there is one. */
  #step = 0;
  /** The timestamp to go to when it comes. */
  #wanted = "";
  /** Of each container, when its last line was printed. @type {[number, number][]} */
  #last = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again;
  #noting = false;

  connectedCallback() {
    if (this.rows) return;
    this.sources = JSON.parse(document.getElementById("log-sources").textContent);
    this.rows = /** @type {LogRows} */ (this.querySelector("log-rows"));
    this.rows.lens = this.lens;
    this.rows.style.setProperty("--names", `${Math.min(20, Math.max(...this.sources.map(({ name }) => name.length)))}ch`);
    this.rows.fill = (row, line) => this.#fill(row, line);
    this.rows.addEventListener("followchange", () => {
      this.#read = this.lens.end;
      this.#note();
    });
    this.bar = new Bar(this, {
      change: (options, ask) => this.#change(options, ask),
      act: (name) => this.#act(name),
      jump: (at) => this.#jump(at),
    });
    this.rows.addEventListener("click", (event) => this.#clicked(event));
    // With Shift lines are chosen, not letters.
    this.rows.addEventListener("mousedown", (event) => event.shiftKey && this.#chosen && event.preventDefault());
    document.addEventListener("keydown", (event) => this.#key(event));
    document.body.addEventListener("changed:containers", () => this.#goOn());
    window.addEventListener("hashchange", () => this.#toMark());
    this.options = read();
    this.#toMark();
    if (!this.feeds.length) this.#ask();
  }

  disconnectedCallback() {
    for (const feed of this.feeds) feed.close();
  }

  /** The lines that are shown, as text; those of places from..end. */
  text(from = this.lens.first, end = this.lens.end) {
    const lines = [];
    for (let place = from; place < end; place += 1) lines.push(this.#written(this.lens.line(place)));
    return lines.join("\n");
  }

  /* -- what comes -- */

  /** Ask the engine anew, for what the options say. */
  #ask() {
    for (const feed of this.feeds) feed.close();
    this.merge?.close();
    this.store.clear();
    this.#chosen = null;
    this.#last = [];
    this.part("detail").hidden = true;
    this.finder.again();
    this.#rebuild();
    const query = asked(this.options);
    const add = (line) => this.store.add(line.text, line.seconds, line.nanos, line.stream, line.source, line.more);
    const several = this.sources.length > 1;
    this.merge = several ? new Merge(this.sources.length, add, () => this.#taken()) : null;
    this.feeds = this.sources.map((source, index) => {
      /** @type {Feed} */
      const feed = new Feed(source, query, {
        line: (text, seconds, nanos, stream, more) => {
          this.#last[index] = [seconds, nanos];
          if (this.merge) this.merge.add({ text, seconds, nanos, stream, source: index, more, came: 0 });
          else this.store.add(text, seconds, nanos, stream, index, more);
        },
        mark: (sentence) => this.#mark(sentence, index),
        taken: () => {
          if (this.merge) this.merge.note(index, false, false);
          else this.#taken();
        },
        changed: () => {
          this.merge?.note(index, feed.state === "opening", feed.state === "over" || feed.state === "closed");
          this.#note();
        },
      });
      return feed;
    });
    this.rows.following = this.options.follow;
    this.#note();
  }

  /** Lines have come. */
  #taken() {
    if (this.options.until && this.store.full) {
      for (const feed of this.feeds) feed.close();
      this.merge?.close();
      this.merge = null;
      this.#mark("There are more lines than are kept here: choose a later beginning, or download them.", 0);
    }
    this.#shown();
  }

  /** Show what the store has got. */
  #shown() {
    if (!this.#filtered) this.#push(this.store.end, []);
    if (this.finder.active) this.finder.more();
    if (this.#wanted) this.#arrive();
    this.rows.refresh();
    this.#note();
  }

  /** Something the viewer says between the lines. @param {string} sentence @param {number} source */
  #mark(sentence, source) {
    const [seconds, nanos] = this.#last[source] ?? [Math.floor(Date.now() / 1000), 0];
    if (this.merge) {
      this.merge.add({ text: sentence, seconds, nanos, stream: MARK, source, more: 0, came: 0 });
      this.merge.flow();
    } else {
      this.store.add(sentence, seconds, nanos, MARK, source);
      this.#shown();
    }
  }

  /** A container that ended may run again: something happened on its engine. */
  #goOn() {
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      for (const feed of this.feeds) feed.goOn();
    }, AGAIN_MS);
  }

  /* -- what is shown of it -- */

  /** Only lines that match are shown, or only others: a line waits until it was searched. */
  get #filtered() {
    return this.finder.active && this.options.mode !== "mark";
  }

  /** Show what is to be shown of the lines up to `end`. @param {number} end @param {number[]} hits Of them, in order. */
  #push(end, hits) {
    const { store, lens, options } = this;
    const levels = LEVELS.map((name) => options.levels.includes(name));
    const sources = this.sources.map(({ id }) => !options.hide.includes(id.slice(0, 12)));
    const searched = this.#filtered;
    const matching = options.mode === "only";
    let at = 0;
    lens.trim();
    for (let line = Math.max(this.#next, store.first); line < end; line += 1) {
      while (hits[at] < line) at += 1;
      const said = store.stream(line) === MARK;
      if (searched && !said && (hits[at] === line) !== matching) continue;
      if (sources[store.source(line)] && (said || levels[store.level(line)])) lens.push(line);
    }
    this.#next = end;
  }

  /** @param {number} from @param {number} end @param {number[]} hits */
  #found(from, end, hits) {
    if (this.#filtered) this.#push(end, hits);
    else if (hits.length) this.rows.again();
    this.rows.refresh();
  }

  /** What is shown has changed: the line at the top stays there. */
  #rebuild() {
    const top = this.lens.count ? this.lens.line(this.rows.top) : 0;
    this.lens.clear();
    this.#next = this.store.first;
    this.#push(this.#filtered ? this.finder.scanned : this.store.end, this.finder.hits);
    this.#read = this.lens.end;
    this.rows.reset(this.lens.placeOf(top));
    this.#note();
  }

  /** @param {Partial<import("./logview-options.js").Options>} options @param {boolean} ask */
  #change(options, ask) {
    const before = this.options;
    if (!ask && Object.entries(options).every(([name, value]) => before[name] === value)) return;
    this.options = { ...before, ...options };
    if (!this.options.out && !this.options.err) this.options[options.out === false ? "err" : "out"] = true;
    this.#wanted = "";
    if (ask) this.#address("");
    write(this.options);
    this.bar.show(this.options, this.sources);
    if (ask) {
      this.#ask();
      return;
    }
    this.rows.wrap = this.options.wrap;
    if (options.q !== undefined || options.regex !== undefined) {
      this.#hit = -1;
      this.#step = 0;
      this.finder.find(this.options.q, this.options.regex);
    }
    if (FILTERS.some((name) => name in options)) this.#rebuild();
    else this.rows.again();
  }

  /* -- rows -- */

  /** @param {HTMLElement} row @param {number} line -1: a row of a hundred letters, to be measured. */
  #fill(row, line) {
    if (!row.firstChild) {
      const when = document.createElement("a");
      when.className = "when";
      when.tabIndex = -1;
      when.append(document.createElement("span"), "");
      const [who, what] = ["who", "what"].map((name) => Object.assign(document.createElement("span"), { className: name }));
      row.append(when, who, what);
    }
    const [when, who, what] = /** @type {HTMLElement[]} */ ([...row.children]);
    const { store, options } = this;
    when.hidden = options.time === "off";
    who.hidden = this.sources.length === 1;
    if (line < 0) {
      [when.firstChild.textContent, when.lastChild.textContent] = clock(0, 0, true);
      what.textContent = "0".repeat(100);
      return;
    }
    const stream = store.stream(line);
    const source = store.source(line);
    const said = stream === MARK;
    const chosen = this.#chosen && line >= this.#chosen[0] && line <= this.#chosen[1];
    const names = ["line", said ? "said" : `level-${LEVELS[store.level(line)]}`, stream === ERR && "err", chosen && "marked", line === this.#hit && "current"];
    row.className = names.filter(Boolean).join(" ");
    if (!when.hidden) {
      [when.firstChild.textContent, when.lastChild.textContent] = said ? ["", ""] : clock(store.seconds(line), store.nanos(line), options.time === "utc");
      if (said) {
        // What the viewer says itself has no address.
        when.removeAttribute("href");
        when.removeAttribute("title");
      } else {
        when.href = `#L${store.stamp(line)}`;
        when.title = `${store.stamp(line)}: mark this line and its address`;
      }
    }
    if (!who.hidden) {
      who.textContent = this.sources[source].name;
      who.title = this.sources[source].name;
      who.className = `who who-${source}`;
    }
    what.replaceChildren(...this.#parts(line, said));
  }

  /** @param {number} line @param {boolean} said */
  #parts(line, said) {
    const { store } = this;
    const whole = store.text(line);
    if (said) return [whole];
    const cut = whole.length > MOST_SHOWN;
    const pieces = parse(cut ? whole.slice(0, MOST_SHOWN) : whole);
    const marks = this.finder.has(line) ? this.finder.marks(pieces.map(([, text]) => text).join("")) : [];
    const parts = [];
    let from = 0;
    for (const [names, text] of pieces) {
      for (const [hit, piece] of split(text, from, marks)) {
        const classes = [names, hit && "hit"].filter(Boolean).join(" ");
        parts.push(classes ? Object.assign(document.createElement(hit ? "mark" : "span"), { className: classes, textContent: piece }) : piece);
      }
      from += text.length;
    }
    const more = store.more(line) + (cut ? whole.length - MOST_SHOWN : 0);
    if (more) parts.push(Object.assign(document.createElement("span"), { className: "cut", textContent: ` … ${size(more)}` }));
    return parts;
  }

  /** A line as it is copied. @param {number} line */
  #written(line) {
    const { store, options } = this;
    const name = this.sources.length > 1 ? `${this.sources[store.source(line)].name} | ` : "";
    const when = options.time === "off" || store.stream(line) === MARK ? "" : `${options.time === "utc" ? store.stamp(line) : clock(store.seconds(line), store.nanos(line), false).join("")} `;
    return name + when + plain(store.text(line));
  }

  /* -- what the reader does -- */

  /** @param {string} name */
  #act(name) {
    if (name === "follow") this.#follow(!this.rows.following);
    else if (name === "end") this.#follow(true);
    else if (name === "next") this.#walk(1);
    else if (name === "previous") this.#walk(-1);
    else if (name === "leave") this.rows.focus();
    else if (name === "fullscreen") document.fullscreenElement ? document.exitFullscreen() : this.requestFullscreen();
    else if (name === "close") this.#choose(null);
    else if (name === "sources") {
      const hidden = [...this.querySelectorAll("[data-source][aria-pressed=false]")];
      this.#change({ hide: hidden.map((button) => this.sources[Number(button.dataset.source)].id.slice(0, 12)) }, false);
    } else if (name === "copy-link") this.#copy(location.href, "The address of this line");
    else if (name === "copy-shown") this.#copy(this.text(...this.rows.view), "What is in view");
    else if (name === "copy-chosen") this.#copyChosen();
    else if (name === "copy-all") this.#copyAll();
    else if (name === "save") this.#save();
  }

  /** Lines that have come are never asked for again: what the time asked for left out is. @param {boolean} on */
  #follow(on) {
    if (on && this.options.until) this.#change({ since: "", until: "", tail: "1000", follow: true }, true);
    else this.rows.following = on;
  }

  /** @param {number} step */
  #walk(step) {
    const { finder, store, lens } = this;
    const shown = (line) => lens.line(lens.placeOf(line)) === line && lens.placeOf(line) < lens.end;
    // Asked for sooner than it was found: gone to then.
    this.#step = finder.hits.length ? 0 : step;
    if (!finder.hits.length) return;
    const start = this.#hit >= store.first ? this.#hit : lens.count ? lens.line(this.rows.top) : store.first;
    let at = finder.index(start);
    if (step < 0) at -= 1;
    else if (finder.hits[at] === this.#hit) at += 1;
    for (let tried = 0; tried < finder.hits.length; tried += 1, at += step) {
      const line = finder.hits.at(at % finder.hits.length);
      if (line < store.first || !shown(line)) continue;
      this.#hit = line;
      this.rows.reveal(lens.placeOf(line));
      break;
    }
    this.#searched();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const row = event.target instanceof Element ? event.target.closest(".line") : null;
    if (!row || !getSelection().isCollapsed) return;
    const line = this.lens.line(Number(row.dataset.place));
    event.preventDefault();
    if (this.store.stream(line) === MARK) return;
    if (event.shiftKey && this.#chosen) this.#choose([Math.min(this.#chosen[0], line), Math.max(this.#chosen[1], line)]);
    else this.#choose(this.#chosen?.[0] === line && this.#chosen[1] === line ? null : [line, line]);
  }

  /** @param {[number, number] | null} lines */
  #choose(lines) {
    this.#chosen = lines;
    this.rows.pause();
    const { store } = this;
    const one = lines && lines[0] === lines[1] ? lines[0] : -1;
    this.part("detail").hidden = one < 0;
    this.#address(lines ? `#L${store.stamp(lines[0])}` : "");
    if (one >= 0) {
      const stream = store.stream(one) === ERR ? "stderr" : "stdout";
      const { name } = this.sources[store.source(one)];
      show(this.part("line"), { text: plain(store.text(one)), stamp: store.stamp(one), stream, level: LEVELS[store.level(one)], name, more: store.more(one) });
    }
    if (one >= 0) this.rows.keep(this.lens.placeOf(one));
    this.rows.again();
    this.#note();
  }

  /** @param {string} hash */
  #address(hash) {
    history.replaceState(history.state, "", location.pathname + location.search + hash);
  }

  /** The line that the address marks: what is around it is asked for. */
  #toMark() {
    this.#wanted = marked();
    if (this.#wanted) {
      this.options = around(this.options, this.#wanted);
      write(this.options);
    }
    this.rows.wrap = this.options.wrap;
    this.bar.show(this.options, this.sources);
    this.finder.find(this.options.q, this.options.regex);
    if (this.#wanted) this.#ask();
  }

  /** Choose the line that was wanted, once it has come. */
  #arrive() {
    const { store, lens } = this;
    const line = this.#lineAt(Date.parse(`${this.#wanted.slice(0, 19)}Z`) / 1000, Number((this.#wanted.slice(20, -1) || "0").padEnd(9, "0")));
    if (line >= store.end || !lens.count) return;
    this.#wanted = "";
    this.#choose([line, line]);
    this.rows.reveal(lens.placeOf(line));
  }

  /** @param {string} at RFC 3339. */
  #jump(at) {
    const seconds = Date.parse(at) / 1000;
    const { store, lens } = this;
    const line = this.#lineAt(seconds, 0);
    if (line > store.first && line < store.end) {
      this.rows.reveal(lens.placeOf(line));
      this.#hit = line;
      this.rows.again();
      return;
    }
    const wanted = new Date(at).toISOString();
    this.#change(around(this.options, wanted), true);
    this.#wanted = wanted;
  }

  /** The first line of that time or later. @param {number} seconds @param {number} nanos */
  #lineAt(seconds, nanos) {
    const { store } = this;
    let low = store.first;
    let high = store.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      const apart = store.seconds(middle) - seconds || store.nanos(middle) - nanos;
      if (apart < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const typing = event.target instanceof Element && event.target.matches("input, textarea, select");
    if (document.querySelector("dialog[open], :popover-open") || event.altKey) return;
    const find = event.key === "/" || event.key === "f" || ((event.ctrlKey || event.metaKey) && event.key === "f");
    if (find && (!typing || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.bar.find.focus();
      this.bar.find.select();
      return;
    }
    if (typing || event.ctrlKey || event.metaKey) return;
    const keys = { n: "next", N: "previous", G: "end", Escape: "close" };
    const rows = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 };
    const here = this.rows.contains(document.activeElement) || document.activeElement === document.body;
    if (keys[event.key]) this.#act(keys[event.key]);
    else if (event.key === "w") this.#change({ wrap: !this.options.wrap }, false);
    else if (event.key === " " && here) this.#act("follow");
    else if (event.key === "End" && here) this.#act("end");
    else if ((event.key === "g" || event.key === "Home") && here) this.rows.toStart();
    else if (event.key === "PageUp" && here) this.rows.scrollRows(-this.rows.page);
    else if (event.key === "PageDown" && here) this.rows.scrollRows(this.rows.page);
    else if (rows[event.key] && here) this.rows.scrollRows(rows[event.key]);
    else return;
    event.preventDefault();
  }

  /* -- to take away -- */

  #copyChosen() {
    if (!this.#chosen) {
      this.#say("No line is chosen: click one, and another one with Shift for all between them.");
      return;
    }
    const [from, to] = this.#chosen;
    this.#copy(this.text(this.lens.placeOf(from), this.lens.placeOf(to + 1)), "The chosen lines");
  }

  #copyAll() {
    let characters = 0;
    for (let place = this.lens.first; place < this.lens.end && characters <= MOST_COPIED; place += 1) characters += this.store.width(this.lens.line(place));
    if (characters > MOST_COPIED) this.#say("This is too much to copy; download it.");
    else this.#copy(this.text(), "All lines shown");
  }

  /** @param {string} text @param {string} what */
  async #copy(text, what) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Where a page may not write to the clipboard, it may copy what is selected in it.
      const area = document.createElement("textarea");
      area.value = text;
      this.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.#say(`${what}: copied.`);
  }

  /** The lines shown, as a file. */
  #save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.text(), "\n"], { type: "text/plain" }));
    link.download = `${this.sources.map(({ name }) => name).join("-").slice(0, 80)}-shown.log`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /* -- what is said about it -- */

  /** @param {string} name */
  part(name) {
    return /** @type {HTMLElement} */ (this.querySelector(`[data-part="${name}"]`));
  }

  /** @param {string} sentence */
  #say(sentence) {
    this.part("told").textContent = sentence;
    setTimeout(() => this.#note(), 4000);
    this.#told = performance.now() + 4000;
  }

  #told = 0;

  #searched() {
    const { finder } = this;
    if (this.#step && finder.hits.length) this.#walk(this.#step);
    const count = finder.hits.length;
    const at = finder.has(this.#hit) ? `${(finder.index(this.#hit) + 1).toLocaleString("en")} of ${count.toLocaleString("en")}` : lineCount(count);
    const none = finder.searching ? "searching…" : "no line";
    this.bar.hits(finder.active ? (count ? at : none) : "", finder.fault);
  }

  /** Once per frame: counts and states. */
  #note() {
    if (this.#noting) return;
    this.#noting = true;
    requestAnimationFrame(() => {
      this.#noting = false;
      const { store, lens } = this;
      this.bar.follow(this.rows.following, lens.end - this.#read);
      this.part("dropped").hidden = store.first === 0;
      this.part("dropped-count").textContent = store.first.toLocaleString("en");
      this.part("empty").hidden = lens.count > 0;
      this.part("empty").textContent = this.#nothing();
      const worst = ["lost", "opening", "open", "over", "closed"].find((state) => this.feeds.some((feed) => feed.state === state)) ?? "open";
      this.dataset.state = worst;
      this.feeds.forEach((feed, index) => {
        const chip = this.querySelector(`[data-source="${index}"]`);
        if (chip) chip.dataset.state = feed.state;
      });
      const all = store.end - store.first;
      const count = `${lens.count === all ? "" : `${lens.count.toLocaleString("en")} of `}${lineCount(all)}`;
      if (performance.now() >= this.#told) this.part("told").textContent = [STATES[worst === "over" && this.options.until ? "open" : worst], count].filter(Boolean).join(" · ");
    });
  }

  #nothing() {
    if (this.store.end > this.store.first) return "No line is like this. Show other levels or containers, or search for something else.";
    const waiting = this.feeds.some((feed) => feed.state === "opening" || feed.state === "lost");
    if (waiting) return "Waiting for the first line…";
    return this.options.since ? "No line of this time." : "It has printed nothing yet.";
  }
}

/** @param {number} count */
function lineCount(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "line" : "lines"}`;
}

/** `text`, which begins at `from`, in pieces that are hits or not. @param {string} text @param {number} from @param {[number, number][]} marks */
function split(text, from, marks) {
  const pieces = /** @type {[boolean, string][]} */ ([]);
  let at = 0;
  for (const [start, end] of marks) {
    const [first, last] = [Math.max(start - from, at), Math.min(end - from, text.length)];
    if (last <= first) continue;
    if (first > at) pieces.push([false, text.slice(at, first)]);
    pieces.push([true, text.slice(first, last)]);
    at = last;
  }
  if (at < text.length) pieces.push([false, text.slice(at)]);
  return pieces;
}

customElements.define("log-view", LogView);
