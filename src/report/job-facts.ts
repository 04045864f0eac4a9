import { CronrunError } from '../errors.js';
import type { Due, DueTimesOf } from '../model/due.js';
import type { EndedRecord } from '../model/record.js';
import { type Totals, withRuns } from '../model/totals.js';
import { wallMs } from '../platform/clock.js';
import { jobDirectory } from '../state/directory.js';
import { dueOf } from '../state/due.js';
import { jobRuns, readable } from '../state/runs.js';
import { surveyJob } from '../state/survey.js';
import { countOn, readTally } from '../state/tally.js';

/** Where the records are, and how runs are judged. */
export interface Place {
  readonly stateDir: string;
  /** --exclusive-state */
  readonly isExclusive: boolean;
}

/** What metrics say of a job, at one moment. */
export interface JobFacts {
  readonly job: string;
  /** The last run that ended; null: none has. */
  readonly last: EndedRecord | null;
  /** When a run of the job last completed, ISO 8601. */
  readonly lastCompletedAt: string | null;
  /** How many runs go on, orphaned and unverifiable ones included. */
  readonly running: number;
  /** How many have ended, those included that are not on record any more. */
  readonly totals: Totals;
  /** Whether it comes when it is due; null: nobody declared when that is. */
  readonly due: Due | null;
  /** How many of these were read one by one: see KEPT_FROM of state/tally.ts. */
  readonly read: number;
}

/**
 * Null where no run of the job is on record. CronrunError 'unreadable'.
 *
 * @param dueTimesOf see dueOf.
 */
export function readJobFacts(
  stateDir: string,
  job: string,
  isExclusive: boolean,
  dueTimesOf?: DueTimesOf,
): JobFacts | null {
  return readable(stateDir, () => {
    // Before the journal: who removes records keeps a tally first.
    const known = readTally(jobDirectory(stateDir, job));
    return surveyJob(
      stateDir,
      job,
      (survey, journal) => {
        const runs = jobRuns(job, survey, journal);
        if (runs === null) return null;
        const { tally, read } = countOn(known, journal);
        const totals = withRuns(
          tally.totals,
          survey.over.map(({ record }) => record),
        );
        const { last, lastCompletedAt, going } = runs;
        const due = dueOf(stateDir, runs, wallMs(), dueTimesOf);
        return { job, last, lastCompletedAt, running: going.length, totals, due, read };
      },
      isExclusive,
    );
  });
}

/** One job that cannot be read does not hide the others: why it cannot goes to `refused`. */
export function readOrRefuse(
  { stateDir, isExclusive }: Place,
  job: string,
  refused: string[],
): JobFacts | null {
  try {
    return readJobFacts(stateDir, job, isExclusive);
  } catch (error) {
    if (!(error instanceof CronrunError)) throw error;
    refused.push(error.message);
    return null;
  }
}
