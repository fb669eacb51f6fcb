/** The inspect of a container: finds names and values, opens what holds them, and copies the path of one. */
const root = document.getElementById("inspect");
const find = /** @type {HTMLInputElement} */ (root.querySelector("[data-find]"));
const found = root.querySelector("[data-found]");
const details = () => [...root.querySelectorAll(".tree details")];
const MOST_SHOWN = 500;

/** @param {string} text */
function search(text) {
  const wanted = text.trim().toLowerCase();
  for (const hit of root.querySelectorAll(".hit")) hit.classList.remove("hit");
  if (!wanted) {
    found.textContent = "";
    return;
  }
  for (const each of details()) each.open = false;
  const lines = [...root.querySelectorAll(".tree [data-path]")];
  const hits = lines.filter((line) => `${line.dataset.path} ${line.querySelector(".value")?.textContent ?? ""}`.toLowerCase().includes(wanted));
  // A name that holds others is not found again in each of them.
  const outer = hits.filter((line) => line.querySelector(".value")?.textContent.toLowerCase().includes(wanted) || name(line).includes(wanted) || wanted.includes("."));
  for (const hit of outer.slice(0, MOST_SHOWN)) {
    hit.classList.add("hit");
    for (let each = hit.closest("details"); each; each = each.parentElement.closest("details")) each.open = true;
  }
  found.textContent = outer.length === 1 ? "1 found" : `${outer.length} found`;
  outer[0]?.scrollIntoView({ block: "nearest" });
}

/** @param {Element} line */
function name(line) {
  return line.querySelector(".key").textContent.toLowerCase();
}

find.addEventListener("input", () => search(find.value));
root.querySelector("[data-open]").addEventListener("click", () => details().forEach((each) => (each.open = true)));
root.querySelector("[data-close]").addEventListener("click", () => details().forEach((each) => (each.open = false)));
root.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-copy-path]") : null;
  if (!button) return;
  const path = button.closest("[data-path]").dataset.path;
  try {
    await navigator.clipboard.writeText(path);
    found.textContent = `Copied ${path}`;
  } catch {
    // Where the browser lets no page copy, it can be taken from here.
    found.textContent = path;
    getSelection().selectAllChildren(found);
  }
});
if (location.hash.startsWith("#.")) {
  find.value = decodeURIComponent(location.hash.slice(1));
  search(find.value);
}
