/**
 * <container-terminal data-socket="/ws/…/terminal/">: a terminal in a container. The protocol is written down in
 * engines/live/terminal.py. A socket that drops is opened again within a minute and goes on where it was.
 */
import { FitAddon } from "xterm-fit";
import { SearchAddon } from "xterm-search";
import { logIn } from "./login.js";
import { screen } from "./screen.js";

/** Bytes of one message, and of what is typed that the server may not have passed on yet. */
const PIECE = 32 << 10;
const UNTAKEN = 256 << 10;
/** The server is told what was seen after this many bytes. */
const SEEN = 32 << 10;
/** A paste larger than this is refused: it would sit in this page's memory. */
const MOST_TYPED = 64 << 20;
const AWAY_MS = 60_000;
const RETRY_MS = [300, 1000, 2000, 4000];
/** While somebody types, the login is told so this often: it ends when no request comes. */
const ALIVE_MS = 5 * 60_000;
const CLOSED = {
  1008: "The console did not take what this page sent.",
  4403: "Your role does not include this.",
  4404: "There is no such container any more.",
  4409: "This engine is disabled.",
};
const LOG_IN = 4401;
/** What closing a socket means when it was not the network. */
const FINAL = new Set([1000, 1008, LOG_IN, 4403, 4404, 4408, 4409, 4502]);
const KEYS = { escape: "\x1b", tab: "\t", up: "[A", down: "[B", right: "[C", left: "[D" };
const FOUND = {
  matchBackground: "#5a4a12",
  matchBorder: "#5a4a12",
  matchOverviewRuler: "#f1c15b",
  activeMatchBackground: "#a5720a",
  activeMatchBorder: "#f1c15b",
  activeMatchColorOverviewRuler: "#f1c15b",
};
const encoder = new TextEncoder();

class ContainerTerminal extends HTMLElement {
  /** @type {WebSocket | undefined} */
  #socket;
  #session = "";
  /** What is wanted, to be asked for again by Enter. @type {object | undefined} */
  #asked;
  #open = false;
  /** Bytes shown: received, shown by xterm, told. */
  #received = 0;
  #drawn = 0;
  #told = 0;
  /** Up to here what is shown was shown before: xterm answers no questions in it. */
  #old = 0;
  /** Bytes typed from `#taken` on, and how far they were sent. @type {Uint8Array[]} */
  #typed = [];
  #taken = 0;
  #sent = 0;
  #end = 0;
  #lostAt = 0;
  #tries = 0;
  #waiting = 0;
  #ticking = 0;
  #alive = 0;
  #ctrl = false;

  connectedCallback() {
    if (this.terminal) return;
    this.form = this.querySelector("[data-begin]");
    const size = Number(localStorage.getItem("terminal-letters")) || 13;
    this.terminal = screen({ fontSize: size });
    this.fit = new FitAddon();
    this.find = new SearchAddon();
    this.terminal.loadAddon(this.fit);
    this.terminal.loadAddon(this.find);
    const host = this.querySelector("[data-screen]");
    host.replaceChildren();
    this.terminal.open(host);
    this.terminal.textarea?.setAttribute("aria-label", "Terminal");
    this.fit.fit();
    new ResizeObserver(() => this.fit.fit()).observe(host);
    this.terminal.onResize(({ cols, rows }) => this.#say({ type: "resize", cols, rows }));
    this.terminal.onData((text) => this.#type(text));
    this.terminal.onBinary((text) => this.#send(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
    this.terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    this.form.elements.shell.addEventListener("change", () => this.#choose());
    this.addEventListener("click", (event) => this.#pressed(event));
    const field = this.querySelector("[data-find]");
    field.addEventListener("input", () => this.#search(0));
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      if (event.key === "Enter") this.#search(event.shiftKey ? -1 : 1);
      else this.#unsearch();
    });
    this.#choose();
    this.#session = sessionStorage.getItem(this.#key_) ?? "";
    if (this.#session) this.#connect({ type: "resume", session: this.#session, seen: null });
    else this.#show("neutral", "Not connected");
  }

  disconnectedCallback() {
    clearTimeout(this.#waiting);
    clearInterval(this.#ticking);
    this.#socket?.close();
  }

  get #key_() {
    return `terminal:${this.dataset.socket}`;
  }

  #choose() {
    const shell = this.form.elements.shell.value;
    const shown = new Set(shell === "attach" ? ["attach"] : shell === "own" ? ["own", "exec"] : ["exec"]);
    for (const part of this.form.querySelectorAll("[data-of]")) part.hidden = !shown.has(part.dataset.of);
  }

  /** Open a new one, as the form says. */
  #begin() {
    const { shell, command, user, folder } = Object.fromEntries(new FormData(this.form));
    const mode = shell === "attach" ? "attach" : "exec";
    this.#asked = { type: "start", mode, shell, command, user, folder, tty: true };
    for (const field of this.form.elements) field.removeAttribute("aria-invalid");
    this.#again();
  }

  #again() {
    this.terminal.reset();
    this.#typed = [];
    this.#taken = this.#sent = this.#end = this.#received = this.#drawn = this.#told = this.#old = 0;
    this.#lostAt = 0;
    this.#connect(this.#asked);
    this.terminal.focus();
  }

  /** @param {object} first */
  #connect(first) {
    clearTimeout(this.#waiting);
    clearInterval(this.#ticking);
    this.#socket?.close();
    this.#show("info", "Connecting…");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${this.dataset.socket}`);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.addEventListener("open", () => {
      const { cols, rows } = this.terminal;
      socket.send(JSON.stringify({ ...first, cols, rows }));
    });
    socket.addEventListener("message", (event) => {
      if (socket !== this.#socket) return;
      if (typeof event.data === "string") this.#heard(JSON.parse(event.data));
      else this.#draw(new Uint8Array(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.#socket) this.#closed(event.code);
    });
  }

  /** @param {{type: string, [name: string]: any}} frame */
  #heard(frame) {
    if (frame.type === "started") this.#started(frame);
    else if (frame.type === "taken") this.#took(frame.bytes);
    else if (frame.type === "idle") this.#idle(frame.seconds_left);
    else if (frame.type === "ended") this.#ended(frame);
    else if (frame.type === "refused") this.#refused(frame);
  }

  #started(frame) {
    this.#open = true;
    this.#tries = 0;
    this.#session = frame.session;
    sessionStorage.setItem(this.#key_, frame.session);
    this.terminal.options.convertEol = !frame.tty;
    this.terminal.options.disableStdin = !frame.reads;
    if (!this.#lostAt && frame.to > frame.from) {
      // This page was opened again: what is kept is shown, and answers nothing.
      this.#old = frame.to;
    }
    this.#received = this.#drawn = this.#told = frame.from;
    if (!this.#lostAt) this.#taken = this.#sent = this.#end = frame.accepted;
    else this.#sent = frame.accepted;
    this.#lostAt = 0;
    this.#show("success", frame.reads ? `Connected: ${frame.command}` : `Connected: ${frame.command}, which reads nothing that is typed`);
    this.querySelector("[data-do=end]").hidden = false;
    this.toggleAttribute("data-open", true);
    this.#pump();
  }

  #draw(data) {
    this.#received += data.length;
    this.terminal.write(data, () => {
      this.#drawn += data.length;
      if (this.#drawn - this.#told < SEEN) return;
      this.#told = this.#drawn;
      this.#say({ type: "seen", bytes: this.#drawn });
    });
  }

  #ended({ reason, sentence, exit_code: code }) {
    const words = { elsewhere: "It is shown in another tab.", left: "Disconnected." }[reason] ?? sentence;
    this.#over(code === 0 || reason === "left" ? "neutral" : "warning", words);
  }

  #refused({ field, sentence }) {
    const typed = this.form.elements[field];
    if (typed) {
      // To be corrected first: the same again would be refused again.
      this.#asked = undefined;
      typed.setAttribute("aria-invalid", "true");
      typed.focus();
    }
    // One that was there before this page: nothing was asked for yet.
    if (field === "session" && !this.#lostAt) this.#over("neutral", "Not connected");
    else this.#over("danger", sentence);
  }

  /** @param {string} tone @param {string} words */
  #over(tone, words) {
    this.#open = false;
    this.#session = "";
    sessionStorage.removeItem(this.#key_);
    this.#idle(null);
    this.querySelector("[data-do=end]").hidden = true;
    this.toggleAttribute("data-open", false);
    this.#show(tone, this.#asked ? `${words} Enter connects again.` : words);
  }

  #closed(code) {
    this.#socket = undefined;
    this.#open = false;
    if (code === LOG_IN) logIn();
    if (!this.#session) return;
    if (FINAL.has(code)) {
      this.#over("danger", CLOSED[code] ?? "The terminal has ended.");
      return;
    }
    this.#lostAt ||= Date.now();
    const left = AWAY_MS - (Date.now() - this.#lostAt);
    if (left <= 0) {
      this.#over("danger", "The console could not be reached for a minute. The terminal has ended.");
      return;
    }
    const again = Date.now() + Math.min(left, RETRY_MS[Math.min(this.#tries, RETRY_MS.length - 1)]);
    this.#tries += 1;
    const tick = () => this.#show("warning", `The connection was lost. Trying again in ${Math.max(1, Math.ceil((again - Date.now()) / 1000))} s; what you type is kept.`);
    tick();
    this.#ticking = setInterval(tick, 500);
    this.#waiting = setTimeout(() => this.#connect({ type: "resume", session: this.#session, seen: this.#received }), again - Date.now());
  }

  /** End it; one whose connection is lost ends by itself when nobody comes back. */
  #leave() {
    if (this.#open) {
      this.#say({ type: "end" });
      return;
    }
    clearTimeout(this.#waiting);
    clearInterval(this.#ticking);
    this.#over("neutral", "Disconnected.");
  }

  // -- typing --

  /** @param {string} text */
  #type(text) {
    if (this.#drawn < this.#old) return;
    if (!this.#session) {
      if (text === "\r" && this.#asked) this.#again();
      return;
    }
    const letter = this.#ctrl && text.length === 1 ? text.toUpperCase().charCodeAt(0) : 0;
    this.#armed(false);
    this.#send(encoder.encode(letter >= 64 && letter < 96 ? String.fromCharCode(letter & 31) : text));
    this.#keepLogin();
  }

  /** @param {Uint8Array} data */
  #send(data) {
    if (!this.#session) return;
    if (this.#end - this.#taken + data.length > MOST_TYPED) {
      this.#show("danger", "That is too much to paste: at most 64 MiB at once.");
      return;
    }
    for (let at = 0; at < data.length; at += PIECE) this.#typed.push(data.subarray(at, at + PIECE));
    this.#end += data.length;
    this.#pump();
  }

  /** Send what the server has room for. */
  #pump() {
    if (!this.#open || this.#socket?.readyState !== WebSocket.OPEN) return;
    let at = this.#taken;
    for (const piece of this.#typed) {
      const end = at + piece.length;
      if (end - this.#taken > UNTAKEN) return;
      if (end > this.#sent) {
        this.#socket.send(piece.subarray(Math.max(0, this.#sent - at)));
        this.#sent = end;
      }
      at = end;
    }
  }

  /** The engine has taken so many bytes. @param {number} count */
  #took(count) {
    while (this.#typed.length && this.#taken + this.#typed[0].length <= count) this.#taken += this.#typed.shift().length;
    if (this.#typed.length && count > this.#taken) {
      this.#typed[0] = this.#typed[0].subarray(count - this.#taken);
      this.#taken = count;
    }
    this.#pump();
  }

  #keepLogin() {
    if (Date.now() - this.#alive < ALIVE_MS) return;
    this.#alive = Date.now();
    fetch(location.pathname, { method: "HEAD" }).catch(() => {});
  }

  /** @param {object} frame */
  #say(frame) {
    if (this.#open && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  // -- around it --

  /** @param {KeyboardEvent} event @returns {boolean} Whether xterm takes it. */
  #key(event) {
    if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey) return true;
    if (event.code === "KeyC") this.#copy();
    else if (event.code === "KeyF") this.querySelector("[data-find]").focus();
    else return true;
    event.preventDefault();
    return false;
  }

  /** @param {MouseEvent} event */
  #pressed(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const { do: deed, key, findStep } = button?.dataset ?? {};
    if (findStep) this.#search(Number(findStep));
    if (key) this.#press(key);
    if (deed === "copy") this.#copy(button);
    if (deed === "smaller" || deed === "larger") this.#letters(deed === "larger" ? 1 : -1);
    if (deed === "full") (document.fullscreenElement ? document.exitFullscreen() : this.requestFullscreen()).catch(() => {});
    if (deed === "stay") this.#say({ type: "stay" });
    if (deed === "end") this.#leave();
    if (key || deed === "stay") this.terminal.focus();
  }

  /** @param {string} key */
  async #press(key) {
    if (key === "ctrl") this.#armed(!this.#ctrl);
    else if (key === "paste") {
      try {
        this.terminal.paste(await navigator.clipboard.readText());
      } catch {
        this.#show("warning", "This browser lets no page read what was copied. Press and hold in the terminal instead.");
      }
    } else {
      const arrow = KEYS[key].startsWith("[");
      const before = this.terminal.modes.applicationCursorKeysMode ? "\x1bO" : "\x1b[";
      this.#type(arrow ? before + KEYS[key].slice(1) : KEYS[key]);
    }
  }

  /** Whether the next letter is one with Ctrl. @param {boolean} on */
  #armed(on) {
    this.#ctrl = on;
    this.querySelector("[data-key=ctrl]").setAttribute("aria-pressed", String(on));
  }

  #letters(step) {
    const size = Math.min(28, Math.max(8, this.terminal.options.fontSize + step));
    this.terminal.options.fontSize = size;
    localStorage.setItem("terminal-letters", String(size));
    this.fit.fit();
  }

  async #copy(button = this.querySelector("[data-do=copy]")) {
    const all = !this.terminal.hasSelection();
    if (all) this.terminal.selectAll();
    const text = this.terminal.getSelection();
    const word = button.querySelector("span");
    try {
      await navigator.clipboard.writeText(all ? text.trimEnd() : text);
      if (all) this.terminal.clearSelection();
      word.textContent = "Copied";
    } catch {
      word.textContent = "Selected";
    }
    setTimeout(() => {
      word.textContent = "Copy";
    }, 1500);
  }

  /** @param {number} step 1 on, -1 back, 0 as it is typed. */
  #search(step) {
    const words = this.querySelector("[data-find]").value;
    if (!words) {
      this.#unsearch();
      return;
    }
    const options = { decorations: FOUND, incremental: step === 0 };
    const found = step < 0 ? this.find.findPrevious(words, options) : this.find.findNext(words, options);
    this.querySelector("[data-find]").toggleAttribute("data-none", !found);
  }

  #unsearch() {
    this.find.clearDecorations();
    this.querySelector("[data-find]").removeAttribute("data-none");
    this.terminal.focus();
  }

  #idle(seconds) {
    const notice = this.querySelector("[data-idle]");
    notice.hidden = seconds === null;
    notice.querySelector("span").textContent = `Nothing was typed for a long time: this terminal ends in ${seconds} s. Any key keeps it.`;
  }

  #show(tone, words) {
    this.querySelector(".terminal-state .dot").className = `dot ${tone}`;
    this.querySelector("[data-state]").textContent = words;
  }
}

customElements.define("container-terminal", ContainerTerminal);
