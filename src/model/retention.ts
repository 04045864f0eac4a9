import { resumeAfter } from './checkpoint.js';
import { RECENT } from './job-runs.js';
import { type EndedRecord, endOf, SCHEMA } from './record.js';

/** As much of a run as decides whether it may go: there may be a million of them. */
export type Prunable = Pick<
  EndedRecord,
  | 'schema'
  | 'cron_job_id'
  | 'status'
  | 'started_at'
  | 'ended_at'
  | 'settled_at'
  | 'completed_at'
  | 'previous_completed_at'
  | 'checkpoint'
  | 'previous_checkpoint'
>;

/** Which runs a person wants to be rid of: those that ended before a time, or all but the newest. */
export type Unwanted =
  | { readonly kind: 'older'; readonly before: string }
  | { readonly kind: 'beyond'; readonly count: number };

/**
 * Pure: which of the runs of a job may go. The one that `last` speaks of stays whatever was asked, and so do those by
 * which readers know when the last one completed and where the next one can go on. What a newer version wrote is its own.
 *
 * @param runs all that ended, last ended first.
 */
export function whatMayGo<Run extends Prunable>(runs: readonly Run[], unwanted: Unwanted): Run[] {
  const needed = neededRuns(runs);
  return runs.filter((run, index) => {
    const isUnwanted = unwanted.kind === 'beyond' ? index >= unwanted.count : endOf(run) < unwanted.before;
    return isUnwanted && !needed.has(run) && run.schema <= SCHEMA;
  });
}

/**
 * Pure: what was skipped goes with the runs around it: what is as old as they are, or older than the oldest that stays.
 *
 * @param runs as for whatMayGo.
 */
export function skipsThatMayGo<
  Skip extends Pick<Prunable, 'started_at' | 'ended_at' | 'settled_at' | 'schema'>,
>(skips: readonly Skip[], runs: readonly Prunable[], unwanted: Unwanted): Skip[] {
  const oldest =
    unwanted.kind === 'beyond' && runs.length > unwanted.count ? runs[unwanted.count - 1] : undefined;
  const before = unwanted.kind === 'older' ? unwanted.before : oldest === undefined ? '' : endOf(oldest);
  return skips.filter((skip) => endOf(skip) < before && skip.schema <= SCHEMA);
}

/** What every answer is made of that reaches further back than one run. */
function neededRuns<Run extends Prunable>(runs: readonly Run[]): Set<Run | undefined> {
  const known = (run: Run) => later(run.completed_at, run.previous_completed_at);
  const recent = runs.slice(0, RECENT);
  const completedAt = recent.reduce<string | null>((latest, run) => later(latest, known(run)), null);
  return new Set([
    runs[0],
    runs.find((run) => run.status === 'completed'),
    recent.find((run) => completedAt !== null && known(run) === completedAt),
    runs.find((run) => run.status === 'completed' || resumeAfter(run) !== null),
  ]);
}

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? b : a;
}
