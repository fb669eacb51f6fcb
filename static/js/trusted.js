/**
 * The one maker of markup: the browser takes HTML from text nowhere else (require-trusted-types-for), so that a slip in
 * another module cannot become a script. What passes here was escaped by the server, or is a constant of ours.
 * @type {{createHTML: (html: string) => any}}
 */
const plain = { createHTML: (html) => html };
export const markup = globalThis.trustedTypes?.createPolicy("pilothouse", plain) ?? plain;
