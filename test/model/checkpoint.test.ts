import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasCheckpoint, LONGEST_CHECKPOINT_BYTES, lastCheckpoint } from '../../src/model/checkpoint.js';

const last = (text: string | Buffer) => lastCheckpoint(Buffer.from(text), true);

describe('the checkpoint of a run', () => {
  it.each([
    ['1/7\n2/7\n', '2/7'],
    ['1/7\n2/', '1/7'], // half written
    ['1/7\n\n  \n', '1/7'], // echo without a text
    ['1/7\r\n', '1/7'],
    ['1/7\n\0\0\0\n', '1/7'], // what a power cut may leave
    ['  indented\n', '  indented'],
    ['half', null],
    ['\n', null],
    ['', null],
  ])('in %j is %j', (text, checkpoint) => {
    expect(last(text)).toBe(checkpoint);
  });

  it('is the last whole line that is not blank, whatever was written', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.string(), (lines, rest) => {
        const clean = lines.map((line) => line.replace(/[\n\r\0]/g, '').trimEnd());
        const text = `${clean.map((line) => `${line}\n`).join('')}${rest.replaceAll('\n', '')}`;
        const expected = clean.findLast((line) => line !== '') ?? null;
        if (expected === null || Buffer.byteLength(expected) <= LONGEST_CHECKPOINT_BYTES) {
          expect(last(text)).toBe(expected);
        }
      }),
    );
  });

  it('is cut at 1 KiB, and never in the middle of a character', () => {
    const cut = last(`${'é'.repeat(600)}\n`) ?? '';
    expect(cut).toBe('é'.repeat(512));
    expect(last(`x${'é'.repeat(600)}\n`)).toBe(`x${'é'.repeat(511)}`);
  });

  it('is not told from the end of a file where the line began before that', () => {
    expect(lastCheckpoint(Buffer.from('end of a line\n'), false)).toBeNull();
    expect(lastCheckpoint(Buffer.from('end of a line\n3/7\n'), false)).toBe('3/7');
  });
});

describe('a checkpoint that is required', () => {
  it.each([
    ['done\n', true],
    ['1/7\ndone\nmore\n', true],
    ['done\r\n', true],
    ['done', false], // half written
    ['not done\n', false],
    ['done.\n', false],
    ['', false],
  ])('in %j: %s', (text, written) => {
    expect(hasCheckpoint(Buffer.from(text), 'done')).toBe(written);
  });
});
