import { describe, expect, it } from 'vitest';
import { writeWhole } from '../../src/cli/output.js';

function errno(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** A pipe that takes a few bytes at a time and is full every other time. */
function narrowPipe(bytesAtOnce: number) {
  const taken: number[] = [];
  let full = false;
  const write = (bytes: Uint8Array, from: number): number => {
    full = !full;
    if (full) throw errno('EAGAIN');
    const piece = bytes.subarray(from, from + bytesAtOnce);
    taken.push(...piece);
    return piece.length;
  };
  return { write, text: () => Buffer.from(taken).toString() };
}

describe('writeWhole', () => {
  it('goes on after short writes and full pipes, in the middle of a letter too', () => {
    const pipe = narrowPipe(1);
    let pauses = 0;
    writeWhole('größer\n', pipe.write, () => {
      pauses += 1;
    });
    expect(pipe.text()).toBe('größer\n');
    expect(pauses).toBe(9);
  });

  it('leaves every other error to its caller', () => {
    const broken = () => {
      throw errno('EPIPE');
    };
    expect(() => writeWhole('x', broken, () => {})).toThrow('EPIPE');
  });

  it('writes nothing for nothing', () => {
    const never = () => {
      throw new Error('written');
    };
    expect(() => writeWhole('', never, () => {})).not.toThrow();
  });
});
