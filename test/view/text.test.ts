import { describe, expect, it } from 'vitest';
import { commandLines, quoteArgument } from '../../src/view/command.js';
import { isUnsafe, sanitize } from '../../src/view/sanitize.js';
import { similarNames } from '../../src/view/similar.js';
import { columnsOf, count, paragraph, pidList, tied, wrapWords } from '../../src/view/text.js';
import { age, clockTime, localDate, localTime, localZone } from '../../src/view/time.js';

describe('sanitize', () => {
  const cases: [string, string][] = [
    ['plain text, é and 漢', 'plain text, é and 漢'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007x', 'x'],
    ['\u009b2Jx', 'x'],
    ['a\u0000b\u0007c\u007fd', 'abcd'],
    ['a\tb\r\nc', 'a b c'],
    ['\u202eevil\u202c \u2066x\u2069 \u200f', 'evil x '],
    ['a\u2028b\u2029c\ufeffd\u{e0041}e', 'abcde'],
    ['\u001b', ''],
    ['\u001b\u001b[[31m', '[[31m'],
  ];
  it.each(cases)('%j', (text, expected) => {
    const clean = sanitize(text);
    // Whatever is taken out, nothing dangerous comes together from what is left.
    expect(isUnsafe(clean)).toBe(false);
    if (expected !== '[[31m') expect(clean).toBe(expected);
  });
});

describe('commands', () => {
  const cases: [string, string][] = [
    ['/usr/bin/x', '/usr/bin/x'],
    ['--a=b,c', '--a=b,c'],
    ['', "''"],
    ['two words', "'two words'"],
    ["it's", "'it'\\''s'"],
    ['$HOME', "'$HOME'"],
    ['~x', "'~x'"],
    ['a\nb', "$'a\\nb'"],
    ["\u001b[31m'\\", "$'\\u001b[31m\\'\\\\'"],
    ['é', "'é'"],
  ];
  it.each(cases)('%j is written %s', (argument, quoted) => {
    expect(quoteArgument(argument)).toBe(quoted);
  });

  it('are broken between arguments, and within one that is too long', () => {
    expect(commandLines(['a', 'bb', 'ccc'], false, 4)).toEqual(['a bb', 'ccc']);
    expect(commandLines(['x', 'abcdefgh', 'y'], false, 4)).toEqual(['x', 'abcd', 'efgh', 'y']);
    expect(commandLines(['sh', '-c', 'cd /srv && tar cf - . | gzip'], false, 20)).toEqual([
      "sh -c 'cd /srv &&",
      "tar cf - . | gzip'",
    ]);
    expect(commandLines(['sh', '-c', 'abcdefghij > /tmp/k'], false, 8)).toEqual([
      'sh -c',
      "'abcdefg",
      'hij >',
      "/tmp/k'",
    ]);
    expect(commandLines([], false, 4)).toEqual(['?']);
    expect(commandLines(['a'], true, 40)).toEqual(['a', '... (more was not recorded)']);
  });

  it('are cut where they are very long', () => {
    const lines = commandLines(['x'.repeat(10_000)], false, 60);
    expect(lines).toHaveLength(6);
    expect(lines[5]).toBe('... (all of it: --json)');
    expect(commandLines(['x'.repeat(300)], false, 60)).toHaveLength(5);
    expect(commandLines(Array(1000).fill('word'), false, 60)).toHaveLength(6);
  });
});

describe('columns and wrapping', () => {
  it('counts what a terminal shows', () => {
    expect(columnsOf('abc')).toBe(3);
    expect(columnsOf('é')).toBe(1);
    expect(columnsOf('e\u0301')).toBe(1);
    expect(columnsOf('漢字')).toBe(4);
    expect(columnsOf('🙂')).toBe(2);
  });

  it('keeps a word that is too long whole', () => {
    expect(wrapWords('aa bbbbbbbb cc', 4)).toEqual(['aa', 'bbbbbbbb', 'cc']);
  });

  it('takes 80 columns in one line, and no more', () => {
    const exact = `${'x'.repeat(39)} ${'y'.repeat(40)}`;
    expect(paragraph(exact)).toBe(exact);
    expect(paragraph(`${exact}y`)).toBe(`${'x'.repeat(39)}\n  ${'y'.repeat(41)}`);
    expect(paragraph(`  ${exact}`)).toBe(`  ${'x'.repeat(39)}\n  ${'y'.repeat(40)}`);
  });

  it('does not break at a tie', () => {
    const text = `${'x'.repeat(70)} ${tied('(run 01a200df-de74)')}`;
    expect(paragraph(text)).toBe(`${'x'.repeat(70)}\n  (run 01a200df-de74)`);
    expect(paragraph(tied('x y'))).toBe('x y');
  });

  it('counts in English', () => {
    expect([count(0, 'run'), count(1, 'run'), count(2, 'run')]).toEqual(['0 runs', '1 run', '2 runs']);
    expect(pidList([1, 2])).toBe('1 2');
    expect(pidList([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toBe('1 2 3 4 5 6 7 8 and 2 more');
  });
});

describe('times', () => {
  const iso = '2026-11-22T01:30:01.204Z';
  it.each([
    [60, '2026-11-22 02:30:01 +01:00'],
    [0, '2026-11-22 01:30:01 +00:00'],
    [-210, '2026-11-21 22:00:01 -03:30'],
    [345, '2026-11-22 07:15:01 +05:45'],
  ])('%i minutes east: %s', (minutes, text) => {
    expect(localTime(iso, () => minutes)).toBe(text);
  });

  it('take the offset of their own moment, not of today', () => {
    const summer = (ms: number): number => (ms < Date.parse('2026-10-25T01:00:00Z') ? 120 : 60);
    expect(localTime('2026-07-01T00:00:00.000Z', summer)).toBe('2026-07-01 02:00:00 +02:00');
    expect(localTime(iso, summer)).toBe('2026-11-22 02:30:01 +01:00');
  });

  it('have the zone of this process for people', () => {
    expect(localZone(Date.parse(iso))).toBe(0 - new Date(iso).getTimezoneOffset());
  });

  it('leave the date out on the same day', () => {
    const cet = (): number => 60;
    expect(clockTime(iso, '2026-11-22T20:00:00.000Z', cet)).toBe('02:30:01 +01:00');
    expect(clockTime(iso, '2026-11-22T23:00:00.000Z', cet)).toBe('2026-11-22 02:30:01 +01:00');
    expect(localDate('2026-04-23T23:30:00.000Z', cet)).toBe('2026-04-24');
  });

  it.each([
    [-5000, '0s'],
    [0, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [89_000, '1m'],
    [1_855_000, '31m'],
    [3_569_999, '59m'],
    [3_599_999, '59m'],
    [3_600_000, '1h'],
    [9_901_000, '2h'],
    [86_399_000, '23h'],
    [90_000_000, '1d'],
  ])('%i ms ago is %s', (ms, text) => {
    const now = Date.parse(iso);
    expect(age(new Date(now - ms).toISOString(), now)).toBe(text);
  });
});

describe('names like another', () => {
  const jobs = ['backup', 'backup-db', 'certs', 'db', 'mailq', 'reindex'];
  it.each([
    ['bakcup', ['backup']],
    ['Backup', ['backup', 'backup-db']],
    ['back', ['backup', 'backup-db']],
    ['reindx', ['reindex']],
    ['cert', ['certs']],
    ['dc', ['db']],
    ['nothing-like-it', []],
  ])('%s: %j', (typed, expected) => {
    expect(similarNames(typed, jobs)).toEqual(expected);
  });
});
