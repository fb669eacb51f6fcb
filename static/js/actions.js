/**
 * Verbs on things without leaving the page: a form marked data-actions is sent in the background by the button that was
 * pressed; what the server says appears in a corner, so that nothing jumps, and the list hears of the change by its socket.
 * The menu of a row (#row-menu) belongs to whichever row opened it.
 */
import { markup } from "./trusted.js";

const toasts = document.getElementById("toasts");
const TOAST_MS = 6000;

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  if (event.defaultPrevented || !(form instanceof HTMLFormElement) || !form.matches("[data-actions]") || !button) return;
  event.preventDefault();
  button.setAttribute("aria-busy", "true");
  const body = new FormData(form, button);
  const action = button.hasAttribute("formaction") ? button.formAction : form.action;
  button.closest("[popover]")?.hidePopover();
  let done = false;
  try {
    const reply = await fetch(action, { method: "POST", body, headers: { "HX-Request": "true" }, redirect: "manual" });
    const elsewhere = reply.headers.get("HX-Redirect");
    if (elsewhere) location.assign(elsewhere);
    else if (reply.type === "opaqueredirect" || reply.headers.has("HX-Refresh")) location.reload();
    else if (reply.ok || reply.status === 502) done = show(await reply.text());
    else say(reply.status === 403 ? "Your role does not include this." : `The console refused this (${reply.status}). Reload the page and try again.`);
  } catch {
    say("The console does not answer. Nothing was changed as far as this page knows.");
  } finally {
    button.removeAttribute("aria-busy");
    document.body.dispatchEvent(new CustomEvent("changed:containers"));
  }
  if (done && form.dataset.gone && action.endsWith("/remove/")) location.assign(form.dataset.gone);
});

/** Say it in the corner, until it is dismissed. @param {string} text @param {string} tone */
export function say(text, tone = "danger") {
  const notice = document.createElement("div");
  notice.className = `notice ${tone}`;
  notice.setAttribute("role", "alert");
  notice.textContent = text;
  show(notice.outerHTML);
}

/**
 * Successes go by themselves; failures stay until they are dismissed. Says whether there were successes only.
 * @param {string} html Escaped by the server. @returns {boolean}
 */
function show(html) {
  const template = document.createElement("template");
  template.innerHTML = markup.createHTML(html);
  const notices = [...template.content.children];
  for (const notice of notices) {
    toasts.append(notice);
    notice.addEventListener("click", () => notice.remove());
    if (notice.matches(".success")) setTimeout(() => notice.remove(), TOAST_MS);
  }
  return notices.length > 0 && notices.every((notice) => notice.matches(".success"));
}

document.addEventListener("click", (event) => {
  const opener = event.target instanceof Element ? event.target.closest("[data-row]") : null;
  const menu = document.getElementById("row-menu");
  if (!opener || !menu) return;
  const { name, state } = opener.dataset;
  // The address of its page.
  const row = opener.closest("tr").querySelector("th a").getAttribute("href");
  for (const button of menu.querySelectorAll("[data-verb]")) {
    button.setAttribute("formaction", `${row}${button.dataset.verb}/`);
    button.name = "shown";
    button.value = name;
    button.hidden = Boolean(button.dataset.when) && !button.dataset.when.split(" ").includes(state);
    if (button.dataset.ask) button.dataset.confirm = button.dataset.ask.replace("{}", name);
  }
});
