import type { Due } from '../model/due.js';
import type { JobRuns } from '../model/job-runs.js';
import { encodeRecord, RECORD_FIELDS, type RunRecord, SCHEMA } from '../model/record.js';
import { escapeControls } from './sanitize.js';

/** Fields that `status` has beside those of the record. */
export const STATUS_FIELDS = [
  'last',
  'last_completed_at',
  'resume_checkpoint',
  'running',
  'next_due_at',
  'late',
  'missed',
] as const;

/** Fields that `ls` has beside those of `status`. */
export const JOB_FIELDS = [...STATUS_FIELDS, 'recent'] as const;

/** A record as `last --json` and `ls JOB --json` print it: one line without its newline. */
export function recordJson(record: RunRecord): string {
  return escapeControls(encodeRecord(record));
}

/** A run and what is known of its job, as `status --json` prints it. */
export function statusJson(record: RunRecord, runs: JobRuns, due: Due | null = null): string {
  return `${recordJson(record).slice(0, -1)},${statusTail(runs, due)}}`;
}

/** A job as `ls --json` prints it. */
export function jobJson(record: RunRecord, runs: JobRuns, due: Due | null = null): string {
  return `${recordJson(record).slice(0, -1)},${statusTail(runs, due)},"recent":${JSON.stringify(runs.recent)}}`;
}

function statusTail(runs: JobRuns, due: Due | null): string {
  const last = runs.last === null ? 'null' : recordJson(runs.last);
  const completedAt = escapeControls(JSON.stringify(runs.lastCompletedAt));
  const resume = escapeControls(JSON.stringify(runs.resumeCheckpoint));
  const whenDue = JSON.stringify(dueFields(due)).slice(1, -1);
  return `"last":${last},"last_completed_at":${completedAt},"resume_checkpoint":${resume},"running":${JSON.stringify(runningIds(runs))},${whenDue}`;
}

/** All null where nobody said when the job is due, or nobody can tell. */
function dueFields(due: Due | null): Record<'next_due_at' | 'late' | 'missed', unknown> {
  if (due === null) return { next_due_at: null, late: null, missed: null };
  const next = due.nextMs === null ? null : new Date(due.nextMs).toISOString();
  return { next_due_at: next, late: due.lateSinceMs !== null, missed: due.missed };
}

function runningIds(runs: JobRuns): string[] {
  return runs.going.map((run) => run.record.cron_job_id);
}

/** What there is to say of a job without a run; `job` is null where a run was asked for by its id. */
export function noRunFields(job: string | null): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const field of RECORD_FIELDS) fields[field] = null;
  return { ...fields, schema: SCHEMA, job, status: 'none' };
}

/** The same as `last --json` prints it. */
export function noRunJson(job: string | null): string {
  return escapeControls(JSON.stringify(noRunFields(job)));
}

/** The same as `status --json` prints it; a job may have been asked for by a run id, and be null. */
export function noRunStatusJson(job: string | null): string {
  const beside = {
    last: null,
    last_completed_at: null,
    resume_checkpoint: null,
    running: [],
    ...dueFields(null),
  };
  return escapeControls(JSON.stringify({ ...noRunFields(job), ...beside }));
}

/** Everything that `--get` may ask for, by its name in --json. */
export function fieldsOf(
  record: RunRecord,
  runs: JobRuns | null,
  due: Due | null = null,
): Record<string, unknown> {
  if (runs === null) return { ...record };
  const { last, lastCompletedAt, resumeCheckpoint, recent } = runs;
  const beside = { last_completed_at: lastCompletedAt, resume_checkpoint: resumeCheckpoint };
  return { ...record, last, ...beside, running: runningIds(runs), ...dueFields(due), recent };
}
