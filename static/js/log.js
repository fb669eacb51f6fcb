/**
 * <operation-log>: an operation's log as steps (state, time, and each step's own lines) and as raw lines.
 * Lines that begin `#n ` belong to step n; the states come from the progress frames.
 */
import { LineView } from "./lines.js";
import { follow } from "./logstream.js";
import { plain, settled, visible } from "./sgr.js";
import { StepList } from "./steps.js";
import { markup } from "./trusted.js";

const STEP_LINE = /^#(\d+) /;
const SLICE_MS = 12;

class OperationLog extends HTMLElement {
  /** @type {string[]} */
  #lines = [];
  #hits = /** @type {number[]} */ ([]);
  #hit = -1;
  #words = "";
  /** How many lines were searched for the words. */
  #scanned = 0;
  /** @type {Promise<void> | null} */
  #scanning = null;

  connectedCallback() {
    if (this.raw) return;
    this.#build();
    follow(this.dataset.socket ?? "", {
      text: (text) => this.#take(text),
      progress: (progress) => this.#progress(progress),
      status: () => document.body.dispatchEvent(new CustomEvent("operation-changed")),
      finished: (status) => this.#finished(status),
      connection: (state) => this.#connection(state),
    });
  }

  /** Everything received so far, as text. */
  text() {
    return this.#lines.join("\n");
  }

  #build() {
    const template = document.createElement("template");
    template.innerHTML = markup.createHTML(`
      <div class="log-bar">
        <div class="switch" role="group" aria-label="View"><button type="button" data-view="steps" aria-pressed="true">Steps</button><button type="button" data-view="raw" aria-pressed="false">Raw</button></div>
        <label class="log-search"><span class="vh">Search the log</span><input type="search" placeholder="Search the log…" spellcheck="false"></label>
        <output class="hits" aria-live="polite"></output>
        <span class="step-keys" hidden><button type="button" class="btn small" data-step="-1" aria-label="Previous hit">↑</button> <button type="button" class="btn small" data-step="1" aria-label="Next hit">↓</button></span>
        <span class="log-state muted" role="status"></span>
        <span class="push"></span>
        <button type="button" class="btn small" data-follow aria-pressed="true">Following</button>
        <a class="btn small" data-download>Download</a>
      </div>
      <div class="log-progress" hidden><progress></progress><span class="muted"></span></div>
      <step-list></step-list>
      <line-view class="raw" aria-label="All lines" hidden></line-view>
      <p class="empty" data-waiting>Waiting for the first line…</p>`);
    this.replaceChildren(template.content);
    this.raw = /** @type {LineView} */ (this.querySelector(".raw"));
    this.steps = /** @type {StepList} */ (this.querySelector("step-list"));
    this.raw.following = true;
    this.querySelector("[data-download]").setAttribute("href", this.dataset.textUrl ?? "");
    this.raw.addEventListener("followchange", () => this.#showFollow());
    this.steps.addEventListener("followchange", () => this.#showFollow());
    this.addEventListener("click", (event) => this.#click(event));
    const input = this.querySelector("input");
    input.addEventListener("input", () => this.#search(input.value));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#walk(event.shiftKey ? -1 : 1);
    });
    if (this.dataset.kind === "image.pull") this.querySelector("[data-view=steps]").textContent = "Layers";
  }

  /** @param {string} text Whole lines. */
  #take(text) {
    const lines = text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    for (const line of lines) {
      const index = this.#lines.push(settled(line)) - 1;
      const step = STEP_LINE.exec(line);
      if (step) this.steps.addLine(Number(step[1]), index);
    }
    this.querySelector("[data-waiting]")?.remove();
    const at = (index) => this.#lines[index] ?? "";
    this.raw.show(this.#lines.length, at);
    this.steps.refresh(at);
    if (this.#words) this.#scan();
  }

  /** @param {any} progress */
  #progress(progress) {
    this.steps.bytes = progress.unit === "bytes";
    this.steps.update(progress.items ?? []);
    const bar = this.querySelector(".log-progress");
    bar.hidden = !progress.total;
    bar.querySelector("progress").max = progress.total || 1;
    bar.querySelector("progress").value = progress.current || 0;
    const what = progress.unit === "bytes" ? "layers" : "steps";
    bar.querySelector("span").textContent = `${progress.current ?? 0} of ${progress.total ?? 0} ${what}`;
    if (!(progress.items ?? []).length) return;
    this.querySelector("[data-waiting]")?.remove();
  }

  /** @param {string} status */
  #finished(status) {
    this.dataset.status = status;
    this.steps.over = true;
    this.querySelector("[data-follow]").hidden = true;
    this.querySelector(".log-progress").hidden = true;
    const waiting = this.querySelector("[data-waiting]");
    if (waiting) waiting.textContent = "It has no log.";
    if (!this.steps.size) this.#view("raw");
    document.body.dispatchEvent(new CustomEvent("operation-changed"));
  }

  /** @param {"open"|"lost"|"refused"} state */
  #connection(state) {
    const words = { open: "", lost: "Connection lost; connecting again, no line will be missed…", refused: "You may not watch this any more." };
    this.querySelector(".log-state").textContent = words[state];
  }

  /** @param {Event} event */
  #click(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (button?.dataset.view) this.#view(button.dataset.view);
    else if (button?.dataset.step) this.#walk(Number(button.dataset.step));
    else if (button?.hasAttribute("data-follow")) {
      const shown = this.raw.hidden ? this.steps : this.raw;
      shown.following = !shown.following;
    }
  }

  /** @param {string} name */
  #view(name) {
    this.raw.hidden = name !== "raw";
    this.steps.hidden = name !== "steps";
    for (const button of this.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === name));
    this.raw.refresh();
    this.#showFollow();
  }

  #showFollow() {
    const button = this.querySelector("[data-follow]");
    const following = (this.raw.hidden ? this.steps : this.raw).following;
    button.setAttribute("aria-pressed", String(following));
    button.textContent = following ? "Following" : "Follow";
  }

  /** Find `words` in all lines, and go to the first. @param {string} words */
  async #search(words) {
    const wanted = words.toLowerCase();
    this.#words = wanted;
    this.#hits = [];
    this.#hit = -1;
    this.#scanned = 0;
    await this.#scan();
    if (this.#words !== wanted || this.#hit >= 0 || !this.#hits.length) return;
    this.#view("raw");
    this.#walk(1);
  }

  /** Search what was not searched yet; one scan at a time, which takes up new words and new lines as they come. */
  #scan() {
    this.#scanning ??= this.#scanAll().finally(() => {
      this.#scanning = null;
      this.#showHits();
    });
    return this.#scanning;
  }

  async #scanAll() {
    let slice = performance.now();
    while (this.#words && this.#scanned < this.#lines.length) {
      const index = this.#scanned;
      this.#scanned += 1;
      if (plain(this.#lines[index]).toLowerCase().includes(this.#words)) this.#hits.push(index);
      if ((index & 1023) === 0 && performance.now() - slice > SLICE_MS) {
        await new Promise((resolve) => setTimeout(resolve));
        slice = performance.now();
      }
    }
  }

  #showHits() {
    const count = this.#hits.length;
    this.querySelector(".step-keys").hidden = !count;
    const found = this.#hit < 0 ? `${count} ${count === 1 ? "hit" : "hits"}` : `${this.#hit + 1} of ${count}`;
    const shown = count ? found : `no hit for “${visible(this.#words)}”`;
    this.querySelector(".hits").textContent = this.#words ? shown : "";
  }

  /** @param {number} step */
  #walk(step) {
    if (!this.#hits.length) return;
    this.#hit = (this.#hit + step + this.#hits.length) % this.#hits.length;
    this.raw.reveal(this.#hits[this.#hit]);
    this.#showHits();
  }
}

customElements.define("operation-log", OperationLog);
