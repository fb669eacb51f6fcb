/**
 * <cast-player data-src>: replays a recording of a terminal (asciicast v2). Nothing that it shows is answered: what is
 * typed goes nowhere, and there is nowhere it could go.
 */
import { screen } from "./screen.js";

const PAUSE_S = 2;
const STEP_S = 5;
/** Width of a letter in parts of its height, in the typefaces for code. */
const LETTER = 0.61;

/** @param {number} seconds */
function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

class CastPlayer extends HTMLElement {
  /** @type {[number, string, string][]} Times with pauses as they were. */
  #events = [];
  /** When each event comes in this replay, in seconds. @type {number[]} */
  #times = [];
  #head = { width: 80, height: 24 };
  #next = 0;
  #at = 0;
  #began = 0;
  #frame = 0;

  async connectedCallback() {
    if (this.terminal) return;
    const host = this.querySelector("[data-screen]");
    host.replaceChildren();
    this.terminal = screen({ disableStdin: true, cursorInactiveStyle: "outline" });
    this.terminal.open(host);
    // One may read and copy, not type: the page's own keys are for the replay.
    this.terminal.textarea?.setAttribute("tabindex", "-1");
    this.terminal.textarea?.setAttribute("aria-label", "Replay");
    this.terminal.attachCustomKeyEventHandler(() => false);
    this.#listen();
    try {
      await this.#load();
    } catch {
      this.#say("The recording could not be loaded. Reload the page to try again.");
      return;
    }
    this.#plan();
    this.#size(this.#head.width, this.#head.height);
    new ResizeObserver(() => this.#letters()).observe(host);
    for (const part of this.querySelectorAll("[data-play], [data-seek]")) part.disabled = false;
    this.#say(this.#events.length ? `Lasts ${clock(this.#length)} as it is replayed.` : "Nothing was shown.");
    this.#seek(0);
  }

  disconnectedCallback() {
    this.#pause();
  }

  async #load() {
    const reply = await fetch(this.dataset.src);
    if (!reply.ok) throw new Error(String(reply.status));
    const [head, ...lines] = (await reply.text()).split("\n").filter(Boolean);
    this.#head = JSON.parse(head);
    for (const line of lines) {
      // The last line of one that was cut off may be half a line.
      try {
        this.#events.push(JSON.parse(line));
      } catch {
        break;
      }
    }
  }

  #listen() {
    const play = this.querySelector("[data-play]");
    play.addEventListener("click", () => this.#toggle());
    this.querySelector("[data-seek]").addEventListener("input", (event) => this.#seek(Number(event.target.value)));
    this.querySelector("[data-skip]").addEventListener("change", () => {
      const index = this.#next;
      this.#plan();
      this.#seek(index ? this.#times[index - 1] : 0);
    });
    this.querySelector("[data-speed]").addEventListener("change", () => {
      if (this.#frame) this.#play();
    });
    this.querySelector("[data-full]").addEventListener("click", () => {
      (document.fullscreenElement ? document.exitFullscreen() : this.requestFullscreen()).catch(() => {});
    });
    document.addEventListener("keydown", (event) => {
      const elsewhere = event.target instanceof Element && event.target.closest("input:not([type=range]), select, button, a");
      if (elsewhere || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === " ") this.#toggle();
      else if (event.key === "ArrowLeft") this.#seek(this.#at - STEP_S);
      else if (event.key === "ArrowRight") this.#seek(this.#at + STEP_S);
      else return;
      event.preventDefault();
    });
  }

  /** When what comes: as it was, or with pauses shortened. */
  #plan() {
    const most = this.querySelector("[data-skip]").checked ? PAUSE_S : Infinity;
    let [before, now] = [0, 0];
    this.#times = this.#events.map(([at]) => {
      now += Math.min(most, Math.max(0, at - before));
      before = at;
      return now;
    });
    this.querySelector("[data-seek]").max = String(this.#length);
  }

  get #length() {
    return this.#times.at(-1) ?? 0;
  }

  #toggle() {
    if (this.#frame) this.#pause();
    else {
      if (this.#next >= this.#events.length) this.#seek(0);
      this.#play();
    }
  }

  #play() {
    cancelAnimationFrame(this.#frame);
    const speed = Number(this.querySelector("[data-speed]").value);
    const from = this.#at;
    this.#began = performance.now();
    const step = () => {
      this.#at = Math.min(this.#length, from + ((performance.now() - this.#began) / 1000) * speed);
      this.#show();
      if (this.#next < this.#events.length) this.#frame = requestAnimationFrame(step);
      else this.#pause();
    };
    this.#frame = requestAnimationFrame(step);
    this.#word("Pause");
  }

  #pause() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#word("Play");
  }

  /** @param {number} seconds */
  #seek(seconds) {
    const playing = this.#frame !== 0;
    cancelAnimationFrame(this.#frame);
    this.#at = Math.min(this.#length, Math.max(0, seconds));
    if (!this.#next || this.#times[this.#next - 1] > this.#at) {
      this.terminal.reset();
      this.#size(this.#head.width, this.#head.height);
      this.#next = 0;
    }
    this.#show();
    if (playing) this.#play();
  }

  /** All that has come by now. */
  #show() {
    let text = "";
    while (this.#next < this.#events.length && this.#times[this.#next] <= this.#at) {
      const [, kind, data] = this.#events[this.#next];
      this.#next += 1;
      if (kind === "o") text += data;
      else if (kind === "r") {
        this.terminal.write(text);
        text = "";
        this.#size(...data.split("x").map(Number));
      }
    }
    if (text) this.terminal.write(text);
    this.querySelector("[data-seek]").value = String(this.#at);
    this.querySelector("[data-time]").textContent = `${clock(this.#at)} / ${clock(this.#length)}`;
  }

  #size(columns, rows) {
    if (!(columns >= 1 && columns <= 1000 && rows >= 1 && rows <= 1000)) return;
    this.terminal.resize(columns, rows);
    this.#letters();
  }

  /** As large as fits into the page. */
  #letters() {
    const width = this.querySelector("[data-screen]").clientWidth - 24;
    const size = Math.max(6, Math.min(15, Math.floor((width / this.terminal.cols / LETTER) * 2) / 2));
    if (size !== this.terminal.options.fontSize) this.terminal.options.fontSize = size;
  }

  #word(word) {
    this.querySelector("[data-play] span").textContent = word;
  }

  #say(words) {
    this.querySelector("[data-state]").textContent = words;
  }
}

customElements.define("cast-player", CastPlayer);
