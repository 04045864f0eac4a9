import { escapeControls, unicodeEscape } from './sanitize.js';

/** The answer of `--get`: bare values in one line, so that `read -r` and `set --` take it apart. */
export function getLine(names: readonly string[], fields: Readonly<Record<string, unknown>>): string {
  return `${names.map((name) => bareValue(fields[name])).join(' ')}\n`;
}

/**
 * One value without a blank in it. null is "-" (an empty word would vanish in the shell); a text is written as
 * between the quotes of JSON, blanks escaped too; lists and objects are JSON.
 */
export function bareValue(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value !== 'string') return withoutBlanks(JSON.stringify(value));
  if (value === '') return '""';
  const bare = withoutBlanks(JSON.stringify(value).slice(1, -1));
  return bare === '-' ? unicodeEscape('-') : bare;
}

// JSON.stringify leaves no blank outside of strings, so escaping every one of them keeps it JSON.
function withoutBlanks(json: string): string {
  return escapeControls(json).replace(/\s/gu, unicodeEscape);
}
