import { CronrunError, errnoOf, explainErrno } from '../errors.js';
import { resumeAfter } from '../model/checkpoint.js';
import { isJobName } from '../model/job.js';
import { type GoingRun, isOvertaken, type JobRuns, RECENT } from '../model/job-runs.js';
import {
  decodeRecord,
  type EndedGist,
  type EndedRecord,
  endOf,
  idOf,
  isEnded,
  isInferred,
  type JournalRecord,
  type RunningRecord,
  type RunRecord,
  type RunStatus,
  type SkippedRecord,
  type Status,
} from '../model/record.js';
import { matchesReference, type RunId, type RunReference } from '../model/run-id.js';
import { listDirectory } from '../platform/list-directory.js';
import { jobsDirectory, journalPath } from './directory.js';
import {
  laterTime,
  measure,
  recentRuns,
  recordsFromEnd,
  runsFromEnd,
  type Skipped,
  searchJournal,
  withJournal,
} from './journal.js';
import type { OverRun, Survey } from './judging.js';
import { type ReadLine, type Recent, readGist, readWhole } from './quick-look.js';
import type { Journal } from './segments.js';
import { type JudgedRun, surveyJob, surveyRun } from './survey.js';

/** The runs of one job, newest first. */
export interface RunList {
  /** At most as many as asked for. */
  readonly records: readonly RunRecord[];
  /** How many runs of the job are on record in all; where nobody asked, of those looked at. */
  readonly total: number;
  /** When the oldest of these started, ISO 8601; null if there is none. */
  readonly since: string | null;
  /** Lines and files passed over because they could not be understood. */
  readonly unreadable: number;
}

/** How many runs completed one after another, counted backwards from the last completed one. */
export interface Streak {
  readonly count: number;
  /** True where counting stopped early: "more than count". */
  readonly more: boolean;
}

/** Runs looked at for a streak, at most. */
const LONGEST_STREAK = 1000;

/** Runs found for a piece of an id, at most: one would do, two are ambiguous, more help to choose. */
const MOST_FOUND = 10;

/** Names of the jobs in a state directory, sorted; empty where it does not exist. CronrunError 'unreadable'. */
export function listJobs(stateDir: string): string[] {
  return readable(jobsDirectory(stateDir), () =>
    listDirectory(jobsDirectory(stateDir)).filter(isJobName).sort(),
  );
}

/**
 * What is known of one job now; null if no run of it is on record. CronrunError 'unreadable'.
 *
 * @param isExclusive for all readers here: --exclusive-state, see comparePlaces in model/liveness.ts.
 */
export function readJobRuns(stateDir: string, job: string, isExclusive = false): JobRuns | null {
  if (!isJobName(job)) return null; // out of a record, where it may be a path
  return readable(stateDir, () =>
    surveyJob(stateDir, job, (survey, journal) => jobRuns(job, survey, journal), isExclusive),
  );
}

/** @see readJobRuns: as much of it as a list of jobs shows. */
export function readJobGist(stateDir: string, job: string, isExclusive = false): JobRuns<EndedGist> | null {
  return readable(stateDir, () =>
    surveyJob(
      stateDir,
      job,
      (survey, journal) => collect(job, survey, journal, RECENT, readGist),
      isExclusive,
    ),
  );
}

/** @see readJobRuns: the same for a survey that is at hand. `count`: how many runs of the journal are looked at. */
export function jobRuns(
  job: string,
  survey: Survey,
  journal: Journal | null,
  count = RECENT,
): JobRuns | null {
  return collect(job, survey, journal, count, readWhole);
}

function collect<Ended extends EndedGist>(
  job: string,
  survey: Survey,
  journal: Journal | null,
  count: number,
  readLine: ReadLine<Ended>,
): JobRuns<Ended | EndedRecord> | null {
  const { over } = survey;
  const going = goingOf(survey);
  const skipped: Skipped = { count: survey.garbage };
  // Runs that wait to be settled or that nobody can judge have their places by their times.
  const placed = over.length > 0 || going.some((run) => run.record.reason !== 'running');
  const tail = journal === null ? NO_RUNS : recentRuns(journal, count, placed, skipped, readLine);
  const ended = mergeEnded(over, tail.records);
  if (ended.length + tail.statuses.length + going.length === 0) return null;
  const statuses: readonly RunStatus[] = placed
    ? newestFirst(going, ended).map((record): RunStatus => record.status)
    : going.length === 0
      ? tail.statuses
      : [...going.map((): RunStatus => 'running'), ...tail.statuses];
  return {
    job,
    going,
    last: ended[0] ?? null,
    lastCompletedAt: ended.reduce<string | null>(latestCompleted, null),
    resumeCheckpoint: resumePoint(ended),
    recent: statuses.slice(0, RECENT).reverse(),
    unreadable: skipped.count,
  };
}

/** Where the last run is not in the journal yet, that is no measure of who came first: their times are all there is. */
function goingOf({ going, over }: Survey): readonly GoingRun[] {
  return over.length === 0 ? going : going.map(({ record, alivePids }) => ({ record, alivePids }));
}

/** Of runs that wait to be settled each knows what was before it began, of those in the journal what was before it ended. */
function resumePoint(ended: readonly EndedGist[]): string | null {
  for (const record of ended) {
    if (record.status === 'completed') return null;
    const reached = resumeAfter(record);
    if (reached !== null) return reached;
  }
  return null;
}

const NO_RUNS: Recent<never> = { records: [], statuses: [] };

function take<T>(items: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  if (count === 0) return taken;
  for (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

/**
 * Last ended first. What nobody saw end comes before everything in the journal; what waits in a start record
 * with its end stands where that end was.
 */
function mergeEnded<Ended extends EndedGist | SkippedRecord>(
  over: readonly OverRun[],
  journal: readonly Ended[],
): readonly (Ended | EndedRecord)[] {
  if (over.length === 0) return journal;
  const waiting = over.map((run) => run.record).reverse();
  const merged: (Ended | EndedRecord)[] = waiting.filter(isInferred);
  const seen = waiting.filter((record) => !isInferred(record));
  for (const record of journal) {
    while (seen[0] !== undefined && endOf(seen[0]) >= endOf(record)) merged.push(seen.shift() as EndedRecord);
    merged.push(record);
  }
  return [...merged, ...seen];
}

/**
 * Runs that go on, then those that ended. A run that nobody can judge may stay on record for ever: once later runs
 * have ended it stands where it started, not on top of them.
 */
function newestFirst<Ended extends EndedGist | SkippedRecord>(
  going: readonly GoingRun[],
  ended: readonly Ended[],
): (RunningRecord | Ended)[] {
  const last = ended.find(isRun) ?? null;
  const [overtaken, newer] = [true, false].map((is) => going.filter((run) => isOvertaken(run, last) === is));
  const runs: (RunningRecord | Ended)[] = [...recordsOf(newer), ...ended];
  for (const record of recordsOf(overtaken)) {
    const before = runs.findIndex((run) => run.status !== 'running' && run.started_at < record.started_at);
    runs.splice(before === -1 ? runs.length : before, 0, record);
  }
  return runs;
}

function isRun<Ended extends EndedGist | SkippedRecord>(
  record: Ended,
): record is Exclude<Ended, SkippedRecord> {
  return record.status !== 'skipped';
}

function recordsOf(going: readonly GoingRun[] = []): RunningRecord[] {
  return going.map((run) => run.record);
}

function latestCompleted(latest: string | null, record: EndedGist): string | null {
  return laterTime(latest, laterTime(record.completed_at, record.previous_completed_at));
}

/**
 * The runs of one job, newest first; null if no run of it is on record. `limit`: how many records at most. `status`:
 * only those that have it, of all that are counted. `counting`: all that are on record, for which all of the journal is
 * read.
 */
export function listRuns(
  stateDir: string,
  job: string,
  limit: number,
  status: Status | null = null,
  counting = true,
  isExclusive = false,
): RunList | null {
  return readable(stateDir, () =>
    surveyJob(
      stateDir,
      job,
      (survey, journal) => list(survey, journal, { limit, status, counting }),
      isExclusive,
    ),
  );
}

interface Wanted {
  readonly limit: number;
  readonly status: Status | null;
  readonly counting: boolean;
}

function list(survey: Survey, journal: Journal | null, { limit, status, counting }: Wanted): RunList | null {
  const skipped: Skipped = { count: survey.garbage };
  const tail =
    journal === null || status === 'running' ? [] : take(recordsFromEnd(journal, skipped, status), limit);
  const { over } = survey;
  const going = goingOf(survey);
  const found = newestFirst(going, mergeEnded(over, tail));
  // Fewer than asked for are all there are. Else lines are counted, some of which may be no record.
  const enough = status === null && (tail.length < limit || (!counting && tail.length > 0));
  const size = journal === null || enough ? null : measure(journal);
  const left = size === null ? tail.length : size.lines - (skipped.count - survey.garbage);
  const total = left + going.length + over.length;
  if (total === 0) return null;
  const oldest = size?.first ? decodeRecord(size.first) : null;
  const since = oldest?.started_at ?? earliest(found);
  const records = found.filter((record) => status === null || record.status === status);
  return { records: records.slice(0, limit), total, since, unreadable: skipped.count };
}

function earliest(records: readonly RunRecord[]): string | null {
  const starts = records.map((record) => record.started_at).sort();
  return starts[0] ?? null;
}

/** Every run of any job whose id fits, at most 10. */
export function findRuns(stateDir: string, reference: RunReference, isExclusive = false): RunRecord[] {
  const found: RunRecord[] = [];
  for (const job of listJobs(stateDir)) {
    found.push(...readable(stateDir, () => findInJob(stateDir, job, reference, isExclusive)));
    if (found.length >= MOST_FOUND) break;
  }
  return found.slice(0, MOST_FOUND);
}

function findInJob(
  stateDir: string,
  job: string,
  reference: RunReference,
  isExclusive: boolean,
): RunRecord[] {
  const fits = (id: string) => matchesReference(id, reference);
  const find = (survey: Survey, journal: Journal | null) => {
    const waiting = [...survey.going, ...survey.over].map((run): RunRecord => run.record);
    const fitting = waiting.filter((record) => fits(idOf(record)));
    return journal === null ? fitting : [...fitting, ...searchJournal(journal, fits)];
  };
  return surveyJob(stateDir, job, find, isExclusive);
}

/** A run that nobody has said the end of, and the job whose directory it is in; null where there is none. */
export function findUnsettled(stateDir: string, id: RunId, isExclusive = false): Unsettled | null {
  for (const job of listJobs(stateDir)) {
    const run = readable(stateDir, () => surveyRun(stateDir, job, id, isExclusive));
    if (run !== null) return { job, ...run };
  }
  return null;
}

/** @see findUnsettled, in the directory of `job`. CronrunError 'unreadable'. */
export function lookAtUnsettled(
  stateDir: string,
  job: string,
  id: RunId,
  isExclusive: boolean,
): JudgedRun | null {
  return readable(stateDir, () => surveyRun(stateDir, job, id, isExclusive));
}

/** A run whose end is not in the journal. */
export interface Unsettled extends JudgedRun {
  /** The name of its directory, whatever the record says. */
  readonly job: string;
}

/** Runs that were not begun since `since` (ISO 8601; null: since the last run that ended), and the newest of them. */
export interface Skips {
  /** Null: there are none. */
  readonly last: SkippedRecord | null;
  readonly count: number;
  /** True where counting stopped early: "more than count". */
  readonly more: boolean;
}

/** @see Skips. CronrunError 'unreadable'. */
export function skipsSince(stateDir: string, job: string, since: string | null): Skips {
  if (!isJobName(job)) return countSkips([], since); // out of a record, where it may be a path
  return readable(stateDir, () =>
    withJournal(journalPath(stateDir, job), countSkips([], since), (journal) =>
      countSkips(recordsFromEnd(journal, { count: 0 }), since),
    ),
  );
}

/** Pure: `records` last ended first. */
export function countSkips(records: Iterable<JournalRecord>, since: string | null): Skips {
  let last: SkippedRecord | null = null;
  let count = 0;
  for (const record of records) {
    if (isEnded(record) || (since !== null && record.started_at < since)) break;
    last ??= record;
    if (count === LONGEST_STREAK) return { last, count, more: true };
    count++;
  }
  return { last, count, more: false };
}

/** Completed runs in a row that end with the last completed one. */
export function completedInARow(stateDir: string, job: string, isExclusive = false): Streak {
  if (!isJobName(job)) return { count: 0, more: false };
  const count = (survey: Survey, journal: Journal | null) => {
    const tail = journal === null ? [] : take(runsFromEnd(journal, { count: 0 }), LONGEST_STREAK);
    return streakOf(mergeEnded(survey.over, tail), tail.length === LONGEST_STREAK);
  };
  return readable(stateDir, () => surveyJob(stateDir, job, count, isExclusive));
}

/** Pure: `records` last ended first; `cut`: there are more than these. */
export function streakOf(records: readonly EndedRecord[], cut: boolean): Streak {
  const first = records.findIndex((record) => record.status === 'completed');
  if (first === -1) return { count: 0, more: false };
  const after = records.slice(first);
  const end = after.findIndex((record) => record.status !== 'completed');
  return end === -1 ? { count: after.length, more: cut } : { count: end, more: false };
}

/** Runs `read`; what the file system refuses becomes an error that says what may be done about it: 'unreadable'. */
export function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CronrunError) throw error;
    const failed = (error as { path?: string }).path ?? path;
    const errno = errnoOf(error);
    throw new CronrunError('unreadable', `cannot read ${failed} (${explainErrno(error)})`, {
      ...(errno === 'EACCES' || errno === 'EPERM' ? { hint: WHO_MAY_READ } : {}),
      cause: error,
    });
  }
}

const WHO_MAY_READ =
  'records are readable by their owner, by root, and by the group of a state directory of mode 2750';
