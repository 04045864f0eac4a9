import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { excerptOf, lastLines, pourExcerpt } from '../../src/platform/lines.js';

const directory = mkdtempSync(`${tmpdir()}/cronrun-lines-`);
afterAll(() => rmSync(directory, { recursive: true }));

function withFile<T>(bytes: string | Buffer, use: (fd: number, size: number) => T): T {
  writeFileSync(`${directory}/file`, bytes);
  const fd = openSync(`${directory}/file`, 'r');
  try {
    return use(fd, Buffer.byteLength(bytes));
  } finally {
    closeSync(fd);
  }
}

function lastOf(text: string, count: number): string {
  return withFile(text, (fd, size) =>
    Buffer.from(text)
      .subarray(lastLines(fd, size, count))
      .toString(),
  );
}

/** Lines of all lengths, with and without a last newline. */
const texts = fc
  .tuple(fc.array(fc.constantFrom('', 'a', 'bb', 'x'.repeat(300))), fc.boolean())
  .map(([lines, ended]) => lines.join('\n') + (ended ? '\n' : ''));

describe('the last lines of a file', () => {
  it.each([
    ['', 1, ''],
    ['\n', 1, '\n'],
    ['a', 1, 'a'],
    ['a\nb\n', 1, 'b\n'],
    ['a\nb\n', 2, 'a\nb\n'],
    ['a\nb', 1, 'b'],
    ['a\n\n', 1, '\n'],
    ['a\n\n', 2, 'a\n\n'],
  ])('of %j, %d are %j', (text, count, last) => {
    expect(lastOf(text, count)).toBe(last);
  });

  it('are found over many blocks', () => {
    const text = `${'x'.repeat(70_000)}\n`.repeat(5);
    expect(lastOf(text, 3)).toBe(`${'x'.repeat(70_000)}\n`.repeat(3));
  });
});

describe('an excerpt', () => {
  it('is head and tail at ends of lines, within the room, and counts what is left out', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 2000 }), (text, room) => {
        withFile(text, (fd, size) => {
          const excerpt = excerptOf(fd, size, room);
          if (size <= room) {
            expect(excerpt).toBeNull();
            return;
          }
          const { headEnd, tailStart, lines } = excerpt ?? { headEnd: 0, tailStart: 0, lines: -1 };
          expect(headEnd).toBeLessThanOrEqual(tailStart);
          expect(headEnd + size - tailStart).toBeLessThanOrEqual(room);
          expect(text.slice(headEnd, tailStart).split('\n').length - 1).toBe(lines);
        });
      }),
    );
  });

  it.each([
    ['a\nb\nc\nd\ne\n', 5, 'a\n', 'e\n', 3],
    ['a\nb\nc\nd\ne\n', 8, 'a\nb\n', 'd\ne\n', 1],
    ['abcdefgh', 4, 'ab', 'gh', 0],
    ['ääää', 6, 'ä', 'ä', 0],
  ])('of %j in %d bytes is %j and %j', (text, room, head, tail, lines) => {
    withFile(text, (fd, size) => {
      const { headEnd = 0, tailStart = 0, ...rest } = excerptOf(fd, size, room) ?? {};
      const bytes = Buffer.from(text);
      expect([bytes.subarray(0, headEnd), bytes.subarray(tailStart)].map(String)).toEqual([head, tail]);
      expect(rest).toEqual({ lines });
    });
  });

  it('is poured with a line of its own in between', () => {
    withFile('abcdefgh', (fd, size) => {
      let poured = '';
      pourExcerpt(fd, size, { headEnd: 2, tailStart: 6, lines: 0 }, '...', (bytes) => (poured += bytes));
      expect(poured).toBe('ab\n...\ngh');
    });
  });
});
