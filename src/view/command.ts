import { isUnsafe, unicodeEscape } from './sanitize.js';
import { columnsOf } from './text.js';

/** At most so many lines of a command are shown; all of it is in --json. */
const LINES = 5;

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One argument as bash and zsh would take it: bare, in single quotes, or as $'…' where control characters are in it. */
export function quoteArgument(argument: string): string {
  if (PLAIN.test(argument)) return argument;
  if (!isUnsafe(argument)) return `'${argument.replaceAll("'", "'\\''")}'`;
  const escaped = Array.from(argument.replace(/[\\']/g, '\\$&'), escapeCharacter).join('');
  return `$'${escaped}'`;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' };

function escapeCharacter(character: string): string {
  if (!isUnsafe(character)) return character;
  return SHORT_ESCAPES[character] ?? unicodeEscape(character);
}

/**
 * A command in lines of at most `columns`. It is broken between arguments; one that is longer than a line, as behind
 * `sh -c`, is broken at its blanks like running text, and anywhere if it has none.
 */
export function commandLines(argv: readonly string[], cut: boolean, columns: number): string[] {
  if (argv.length === 0) return ['?'];
  const lines: string[] = [];
  let line = '';
  for (const word of argv.flatMap((argument) => pieces(quoteArgument(argument), columns))) {
    const longer = line === '' ? word.text : `${line} ${word.text}`;
    if (!word.continues && columnsOf(longer) <= columns) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word.text;
    if (lines.length >= LINES) break;
  }
  lines.push(line);
  if (lines.length > LINES) return [...lines.slice(0, LINES), '... (all of it: --json)'];
  return cut ? [...lines, '... (more was not recorded)'] : lines;
}

interface Piece {
  readonly text: string;
  /** The rest of a word that was too long for one line. */
  readonly continues: boolean;
}

function pieces(argument: string, columns: number): Piece[] {
  if (columnsOf(argument) <= columns) return [{ text: argument, continues: false }];
  return argument.split(' ').flatMap((word) => cutWord(word, columns));
}

function cutWord(word: string, columns: number): Piece[] {
  if (columnsOf(word) <= columns) return [{ text: word, continues: false }];
  const found: Piece[] = [];
  let text = '';
  let used = 0;
  for (const character of word) {
    const width = columnsOf(character);
    if (used + width > columns) {
      found.push({ text, continues: found.length > 0 });
      text = '';
      used = 0;
      if (found.length > LINES) return found;
    }
    text += character;
    used += width;
  }
  found.push({ text, continues: found.length > 0 });
  return found;
}
