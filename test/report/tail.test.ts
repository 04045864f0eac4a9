import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Tail } from '../../src/report/tail.js';

function tailOf(limit: number, blocks: readonly string[]): string {
  const tail = new Tail(limit);
  for (const block of blocks) tail.take(Buffer.from(block));
  return tail.text();
}

describe('the end of what somebody writes', () => {
  it.each([
    ['nothing', 4, [], ''],
    ['what fits', 4, ['ab', 'cd'], 'abcd'],
    ['the last of what does not', 4, ['ab', 'cd', 'e'], '... 1 bytes before this are left out\nbcde'],
    ['the last of one block', 2, ['abcdefg'], '... 5 bytes before this are left out\nfg'],
  ])('is %s', (_, limit, blocks, text) => {
    expect(tailOf(limit, blocks)).toBe(text);
  });

  it('is the same however it comes, and nothing is counted twice', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{0,9}$/)),
        fc.integer({ min: 1, max: 20 }),
        (blocks, limit) => {
          expect(tailOf(limit, blocks)).toBe(tailOf(limit, [blocks.join('')]));
          expect(tailOf(limit, blocks).endsWith(blocks.join('').slice(-limit))).toBe(true);
        },
      ),
    );
  });
});
