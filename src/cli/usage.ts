import { CronrunError } from '../errors.js';

/** Messages are folded here, so that with the two columns of a quoting mail they still fit into 80. */
export const FOLD_COLUMNS = 78;

/** A usage error; `where` is the command it was made in, null before there is one. */
export function usage(where: string | null, message: string, hint?: string): CronrunError {
  const text = where === null ? message : `${where}: ${message}`;
  return new CronrunError('usage', text, hint === undefined ? {} : { hint });
}

/** A usage error that ends in a line to type: behind a colon where there is room, else on a line of its own. */
export function usageToType(where: string | null, message: string, line: string): CronrunError {
  const inOne = usage(where, `${message}: ${line}`);
  const room = FOLD_COLUMNS - 'cronrun: '.length;
  return inOne.message.length <= room ? inOne : usage(where, `${message}:`, line);
}

/** A space that does not stand before a lone ".", "_" or "-": the characters of a job name stay together. */
const BREAKABLE = / (?![._-](?: |$))/;

/** `text` broken at spaces so that no line is longer than `columns`, where words allow it. */
export function fold(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(BREAKABLE)) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Longest value that a message repeats, characters. */
const LONGEST_SHOWN = 80;

/** `text` in double quotes, cut, with everything that would move a cursor or hide itself escaped. */
export function quote(text: string): string {
  const cut = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
  return JSON.stringify(cut).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** `text` as it is where it is plain, else quoted. */
export function bare(text: string): string {
  return text.length <= LONGEST_SHOWN && /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : quote(text);
}

/** The words as somebody types them into a POSIX shell; null where that cannot be shown in one line. */
export function shellWords(words: readonly string[]): string | null {
  if (words.some((word) => /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(word))) return null;
  return words.map(shellWord).join(' ');
}

function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+:,./-][A-Za-z0-9_@%+=:,./-]*$/.test(word)
    ? word
    : `'${word.replaceAll("'", "'\\''")}'`;
}

/** "a", "a or b", "a, b or c" */
export function anyOf(words: readonly string[], joint = 'or'): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} ${joint} ${last}`;
}
