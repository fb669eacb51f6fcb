/**
 * Passkeys. A form marked data-passkey="create", "get" or "login" is sent with what the browser's own dialog made, in its
 * field `credential`. The options stand beside it as JSON; for "login" they are asked for when the button is pressed.
 */
const ABSENT =
  "This browser offers no passkeys here. They need https and a host name (or http://localhost); an IP address will not do.";

/** @param {HTMLFormElement} form @returns {Promise<any>} */
async function options(form) {
  if (form.dataset.passkey !== "login") return JSON.parse(document.getElementById("passkey-options").textContent).publicKey;
  const reply = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (reply.status === 429) throw new Error("Too many attempts. Wait a minute, then try again.");
  if (!reply.ok) throw new Error("The console cannot take a passkey now. Use your password, or try again later.");
  return (await reply.json()).request_options.publicKey;
}

/** @param {HTMLFormElement} form @returns {Promise<Credential>} */
async function ask(form) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) throw new Error(ABSENT);
  const asked = await options(form);
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) })
    : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
}

/** @param {Error} error @returns {string} */
function sentence(error) {
  switch (error.name) {
    case "NotAllowedError":
    case "AbortError":
      return "The passkey was not used: it was cancelled, or took too long.";
    case "InvalidStateError":
      return "This device or key is one of your passkeys already.";
    case "SecurityError":
      return ABSENT;
    default:
      return error.message;
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.dataset.passkey) return;
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  const told = /** @type {HTMLElement} */ (form.querySelector("[data-passkey-told]"));
  told.hidden = true;
  try {
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("credential"));
    field.value = JSON.stringify(await ask(form));
    form.submit();
  } catch (error) {
    told.textContent = sentence(error);
    told.hidden = false;
    form.removeAttribute("aria-busy");
  }
});
