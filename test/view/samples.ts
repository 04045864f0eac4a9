import type { GoingRun, JobRuns } from '../../src/model/job-runs.js';
import {
  type Beginning,
  type CompletedRecord,
  type EndedRecord,
  endedRecord,
  type FailedRecord,
  goingRecord,
  type InferredRecord,
  inferredRecord,
  type RunningRecord,
  type RunStatus,
  type SeenInterruptedRecord,
  type SkippedRecord,
  skippedRecord,
  type TimeoutRecord,
} from '../../src/model/record.js';
import type { Viewing } from '../../src/view/facts.js';
import { PLAIN } from '../../src/view/style.js';
import { beginning as plainBeginning } from '../helpers/records.js';

/** Sun 2026-11-22 03:05:12 +01:00 */
export const NOW = Date.parse('2026-11-22T02:05:12.000Z');

export const cet = (): number => 60;

export const viewing: Viewing = { now: NOW, zone: cet, style: PLAIN };

/** "2026-11-22 02:30:01" as a clock on a wall in UTC+1 shows it → ISO 8601 in UTC. */
export function at(local: string): string {
  return new Date(`${local.replace(' ', 'T')}+01:00`).toISOString();
}

export function beginning(job: string, startedAt: string, fields: Partial<Beginning> = {}): Beginning {
  return {
    ...plainBeginning(0),
    cron_job_id: 'cron:01a200df-de74-7c3e-9b1d-2f6f0c5a9e11',
    job,
    started_at: at(startedAt),
    command: [`/usr/local/bin/${job}`],
    cwd: '/root',
    ...fields,
  };
}

interface Ending {
  readonly ended: string;
  /** Milliseconds; the difference of the clocks where it is not given. */
  readonly duration?: number;
}

function ending(start: Beginning, { ended, duration }: Ending) {
  const endedAt = at(ended);
  return {
    exit_code: null,
    signal: null,
    completed_at: null,
    ended_at: endedAt,
    duration_ms: duration ?? Date.parse(endedAt) - Date.parse(start.started_at),
    killed: false,
    error: null,
  };
}

const PID = 4711;

export function completed(start: Beginning, end: Ending, code = 0): CompletedRecord {
  const fields = ending(start, end);
  return endedRecord(
    start,
    { ...fields, status: 'completed', reason: 'exited', exit_code: code, completed_at: fields.ended_at },
    PID,
  ) as CompletedRecord;
}

export function failed(start: Beginning, end: Ending, code: number): FailedRecord {
  return endedRecord(
    start,
    { ...ending(start, end), status: 'failed', reason: 'exited', exit_code: code },
    PID,
  ) as FailedRecord;
}

export function notStarted(
  start: Beginning,
  end: Ending,
  code: 125 | 126 | 127,
  error: string | null,
): FailedRecord {
  return endedRecord(
    start,
    { ...ending(start, end), status: 'failed', reason: 'not-started', exit_code: code, error },
    null,
  ) as FailedRecord;
}

export function timedOut(start: Beginning, end: Ending, killed: boolean, code?: number): TimeoutRecord {
  const how = code === undefined ? { signal: killed ? 'SIGKILL' : 'SIGTERM' } : { exit_code: code };
  return endedRecord(
    start,
    { ...ending(start, end), status: 'timeout', reason: 'timed-out', killed, ...how },
    PID,
  ) as TimeoutRecord;
}

export function interrupted(
  start: Beginning,
  end: Ending,
  reason: 'signaled' | 'stopped',
  signal: string,
): SeenInterruptedRecord {
  return endedRecord(
    start,
    { ...ending(start, end), status: 'interrupted', reason, signal },
    PID,
  ) as SeenInterruptedRecord;
}

/** @param waited milliseconds. */
export function skipped(start: Beginning, by: string | null, ended: string, waited = 0): SkippedRecord {
  return skippedRecord(start, {
    signal: null,
    ended_at: at(ended),
    duration_ms: waited,
    blocked_by: by,
    overlap_exit_code: 75,
  });
}

export function lost(start: Beginning): InferredRecord {
  return inferredRecord(start, 'lost', PID, null);
}

export function rebooted(start: Beginning, bootedAt: string): InferredRecord {
  return inferredRecord(start, 'rebooted', PID, at(bootedAt));
}

export function going(
  start: Beginning,
  reason: RunningRecord['reason'],
  pid: number | null = PID,
  alivePids: readonly number[] = [],
): GoingRun {
  return { record: goingRecord(start, reason, pid), alivePids };
}

const STATUSES: Readonly<Record<string, RunStatus>> = {
  '.': 'completed',
  x: 'failed',
  t: 'timeout',
  '!': 'interrupted',
  '>': 'running',
};

/** A job with the strip of its last runs: "..x>" */
export function job(
  name: string,
  strip: string,
  last: EndedRecord | null,
  lastCompleted: string | null,
  goingRuns: readonly GoingRun[] = [],
): JobRuns {
  return {
    job: name,
    going: goingRuns,
    last,
    lastCompletedAt: lastCompleted === null ? null : at(lastCompleted),
    resumeCheckpoint: null,
    recent: Array.from(strip, (sign) => STATUSES[sign] ?? 'running'),
    unreadable: 0,
  };
}

/** The longest line of a text, in columns of ASCII. */
export function widest(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length));
}
