/** How serious a line says it is: by its JSON or key=value field, by a word of its own, or by the first letter of glog. */
export const LEVELS = ["none", "debug", "info", "warn", "error"];
/** Of this many characters at the start of a line. */
const LOOKED_AT = 200;
const FIELD = /["']?(?:level|lvl|severity|loglevel)["']?\s*[=:]\s*["']?(\w+)/i;
const LOUD = /\b(?:FATAL|PANIC|EMERG|ALERT|CRIT|CRITICAL|SEVERE|ERROR|ERR|WARN|WARNING|INFO|NOTICE|DEBUG|TRACE)\b/;
const MARKED = /(?:^|[\s[(<|"])(fatal|panic|emerg|alert|crit|critical|severe|error|err|warn|warning|info|notice|debug|trace)(?=[\])>|:"])/i;
const GLOG = /^([IWEF])\d{4} /;
const PANIC = /^(?:panic: |Traceback \(most recent call last\)|Exception in thread )/;

/** @type {Map<string, number>} */
const NAMED = new Map();
for (const word of ["fatal", "panic", "emerg", "emergency", "alert", "crit", "critical", "severe", "error", "err", "e", "f"]) NAMED.set(word, 4);
for (const word of ["warn", "warning", "w"]) NAMED.set(word, 3);
for (const word of ["info", "information", "notice", "i"]) NAMED.set(word, 2);
for (const word of ["debug", "trace", "verbose"]) NAMED.set(word, 1);

/** @param {string} line Without escape sequences. @returns {number} An index of LEVELS. */
export function levelOf(line) {
  const start = line.length > LOOKED_AT ? line.slice(0, LOOKED_AT) : line;
  const field = FIELD.exec(start);
  if (field) {
    const level = named(field[1]);
    if (level) return level;
  }
  const word = LOUD.exec(start)?.[0] ?? MARKED.exec(start)?.[1] ?? GLOG.exec(start)?.[1];
  if (word) return named(word);
  return PANIC.test(start) ? 4 : 0;
}

/** Numbers are those of bunyan and pino: 30 is info. @param {string} word */
function named(word) {
  const number = Number(word);
  if (number >= 10) return number >= 50 ? 4 : number >= 40 ? 3 : number >= 30 ? 2 : 1;
  return NAMED.get(word.toLowerCase()) ?? 0;
}
