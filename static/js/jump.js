/** Ctrl-K: jump to anything the page links to in its side bar, by a few letters. */
const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById("jump"));
const input = dialog?.querySelector("input");
const list = dialog?.querySelector("ul");

/** @returns {{text: string, where: string, href: string}[]} */
function places() {
  const found = [];
  for (const link of document.querySelectorAll(".side a")) {
    const engine = link.closest("ul ul")?.closest("li")?.querySelector("a > span")?.textContent ?? "";
    const text = link.querySelector("span")?.textContent ?? "";
    found.push({ text, where: engine, href: link.getAttribute("href") ?? "/" });
    if (/^\/engines\/[^/]+\/$/.test(found.at(-1).href) && !engine) {
      for (const part of ["containers", "stats", "images", "images/build"]) {
        found.push({ text: `${text} ${part.replace("images/", "")}`, where: text, href: `${found.at(-1).href.match(/^\/engines\/[^/]+\//)[0]}${part}/` });
      }
    }
  }
  return [...new Map(found.map((place) => [place.href, place])).values()];
}

function show() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = places().filter((place) => words.every((word) => `${place.text} ${place.where}`.toLowerCase().includes(word)));
  list.replaceChildren(
    ...hits.slice(0, 50).map((place, index) => {
      const link = document.createElement("a");
      link.href = place.href;
      link.append(place.text);
      const small = document.createElement("small");
      small.textContent = place.href;
      link.append(small);
      link.setAttribute("role", "option");
      link.setAttribute("aria-selected", String(index === 0));
      const item = document.createElement("li");
      item.setAttribute("role", "none");
      item.append(link);
      return item;
    }),
  );
}

/** @param {number} step */
function move(step) {
  const links = [...list.querySelectorAll("a")];
  const now = links.findIndex((link) => link.getAttribute("aria-selected") === "true");
  const next = links[(now + step + links.length) % links.length];
  links[now]?.setAttribute("aria-selected", "false");
  next?.setAttribute("aria-selected", "true");
  next?.scrollIntoView({ block: "nearest" });
}

function open() {
  input.value = "";
  show();
  dialog.showModal();
  input.focus();
}

if (dialog && input && list) {
  document.querySelector("[data-jump]")?.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (!dialog.open) open();
    }
  });
  input.addEventListener("input", show);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      list.querySelector("[aria-selected=true]")?.click();
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
