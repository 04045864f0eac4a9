import { columnsOf, count } from './text.js';

/** How much a terminal shows. */
export interface ScreenSize {
  readonly rows: number;
  readonly columns: number;
}

/** What stands below a table is kept where it is no longer than this, and so much of the table is left. */
const LONGEST_FOOT = 5;
const SHORTEST_TABLE = 4;

/**
 * The lines of an answer that a terminal shows below a first line `note`: no longer and no more than it has room for. Of a
 * table the end is left out, not what stands below it, and a line says how many are missing.
 */
export function screenLines(text: string, note: string, { rows, columns }: ScreenSize): string[] {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const room = Math.max(1, rows - 1);
  const shown = rows > 1 ? [note, ...cutLines(lines, room)] : cutLines(lines, room);
  return shown.map((line) => cutLine(line, columns));
}

function cutLines(lines: readonly string[], room: number): readonly string[] {
  if (lines.length <= room) return lines;
  const blank = lines.lastIndexOf('');
  const foot = blank === -1 ? [] : lines.slice(blank);
  const fits = foot.length <= LONGEST_FOOT && room - foot.length > SHORTEST_TABLE;
  const below = fits ? foot : [];
  const left = Math.max(0, room - below.length - 1);
  const missing = lines.length - below.length - left;
  return [...lines.slice(0, left), `(${count(missing, 'more line')})`, ...below];
}

/** What paints a text takes no column. */
const PIECES = /\p{Cc}\[[\d;]*m|./gu;
const UNPAINTED = '\u001b[0m';

/** As much of a line as fits into so many columns, with the colours that it has. */
export function cutLine(line: string, columns: number): string {
  if (columnsOf(line) <= columns) return line;
  let cut = '';
  let used = 0;
  let painted = false;
  for (const [piece] of line.matchAll(PIECES)) {
    const isColor = piece.length > 1 && piece.startsWith('\u001b');
    if (isColor) painted = true;
    else used += columnsOf(piece);
    if (used > columns) return painted ? `${cut}${UNPAINTED}` : cut;
    cut += piece;
  }
  return cut;
}
