/** Light, dark, or as the system says. Kept in a cookie, so that the server sends the right one and nothing flashes. */
const ORDER = ["", "light", "dark"];
const NAMES = { "": "the system's theme", light: "the light theme", dark: "the dark theme" };

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  button.addEventListener("click", () => {
    const root = document.documentElement;
    const next = ORDER[(ORDER.indexOf(root.dataset.theme ?? "") + 1) % ORDER.length];
    if (next) root.dataset.theme = next;
    else delete root.dataset.theme;
    document.cookie = `theme=${next};path=/;max-age=31536000;samesite=lax`;
    button.setAttribute("title", `Now ${NAMES[next]}`);
  });
}
