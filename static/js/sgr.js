/**
 * Colours of terminal output (SGR) as class names. Every other escape sequence is dropped, and characters that would
 * hide or reorder text are made visible, since a build's output is written by whoever wrote the Dockerfile.
 */
const SEQUENCE = /\x1b(?:\[([0-9;:?<=>]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~]?)/g;
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;
const OWNER = /^#\d+ (?:\d+\.\d+ )?/;
/** Beyond this many colours of their own, the nearest of 256 is taken. */
const MOST_RULES = 2000;
const STEPS = [0, 95, 135, 175, 215, 255];

const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);
/** @type {Set<string>} Colours that have their rule already. */
const ruled = new Set();

/** @param {string} text */
export function visible(text) {
  return text.replace(HIDDEN, (character) => {
    const code = character.charCodeAt(0);
    if (code < 32) return String.fromCharCode(0x2400 + code);
    return code === 127 ? "␡" : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

/** What is left of a line when a terminal has obeyed its carriage returns. @param {string} line */
export function settled(line) {
  const last = line.endsWith("\r") ? line.lastIndexOf("\r", line.length - 2) : line.lastIndexOf("\r");
  if (last < 0) return line.endsWith("\r") ? line.slice(0, -1) : line;
  // What says whose line it is was not printed by the program that went back.
  return (OWNER.exec(line)?.[0] ?? "") + line.slice(last + 1).replace(/\r$/, "");
}

/** The text of a line without any escape sequence. @param {string} line */
export function plain(line) {
  return line.includes("\x1b") ? line.replace(SEQUENCE, "") : line;
}

/** @param {string} line @returns {[string, string][]} Pairs of class names (or "") and text. */
export function parse(line) {
  if (!line.includes("\x1b")) return [["", visible(line)]];
  const parts = [];
  const style = blank();
  let from = 0;
  for (const match of line.matchAll(SEQUENCE)) {
    if (match.index > from) parts.push([classes(style), visible(line.slice(from, match.index))]);
    if (match[2] === "m") apply(style, codesOf(match[1]));
    from = match.index + match[0].length;
  }
  if (from < line.length) parts.push([classes(style), visible(line.slice(from))]);
  return parts;
}

const blank = () => ({ bold: false, dim: false, italic: false, underline: false, fg: "", bg: "" });

/** @param {string} parameters What stands between `ESC[` and `m`. @returns {number[]} */
function codesOf(parameters) {
  return parameters.split(";").flatMap((parameter) => {
    const [code, ...rest] = parameter.split(":").map(Number);
    if (code === 4 && rest[0] === 0) return [24];
    // Of a kind of underline, the underline; of a colour with colons, all but the colour space that may precede red.
    if (code !== 38 && code !== 48) return [code];
    return rest[0] === 2 && rest.length > 4 ? [code, 2, ...rest.slice(2, 5)] : [code, ...rest];
  });
}

/** @param {ReturnType<typeof blank>} style @param {number[]} codes */
function apply(style, codes) {
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 0) Object.assign(style, blank());
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.underline = true;
    else if (code === 22) style.bold = style.dim = false;
    else if (code === 23) style.italic = false;
    else if (code === 24) style.underline = false;
    else if (code >= 30 && code <= 37) style.fg = `f${code - 30}`;
    else if (code >= 90 && code <= 97) style.fg = `f${code - 82}`;
    else if (code === 39) style.fg = "";
    else if (code >= 40 && code <= 47) style.bg = `b${code - 40}`;
    else if (code >= 100 && code <= 107) style.bg = `b${code - 92}`;
    else if (code === 49) style.bg = "";
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(codes.slice(at + 1));
      if (colour) style[code === 38 ? "fg" : "bg"] = `${code === 38 ? "f" : "b"}${colour}`;
      at += used;
    }
  }
}

/**
 * A colour of 256 from `5;n`, or `x` and its hexadecimal digits from `2;r;g;b`; and how many codes it took.
 * @param {number[]} codes @returns {[string, number]}
 */
function extended(codes) {
  if (codes[0] === 5) return [Number.isInteger(codes[1]) && codes[1] >= 0 && codes[1] < 256 ? String(codes[1]) : "", 2];
  if (codes[0] !== 2) return ["", 0];
  const rgb = [1, 2, 3].map((index) => Math.min(255, codes[index] || 0));
  if (ruled.size < MOST_RULES) return [`x${rgb.map((value) => value.toString(16).padStart(2, "0")).join("")}`, 4];
  const [red, green, blue] = rgb.map(nearest);
  return [String(16 + 36 * red + 6 * green + blue), 4];
}

/** @param {number} value @returns {number} Which of STEPS is nearest. */
function nearest(value) {
  const away = STEPS.map((step) => Math.abs(step - value));
  return away.indexOf(Math.min(...away));
}

/** @param {ReturnType<typeof blank>} style */
function classes(style) {
  for (const colour of [style.fg, style.bg]) if (colour[1] === "x" || Number(colour.slice(1)) > 15) rule(colour);
  const names = [style.fg && `ansi-${style.fg}`, style.bg && `ansi-${style.bg}`];
  for (const name of ["bold", "dim", "italic", "underline"]) names.push(style[name] && `ansi-${name}`);
  return names.filter(Boolean).join(" ");
}

/** Colours above 15 get a rule when first used. @param {string} colour */
function rule(colour) {
  if (ruled.has(colour)) return;
  ruled.add(colour);
  const property = colour[0] === "f" ? "color" : "background-color";
  const value = colour[1] === "x" ? `#${colour.slice(2)}` : `rgb(${of256(Number(colour.slice(1))).join(",")})`;
  sheet.insertRule(`.ansi-${colour}{${property}:${value}}`);
}

/** @param {number} number 16 to 255. @returns {number[]} Red, green, blue. */
function of256(number) {
  const grey = 8 + 10 * (number - 232);
  const cube = number - 16;
  return number > 231 ? [grey, grey, grey] : [STEPS[Math.floor(cube / 36)], STEPS[Math.floor(cube / 6) % 6], STEPS[cube % 6]];
}
