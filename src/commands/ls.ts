import { hostname } from 'node:os';
import { CronrunError } from '../errors.js';
import type { Due } from '../model/due.js';
import { EXIT } from '../model/exit-status.js';
import { type JobRuns, newestRun } from '../model/job-runs.js';
import { type EndedGist, RECORD_FIELDS, type RunningRecord, type RunRecord } from '../model/record.js';
import { dueOf } from '../state/due.js';
import { readReportFailures, runsWithFailures, withFailures } from '../state/report-failures.js';
import { listJobs, readJobGist, readJobRuns } from '../state/runs.js';
import { getLine } from '../view/get.js';
import { type JobPlace, jobPlace, needsALook, orderJobs } from '../view/job-order.js';
import { jobRow, jobsFooter, jobsText } from '../view/jobs.js';
import { fieldsOf, JOB_FIELDS, jobJson } from '../view/json.js';
import { nothingChosenText, refusedText, unreadableText } from '../view/missing.js';
import { checkFields } from './fields.js';
import { lsRuns } from './ls-runs.js';
import { whereItMayBe } from './missing.js';
import { ownerName, statePlace } from './state-place.js';
import type { LsOptions, Surroundings } from './types.js';
import { openScreen } from './viewing.js';

const FIELDS = [...RECORD_FIELDS, ...JOB_FIELDS];

/**
 * `cronrun ls [job]`: all jobs, or the runs of one, newest first. Returns the exit status.
 * CronrunError 'usage', 'unreadable', 'no-state-directory'.
 */
export async function ls(options: LsOptions, job: string | undefined, io: Surroundings): Promise<number> {
  const stateDir = statePlace(options.stateDir, io.env);
  const show = (to: Surroundings) =>
    job === undefined ? lsJobs(options, stateDir, to) : lsRuns(options, stateDir, job, to);
  if (!options.watch) return show(io);
  const { lsWatch } = await import('./ls-watch.js');
  return lsWatch(options, stateDir, job ?? null, show, io);
}

async function lsJobs(options: LsOptions, stateDir: string, io: Surroundings): Promise<number> {
  checkFields('ls', options.get, FIELDS);
  const { total, unreadable, refused } = await answer(options, stateDir, io);
  if (total === 0 && refused.length === 0 && !options.quiet) {
    io.err(whereItMayBe({ command: 'ls', stateDir, asked: null, job: null, mayBeRun: false }, io));
  }
  if (unreadable > 0) io.err(unreadableText(unreadable, null));
  if (refused.length === 0) return EXIT.ok;
  io.err(refusedText(refused));
  return EXIT.ownFailure;
}

/** What was found, whether shown or not. */
interface Extent {
  readonly total: number;
  /** How many of them need a look. */
  readonly trouble: number;
  readonly unreadable: number;
  /** For each job that could not be read, why. */
  readonly refused: readonly string[];
}

/** The whole answer is written at once. */
async function answer(options: LsOptions, stateDir: string, io: Surroundings): Promise<Extent> {
  const line = scriptLine(options, stateDir);
  if (line === null) return tellPeople(options, stateDir, io);
  const { rows, ...extent } = readJobs(
    readJobRuns,
    stateDir,
    options,
    (runs, record, due) => ({
      ...jobPlace(runs, record, due),
      line: line(runs, record, due),
    }),
    io.now(),
  );
  io.out(rows.map((row) => row.line).join(''));
  return extent;
}

type ReadJob<Ended extends EndedGist> = (
  stateDir: string,
  job: string,
  isExclusive: boolean,
) => JobRuns<Ended> | null;

/**
 * Reads every job and orders those that were asked for. Of each job only what `show` makes of it is kept, so that
 * 10,000 of them fit into little memory.
 */
function readJobs<Row extends JobPlace, Ended extends EndedGist>(
  read: ReadJob<Ended>,
  stateDir: string,
  { status, sort, limit, exclusiveState }: LsOptions,
  show: (runs: JobRuns<Ended>, record: RunningRecord | Ended, due: Due | null) => Row,
  nowMs: number,
): Extent & { readonly rows: readonly Row[] } {
  const rows: Row[] = [];
  let [total, trouble, unreadable] = [0, 0, 0];
  const refused: string[] = [];
  for (const job of listJobs(stateDir)) {
    const runs = readOrRefuse(() => read(stateDir, job, exclusiveState));
    if (typeof runs === 'string') {
      refused.push(runs);
      continue;
    }
    if (runs === null) continue;
    unreadable += runs.unreadable;
    const record = newestRun(runs);
    if (record === null) continue;
    total++;
    const due = dueOf(stateDir, runs, nowMs);
    if (needsALook(runs, due)) trouble++;
    if (status === null || record.status === status) rows.push(show(runs, record, due));
  }
  return { rows: orderJobs(rows, sort).slice(0, limit ?? rows.length), total, trouble, unreadable, refused };
}

/** One job that cannot be read does not hide the others: why it cannot, for that one. */
function readOrRefuse<Ended extends EndedGist>(
  read: () => JobRuns<Ended> | null,
): JobRuns<Ended> | string | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof CronrunError && error.code === 'unreadable') return error.message;
    throw error;
  }
}

type ScriptLine = (runs: JobRuns, record: RunRecord, due: Due | null) => string;

/** How a script asked to see a job, in one line with its newline; null where people ask. */
function scriptLine({ quiet, get, json }: LsOptions, stateDir: string): ScriptLine | null {
  if (quiet) return (runs) => `${runs.job}\n`;
  if (get !== null) {
    const line: ScriptLine = (runs, record, due) => getLine(get, fieldsOf(record, runs, due));
    return get.includes('report_failures') ? knowingFailures(stateDir, line) : line;
  }
  if (json) return knowingFailures(stateDir, (runs, record, due) => `${jobJson(record, runs, due)}\n`);
  return null;
}

/** They stand in a file of their own, which is one more to look for in each of thousands of jobs. */
function knowingFailures(stateDir: string, line: ScriptLine): ScriptLine {
  return (runs, record, due) => {
    const failures = readReportFailures(stateDir, runs.job);
    return line(runsWithFailures(runs, failures), withFailures(record, failures), due);
  };
}

async function tellPeople(options: LsOptions, stateDir: string, io: Surroundings): Promise<Extent> {
  const { viewing, terminal } = await openScreen(options, io);
  const { rows, ...extent } = readJobs(
    readJobGist,
    stateDir,
    options,
    (runs, record, due) => jobRow(runs, record, viewing.now, due),
    viewing.now,
  );
  if (extent.total === 0) return extent;
  if (rows.length === 0) {
    io.err(nothingChosenText(extent.total, 'job', options.status));
    return extent;
  }
  const place = { stateDir, owner: ownerName(stateDir), here: hostname() };
  const table = jobsText(rows, viewing.style);
  io.out(terminal ? table + jobsFooter(rows, extent, place) : table);
  return extent;
}
