import { stripVTControlCharacters } from 'node:util';

/**
 * What can move the cursor, recolour, reorder or hide text on a terminal: C0 and C1 controls and DEL; the bidi
 * controls ("Trojan Source"), line and paragraph separators, invisible tag characters.
 */
const DANGEROUS =
  /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** Printable ASCII, which is nearly everything; 10,000 names cost 50 ms the long way. */
const HARMLESS = /^[ -~]*$/;

/** Text that somebody else wrote, safe to show on a terminal in one line: control characters are taken out. */
export function sanitize(text: string): string {
  if (HARMLESS.test(text)) return text;
  return stripVTControlCharacters(text)
    .replace(/[\t\n\r]+/g, ' ')
    .replace(DANGEROUS, '');
}

/** True for text that `sanitize` would change. */
export function isUnsafe(text: string): boolean {
  return text.search(DANGEROUS) !== -1;
}

/** The same JSON (or JSON string body) with everything dangerous written as \uXXXX: nothing is lost. */
export function escapeControls(json: string): string {
  return json.replace(DANGEROUS, unicodeEscape);
}

/** "\u202e", for each UTF-16 unit of the character. */
export function unicodeEscape(character: string): string {
  let escaped = '';
  for (let i = 0; i < character.length; i++) {
    escaped += `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return escaped;
}
