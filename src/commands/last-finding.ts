import type { GoingRun } from '../model/job-runs.js';
import { type EndedRecord, idOf, type RunRecord } from '../model/record.js';
import { lastOfAll } from './last-of-all.js';
import type { Place, Target } from './target.js';

/** What `last` found out before it says anything. */
export type Finding =
  /** A run that was named by its id. */
  | { readonly kind: 'run'; readonly record: RunRecord }
  /** The last run that ended of one job, or of all where `job` is null; `going`: the runs that may be newer. */
  | {
      readonly kind: 'last';
      readonly job: string | null;
      readonly last: EndedRecord | null;
      readonly going: readonly GoingRun[];
      readonly unreadable: number;
    }
  | Extract<Target, { kind: 'missing' }>;

/** Finds what `last` speaks of. CronrunError 'unreadable'. */
export function findLast(place: Place, target: Target): Finding {
  switch (target.kind) {
    case 'missing':
    case 'run':
      return target;
    case 'any':
      return { kind: 'last', ...lastOfAll(place) };
    case 'job': {
      const { runs, self } = target;
      // Inside a run, `last` is the one before it, and that run itself says nothing about it.
      const going = self === null ? runs.going : runs.going.filter((run) => idOf(run.record) !== self);
      return { kind: 'last', job: runs.job, last: runs.last, going, unreadable: runs.unreadable };
    }
  }
}
