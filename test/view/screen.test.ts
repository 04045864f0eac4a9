import { describe, expect, it } from 'vitest';
import { cutLine, screenLines } from '../../src/view/screen.js';

const RED = '\u001b[1m\u001b[31m';
const PLAIN = '\u001b[0m';

const table = (rows: number) => Array.from({ length: rows }, (_, n) => `row ${n}`);
const text = (lines: readonly string[]) => `${lines.join('\n')}\n`;
const withFoot = (rows: number) => text([...table(rows), '', 'foot 1', 'foot 2']);

describe('screenLines', () => {
  it.each<[string, string, number, string[]]>([
    ['all that fits', withFoot(3), 7, ['note', ...table(3), '', 'foot 1', 'foot 2']],
    [
      'the end of the table left out',
      withFoot(20),
      10,
      ['note', ...table(5), '(15 more lines)', '', 'foot 1', 'foot 2'],
    ],
    [
      'what stands below it as well, where there is little room',
      withFoot(20),
      5,
      ['note', ...table(3), '(20 more lines)'],
    ],
    ['a text without a foot', text(table(9)), 5, ['note', ...table(3), '(6 more lines)']],
    ['one line left out', text(table(5)), 5, ['note', ...table(3), '(2 more lines)']],
    ['two rows', text(table(5)), 2, ['note', '(5 more lines)']],
    ['one row', text(table(5)), 1, ['(5 more lines)']],
    ['one row, and one line', 'all\n', 1, ['all']],
    ['nothing', '', 5, ['note']],
  ])('shows %s', (_, answer, rows, expected) => {
    expect(screenLines(answer, 'note', { rows, columns: 80 })).toEqual(expected);
  });

  it.each([1, 2, 3, 5, 8, 13, 24, 100])('never has more than %d rows, and counts what is missing', (rows) => {
    for (const lines of [0, 1, 4, 7, 12, 50]) {
      const shown = screenLines(withFoot(lines), 'note', { rows, columns: 80 });
      expect(shown.length).toBeLessThanOrEqual(rows);
      const cut = shown.map((line) => /^\((\d+) more lines?\)$/.exec(line)?.[1]).find(Boolean);
      const told = shown.filter((line) => /^(row|foot)|^$/.test(line)).length;
      expect(told + Number(cut ?? 0)).toBe(lines + 3);
    }
  });
});

describe('cutLine', () => {
  it.each([
    ['short', 10, 'short'],
    ['exactly so', 10, 'exactly so'],
    ['one too many', 11, 'one too man'],
    ['日本語のジョブ', 7, '日本語'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301e\u0301'],
    [`${RED}FAILED${PLAIN} here`, 8, `${RED}FAILED${PLAIN} h${PLAIN}`],
    [`${RED}FAILED${PLAIN}`, 4, `${RED}FAIL${PLAIN}`],
    [`${RED}FAILED${PLAIN}`, 6, `${RED}FAILED${PLAIN}`],
  ])('of %j in %d columns leaves %j', (line, columns, expected) => {
    expect(cutLine(line, columns)).toBe(expected);
  });
});
