/** Times of lines, as people read them. */
const two = (/** @type {number} */ value) => String(value).padStart(2, "0");

/** "11-25 07:00:00.123", in the reader's zone or UTC. @param {number} seconds @param {number} nanos @param {boolean} utc */
export function clock(seconds, nanos, utc) {
  const date = new Date(seconds * 1000);
  const day = utc ? [date.getUTCMonth(), date.getUTCDate()] : [date.getMonth(), date.getDate()];
  const time = utc ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()] : [date.getHours(), date.getMinutes(), date.getSeconds()];
  return [`${two(day[0] + 1)}-${two(day[1])} `, `${time.map(two).join(":")}.${String(Math.floor(nanos / 1e6)).padStart(3, "0")}`];
}

/** In the reader's zone, with its name. @param {string} stamp */
export function spelled(stamp) {
  return new Date(`${stamp.slice(0, 19)}Z`).toLocaleString("en-GB", { dateStyle: "full", timeStyle: "long" });
}

/** For a field of a form, in the reader's zone. @param {string} moment RFC 3339 or "". */
export function forField(moment) {
  if (!moment) return "";
  const date = new Date(moment);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${clock(date.getTime() / 1000, 0, false)[1].slice(0, 8)}`;
}

/** @param {number} characters */
export function size(characters) {
  if (characters < 1e3) return `${characters} more characters`;
  return characters < 1e6 ? `${Math.round(characters / 1e3)} kB more` : `${(characters / 1e6).toFixed(1)} MB more`;
}
