import { describe, expect, it } from 'vitest';
import { refuseMangled } from '../../src/cli/mangled.js';

function cmdline(...words: (string | Uint8Array)[]): () => Uint8Array {
  return () => Buffer.concat(words.flatMap((word) => [Buffer.from(word), Buffer.from([0])]));
}

const LATIN1 = Buffer.from([0x63, 0x61, 0x66, 0xe9]);

describe('refuseMangled', () => {
  it('does not look where there is no U+FFFD', () => {
    const never = () => {
      throw new Error('looked');
    };
    expect(() => refuseMangled(['exec', 'j', '--', 'café'], never)).not.toThrow();
  });

  it('refuses an argument that node has altered', () => {
    const read = cmdline('node', 'cronrun', 'exec', 'j', '--', 'cat', LATIN1);
    const args = ['exec', 'j', '--', 'cat', LATIN1.toString()];
    expect(() => refuseMangled(args, read)).toThrow('the argument "caf\uFFFD" is not UTF-8');
  });

  it('lets somebody pass who means U+FFFD, with empty arguments and node options around it', () => {
    const args = ['exec', 'j', '--', 'echo', '', '\uFFFD', ''];
    expect(() => refuseMangled(args, cmdline('node', '--no-warnings', 'cronrun', ...args))).not.toThrow();
  });

  it('finds the altered one beside a real one', () => {
    const read = cmdline('node', 'cronrun', '\uFFFD', Buffer.from([0xff, 0x62]));
    expect(() => refuseMangled(['\uFFFD', '\uFFFDb'], read)).toThrow('"\uFFFDb" is not UTF-8');
  });

  it.each([
    [
      'cannot be read',
      () => {
        throw new Error('ENOENT');
      },
    ],
    ['is cut off', cmdline('x')],
  ])('refuses where /proc %s: what runs must be what was asked for', (_why, read) => {
    expect(() => refuseMangled(['exec', '\uFFFD'], read)).toThrow('may not be UTF-8');
  });
});
