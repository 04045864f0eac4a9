import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LAUNCH_VARIABLES, readLaunch, restoreEnvironment } from '../../src/platform/launch.js';

const HUP = 1;
const INT = 2;
const QUIT = 3;
const KILL = 9;
const PIPE = 13;
const TERM = 15;
const STOP = 19;

/** The mask of ignored signals as /proc/<pid>/stat shows it. */
const mask = (...signals: number[]) => signals.reduce((sum, signal) => sum + 2 ** (signal - 1), 0);

describe('readLaunch', () => {
  it.each<[string, string, number[], string | null]>([
    ['nothing ignored', '0:1024', [], '1024'],
    ['nohup', `${mask(HUP)}:1024`, [HUP], '1024'],
    ['the background of a shell without jobs', `${mask(INT, QUIT)}:unlimited`, [INT, QUIT], 'unlimited'],
    [
      'all that a shell can ignore',
      `${mask(HUP, INT, QUIT, PIPE, TERM)}:`,
      [HUP, INT, QUIT, PIPE, TERM],
      null,
    ],
    ['signal 31, the highest', `${mask(31)}:1024`, [31], '1024'],
    ['a limit only', ':65536', [], '65536'],
    ['neither', ':', [], null],
    ['what cannot be ignored', `${mask(KILL, STOP, TERM)}:1024`, [TERM], '1024'],
    [
      'every bit',
      `${2 ** 31 - 1}:1`,
      [...Array(31).keys()].map((i) => i + 1).filter((n) => n !== 9 && n !== 19),
      '1',
    ],
  ])('%s', (_what, value, ignored, softFiles) => {
    expect(readLaunch(value)).toEqual({ ignored, softFiles });
  });

  it.each([
    undefined,
    '',
    '1024',
    'x:1024',
    '1:x',
    '1:1024:3',
    '-1:1024',
    '1:-1',
    ' 1:1024',
    '0x1:5',
    '1:1024\n',
  ])('knows of nothing altered for %j', (value) => {
    expect(readLaunch(value)).toEqual({ ignored: [], softFiles: null });
  });

  it('reads every mask', () => {
    const signals = fc.uniqueArray(fc.integer({ min: 1, max: 31 }));
    fc.assert(
      fc.property(signals, (set) => {
        const expected = set.filter((signal) => signal !== KILL && signal !== STOP).sort((a, b) => a - b);
        expect(readLaunch(`${mask(...set)}:`).ignored).toEqual(expected);
      }),
    );
  });
});

describe('restoreEnvironment', () => {
  const { seen, nodeOptions, extraCaCerts } = LAUNCH_VARIABLES;

  it('gives the command back what the launcher set aside, and keeps what the launcher put there', () => {
    const env = { PATH: '/bin', [seen]: '1:1024', [nodeOptions]: '--inspect', [extraCaCerts]: '/ca.pem' };
    expect(restoreEnvironment(env)).toEqual({
      PATH: '/bin',
      NODE_OPTIONS: '--inspect',
      NODE_EXTRA_CA_CERTS: '/ca.pem',
    });
  });

  it('gives back also what was set and empty', () => {
    expect(restoreEnvironment({ [nodeOptions]: '' })).toEqual({ NODE_OPTIONS: '' });
  });

  it('changes nothing without a launcher', () => {
    const env = { PATH: '/bin', NODE_OPTIONS: '--no-warnings' };
    expect(restoreEnvironment(env)).toEqual(env);
    expect(restoreEnvironment(env)).not.toBe(env);
  });
});
