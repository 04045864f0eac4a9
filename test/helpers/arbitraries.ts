import fc from 'fast-check';
import { NOTHING_REACHED, type Reached } from '../../src/model/checkpoint.js';
import type { Beginning, End, EndedRecord, RunRecord, SkippedRecord } from '../../src/model/record.js';
import {
  endedRecord,
  goingRecord,
  inferredRecord,
  recordBySay,
  settledRecord,
  skippedRecord,
} from '../../src/model/record.js';
import { formatRunId, makeRunId } from '../../src/model/run-id.js';

/** Signals that can end a child so that node says so: 1–31 without those whose default is to do nothing or to stop. */
export const FATAL_SIGNALS = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGKILL',
  'SIGUSR1',
  'SIGSEGV',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGPROF',
  'SIGIO',
  'SIGSYS',
] as const;

export const STOPS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

const moment = fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) });
const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));
const iso = moment.map((ms) => new Date(ms).toISOString());
const duration = fc.integer({ min: 0, max: 2 ** 42 });
const hex = (digits: number) =>
  fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`)).filter((word) => /[^0]/.test(word));
const nullOr = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: null });

export const runIds = fc
  .tuple(moment, fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([ms, random]) => makeRunId(ms, random));

export const beginnings: fc.Arbitrary<Beginning> = fc.record({
  schema: fc.constant(1),
  cron_job_id: runIds.map(formatRunId),
  job: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  started_at: iso,
  timeout_ms: nullOr(duration),
  timeout_source: nullOr(fc.constantFrom('--timeout', 'CRONRUN_TIMEOUT')),
  timeout_signal: fc.constantFrom<string>(...FATAL_SIGNALS),
  kill_after_ms: duration,
  command: fc.array(text, { maxLength: 5 }),
  command_cut: fc.boolean(),
  cwd: nullOr(text),
  host: nullOr(text),
  user: nullOr(text),
  previous_checkpoint: nullOr(text),
  previous_completed_at: nullOr(iso),
  output: fc.oneof(
    { weight: 3, arbitrary: fc.constant(null) },
    fc.record({ path: fc.oneof(text, fc.constant('/var/lib/cronrun')), bytes: nullOr(fc.nat()) }),
  ),
  trace_id: nullOr(hex(32)),
  span_id: nullOr(hex(16)),
  parent_span_id: nullOr(hex(16)),
  schedule: nullOr(text),
  schedule_zone: nullOr(text),
  grace_ms: nullOr(duration),
});

const code = fc.integer({ min: 0, max: 255 });
const badCode = fc.integer({ min: 1, max: 255 });
const fatal = fc.constantFrom<string>(...FATAL_SIGNALS);

/** One row of the contract's table each: status, reason, exit code and signal as they go together. */
const shapes = fc.oneof(
  code.map((exit_code) => ({ status: 'completed', reason: 'exited', exit_code, signal: null })),
  badCode.map((exit_code) => ({ status: 'failed', reason: 'exited', exit_code, signal: null })),
  code.map((exit_code) => ({ status: 'failed', reason: 'incomplete', exit_code, signal: null })),
  fc
    .constantFrom(125, 126, 127)
    .map((exit_code) => ({ status: 'failed', reason: 'not-started', exit_code, signal: null })),
  code.map((exit_code) => ({ status: 'timeout', reason: 'timed-out', exit_code, signal: null })),
  fatal.map((signal) => ({ status: 'timeout', reason: 'timed-out', exit_code: null, signal })),
  fatal.map((signal) => ({ status: 'interrupted', reason: 'signaled', exit_code: null, signal })),
  fc
    .record({ exit_code: nullOr(code), signal: fc.constantFrom(...STOPS) })
    .map((how) => ({ status: 'interrupted', reason: 'stopped', ...how })),
);

/** Every end that a wrapper can see. */
export const ends: fc.Arbitrary<End> = fc
  .record({ shape: shapes, ended_at: iso, duration_ms: duration, killed: fc.boolean() })
  .map(
    ({ shape, ended_at, ...rest }) =>
      ({
        ...shape,
        completed_at: shape.status === 'completed' ? ended_at : null,
        ended_at,
        ...rest,
        error: shape.reason === 'not-started' ? 'ENOENT' : null,
      }) as End,
  );

const reached: fc.Arbitrary<Reached> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(NOTHING_REACHED) },
  fc.record({ checkpoint: text, checkpoint_at: iso }),
);

const pids = nullOr(fc.integer({ min: 1, max: 2 ** 22 }));

const marks = fc.record(
  { ino: nullOr(fc.nat()), size: fc.nat(), born: fc.nat() },
  { requiredKeys: ['ino', 'size'] },
);

const seenRecords = fc
  .tuple(beginnings, ends, pids, reached)
  .map((args): EndedRecord => endedRecord(...args));

const inferredRecords = fc.oneof(
  fc
    .tuple(beginnings, fc.constantFrom('lost' as const, 'rebooted' as const), pids, nullOr(iso), reached)
    .map((args): EndedRecord => inferredRecord(...args)),
  fc.tuple(beginnings, pids).map((args): EndedRecord => recordBySay(...args)),
);

/** Every record of a run that is over, moved by a later run or not. */
export const endedRecords: fc.Arbitrary<EndedRecord> = fc
  .tuple(fc.oneof({ weight: 4, arbitrary: seenRecords }, inferredRecords), nullOr(fc.tuple(iso, marks)))
  .map(([record, settled]) => (settled === null ? record : settledRecord(record, ...settled)));

export const goingRecords = fc
  .tuple(
    beginnings,
    fc.constantFrom('running' as const, 'orphaned' as const, 'unverifiable' as const),
    pids,
    reached,
  )
  .map((args) => goingRecord(...args));

/** Every record of a run that was not begun. */
export const skippedRecords: fc.Arbitrary<SkippedRecord> = fc
  .tuple(
    beginnings,
    fc.record({
      signal: nullOr(fc.constantFrom(...STOPS)),
      ended_at: iso,
      duration_ms: duration,
      blocked_by: nullOr(runIds.map(formatRunId)),
      overlap_exit_code: nullOr(code),
    }),
  )
  .map((args) => skippedRecord(...args));

/** Every record that this version can make. */
export const runRecords: fc.Arbitrary<RunRecord> = fc.oneof(
  { weight: 5, arbitrary: endedRecords },
  goingRecords,
  skippedRecords,
);
