import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Strainer } from '../../src/view/strain.js';

function strained(...blocks: (string | Buffer)[]): string {
  const strainer = new Strainer();
  return blocks.map((block) => strainer.strain(Buffer.from(block as string))).join('') + strainer.end();
}

describe('what is strained', () => {
  it.each([
    ['a\n\tb\n', 'a\n\tb\n'],
    ['\u001b[31mred\u001b[0m\n', 'red\n'],
    ['\u001b]0;title\u0007x', 'x'],
    ['a\r\nb', 'a\nb'],
    ['10%\r20%\n', '10% 20%\n'],
    ['\u0007\u009b2J\u202eabc\n', 'abc\n'],
  ])('%j is shown as %j', (text, shown) => {
    expect(strained(text)).toBe(shown);
  });

  it('is the same, wherever the blocks end', () => {
    const text = Buffer.from('ä\u001b[31mröd\u001b[0m\r\n\ttäb\u001b]0;t\u0007\nend 😀');
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(text.length), (one, two) => {
        const [from, to] = [Math.min(one, two), Math.max(one, two)];
        const blocks = [text.subarray(0, from), text.subarray(from, to), text.subarray(to)];
        expect(strained(...blocks)).toBe('äröd\n\ttäb\nend 😀');
      }),
    );
  });

  it('does not wait for the end of a line without end, and shows no control character of it', () => {
    const strainer = new Strainer();
    const first = strainer.strain(Buffer.from(`${'x'.repeat(70_000)}\u001b[1m`));
    expect(first.length).toBeGreaterThan(60_000);
    expect(first).not.toContain('\u001b');
  });

  it('shows in a pause what is no half of a sequence', () => {
    const strainer = new Strainer();
    expect(strainer.strain(Buffer.from('working... \u001b[3'))).toBe('');
    expect(strainer.pause()).toBe('working... ');
    expect(strainer.pause()).toBe('');
    expect(strainer.strain(Buffer.from('1mred\n'))).toBe('red\n');
  });
});
