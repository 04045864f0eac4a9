import { existsSync, statSync } from 'node:fs';
import { CronrunError, explainErrno } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import { parseRunReference } from '../model/run-id.js';
import { findRuns, listJobs } from '../state/runs.js';
import { getLine } from '../view/get.js';
import { noRunFields } from '../view/json.js';
import { type Missing, missingLine, missingText, type OtherPlace } from '../view/missing.js';
import { similarNames } from '../view/similar.js';
import { type Candidate, otherCandidates } from './state-place.js';
import type { Surroundings } from './types.js';

/** What was asked for and is not on record. */
export interface Asked {
  readonly command: string;
  readonly stateDir: string;
  /** As it was typed; null: anything. */
  readonly asked: string | null;
  /** The job's name, if it may be one. */
  readonly job: string | null;
  /** True for something that may be a piece of a run id. */
  readonly mayBeRun: boolean;
}

/** How it was asked for. `noRun`: what --json prints where there is nothing. */
export interface Manner {
  readonly get: readonly string[] | null;
  readonly json: boolean;
  readonly exitCode: boolean;
  readonly noRun: (job: string | null) => string;
}

/** Answers that there is no such job or run, and returns the exit status of that. CronrunError 'unreadable'. */
export function answerMissing(asked: Asked, manner: Manner, io: Surroundings): number {
  const forPeople = !manner.exitCode && manner.get === null && !manner.json;
  if (!manner.exitCode) answerNoRun(asked.job, manner, io);
  io.err(forPeople ? whereItMayBe(asked, io) : missingLine(asked));
  return EXIT.noSuchRun;
}

/** On stdout, for scripts: the job, and a status of "none". */
export function answerNoRun(job: string | null, manner: Omit<Manner, 'exitCode'>, io: Surroundings): void {
  if (manner.get !== null) io.out(getLine(manner.get, noRunFields(job)));
  else if (manner.json) io.out(`${manner.noRun(job)}\n`);
}

/**
 * That it is not there, and where it may be: under a name like it, in another state directory.
 * CronrunError 'unreadable'.
 */
export function whereItMayBe({ command, stateDir, asked, mayBeRun }: Asked, io: Surroundings): string {
  const jobs = listJobs(stateDir);
  const others = otherCandidates(stateDir, io.env)
    .map((candidate) => lookInto(candidate, asked))
    .filter((place) => place !== null)
    .filter((place) => place.hasJob || (jobs.length === 0 && place.jobs !== 0));
  // A job's directory may be there without a run in it: nobody meant the very name that was typed.
  const names = jobs.filter((job) => job !== asked);
  const similar = asked === null ? [] : similarNames(asked, names);
  const runsOf = TAKES_JOBS.includes(command) && asked !== null ? jobsOfRuns(stateDir, asked) : [];
  return missingText({
    asked,
    mayBeRun,
    stateDir,
    similar,
    others,
    command,
    runsOf,
    place: kindOfPlace(stateDir),
  });
}

const TAKES_JOBS: readonly string[] = ['ls', 'prune', 'forget'];

/** These take jobs; somebody may have given them the id that `ls JOB` showed. */
function jobsOfRuns(stateDir: string, asked: string): string[] {
  const reference = parseRunReference(asked);
  return reference === null ? [] : findRuns(stateDir, reference).map((record) => record.job);
}

function kindOfPlace(dir: string): Missing['place'] {
  try {
    const found = statSync(dir, { throwIfNoEntry: false });
    if (found === undefined) return 'absent';
    return found.isDirectory() ? 'directory' : 'no-directory';
  } catch (error) {
    throw new CronrunError('unreadable', `cannot read ${dir} (${explainErrno(error)})`, { cause: error });
  }
}

function lookInto(candidate: Candidate, asked: string | null): OtherPlace | null {
  if (!existsSync(candidate.dir)) return null;
  try {
    const jobs = listJobs(candidate.dir);
    return { ...candidate, jobs: jobs.length, hasJob: asked !== null && jobs.includes(asked) };
  } catch {
    return { ...candidate, jobs: null, hasJob: false };
  }
}
