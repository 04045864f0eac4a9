import { lstatSync } from 'node:fs';
import type { GoingRun } from '../model/job-runs.js';
import type { EndedRecord } from '../model/record.js';
import type { RunId } from '../model/run-id.js';
import { readProcessTable } from '../platform/identity.js';
import { listDirectory } from '../platform/list-directory.js';
import { checkpointRun } from './checkpoint.js';
import { journalPath, runningDirectory } from './directory.js';
import { environmentEntry } from './group.js';
import { findInJournal, withJournal } from './journal.js';
import { isOfRun, judgeNamed, type NamedStart, named, recordOf, type Survey, sortOut } from './judging.js';
import type { Journal } from './segments.js';
import { readFileName } from './start-record.js';

const NOTHING: Survey = { going: [], over: [], recorded: [], leftovers: [], garbage: 0 };

/** How often a job is looked at anew when others settle its runs at the same moment. */
const LOOKS = 10;

/**
 * Reads and judges the start records of a job, *then* asks the journal which of them it has: a wrapper that was
 * alive a moment ago has had its word. `journal` is the journal as it was opened after the judging. `isExclusive`: see
 * comparePlaces.
 *
 * Who moves a journal away by hand may take that word with it. But a wrapper removes its start record before it ends:
 * where a run seems to be over that the journal does not have, and its start record is gone by now, somebody has
 * recorded it, and all is looked at once more.
 */
export function surveyJob<T>(
  stateDir: string,
  job: string,
  use: (survey: Survey, journal: Journal | null) => T,
  isExclusive = false,
): T {
  for (let look = 1; look < LOOKS; look++) {
    const result = surveyOnce<T | typeof STALE>(
      stateDir,
      job,
      (survey, journal) =>
        survey.over.some(({ name }) => isGone(stateDir, job, name)) ? STALE : use(survey, journal),
      isExclusive,
    );
    if (result !== STALE) return result as T;
  }
  return surveyOnce(stateDir, job, use, isExclusive);
}

const STALE = Symbol('stale');

function isGone(stateDir: string, job: string, name: string): boolean {
  return lstatSync(`${runningDirectory(stateDir, job)}/${name}`, { throwIfNoEntry: false }) === undefined;
}

function surveyOnce<T>(
  stateDir: string,
  job: string,
  use: (survey: Survey, journal: Journal | null) => T,
  isExclusive: boolean,
): T {
  const directory = runningDirectory(stateDir, job);
  const names = listDirectory(directory);
  const found = names.length === 0 ? null : judgeNamed(directory, names, isExclusive);
  return withJournalOrNull(journalPath(stateDir, job), (journal) =>
    use(found === null ? NOTHING : sortOut(found, journal), journal),
  );
}

/** One run that has a start record, judged as surveyJob does. */
export interface JudgedRun extends NamedStart {
  readonly record: GoingRun['record'] | EndedRecord;
  /** Processes of the run that live; known for orphaned runs only. */
  readonly alivePids: readonly number[];
}

/** One run; null where it has no start record, or the journal has it already. */
export function surveyRun(stateDir: string, job: string, id: RunId, isExclusive = false): JudgedRun | null {
  const directory = runningDirectory(stateDir, job);
  const isOf = (name: string) => (readFileName(name)?.id ?? checkpointRun(name)) === id;
  const names = listDirectory(directory).filter(isOf);
  const { starts } = judgeNamed(directory, names, isExclusive);
  const recorded = withJournalOrNull(journalPath(stateDir, job), (journal) =>
    journal === null
      ? new Set()
      : findInJournal(
          journal,
          starts.map(({ start }) => start),
        ),
  );
  const [judged] = starts;
  if (judged === undefined || recorded.has(id)) return null;
  return { ...named(judged), record: recordOf(judged), alivePids: judged.child.pids };
}

/**
 * Processes that can be seen from here and are of this run, in whatever namespace they are: its wrapper, which has the
 * start record open for writing, and whoever carries its id. A host sees what is in its containers.
 */
export function processesOfRun({ name, start }: NamedStart): number[] {
  const entry = environmentEntry(start.id);
  const { processes } = readProcessTable();
  return processes.filter(({ pid }) => isOfRun(pid, name, entry) === true).map(({ pid }) => pid);
}

function withJournalOrNull<T>(path: string, use: (journal: Journal | null) => T): T {
  // Not `withJournal(path, use(null), use)`: that would use both.
  const result = withJournal<T | typeof ABSENT>(path, ABSENT, use);
  return result === ABSENT ? use(null) : (result as T);
}

const ABSENT = Symbol('absent');
