import type { Due } from '../model/due.js';
import { formatLimit } from '../model/duration.js';
import type { FailedRecord, RunGist, RunningRecord, SkippedRecord, Status } from '../model/record.js';
import { readRunId, shortRunId } from '../model/run-id.js';
import { sanitize } from './sanitize.js';
import type { Tone } from './style.js';

const NAMES: Readonly<Record<Status, string>> = {
  running: 'running',
  completed: 'completed',
  failed: 'FAILED',
  timeout: 'TIMEOUT',
  interrupted: 'INTERRUPTED',
  skipped: 'skipped',
};

/** A status for people; capitals mean "look here". */
export function statusName(status: Status): string {
  return NAMES[status];
}

/** A status and the one thing behind it: "FAILED (23)", "TIMEOUT (10m)", "INTERRUPTED (rebooted)". */
export function statusWords(record: RunGist | SkippedRecord): string {
  switch (record.status) {
    case 'running':
      return record.reason === 'running' ? 'running' : `RUNNING (${record.reason})`;
    case 'completed':
      return 'completed';
    case 'failed':
      return `FAILED (${failureWords(record)})`;
    case 'timeout':
      return record.timeout_ms === null ? 'TIMEOUT' : `TIMEOUT (${formatLimit(record.timeout_ms)})`;
    case 'interrupted':
      return `INTERRUPTED (${record.signal === null ? record.reason : sanitize(record.signal)})`;
    case 'skipped':
      return `skipped${inBrackets(record.signal === null ? blockerOf(record) : sanitize(record.signal))}`;
  }
}

function inBrackets(words: string | null): string {
  return words === null ? '' : ` (${words})`;
}

/** The run that went on, as people are shown it; null where it is not known. */
export function blockerOf({ blocked_by }: SkippedRecord): string | null {
  const id = blocked_by === null ? null : readRunId(blocked_by);
  return id === null ? null : shortRunId(id);
}

function failureWords(record: FailedRecord): string {
  if (record.reason === 'exited') return String(record.exit_code);
  if (record.reason === 'incomplete') return 'incomplete';
  if (record.exit_code === 127) return '127 not found';
  return `${record.exit_code} ${sanitize(record.error ?? 'not run')}`;
}

/** ", MISSED 3" or ", LATE", behind a status; empty where the job came when it was due. */
export function dueWords(due: Due): string {
  if (due.missed > 0) return `, MISSED ${missedCount(due)}`;
  return due.lateSinceMs === null ? '' : ', LATE';
}

/** "3", "more than 1000" */
export function missedCount({ missed, more }: Due): string {
  return `${more ? 'more than ' : ''}${missed}`;
}

/** What a run without an end does: "one goes on". */
export const GOING_WORDS: Readonly<Record<RunningRecord['reason'], string>> = {
  running: 'goes on',
  orphaned: 'has lost its wrapper and goes on',
  unverifiable: 'cannot be judged from here',
};

/** How a record is painted. */
export function toneOf(record: RunGist | SkippedRecord): Tone {
  if (record.status === 'skipped') return 'faint';
  if (record.status === 'completed') return 'good';
  return record.reason === 'running' ? 'going' : 'bad';
}

/** True for a verdict that somebody should look at. */
export function isBad(status: Status): boolean {
  return status === 'failed' || status === 'timeout' || status === 'interrupted';
}
