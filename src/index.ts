import { CronrunError } from './errors.js';
import { isJobName, JOB_NAME_RULE } from './model/job.js';
import { type JobRuns, newestRun } from './model/job-runs.js';
import type { EndedRecord, RunningRecord, RunRecord, RunStatus } from './model/record.js';
import { parseRunReference } from './model/run-id.js';
import { effectiveUid, homeDirectory } from './platform/user.js';
import { stateDirectory } from './state/directory.js';
import { dueOf } from './state/due.js';
import { readReportFailures, runsWithFailures, withFailures } from './state/report-failures.js';
import { findRuns, listJobs, listRuns, readJobRuns } from './state/runs.js';

export { CronrunError, type ErrorCode } from './errors.js';
export type { KeptOutput } from './model/output.js';
export type {
  CompletedRecord,
  EndedRecord,
  FailedRecord,
  InferredRecord,
  JournalMark,
  Reason,
  RunningRecord,
  RunRecord,
  RunStatus,
  SeenInterruptedRecord,
  SkippedRecord,
  Status,
  TimeoutRecord,
} from './model/record.js';
export type { ReporterName, ReportFailure } from './model/report.js';

/** Where to read. */
export interface RegistryOptions {
  /** The state directory; default: where the command line would look (CRONRUN_STATE_DIR, then the usual place). */
  readonly stateDir?: string;
  /**
   * A promise that only one container at a time uses the state directory, so that a run of any other is over; see
   * --exclusive-state in cronrun(1). Default: whether CRONRUN_EXCLUSIVE_STATE is 1.
   */
  readonly exclusiveState?: boolean;
}

/** What is known of one job now; the same facts as `cronrun status --json` and `cronrun ls --json`. */
export interface JobStatus {
  readonly job: string;
  /** The run that `cronrun status` speaks of: one that goes on, else the last that ended. */
  readonly newest: RunRecord;
  /** Runs that go on: running, orphaned or unverifiable; the one that started last comes first. */
  readonly running: readonly RunningRecord[];
  /** The last run that ended; null while none has. */
  readonly last: EndedRecord | null;
  /** When a run of this job last completed, ISO 8601 in UTC; null if none ever did. */
  readonly lastCompletedAt: string | null;
  /** The newest checkpoint since the last completed run, where the next one can go on; null if there is none. */
  readonly resumeCheckpoint: string | null;
  /** Statuses of the last runs, oldest first, at most 12; what was skipped is none. */
  readonly recent: readonly RunStatus[];
  /** When the job is due next, ISO 8601 in UTC; null where it declared no schedule, or is never due again. */
  readonly nextDueAt: string | null;
  /** Whether a due time has passed without a run, and its grace has not; null without a schedule. */
  readonly late: boolean | null;
  /** How many due times have passed, grace and all, since a run last began; at most 1000; null without a schedule. */
  readonly missed: number | null;
  /** Lines and files that could not be understood and were passed over. */
  readonly unreadable: number;
}

/**
 * Reads what cronrun recorded. Every call looks anew, answers synchronously, and writes nothing.
 * All of them throw CronrunError 'unreadable' where the state directory may not be read.
 */
export interface Registry {
  /** Absolute path of the state directory; it need not exist. */
  readonly stateDir: string;
  /** Names of all jobs, sorted. */
  jobs(): string[];
  /** Null if no run of `job` is on record. CronrunError 'usage' for what is no job name. */
  status(job: string): JobStatus | null;
  /** The last run of `job` that ended; null if none has. CronrunError 'usage' for what is no job name. */
  last(job: string): EndedRecord | null;
  /** The runs of `job`, newest first, at most `limit` (default 20). CronrunError 'usage' for what is no job name. */
  runs(job: string, options?: { readonly limit?: number }): readonly RunRecord[];
  /**
   * The run with this id, or with an id that begins or ends with at least 8 hex digits of it; null if there is
   * none. CronrunError 'usage' for what is no run id, 'ambiguous-run' where several fit.
   */
  find(id: string): RunRecord | null;
}

/**
 * Opens the records of a state directory for reading.
 *
 * @throws CronrunError 'no-state-directory' where none is given and this user has no home.
 */
export function openRegistry(options: RegistryOptions = {}): Registry {
  const stateDir = locate(options.stateDir);
  const isExclusive = options.exclusiveState ?? process.env.CRONRUN_EXCLUSIVE_STATE === '1';
  return {
    stateDir,
    jobs: () => listJobs(stateDir),
    status: (job) => statusOf(stateDir, checked(job), isExclusive),
    last: (job) =>
      withTheirFailures(stateDir, readJobRuns(stateDir, checked(job), isExclusive))?.last ?? null,
    runs: (job, { limit = 20 } = {}) => runsOf(stateDir, checked(job), limit, isExclusive),
    find: (id) => findOne(stateDir, id, isExclusive),
  };
}

function locate(given: string | undefined): string {
  const { env } = process;
  const found = stateDirectory({
    given: given ?? env.CRONRUN_STATE_DIR ?? null,
    isRoot: effectiveUid() === 0,
    xdgStateHome: env.XDG_STATE_HOME,
    home: homeDirectory(env),
  });
  if (found !== null) return found;
  throw new CronrunError('no-state-directory', 'this user has no home directory', {
    hint: 'pass stateDir, or set CRONRUN_STATE_DIR',
  });
}

function checked(job: string): string {
  if (isJobName(job)) return job;
  throw new CronrunError('usage', `${JSON.stringify(job)} is not a job name: ${JOB_NAME_RULE}`);
}

function statusOf(stateDir: string, job: string, isExclusive: boolean): JobStatus | null {
  const runs = withTheirFailures(stateDir, readJobRuns(stateDir, job, isExclusive));
  const newest = runs === null ? null : newestRun(runs);
  if (runs === null || newest === null) return null;
  const { last, lastCompletedAt, resumeCheckpoint, recent, unreadable } = runs;
  return {
    job,
    newest,
    running: runs.going.map((run) => run.record),
    last,
    lastCompletedAt,
    resumeCheckpoint,
    recent,
    ...dueFacts(stateDir, runs),
    unreadable,
  };
}

/** What could not be told of runs stands beside the journal. */
function withTheirFailures(stateDir: string, runs: JobRuns | null): JobRuns | null {
  return runs === null ? null : runsWithFailures(runs, readReportFailures(stateDir, runs.job));
}

function runsOf(stateDir: string, job: string, limit: number, isExclusive: boolean): readonly RunRecord[] {
  const records = listRuns(stateDir, job, limit, null, false, isExclusive)?.records ?? [];
  const failures = readReportFailures(stateDir, job);
  return records.map((record) => withFailures(record, failures));
}

function dueFacts(stateDir: string, runs: JobRuns): Pick<JobStatus, 'nextDueAt' | 'late' | 'missed'> {
  const due = dueOf(stateDir, runs, Date.now());
  if (due === null) return { nextDueAt: null, late: null, missed: null };
  const nextDueAt = due.nextMs === null ? null : new Date(due.nextMs).toISOString();
  return { nextDueAt, late: due.lateSinceMs !== null, missed: due.missed };
}

function findOne(stateDir: string, id: string, isExclusive: boolean): RunRecord | null {
  const reference = parseRunReference(id);
  if (reference === null) {
    const rule = 'at least 8 hex digits, with or without "cron:" and dashes';
    throw new CronrunError('usage', `${JSON.stringify(id)} is not a run id: ${rule}`);
  }
  const found = findRuns(stateDir, reference, isExclusive);
  const [one] = found;
  if (one === undefined) return null;
  if (found.length === 1) return withFailures(one, readReportFailures(stateDir, one.job));
  const ids = found.map((record) => record.cron_job_id).join(', ');
  throw new CronrunError('ambiguous-run', `${JSON.stringify(id)} fits several runs: ${ids}`);
}
