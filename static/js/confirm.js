/**
 * Asks before a form (or the button that sends it) with data-confirm="what will be lost" is sent. With
 * data-confirm-name="x" the name must be typed; data-confirm-ticks="name:label|name:label" offers boxes, and those ticked
 * are sent along as name=1. A form with data-submit-once is sent once.
 */
const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById("confirm"));
/** @type {WeakSet<Element>} */
const asked = new WeakSet();

/** @param {string} ticks @returns {HTMLDivElement[]} */
function boxes(ticks) {
  return ticks.split("|").filter(Boolean).map((tick) => {
    const [name, label] = [tick.slice(0, tick.indexOf(":")), tick.slice(tick.indexOf(":") + 1)];
    const field = Object.assign(document.createElement("div"), { className: "field check" });
    const box = Object.assign(document.createElement("input"), { type: "checkbox", id: `confirm-${name}-box`, value: name });
    field.append(box, Object.assign(document.createElement("label"), { htmlFor: box.id, textContent: label }));
    return field;
  });
}

/**
 * What was ticked, or null when the answer is no.
 * @param {string} text @param {string} name @param {string} verb @param {string} ticks @returns {Promise<string[] | null>}
 */
function ask(text, name, verb, ticks) {
  const offered = document.getElementById("confirm-ticks");
  offered.replaceChildren(...boxes(ticks));
  const [title, typed, yes] = ["confirm-text", "confirm-name", "confirm-yes"].map((id) => document.getElementById(id));
  const input = typed.querySelector("input");
  title.textContent = text;
  typed.hidden = !name;
  typed.querySelector("code").textContent = name;
  input.value = "";
  yes.textContent = verb;
  const check = () => yes.toggleAttribute("disabled", Boolean(name) && input.value !== name);
  check();
  input.oninput = check;
  dialog.returnValue = "no";
  dialog.showModal();
  if (name) input.focus();
  return new Promise((resolve) => {
    const ticked = () => [...offered.querySelectorAll("input:checked")].map((box) => box.value);
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? ticked() : null), { once: true });
  });
}

document.addEventListener(
  "submit",
  async (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const button = event.submitter;
    const source = button?.dataset.confirm ? button : form.dataset.confirm ? form : null;
    if (!dialog || !source || asked.has(form)) {
      asked.delete(form);
      once(event, form);
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    const verb = button?.textContent.trim().replace("…", "") || "Go on";
    const { confirm, confirmName = "", confirmTicks = "" } = source.dataset;
    const ticked = await ask(confirm, confirmName, verb, confirmTicks);
    if (!ticked) return;
    asked.add(form);
    const along = ticked.map((name) => Object.assign(document.createElement("input"), { type: "hidden", name, value: "1" }));
    form.append(...along);
    form.requestSubmit(button ?? undefined);
    for (const input of along) input.remove();
  },
  true,
);

/** @param {SubmitEvent} event @param {HTMLFormElement} form */
function once(event, form) {
  if (!form.matches("[data-submit-once]")) return;
  if (form.getAttribute("aria-busy") === "true") event.preventDefault();
  form.setAttribute("aria-busy", "true");
}

window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});
