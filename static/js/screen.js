/** A terminal's screen as all pages of ours have it: its colours, its letters, and links that open nothing by themselves. */
import "./xterm-style.js";
import { Terminal } from "xterm";
import { WebLinksAddon } from "xterm-web-links";

/** Dark in both themes: what programs choose for terminals is meant for that. */
const THEME = {
  background: "#10151c",
  foreground: "#dfe5ec",
  cursor: "#6cb0ff",
  cursorAccent: "#10151c",
  selectionBackground: "#35568066",
  black: "#2a313b",
  red: "#ff7b72",
  green: "#5cd394",
  yellow: "#f1c15b",
  blue: "#6cb0ff",
  magenta: "#d2a8ff",
  cyan: "#6fcdee",
  white: "#c9d1d9",
  brightBlack: "#7d8896",
  brightRed: "#ffa198",
  brightGreen: "#8be9b4",
  brightYellow: "#ffdf91",
  brightBlue: "#a5ceff",
  brightMagenta: "#e2c5ff",
  brightCyan: "#a5e3f7",
  brightWhite: "#ffffff",
};
export const MONO = 'ui-monospace, "JetBrains Mono", "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';

/**
 * What is shown may hold any link: where it leads is asked about first. Titles and the clipboard are nobody's to set.
 * @param {MouseEvent} _event @param {string} uri
 */
function follow(_event, uri) {
  let url;
  try {
    url = new URL(uri);
  } catch {
    return;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return;
  if (window.confirm(`Open this address in a new tab?\n\n${url.href}`)) window.open(url.href, "_blank", "noopener,noreferrer");
}

/** @param {object} [options] Further options of xterm. @returns {Terminal} */
export function screen(options = {}) {
  const terminal = new Terminal({
    allowProposedApi: true,
    cursorBlink: false,
    fontFamily: MONO,
    fontSize: 13,
    linkHandler: { activate: follow, allowNonHttpProtocols: false },
    minimumContrastRatio: 4.5,
    scrollback: 10_000,
    theme: THEME,
    ...options,
  });
  terminal.loadAddon(new WebLinksAddon(follow));
  return terminal;
}
