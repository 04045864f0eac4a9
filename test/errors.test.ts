import { describe, expect, it } from 'vitest';
import { errnoOf, explainErrno } from '../src/errors.js';

/** As node makes it of a number for which it has no word; `code` is UNKNOWN for some calls. */
function nameless(errno: number, code = `Unknown system error ${errno}`): Error {
  return Object.assign(new Error(`${code}: ${code}, write`), { code, errno, syscall: 'write' });
}

function ofNode(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}, open '/a/b, c'`), { code, errno: -2, syscall: 'open' });
}

describe('the word for a failed system call', () => {
  it('is what node says', () => {
    const error = ofNode('ENOENT', 'no such file or directory');
    expect(errnoOf(error)).toBe('ENOENT');
    expect(explainErrno(error)).toBe('ENOENT: no such file or directory');
  });

  it.each(
    process.platform === 'darwin'
      ? [[-69, 'EDQUOT: disk quota exceeded']]
      : [
          [-122, 'EDQUOT: disk quota exceeded'],
          [-117, 'EUCLEAN: structure needs cleaning'],
          [-116, 'ESTALE: stale file handle'],
        ],
  )('%i, for which node has none', (errno, words) => {
    expect(errnoOf(nameless(errno))).toBe(words.split(':')[0]);
    expect(explainErrno(nameless(errno))).toBe(words);
    expect(errnoOf(nameless(errno, 'UNKNOWN'))).toBe(words.split(':')[0]);
    expect(explainErrno(nameless(errno, 'UNKNOWN'))).toBe(words);
  });

  it('is none where nobody knows one', () => {
    expect(errnoOf(nameless(-4000))).toBeNull();
    expect(explainErrno(nameless(-4000))).toBe('Unknown system error -4000: Unknown system error -4000');
    expect(errnoOf(new Error('no system call'))).toBeNull();
    expect(errnoOf(null)).toBeNull();
  });
});
