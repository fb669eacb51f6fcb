/** Buttons marked data-copy="#id" copy the text of that element, or select it where the browser lets no page copy. */
document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
  const source = button && document.querySelector(button.getAttribute("data-copy"));
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    button.querySelector("span").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
  }
});
