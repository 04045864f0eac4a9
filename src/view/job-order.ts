import type { Due } from '../model/due.js';
import { isoMs } from '../model/iso-time.js';
import { type JobRuns, unsureRuns } from '../model/job-runs.js';
import type { EndedGist, RunGist } from '../model/record.js';
import { isBad } from './words.js';

/** What decides where a job stands in a list. Nothing else is kept of 10,000 jobs but what is shown of them. */
export interface JobPlace {
  readonly job: string;
  /** See `needsALook`. */
  readonly trouble: boolean;
  readonly going: boolean;
  /** When the run that is shown started, milliseconds since 1970. */
  readonly startedMs: number;
}

/** @param record the run of the job that is shown. @param due null: nobody said when it is due. */
export function jobPlace(runs: JobRuns<EndedGist>, record: RunGist, due: Due | null = null): JobPlace {
  return {
    job: runs.job,
    trouble: needsALook(runs, due),
    going: record.status === 'running',
    startedMs: isoMs(record.started_at),
  };
}

/**
 * True where somebody should look: the last verdict is bad (also while the job runs again), a run newer than that
 * is orphaned or unverifiable, processes of an older run live without their wrapper, or a run was missed. An older
 * unverifiable run is no news: it may be a container that is long gone. Nor is a run that is late and may still come.
 */
export function needsALook(runs: JobRuns<EndedGist>, due: Due | null = null): boolean {
  if (due !== null && due.missed > 0) return true;
  if (runs.last !== null && isBad(runs.last.status)) return true;
  if (runs.going.length === 0) return false;
  return unsureRuns(runs).length > 0 || runs.going.some((run) => run.record.reason === 'orphaned');
}

/** What needs a look, then what runs, then the rest; newest first inside each. `recent`: newest first; `name`: by name. */
export function orderJobs<Row extends JobPlace>(
  rows: readonly Row[],
  sort: 'trouble' | 'recent' | 'name',
): Row[] {
  const sorted = [...rows];
  if (sort === 'name') return sorted.sort(byName);
  if (sort === 'recent') return sorted.sort(byStart);
  return sorted.sort((a, b) => groupOf(a) - groupOf(b) || byStart(a, b));
}

function groupOf({ trouble, going }: JobPlace): number {
  if (trouble) return 0;
  return going ? 1 : 2;
}

function byStart(a: JobPlace, b: JobPlace): number {
  return b.startedMs - a.startedMs || byName(a, b);
}

function byName(a: JobPlace, b: JobPlace): number {
  return a.job < b.job ? -1 : 1;
}
