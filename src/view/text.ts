/** Everything for people fits into so many columns, names that cannot be cut excepted. */
export const COLUMNS = 80;

/** Running text stays clear of the last column, where some terminals already wrap. */
const TEXT_COLUMNS = COLUMNS - 1;

const ZERO_WIDTH = /^[\p{M}\p{Cf}]$/u;
const DOUBLE_WIDTH =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])$/u;

/** Columns that a sanitised text takes on a terminal. */
export function columnsOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let columns = 0;
  for (const character of text) {
    if (!ZERO_WIDTH.test(character)) columns += DOUBLE_WIDTH.test(character) ? 2 : 1;
  }
  return columns;
}

const TIE = '\u00a0';

/** Words between which no line is broken: a command that people copy, "(run …)". */
export function tied(words: string): string {
  return words.replaceAll(' ', TIE);
}

function untied(text: string): string {
  return text.replaceAll(TIE, ' ');
}

/**
 * Breaks text at blanks into lines of at most `columns`, the first of which has `used` columns already taken. A
 * word that is longer than a line is left whole, so that paths and commands can be copied.
 */
export function wrapWords(text: string, columns: number, used = 0): string[] {
  const lines: string[] = [];
  let line = '';
  let room = columns - used;
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (columnsOf(longer) <= room || line === '') {
      line = longer;
    } else {
      lines.push(line);
      line = word;
      room = columns;
    }
  }
  lines.push(line);
  return lines.map(untied);
}

/** One paragraph in the manner of messages: what does not fit stands below, indented by two spaces. */
export function paragraph(text: string): string {
  if (columnsOf(text) <= COLUMNS) return untied(text);
  const words = text.trimStart();
  const indent = text.length - words.length;
  const below = ' '.repeat(Math.max(2, indent));
  const lines = wrapWords(words, TEXT_COLUMNS - below.length, indent - below.length);
  return ' '.repeat(indent) + lines.join(`\n${below}`);
}

const LABEL_COLUMNS = 9;
const VALUE_INDENT = ' '.repeat(2 + LABEL_COLUMNS + 2);

/** "  started    2026-…": a label and its value, whose further lines stand below its first. */
export function labelled(label: string, lines: readonly string[]): string {
  return `  ${label.padEnd(LABEL_COLUMNS)}  ${lines.join(`\n${VALUE_INDENT}`)}`;
}

/** Columns that a labelled value has for itself. */
export const VALUE_COLUMNS = TEXT_COLUMNS - VALUE_INDENT.length;

/** "1 run", "12 runs" */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** At most so many pids are listed. */
const PIDS = 8;

/** "5120 5133", "1 2 3 4 5 6 7 8 and 4 more" */
export function pidList(pids: readonly number[]): string {
  const rest = pids.length - PIDS;
  return `${pids.slice(0, PIDS).join(' ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
