/**
 * Files for a container: chosen in the form, or dropped on the page. Each is sent by itself, one after the other, with
 * its progress; the list asks for itself again when one has arrived.
 */
import { markup } from "./trusted.js";

const page = document.getElementById("browser");
const form = /** @type {HTMLFormElement} */ (page.querySelector("[data-upload]"));
const list = /** @type {HTMLUListElement} */ (page.querySelector("[data-uploads]"));
const most = Number(form.dataset.most);
const TIMES = 1024;

/** @type {Promise<void>} The last of those that wait for their turn. */
let queue = Promise.resolve();

/** @param {number} bytes */
function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let step = 0;
  for (; bytes >= TIMES && step < units.length - 1; step += 1) bytes /= TIMES;
  return `${bytes.toFixed(step && bytes < 100 ? 1 : 0)} ${units[step]}`;
}

/** A line for one file. @param {File} file */
function line(file) {
  const item = document.createElement("li");
  const name = Object.assign(document.createElement("span"), { className: "name", textContent: file.name });
  const state = Object.assign(document.createElement("span"), { className: "muted", textContent: size(file.size) });
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn small", textContent: "Cancel" });
  const bar = Object.assign(document.createElement("progress"), { max: Math.max(1, file.size), value: 0 });
  bar.setAttribute("aria-label", `Upload of ${file.name}`);
  item.append(name, state, button, bar);
  list.append(item);
  list.hidden = false;
  return { item, state, button, bar };
}

/** @param {File} file @param {boolean} replace */
function add(file, replace) {
  const shown = line(file);
  if (file.size > most) {
    end(shown, `It is larger than ${size(most)}, the most that is taken.`);
    return;
  }
  let cancelled = false;
  shown.button.onclick = () => {
    cancelled = true;
    shown.item.remove();
  };
  queue = queue.then(() => (cancelled ? undefined : send(file, replace, shown)));
}

/**
 * @param {File} file @param {boolean} replace @param {ReturnType<typeof line>} shown
 * @returns {Promise<void>} Fulfilled however it ends.
 */
function send(file, replace, shown) {
  const body = new FormData();
  body.append("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
  if (replace) body.append("replace", "1");
  body.append("file", file);
  const request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("HX-Request", "true");
  return new Promise((resolve) => {
    shown.button.onclick = () => request.abort();
    request.upload.onprogress = (event) => {
      shown.bar.value = Math.min(event.loaded, file.size);
      shown.state.textContent = `${size(Math.min(event.loaded, file.size))} of ${size(file.size)}`;
    };
    request.upload.onload = () => {
      // Only here does it begin to reach the container: what is given up before leaves nothing there.
      shown.button.hidden = true;
      shown.bar.removeAttribute("value");
      shown.state.textContent = "Writing it into the container…";
    };
    request.onabort = () => end(shown, "Cancelled; nothing was written.");
    request.onerror = () => end(shown, "The console does not answer, or refused it.");
    request.onload = () => answered(request, file, shown);
    request.onloadend = () => resolve();
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request @param {File} file @param {ReturnType<typeof line>} shown */
function answered(request, file, shown) {
  if (request.status === 201) {
    shown.bar.remove();
    shown.button.remove();
    shown.state.className = "";
    shown.state.textContent = `${size(file.size)} uploaded`;
    document.body.dispatchEvent(new CustomEvent("changed:files"));
    return;
  }
  if (request.status === 204) {
    // Nobody is logged in any more.
    location.reload();
    return;
  }
  if (request.status === 409) {
    end(shown, "There is something of this name already.");
    const again = Object.assign(document.createElement("button"), { type: "button", className: "btn small", textContent: "Replace" });
    again.onclick = () => {
      shown.item.remove();
      add(file, true);
    };
    shown.item.append(again);
    return;
  }
  const told = { 403: "Your role does not include this.", 413: `It is larger than ${size(most)}, the most that is taken.` };
  end(shown, told[request.status] ?? text(request.responseText) ?? `The console refused this (${request.status}).`);
}

/** @param {ReturnType<typeof line>} shown @param {string} why */
function end(shown, why) {
  shown.bar.remove();
  shown.button.remove();
  shown.state.className = "failed";
  shown.state.textContent = why;
}

/** What the server's notices say. @param {string} html */
function text(html) {
  const template = document.createElement("template");
  template.innerHTML = markup.createHTML(html);
  return [...template.content.querySelectorAll(".notice")].map((notice) => notice.textContent.trim()).join(" ") || undefined;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (form.elements.namedItem("file"));
  const replace = /** @type {HTMLInputElement} */ (form.elements.namedItem("replace")).checked;
  for (const file of input.files) add(file, replace);
  form.reset();
  form.closest("[popover]").hidePopover();
});

/** @param {DragEvent} event */
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  page.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) page.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  page.classList.remove("over");
  for (const item of event.dataTransfer.items) {
    const entry = item.webkitGetAsEntry?.();
    const file = item.getAsFile();
    if (entry?.isDirectory) end(line(new File([], entry.name)), "Folders are not taken; choose the files in it.");
    else if (file) add(file, false);
  }
});
