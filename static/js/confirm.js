/**
 * Asks before a form (or the button that sends it) with data-confirm="what will be lost" is sent. With
 * data-confirm-name="x" the name must be typed. A form with data-submit-once is sent once.
 */
const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById("confirm"));
/** @type {WeakSet<Element>} */
const asked = new WeakSet();

/** @param {string} text @param {string} name @param {string} verb @returns {Promise<boolean>} */
function ask(text, name, verb) {
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
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
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
    const verb = button?.textContent.trim() || "Go on";
    if (await ask(source.dataset.confirm, source.dataset.confirmName ?? "", verb)) {
      asked.add(form);
      form.requestSubmit(button ?? undefined);
    }
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
