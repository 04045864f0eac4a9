import type { GoingRun } from '../model/job-runs.js';
import type { EndedRecord } from '../model/record.js';
import { listJobs, readJobRuns } from '../state/runs.js';
import type { Place } from './target.js';

/** The last run that ended of any job, and every run that goes on. */
export interface LastOfAll {
  /** null: no job was asked for. */
  readonly job: null;
  readonly last: EndedRecord | null;
  readonly going: readonly GoingRun[];
  readonly unreadable: number;
}

/** CronrunError 'unreadable'. */
export function lastOfAll({ stateDir, isExclusive }: Place): LastOfAll {
  let last: EndedRecord | null = null;
  let unreadable = 0;
  const going: GoingRun[] = [];
  for (const job of listJobs(stateDir)) {
    const runs = readJobRuns(stateDir, job, isExclusive);
    if (runs === null) continue;
    // The last run may be another job's: only their times tell who came first.
    going.push(...runs.going.map(({ record, alivePids }) => ({ record, alivePids })));
    unreadable += runs.unreadable;
    if (runs.last !== null && (last === null || endedAbout(runs.last) > endedAbout(last))) last = runs.last;
  }
  return { job: null, last, going, unreadable };
}

/**
 * When a run ended, as near as anybody knows, milliseconds since 1970. A run whose end nobody saw counts by when it
 * was settled, else by its start: otherwise one dead record of a job that is no longer used would be the last for ever.
 */
export function endedAbout(record: EndedRecord): number {
  return Date.parse(record.ended_at ?? record.settled_at ?? record.started_at);
}
