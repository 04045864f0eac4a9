import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXIT, exitStatusOf, exitStatusOfAnswer } from '../../src/model/exit-status.js';
import {
  decodeRecord,
  type EndedRecord,
  encodeRecord,
  endedRecord,
  settledRecord,
  skippedRecord,
} from '../../src/model/record.js';
import { type SignalName, signalNumber } from '../../src/model/signal.js';
import { type Cause, type ChildExit, judgeEnding } from '../../src/run/ending.js';
import { endedRecords, FATAL_SIGNALS, STOPS } from '../helpers/arbitraries.js';
import { at, BASE_MS, beginning, COMPLETED, completed, endOf, failed, lost } from '../helpers/records.js';

describe('exitStatusOf', () => {
  it.each([
    ['completed', { ...COMPLETED }, 0],
    ['completed with a success code', { ...COMPLETED, exit_code: 24 }, 0],
    ['failed', { status: 'failed', reason: 'exited', exit_code: 23, signal: null }, 23],
    [
      'failed with the code of a timeout',
      { status: 'failed', reason: 'exited', exit_code: 124, signal: null },
      124,
    ],
    ['failed with 255', { status: 'failed', reason: 'exited', exit_code: 255, signal: null }, 255],
    ['not executable', { status: 'failed', reason: 'not-started', exit_code: 126, signal: null }, 126],
    ['not found', { status: 'failed', reason: 'not-started', exit_code: 127, signal: null }, 127],
    ['a timeout that exits 0', { status: 'timeout', reason: 'timed-out', exit_code: 0, signal: null }, 124],
    [
      'a timeout by TERM',
      { status: 'timeout', reason: 'timed-out', exit_code: null, signal: 'SIGTERM' },
      124,
    ],
    [
      'a timeout by KILL',
      { status: 'timeout', reason: 'timed-out', exit_code: null, signal: 'SIGKILL' },
      124,
    ],
    ['killed', { status: 'interrupted', reason: 'signaled', exit_code: null, signal: 'SIGKILL' }, 137],
    ['segfault', { status: 'interrupted', reason: 'signaled', exit_code: null, signal: 'SIGSEGV' }, 139],
    [
      'stopped by TERM',
      { status: 'interrupted', reason: 'stopped', exit_code: null, signal: 'SIGTERM' },
      143,
    ],
    [
      'stopped, then exits 0',
      { status: 'interrupted', reason: 'stopped', exit_code: 0, signal: 'SIGINT' },
      130,
    ],
  ] as const)('%s', (_what, shape, status) => {
    expect(exitStatusOf(endedRecord(beginning(1), endOf(1, shape), 4711))).toBe(status);
  });

  it('of what was skipped is what was asked for, else 75, and that of a signal that ended its waiting', () => {
    const skip = { signal: null, ended_at: at(1), duration_ms: 0, blocked_by: null, overlap_exit_code: 0 };
    const status = (over: Partial<typeof skip | { signal: string; overlap_exit_code: null }>) =>
      exitStatusOf(skippedRecord(beginning(1), { ...skip, ...over }));
    expect(status({})).toBe(0);
    expect(status({ overlap_exit_code: null })).toBe(75);
    expect(status({ signal: 'SIGTERM' })).toBe(143);
  });

  it('is 195 for what nobody saw end, and for nothing else that this version records', () => {
    expect(exitStatusOf(lost(1))).toBe(195);
    fc.assert(
      fc.property(endedRecords, (record) => {
        const unseen = record.reason === 'lost' || record.reason === 'rebooted';
        if (exitStatusOf(record) === 195) expect(unseen || record.exit_code === 195).toBe(true);
        if (unseen) expect(exitStatusOf(record)).toBe(195);
      }),
    );
  });

  it('is 0 for a run that completed, and for no other', () => {
    fc.assert(
      fc.property(endedRecords, (record) => {
        expect(exitStatusOf(record) === 0).toBe(record.status === 'completed');
      }),
      { numRuns: 1000 },
    );
  });
});

/** Every way in which a child can end, as node tells it. */
const EXITS: ChildExit[] = [
  ...Array.from({ length: 256 }, (_, code) => ({ code, signal: null })),
  ...FATAL_SIGNALS.map((signal) => ({ code: null, signal })),
];

const CAUSES: (Cause | null)[] = [
  null,
  { kind: 'timeout' },
  ...STOPS.map((signal) => ({ kind: 'stop' as const, signal })),
];

const LATE: SignalName[][] = [[], ['SIGTERM'], ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM']];

const SUCCESS_CODES = [[], [24], [1, 2, 143]];

function* reachable(): Generator<EndedRecord> {
  for (const exit of EXITS)
    for (const cause of CAUSES)
      for (const lateStops of LATE)
        for (const successCodes of SUCCESS_CODES) {
          const shape = judgeEnding({ exit, cause, lateStops, successCodes });
          yield endedRecord(beginning(1), endOf(1, shape), 4711);
        }
  for (const exit_code of [126, 127]) {
    const shape = { status: 'failed', reason: 'not-started', exit_code, signal: null } as const;
    yield endedRecord(beginning(1), endOf(1, shape), null);
  }
}

/** What a shell sees of exec: the exit status, or 128 and the signal by which it died. */
function shellSees(record: EndedRecord): number {
  if (record.reason === 'stopped') return 128 + signalNumber(record.signal);
  return exitStatusOf(record);
}

describe('the law: what exec exits with is what last --exit-code exits with', () => {
  const records = [...reachable()];

  it('holds for every record that a run can end with, written down and read again', () => {
    expect(records.length).toBe(EXITS.length * CAUSES.length * LATE.length * SUCCESS_CODES.length + 2);
    for (const record of records) {
      const read = decodeRecord(encodeRecord(record)) as EndedRecord;
      expect(exitStatusOfAnswer({ last: read, unsure: false, running: false }, BASE_MS, null)).toBe(
        shellSees(record),
      );
    }
  });

  it('holds also where a later run had to move the record', () => {
    for (const record of records.filter((_, i) => i % 7 === 0)) {
      const line = encodeRecord(settledRecord(record, '2026-11-23T00:00:00.000Z', { ino: 1, size: 2 }));
      expect(exitStatusOf(decodeRecord(line) as EndedRecord)).toBe(shellSees(record));
    }
  });

  it('says 0 in one case only: the run ended by itself and successfully', () => {
    for (const record of records) {
      if (shellSees(record) === 0) expect(record).toMatchObject({ status: 'completed', reason: 'exited' });
    }
  });

  it('keeps every one of the 256 codes of a command', () => {
    const codes = records.filter((record) => record.reason === 'exited').map(shellSees);
    expect(new Set(codes).size).toBe(256);
  });
});

describe('exitStatusOfAnswer', () => {
  const last = completed(1);
  const endedMs = Date.parse(last.ended_at ?? '');
  const HOUR = 3_600_000;

  it.each([
    ['no run on record', { last: null, unsure: false, running: false }, EXIT.noSuchRun],
    ['the first run goes on', { last: null, unsure: false, running: true }, EXIT.noneEnded],
    ['the first run is an orphan', { last: null, unsure: true, running: true }, EXIT.cannotTell],
    ['only an unverifiable one', { last: null, unsure: true, running: false }, EXIT.cannotTell],
    ['completed', { last, unsure: false, running: false }, 0],
    ['completed, and the next one goes on', { last, unsure: false, running: true }, 0],
    ['completed, and a newer one is an orphan', { last, unsure: true, running: true }, EXIT.cannotTell],
    [
      'failed, and a newer one is an orphan',
      { last: failed(1), unsure: true, running: false },
      EXIT.cannotTell,
    ],
    ['lost', { last: lost(1), unsure: false, running: false }, EXIT.unseenEnd],
    ['failed', { last: failed(1, 7), unsure: false, running: true }, 7],
  ])('%s', (_what, answer, status) => {
    expect(exitStatusOfAnswer(answer, endedMs, null)).toBe(status);
  });

  it('is 197 for a completed run that ended longer ago than asked for, to the millisecond', () => {
    const answer = { last, unsure: false, running: false };
    expect(exitStatusOfAnswer(answer, endedMs + HOUR, HOUR)).toBe(0);
    expect(exitStatusOfAnswer(answer, endedMs + HOUR + 1, HOUR)).toBe(EXIT.tooOld);
    expect(exitStatusOfAnswer(answer, endedMs + 1, 0)).toBe(EXIT.tooOld);
    expect(exitStatusOfAnswer(answer, endedMs - HOUR, 0)).toBe(0);
  });

  it('asks for the age of a completed run only: a failed one keeps its code', () => {
    const longAfter = endedMs + 1000 * HOUR;
    const of = (record: EndedRecord) => ({ last: record, unsure: false, running: false });
    expect(exitStatusOfAnswer(of(failed(1, 7)), longAfter, HOUR)).toBe(7);
    expect(exitStatusOfAnswer(of(lost(1)), longAfter, HOUR)).toBe(EXIT.unseenEnd);
  });

  it('goes for 196 before the age', () => {
    const answer = { last, unsure: true, running: true };
    expect(exitStatusOfAnswer(answer, endedMs + 1000 * HOUR, HOUR)).toBe(EXIT.cannotTell);
  });

  it('never leaves the range of an exit status', () => {
    fc.assert(
      fc.property(endedRecords, fc.boolean(), fc.nat(), (record, unsure, maxAge) => {
        const status = exitStatusOfAnswer({ last: record, unsure, running: false }, BASE_MS, maxAge);
        expect(Number.isInteger(status) && status >= 0 && status <= 255).toBe(true);
      }),
    );
  });
});
