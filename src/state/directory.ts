import { join, resolve } from 'node:path';
import { logName } from '../model/output.js';
import type { RunId } from '../model/run-id.js';

/** Where root's state is; others are pointed to it when their own is empty. */
export const SYSTEM_STATE_DIRECTORY = '/var/lib/cronrun';

export interface StateDirectoryFacts {
  /** --state-dir or CRONRUN_STATE_DIR; an empty one is none. */
  readonly given: string | null;
  readonly isRoot: boolean;
  readonly xdgStateHome: string | undefined;
  /** HOME or, where that is unset, the home of the password database; null: neither. */
  readonly home: string | null;
}

/**
 * The state directory, absolute, see FILES in cronrun(1); null where there is no home to put it in, or where what is given
 * is relative to a working directory that is gone.
 */
export function stateDirectory(facts: StateDirectoryFacts): string | null {
  if (facts.given) return absolute(facts.given);
  if (facts.isRoot) return SYSTEM_STATE_DIRECTORY;
  // The XDG base directory specification says to ignore a relative path.
  if (facts.xdgStateHome?.startsWith('/')) return join(facts.xdgStateHome, 'cronrun');
  return homeStateDirectory(facts.home);
}

function absolute(path: string): string | null {
  try {
    return resolve(path);
  } catch {
    return null; // getcwd(3) failed
  }
}

/** Where cron's jobs keep their state: cron does not know XDG_STATE_HOME. Null without a home. */
export function homeStateDirectory(home: string | null): string | null {
  return home ? join(home, '.local', 'state', 'cronrun') : null;
}

export function jobsDirectory(stateDir: string): string {
  return `${stateDir}/jobs`;
}

export function jobDirectory(stateDir: string, job: string): string {
  return `${stateDir}/jobs/${job}`;
}

export function journalPath(stateDir: string, job: string): string {
  return `${stateDir}/jobs/${job}/journal.jsonl`;
}

/** Held by the run of a job that asked for it, see --overlap. */
export function lockPath(stateDir: string, job: string): string {
  return `${stateDir}/jobs/${job}/lock`;
}

export function runningDirectory(stateDir: string, job: string): string {
  return `${stateDir}/jobs/${job}/running`;
}

/** Where the output of a job's runs is kept; there only where somebody asked for that. */
export function outputDirectory(stateDir: string, job: string): string {
  return `${stateDir}/jobs/${job}/output`;
}

export function logPath(stateDir: string, job: string, id: RunId): string {
  return `${outputDirectory(stateDir, job)}/${logName(id)}`;
}

/** What is known of the files of metrics that were written; there only where somebody asked for one. */
export function textfilesDirectory(stateDir: string): string {
  return `${stateDir}/textfile`;
}

/** Pings that are not delivered yet; there only while one waits, or is under way. */
export function pingsDirectory(stateDir: string): string {
  return `${stateDir}/pings`;
}

/** Given up when a start record does not fit on a full disk. */
export function reservePath(stateDir: string): string {
  return `${stateDir}/.reserve`;
}
