import type { JobRuns } from '../model/job-runs.js';
import type { RunRecord } from '../model/record.js';
import type { Style } from './style.js';
import type { Zone } from './time.js';

/** What `status` shows: one run, and the runs of its job around it. */
export interface StatusFacts {
  readonly record: RunRecord;
  readonly runs: JobRuns;
  readonly streak: CompletedStreak;
  /** The host name of this machine; null where it is not known. */
  readonly here: string | null;
}

/** Completed runs in a row that end with the last completed one; `more`: counting stopped early. */
export interface CompletedStreak {
  readonly count: number;
  readonly more: boolean;
}

/** When and for whom something is shown. */
export interface Viewing {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly zone: Zone;
  readonly style: Style;
}

/** A label and what stands behind it, in words to be wrapped or in lines; null: nothing to say. */
export type Line = readonly [label: string, value: string | readonly string[]] | null;
