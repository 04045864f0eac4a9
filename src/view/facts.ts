import type { Due } from '../model/due.js';
import type { JobRuns } from '../model/job-runs.js';
import type { RunRecord, SkippedRecord } from '../model/record.js';
import type { Style } from './style.js';
import type { Zone } from './time.js';

/** What `status` shows: one run, and the runs of its job around it. */
export interface StatusFacts {
  readonly record: RunRecord;
  readonly runs: JobRuns;
  readonly streak: CompletedStreak;
  /** What was not begun since `record` did, where that is the newest run of its job. */
  readonly skips: SkipsOnTop;
  /** Whether the job comes when it is due; null where nobody said when that is, or nobody can tell. */
  readonly due: Due | null;
  /** How many bytes of its output are kept; null: none is. */
  readonly keptBytes: number | null;
  /** The host name of this machine; null where it is not known. */
  readonly here: string | null;
}

/** Completed runs in a row that end with the last completed one; `more`: counting stopped early. */
export interface CompletedStreak {
  readonly count: number;
  readonly more: boolean;
}

/** What was not begun because another run went on; `more`: counting stopped early. */
export interface SkipsOnTop {
  /** The newest; null: nothing was skipped. */
  readonly last: SkippedRecord | null;
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
