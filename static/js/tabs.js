/** Where not all tabs fit, the open one is brought into view. */
for (const open of document.querySelectorAll(".tabs [aria-current]")) {
  const strip = open.closest(".tabs");
  strip.scrollLeft = open.offsetLeft - strip.offsetLeft - (strip.clientWidth - open.offsetWidth) / 2;
}
