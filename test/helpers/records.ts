import type { Identity } from '../../src/model/liveness.js';
import {
  type Beginning,
  type End,
  type EndedRecord,
  endedRecord,
  type InferredRecord,
  inferredRecord,
  SCHEMA,
  type SkippedRecord,
  skippedRecord,
} from '../../src/model/record.js';
import { formatRunId, makeRunId, type RunId } from '../../src/model/run-id.js';

/** When run number 0 of every test begins. */
export const BASE_MS = Date.UTC(2026, 10, 22, 1, 30, 0, 0);

/** `minutes` after run number 0 began, as records write it. */
export function at(minutes: number): string {
  return new Date(BASE_MS + minutes * 60_000).toISOString();
}

/** The id of run number `n`: runs begin a minute apart. `twin` tells runs of one millisecond apart. */
export function runId(n: number, twin = 0): RunId {
  const random = Uint8Array.from({ length: 10 }, (_, i) => (i * 37 + twin * 101 + n) % 256);
  return makeRunId(BASE_MS + n * 60_000, random);
}

/** What run number `n` began with. */
export function beginning(n: number, over: Partial<Beginning> = {}): Beginning {
  return {
    schema: SCHEMA,
    cron_job_id: formatRunId(runId(n)),
    job: 'backup',
    started_at: at(n),
    timeout_ms: null,
    timeout_source: null,
    timeout_signal: 'SIGTERM',
    kill_after_ms: 10_000,
    command: ['/bin/backup', '--full'],
    command_cut: false,
    cwd: '/srv',
    host: 'db1',
    user: 'root',
    previous_checkpoint: null,
    previous_completed_at: null,
    output: null,
    trace_id: null,
    span_id: null,
    parent_span_id: null,
    schedule: null,
    schedule_zone: null,
    grace_ms: null,
    ...over,
  };
}

type Shape = Pick<End, 'status' | 'reason' | 'exit_code' | 'signal'>;

/** An end half a minute after run number `n` began. */
export function endOf(n: number, shape: Shape, endedAt = at(n + 0.5)): End {
  return {
    ...shape,
    completed_at: shape.status === 'completed' ? endedAt : null,
    ended_at: endedAt,
    duration_ms: 30_000,
    killed: false,
    error: shape.reason === 'not-started' ? 'ENOENT' : null,
  } as End;
}

export const COMPLETED: Shape = { status: 'completed', reason: 'exited', exit_code: 0, signal: null };

export function failedWith(code: number): Shape {
  return { status: 'failed', reason: 'exited', exit_code: code, signal: null };
}

export function completed(n: number, over: Partial<Beginning> = {}): EndedRecord {
  return endedRecord(beginning(n, over), endOf(n, COMPLETED), 4711);
}

export function failed(n: number, code = 23, over: Partial<Beginning> = {}): EndedRecord {
  return endedRecord(beginning(n, over), endOf(n, failedWith(code)), 4711);
}

export function lost(n: number, over: Partial<Beginning> = {}): InferredRecord {
  return inferredRecord(beginning(n, over), 'lost', 4711, null);
}

/** Asked for a minute after run number `n - 1`, while `by` went on. */
export function skipped(n: number, by: number | null = null, over: Partial<Beginning> = {}): SkippedRecord {
  return skippedRecord(beginning(n, over), {
    signal: null,
    ended_at: at(n),
    duration_ms: 0,
    blocked_by: by === null ? null : formatRunId(runId(by)),
    overlap_exit_code: 75,
  });
}

/** A process of a machine that is not this one. */
export const ELSEWHERE: Identity = {
  machine_id: '0123456789abcdef0123456789abcdef',
  host_name: 'another-host',
  boot_id: '11111111-2222-4333-8444-555555555555',
  pid_ns: 'pid:[4026531836]',
  time_ns: 'time:[4026531834]',
  pid: 4710,
  start_ticks: 123_456,
};
