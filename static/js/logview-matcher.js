/** Runs in a worker: which lines match. A pattern that would take for ever keeps nobody waiting; the worker is ended. */
/** Of a longer line, so much of its beginning is searched. */
const MOST_SEARCHED = 16_384;
/** As many as are shown in a row: what is asked here is what the page does for a line that matches. */
export const MOST_MATCHES = 50;

/** @param {RegExp} pattern Global. @param {string} text @returns {[number, number][]} Where it matches. */
export function matches(pattern, text) {
  const found = /** @type {[number, number][]} */ ([]);
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match && found.length < MOST_MATCHES; match = pattern.exec(text)) {
    if (match[0]) found.push([match.index, match.index + match[0].length]);
    else pattern.lastIndex += 1;
  }
  return found;
}

if (typeof WorkerGlobalScope !== "undefined") {
  addEventListener("message", ({ data: { pattern, text } }) => {
    const hits = [];
    text.split("\n").forEach((line, index) => {
      if (matches(pattern, line.length > MOST_SEARCHED ? line.slice(0, MOST_SEARCHED) : line).length) hits.push(index);
    });
    postMessage(hits);
  });
}
