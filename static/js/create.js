/** The form of a container: each section says what is set in it while one types, and settings can be found by words. */
const form = document.querySelector("form.create");

/** What is set of a field in few words, as engines/containers/forms.py says it. */
function said(field) {
  const input = field.querySelector("input, select, textarea");
  const label = field.querySelector("label").textContent;
  if (input.type === "checkbox") return input.checked ? label : "";
  const value = input.value.trim();
  if (input.localName === "select") return input.selectedIndex > 0 ? `${label}: ${input.selectedOptions[0].text}` : "";
  if (!value) return "";
  if (input.localName !== "textarea") return `${label} ${value.slice(0, 40)}`;
  return `${label} (${value.split("\n").filter((line) => line.trim() && !line.startsWith("|")).length})`;
}

function tell(section) {
  const summary = section.querySelector("[data-summary]");
  if (!summary) return;
  summary.textContent = [...section.querySelectorAll("[data-field]")].map(said).filter(Boolean).join(" · ");
}

/** Shows the fields whose name, option or help hold all words; all of them, folded as they were, for none. */
function find(words) {
  for (const section of form.querySelectorAll("[data-section]")) {
    let shown = 0;
    for (const field of section.querySelectorAll("[data-field]")) {
      const text = `${section.querySelector(".name")?.textContent ?? ""} ${field.textContent} ${field.className}`;
      field.hidden = !words.every((word) => text.toLowerCase().includes(word));
      shown += field.hidden ? 0 : 1;
    }
    section.hidden = shown === 0;
    if (section.localName !== "details") continue;
    section.dataset.was ??= String(section.open);
    section.open = words.length ? shown > 0 : section.dataset.was === "true";
    if (!words.length) delete section.dataset.was;
  }
}

if (form) {
  const finder = form.querySelector("[data-find]");
  finder.hidden = false;
  const box = finder.querySelector("input");
  box.addEventListener("input", (event) => {
    // What is looked for is no part of the container.
    event.stopPropagation();
    find(box.value.toLowerCase().split(/\s+/).filter(Boolean));
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  form.addEventListener("input", (event) => {
    const section = event.target.closest("[data-section]");
    if (section) tell(section);
  });
}
