import { closeSync, constants, openSync } from 'node:fs';
import { type Due, type DueTimesOf, judgeDue } from '../model/due.js';
import { isoMs } from '../model/iso-time.js';
import { type JobRuns, newestRun } from '../model/job-runs.js';
import { type EndedGist, endOf, idOf, type RunGist, type SkippedRecord } from '../model/record.js';
import { type CronTimes, readSchedule } from '../model/schedule.js';
import { journalPath, lockPath } from './directory.js';
import { recordsFromEnd, withJournal } from './journal.js';
import { readHolder } from './lock.js';

/** A run, or one that was skipped, as far as it tells when the job is due. */
type Begun = Pick<RunGist | SkippedRecord, 'started_at' | 'schedule' | 'schedule_zone' | 'grace_ms'>;

/**
 * Whether a job comes when it is due, by the schedule of the run that began last; null where that declared none, or one
 * that cannot be judged here. Only where the newest run does not tell that all is well, more of the journal is read.
 *
 * @param dueTimesOf the calendar; its bundle is loaded where a job has a schedule.
 */
export function dueOf(
  stateDir: string,
  runs: JobRuns<EndedGist>,
  nowMs: number,
  dueTimesOf: DueTimesOf = calendar,
): Due | null {
  const newest = newestRun(runs);
  if (newest === null || newest.schedule === null) return null;
  const due = judge(newest, null, nowMs, dueTimesOf);
  if (due === null || !isUnanswered(due)) return due;
  const begun = begunLast(stateDir, runs, newest);
  return judge(begun, answeredUntil(stateDir, runs, nowMs), nowMs, dueTimesOf);
}

function calendar(times: CronTimes, zone: string): ReturnType<DueTimesOf> {
  const { dueTimes } = require('./schedule.cjs') as typeof import('../platform/cron-times.js');
  return dueTimes(times, zone);
}

function isUnanswered(due: Due): boolean {
  return due.lateSinceMs !== null || due.missed > 0;
}

/** @param until when cron cannot have begun a run by then that would be on record; null: no such time. */
function judge(begun: Begun, until: number | null, nowMs: number, dueTimesOf: DueTimesOf): Due | null {
  const { schedule, schedule_zone, grace_ms } = begun;
  const times = schedule === null ? null : readSchedule(schedule);
  if (times === null || schedule_zone === null) return null;
  const dueTimes = dueTimesOf(times, schedule_zone);
  if (dueTimes === null) return null;
  const startedMs = Math.max(isoMs(begun.started_at), until ?? 0);
  return judgeDue(dueTimes, { startedMs, graceMs: grace_ms ?? 0, nowMs });
}

/** Looked at, at most. */
const MOST_LOOKED_AT = 1000;

/**
 * What began last: of runs that overlap it need not be what ended last, and while one goes on others may have been
 * skipped. Whatever ended before the newest run began has begun before it, too.
 */
function begunLast(stateDir: string, { job, going }: JobRuns<EndedGist>, newest: RunGist): Begun {
  let last: Begun = newest;
  const take = (record: Begun): void => {
    if (record.started_at > last.started_at) last = record;
  };
  for (const { record } of going) take(record);
  return withJournal(journalPath(stateDir, job), last, (journal) => {
    let looked = 0;
    for (const record of recordsFromEnd(journal, { count: 0 })) {
      if (endOf(record) < newest.started_at || looked++ === MOST_LOOKED_AT) break;
      take(record);
    }
    return last;
  });
}

/** How long the next run may take to come on record after the one that was in its way. */
const TURN_MS = 60_000;

/**
 * Until when the job was in its own way: a run with --overlap skip or wait holds the lock, and whom cron starts meanwhile
 * waits for it, which nothing on record tells. Milliseconds since 1970; null where there is no such run.
 */
function answeredUntil(
  stateDir: string,
  { job, going, last }: JobRuns<EndedGist>,
  nowMs: number,
): number | null {
  const holder = holderOf(lockPath(stateDir, job));
  if (holder === null) return null;
  if (going.some(({ record }) => idOf(record) === holder)) return nowMs;
  const endedMs = last === null || idOf(last) !== holder ? null : isoMs(endOf(last));
  return endedMs !== null && nowMs - endedMs < TURN_MS ? endedMs : null;
}

/** Others than its owner may not read it: then nobody knows. */
function holderOf(path: string): string | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    return readHolder({ fd, path });
  } finally {
    closeSync(fd);
  }
}
