import type { JobRuns } from '../model/job-runs.js';
import type { RunRecord } from '../model/record.js';
import type { RunReference } from '../model/run-id.js';

/** The runs of one job, newest first. */
export interface RunList {
  /** At most as many as asked for. */
  readonly records: readonly RunRecord[];
  /** How many runs of the job are on record in all. */
  readonly total: number;
  /** When the oldest run on record started, ISO 8601; null if there is none. */
  readonly since: string | null;
  readonly unreadable: number;
}

/** How many runs completed one after another, counted backwards from the last completed one. */
export interface Streak {
  readonly count: number;
  /** True where counting stopped early: "more than count". */
  readonly more: boolean;
}

/** Names of the jobs in a state directory, sorted; empty where it does not exist. CronrunError 'unreadable'. */
export declare function listJobs(stateDir: string): string[];
/** What is known of one job now; null if no run of it is on record. CronrunError 'unreadable'. */
export declare function readJobRuns(stateDir: string, job: string): JobRuns | null;
/** The runs of one job, newest first; null if no run of it is on record. `limit`: how many records at most. */
export declare function listRuns(stateDir: string, job: string, limit: number): RunList | null;
/** Every run of any job whose id fits, at most 10. */
export declare function findRuns(stateDir: string, reference: RunReference): RunRecord[];
/** Completed runs in a row that end with the last completed one. */
export declare function completedInARow(stateDir: string, job: string): Streak;
/** Processes of an orphaned run that live. */
export declare function alivePids(stateDir: string, record: RunRecord): readonly number[];
