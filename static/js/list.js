/**
 * Lists with ticks: <form data-list> holds boxes named `id`, one marked data-all, buttons marked data-bulk that need a
 * selection, and an <output data-selected>; one marked data-all-of is for the table body it stands in. "/" focuses the box marked data-filter; j and k walk the rows.
 */
/** @type {HTMLInputElement | null} */
let last = null;

/** @param {HTMLFormElement} form */
const boxes = (form) => /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("tbody input[name=id]")]);

/** @param {HTMLFormElement} form */
function update(form) {
  const all = boxes(form);
  const chosen = all.filter((box) => box.checked).length;
  for (const button of form.querySelectorAll("[data-bulk]")) button.toggleAttribute("disabled", chosen === 0);
  for (const output of form.querySelectorAll("[data-selected]")) output.textContent = chosen ? `${chosen} selected` : "";
  const every = form.querySelector("[data-all]");
  if (every instanceof HTMLInputElement) {
    every.checked = chosen > 0 && chosen === all.length;
    every.indeterminate = chosen > 0 && chosen < all.length;
  }
  for (const some of form.querySelectorAll("input[data-all-of]")) {
    const members = [...some.closest("tbody").querySelectorAll("input[name=id]")];
    const ticked = members.filter((box) => box.checked).length;
    some.checked = ticked > 0 && ticked === members.length;
    some.indeterminate = ticked > 0 && ticked < members.length;
  }
}

document.addEventListener("click", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || box.name !== "id" || !box.form?.matches("[data-list]")) return;
  if (event.shiftKey && last?.isConnected && last.form === box.form) {
    const all = boxes(box.form);
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const between of all.slice(from, to + 1)) between.checked = box.checked;
  }
  last = box;
});

document.addEventListener("change", (event) => {
  const box = event.target;
  const form = box instanceof HTMLInputElement && box.form?.matches("[data-list]") ? box.form : null;
  if (!form) return;
  if (box.matches("[data-all]")) for (const each of boxes(form)) each.checked = box.checked;
  if (box.matches("[data-all-of]")) {
    for (const each of box.closest("tbody").querySelectorAll("input[name=id]")) each.checked = box.checked;
  }
  update(form);
});

document.addEventListener("htmx:after:swap", () => document.querySelectorAll("form[data-list]").forEach(update));

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.matches("input:not([type=checkbox]), textarea, select");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    const filter = document.querySelector("[data-filter]");
    if (!filter) return;
    event.preventDefault();
    filter.focus();
  } else if (event.key === "j" || event.key === "k") {
    const links = [...document.querySelectorAll(".grid tbody th[scope=row] a")];
    const now = links.findIndex((link) => link.closest("tr")?.contains(document.activeElement));
    links[Math.max(0, Math.min(links.length - 1, now + (event.key === "j" ? 1 : -1)))]?.focus();
  } else if (event.key === "x") {
    document.activeElement?.closest("tr")?.querySelector("input[name=id]")?.click();
  }
});

document.querySelectorAll("form[data-list]").forEach(update);
