import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SignalName } from '../../src/model/signal.js';
import { type Cause, type ChildExit, type EndingFacts, judgeEnding } from '../../src/run/ending.js';
import { FATAL_SIGNALS, STOPS } from '../helpers/arbitraries.js';

const exited = (code: number): ChildExit => ({ code, signal: null });
const killedBy = (signal: SignalName): ChildExit => ({ code: null, signal });
const TIMEOUT: Cause = { kind: 'timeout' };
const told = (signal: SignalName): Cause => ({ kind: 'stop', signal });

/** The facts in one line; success codes and late stops only where a row has them. */
function facts(exit: ChildExit, cause: Cause | null, rest: Partial<EndingFacts> = {}): EndingFacts {
  return { exit, cause, lateStops: [], successCodes: [], ...rest };
}

type Row = [
  what: string,
  facts: EndingFacts,
  status: string,
  reason: string,
  code: number | null,
  signal: string | null,
];

const TABLE: Row[] = [
  ['exit 0', facts(exited(0), null), 'completed', 'exited', 0, null],
  ['exit 1', facts(exited(1), null), 'failed', 'exited', 1, null],
  ['exit 255', facts(exited(255), null), 'failed', 'exited', 255, null],
  ['exit 143 is no signal', facts(exited(143), null), 'failed', 'exited', 143, null],
  ['a success code', facts(exited(24), null, { successCodes: [23, 24] }), 'completed', 'exited', 24, null],
  ['another code', facts(exited(25), null, { successCodes: [23, 24] }), 'failed', 'exited', 25, null],
  ['0 beside success codes', facts(exited(0), null, { successCodes: [1] }), 'completed', 'exited', 0, null],

  ['timeout, dies of TERM', facts(killedBy('SIGTERM'), TIMEOUT), 'timeout', 'timed-out', null, 'SIGTERM'],
  [
    'timeout, SIGKILL was needed',
    facts(killedBy('SIGKILL'), TIMEOUT),
    'timeout',
    'timed-out',
    null,
    'SIGKILL',
  ],
  ['timeout, then exits 0', facts(exited(0), TIMEOUT), 'timeout', 'timed-out', 0, null],
  ['timeout, then exits 3', facts(exited(3), TIMEOUT), 'timeout', 'timed-out', 3, null],
  [
    'timeout, then a success code',
    facts(exited(24), TIMEOUT, { successCodes: [24] }),
    'timeout',
    'timed-out',
    24,
    null,
  ],
  [
    'timeout, and a TERM at the moment of the exit',
    facts(killedBy('SIGTERM'), TIMEOUT, { lateStops: ['SIGTERM'] }),
    'timeout',
    'timed-out',
    null,
    'SIGTERM',
  ],

  ['killed from outside', facts(killedBy('SIGKILL'), null), 'interrupted', 'signaled', null, 'SIGKILL'],
  ['segfault', facts(killedBy('SIGSEGV'), null), 'interrupted', 'signaled', null, 'SIGSEGV'],
  ['a forwarded USR1 kills it', facts(killedBy('SIGUSR1'), null), 'interrupted', 'signaled', null, 'SIGUSR1'],
  ['TERM from somebody else', facts(killedBy('SIGTERM'), null), 'interrupted', 'signaled', null, 'SIGTERM'],

  [
    'told TERM, dies of it',
    facts(killedBy('SIGTERM'), told('SIGTERM')),
    'interrupted',
    'stopped',
    null,
    'SIGTERM',
  ],
  ['told TERM, exits 0', facts(exited(0), told('SIGTERM')), 'interrupted', 'stopped', 0, 'SIGTERM'],
  ['told INT, exits 130', facts(exited(130), told('SIGINT')), 'interrupted', 'stopped', 130, 'SIGINT'],
  [
    'told HUP, dies of TERM',
    facts(killedBy('SIGTERM'), told('SIGHUP')),
    'interrupted',
    'stopped',
    null,
    'SIGHUP',
  ],
  [
    'told QUIT, is killed',
    facts(killedBy('SIGKILL'), told('SIGQUIT')),
    'interrupted',
    'stopped',
    null,
    'SIGQUIT',
  ],
  [
    'told TERM, exits with a success code',
    facts(exited(24), told('SIGTERM'), { successCodes: [24] }),
    'interrupted',
    'stopped',
    24,
    'SIGTERM',
  ],

  [
    'group and wrapper were signalled at once',
    facts(killedBy('SIGTERM'), null, { lateStops: ['SIGTERM'] }),
    'interrupted',
    'stopped',
    null,
    'SIGTERM',
  ],
  [
    'a late stop, but it died of another signal',
    facts(killedBy('SIGKILL'), null, { lateStops: ['SIGTERM'] }),
    'interrupted',
    'signaled',
    null,
    'SIGKILL',
  ],
  [
    'a late stop after it had ended by itself',
    facts(exited(0), null, { lateStops: ['SIGTERM', 'SIGINT'] }),
    'completed',
    'exited',
    0,
    null,
  ],
  [
    'a late stop after it had failed by itself',
    facts(exited(2), null, { lateStops: ['SIGTERM'] }),
    'failed',
    'exited',
    2,
    null,
  ],
];

describe('judgeEnding', () => {
  it.each(TABLE)('%s', (_what, given, status, reason, exit_code, signal) => {
    expect(judgeEnding(given)).toEqual({ status, reason, exit_code, signal });
  });

  const exits = fc.oneof(
    fc.integer({ min: 0, max: 255 }).map(exited),
    fc.constantFrom(...FATAL_SIGNALS).map(killedBy),
  );
  const causes = fc.constantFrom<Cause | null>(null, TIMEOUT, ...STOPS.map(told));
  const anything = fc.record({
    exit: exits,
    cause: causes,
    lateStops: fc.subarray([...STOPS]),
    successCodes: fc.uniqueArray(fc.integer({ min: 1, max: 255 }), { maxLength: 3 }),
  });

  it('says completed in one case only: it ended by itself, with 0 or a success code', () => {
    fc.assert(
      fc.property(anything, (given) => {
        const { exit, cause, successCodes } = given;
        const good = exit.code === 0 || (exit.code !== null && successCodes.includes(exit.code));
        expect(judgeEnding(given).status === 'completed').toBe(cause === null && good);
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps how the child itself ended: its code always, its signal but for a stop', () => {
    fc.assert(
      fc.property(anything, (given) => {
        const end = judgeEnding(given);
        expect(end.exit_code).toBe(given.exit.code);
        expect(end.signal).toBe(given.cause?.kind === 'stop' ? given.cause.signal : given.exit.signal);
      }),
    );
  });
});
