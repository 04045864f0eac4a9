import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/cli/nearest.js';
import { anyOf, bare, fold, quote, shellWords, usage, usageToType } from '../../src/cli/usage.js';

describe('quote', () => {
  it.each([
    ['my backup', '"my backup"'],
    ['a"b\\', '"a\\"b\\\\"'],
    ['a\nb', '"a\\nb"'],
    ['\u009b31m', '"\\u{9b}31m"'],
    ['a\u202eb', '"a\\u{202e}b"'],
    ['x'.repeat(100), `"${'x'.repeat(80)}..."`],
  ])('%j', (text, shown) => {
    expect(quote(text)).toBe(shown);
  });

  it('lets nothing through that moves a cursor', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(quote(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(bare(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('shellWords', () => {
  it.each([
    [['rsync', '-a', '/srv'], 'rsync -a /srv'],
    [['sh', '-c', 'exit 3'], "sh -c 'exit 3'"],
    [["it's", ''], "'it'\\''s' ''"],
    [['=x', '~', '$HOME', '*'], "'=x' '~' '$HOME' '*'"],
    [['a=b'], 'a=b'],
  ])('%j', (words, line) => {
    expect(shellWords(words)).toBe(line);
  });

  it('gives up where one line cannot show it', () => {
    expect(shellWords(['a\nb'])).toBeNull();
    expect(shellWords(['\u001b[2J'])).toBeNull();
  });
});

describe('fold', () => {
  it('keeps every word and never passes the width where words allow it', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 12, max: 80 }), (list, columns) => {
        const lines = fold(list.join(' '), columns);
        expect(lines.join(' ')).toBe(list.join(' '));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

describe('fold, of the characters of a job name', () => {
  it.each([20, 21, 22, 23, 24, 25, 26, 27])('keeps them together in %d columns', (columns) => {
    const text = 'letters, digits and . _ - only';
    const lines = fold(text, columns);
    expect(lines.join(' ')).toBe(text);
    expect(lines.some((line) => line.includes('and . _ -'))).toBe(true);
  });
});

describe('usage', () => {
  it('begins with the command, if there is one', () => {
    expect(usage('exec', 'x')).toMatchObject({ code: 'usage', message: 'exec: x', hint: undefined });
    expect(usage(null, 'x', 'y')).toMatchObject({ message: 'x', hint: 'y' });
  });

  it('puts what is to be typed on a line of its own where it would be broken', () => {
    expect(usageToType(null, 'Type', 'cronrun ls')).toMatchObject({ message: 'Type: cronrun ls' });
    const long = `cronrun exec ${'x'.repeat(60)}`;
    expect(usageToType(null, 'Type', long)).toMatchObject({ message: 'Type:', hint: long });
  });

  it('joins words', () => {
    expect([anyOf([]), anyOf(['a']), anyOf(['a', 'b']), anyOf(['a', 'b', 'c'], 'and')]).toEqual([
      '',
      'a',
      'a or b',
      'a, b and c',
    ]);
  });
});

describe('nearest', () => {
  const commands = ['exec', 'status', 'last', 'ls', 'man'];

  it.each([
    ['exce', 'exec'],
    ['EXEC', 'exec'],
    ['stat', 'status'],
    ['statsu', 'status'],
    ['sl', 'ls'],
    ['mna', 'man'],
    ['backup', null],
    ['x', null],
    ['', null],
    ['x'.repeat(5000), null],
  ])('%s', (word, meant) => {
    expect(nearest(word, commands)).toBe(meant);
  });

  it('finds every candidate with one letter too many', () => {
    fc.assert(
      fc.property(fc.constantFrom('status', 'timeout', 'require-record'), fc.nat(20), (word, at) => {
        const wrong = `${word.slice(0, at)}q${word.slice(at)}`;
        expect(nearest(wrong, ['status', 'timeout', 'require-record'])).toBe(word);
      }),
    );
  });
});
