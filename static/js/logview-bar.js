/** The viewer's tool bar: shows the options as they are, and tells what the reader wants otherwise. */
import { LEVELS } from "./logview-level.js";
import { asked, moment, words } from "./logview-options.js";
import { forField } from "./logview-time.js";

const TYPING_MS = 150;
/** What the log must be asked for anew for. */
const ASKED = ["tail", "since", "until", "out", "err"];

export class Bar {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;

  /**
   * @param {HTMLElement} root
   * @param {{change(options: Partial<import("./logview-options.js").Options>, ask: boolean): void, act(name: string): void, jump(moment: string): void}} on
   */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    root.addEventListener("click", (event) => this.#clicked(event));
    root.addEventListener("change", (event) => this.#changed(event.target));
    root.addEventListener("submit", (event) => this.#sent(event));
    // What was wrong with two times may be put right in either.
    root.addEventListener("input", ({ target }) => target.form?.elements.until?.setCustomValidity(""));
    this.find.addEventListener("input", () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => on.change({ q: this.find.value }, false), TYPING_MS);
    });
    this.find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        on.change({ q: this.#typed() }, false);
        on.act(event.shiftKey ? "previous" : "next");
      } else if (event.key === "Escape") on.act("leave");
    });
  }

  /** @returns {HTMLInputElement} */
  get find() {
    return this.root.querySelector("[data-find]");
  }

  /** @param {string} name */
  part(name) {
    return /** @type {HTMLElement} */ (this.root.querySelector(`[data-part="${name}"]`));
  }

  /** @param {import("./logview-options.js").Options} options @param {{id: string}[]} sources */
  show(options, sources) {
    this.part("range").textContent = words(options);
    for (const box of this.root.querySelectorAll("[data-flag]")) box.checked = options[box.dataset.flag];
    for (const box of this.root.querySelectorAll("[data-level]")) box.checked = options.levels.includes(box.dataset.level);
    for (const box of this.root.querySelectorAll("[data-choice]")) box.checked = options[box.dataset.choice] === box.value;
    for (const button of this.root.querySelectorAll("[data-preset]")) {
      const [name, value] = button.dataset.preset.split("=");
      button.setAttribute("aria-pressed", String(options[name] === value && (name === "since" || !options.since) && !options.until));
    }
    for (const button of this.root.querySelectorAll("[data-source]")) {
      button.setAttribute("aria-pressed", String(!options.hide.includes(sources[Number(button.dataset.source)].id.slice(0, 12))));
    }
    this.root.querySelector("[data-act=regex]").setAttribute("aria-pressed", String(options.regex));
    this.root.querySelector("[data-mode]").value = options.mode;
    this.root.querySelector("[name=since]").value = forField(moment(options.since));
    this.root.querySelector("[name=until]").value = forField(moment(options.until));
    if (document.activeElement !== this.find) this.find.value = options.q;
    this.#links(options, sources);
  }

  /** Where the log is downloaded: all of it, or the time that is chosen. @param {import("./logview-options.js").Options} options @param {any[]} sources */
  #links(options, sources) {
    const chosen = asked(options);
    chosen.delete("tail");
    chosen.delete("follow");
    const part = chosen.has("since") || chosen.has("until");
    for (const link of this.root.querySelectorAll("[data-download]")) {
      const query = new URLSearchParams(link.dataset.download);
      if (link.dataset.of === "part") for (const [name, value] of chosen) query.set(name, value);
      link.hidden = link.dataset.of === "part" && !part;
      link.setAttribute("href", `${sources[Number(link.dataset.index)].download}?${query}`);
    }
  }

  /** @param {boolean} following @param {number} news Lines that came since. */
  follow(following, news) {
    const button = this.root.querySelector("[data-act=follow]");
    button.setAttribute("aria-pressed", String(following));
    button.querySelector(".word").textContent = following ? "Following" : "Follow";
    const pill = this.part("pill");
    pill.hidden = following || news <= 0;
    pill.querySelector("span").textContent = news === 1 ? "1 new line" : `${news.toLocaleString("en")} new lines`;
  }

  /** @param {string} text @param {string} fault */
  hits(text, fault) {
    this.part("hits").textContent = text;
    this.part("fault").hidden = !fault;
    this.part("fault").textContent = fault;
    this.find.toggleAttribute("aria-invalid", Boolean(fault));
    if (fault) this.find.setAttribute("aria-invalid", "true");
    for (const button of this.root.querySelectorAll("[data-act=previous], [data-act=next]")) button.toggleAttribute("disabled", !text || text.startsWith("no "));
  }

  /** What stands in the search box, now rather than a moment after the last key. */
  #typed() {
    clearTimeout(this.#typing);
    return this.find.value;
  }

  /** @param {Event} event */
  #clicked(event) {
    const pressed = event.target instanceof Element ? event.target.closest("button, a[data-download]") : null;
    if (!pressed) return;
    const { act, preset, copyLog, source } = pressed.dataset;
    if (preset) {
      const [name, value] = preset.split("=");
      this.on.change({ tail: "1000", since: "", until: "", follow: true, [name]: value }, true);
    } else if (act === "regex") this.on.change({ regex: pressed.getAttribute("aria-pressed") !== "true", q: this.#typed() }, false);
    else if (act) this.on.act(act);
    else if (copyLog) this.on.act(`copy-${copyLog}`);
    else if (source) {
      pressed.setAttribute("aria-pressed", String(pressed.getAttribute("aria-pressed") !== "true"));
      this.on.act("sources");
    }
    if (pressed.type !== "submit") pressed.closest("[popover]")?.hidePopover();
  }

  /** @param {EventTarget | null} target */
  #changed(target) {
    if (!(target instanceof HTMLInputElement || target instanceof HTMLSelectElement)) return;
    const { flag, level, choice } = target.dataset;
    if (flag) {
      this.on.change({ [flag]: target.checked }, ASKED.includes(flag));
    } else if (level) {
      const levels = LEVELS.filter((name) => this.root.querySelector(`[data-level="${name}"]`).checked);
      this.on.change({ levels }, false);
    } else if (choice) this.on.change({ [choice]: target.value }, false);
    else if (target.hasAttribute("data-mode")) this.on.change({ mode: target.value }, false);
  }

  /** @param {SubmitEvent} event */
  #sent(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    event.preventDefault();
    const value = (name) => moment(form.elements[name]?.value ?? "");
    if (form.dataset.form === "jump") {
      const at = value("at");
      form.closest("[popover]").hidePopover();
      if (at) this.on.jump(at);
      return;
    }
    const [since, until] = [value("since"), value("until")];
    const last = form.elements.until;
    last.setCustomValidity(since && until && since >= until ? "This is not after the beginning." : "");
    if (!form.reportValidity()) return;
    form.closest("[popover]").hidePopover();
    this.on.change({ since, until, follow: !until }, true);
  }
}
