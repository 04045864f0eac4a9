import { closeSync, existsSync, lstatSync, renameSync } from 'node:fs';
import { isJobName } from '../model/job.js';
import type { JobRuns } from '../model/job-runs.js';
import { idOf, parseObject, type RunRecord, time, withReportFailures } from '../model/record.js';
import { REPORTERS, type ReporterName, type ReportFailure } from '../model/report.js';
import { type RunId, readRunId } from '../model/run-id.js';
import { appendDurably, type Modes, readRange } from '../platform/durable.js';
import { O_NOFOLLOW, openFile } from '../platform/open-file.js';
import { jobDirectory } from './directory.js';
import { inspectOwnership } from './ownership.js';

/** Failures are few; what is older than so much of them is of no use to anybody. */
const LONGEST_BYTES = 65_536;

/** Failures of one job, one a line, the newest last. */
export function failuresPath(stateDir: string, job: string): string {
  return `${jobDirectory(stateDir, job)}/report-failures.jsonl`;
}

/** What was written before that became too long. It is there only where that is there, too. */
export function olderFailuresPath(stateDir: string, job: string): string {
  return `${jobDirectory(stateDir, job)}/report-failures-older.jsonl`;
}

/** What could not be told, as somebody has just seen it. */
export type Untold = Omit<ReportFailure, 'at'>;

/**
 * Notes what could not be told of a run, beside the journal: that has one line a run, and this one is there already. It was
 * said on stderr before, so where nobody may write there, or the job is gone, it is left at that.
 */
export function keepReportFailures(
  stateDir: string,
  job: string,
  id: RunId,
  failures: readonly Untold[],
  nowMs: number,
): void {
  const at = new Date(nowMs).toISOString();
  try {
    const { breach, modes } = inspectOwnership(stateDir, job);
    const lines = failures.map(({ reporter, why }) => ({ reporter, why, at }));
    if (breach === null && lines.length > 0) appendReportFailures(stateDir, job, id, lines, modes);
  } catch {
    // it was said
  }
}

/** Throws what the file system says. */
export function appendReportFailures(
  stateDir: string,
  job: string,
  id: RunId,
  failures: readonly ReportFailure[],
  modes: Modes,
): void {
  const path = failuresPath(stateDir, job);
  const lines = failures.map((failure) => `${JSON.stringify({ cron_job_id: `cron:${id}`, ...failure })}\n`);
  // Before the new lines, so that there is never an older one alone.
  const { size = 0 } = lstatSync(path, { throwIfNoEntry: false }) ?? {};
  if (size > LONGEST_BYTES) renameSync(path, olderFailuresPath(stateDir, job));
  appendDurably(path, modes, () => lines.join(''));
}

/** What could not be told of runs, by run. */
export type Failures = ReadonlyMap<RunId, readonly ReportFailure[]>;

const NONE: Failures = new Map();

/** What could not be told of the runs of a job, the oldest first. Empty where nobody may know. */
export function readReportFailures(stateDir: string, job: string): Failures {
  // Out of a record it may be a path. Mostly there is no such file, and a list has thousands of jobs.
  if (!isJobName(job) || !existsSync(failuresPath(stateDir, job))) return NONE;
  const found = new Map<RunId, ReportFailure[]>();
  for (const path of [olderFailuresPath(stateDir, job), failuresPath(stateDir, job)]) {
    for (const line of linesOf(path)) {
      const failure = failureFrom(line);
      if (failure !== null) found.set(failure.id, [...(found.get(failure.id) ?? []), failure.failure]);
    }
  }
  return found;
}

/** The same record with what could not be told of it. */
export function withFailures<R extends RunRecord>(record: R, failures: Failures): R {
  return withReportFailures(record, failures.get(idOf(record)) ?? []);
}

/** The same runs with what could not be told of those that are there whole. */
export function runsWithFailures(runs: JobRuns, failures: Failures): JobRuns {
  if (failures.size === 0) return runs;
  const going = runs.going.map((run) => ({ ...run, record: withFailures(run.record, failures) }));
  return { ...runs, going, last: runs.last === null ? null : withFailures(runs.last, failures) };
}

function linesOf(path: string): string[] {
  try {
    const { fd, size } = openFile(path, O_NOFOLLOW);
    try {
      const start = Math.max(0, size - 2 * LONGEST_BYTES);
      return readRange(fd, start, size).toString('utf8').split('\n');
    } finally {
      closeSync(fd);
    }
  } catch {
    return []; // what cannot be read here is no reason to answer nothing
  }
}

function failureFrom(line: string): { id: RunId; failure: ReportFailure } | null {
  const json = parseObject(line);
  if (json === null) return null;
  const { cron_job_id, reporter, why, at } = json;
  const id = typeof cron_job_id === 'string' ? readRunId(cron_job_id) : null;
  const when = time(at);
  const isKnown = REPORTERS.includes(reporter as ReporterName);
  if (id === null || when === null || !isKnown || typeof why !== 'string') return null;
  return { id, failure: { reporter: reporter as ReporterName, why, at: when } };
}
