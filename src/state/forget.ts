import { existsSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import type { RunId } from '../model/run-id.js';
import { type Modes, makeDirectories, syncDirectory } from '../platform/durable.js';
import { listDirectory } from '../platform/list-directory.js';
import { jobDirectory, jobsDirectory } from './directory.js';
import { listSegments, segmentName } from './segments.js';
import { readFileName } from './start-record.js';

/** No job is called so: readers do not see it. */
const HIDDEN = /^\.forgotten-(.+)-([0-9a-f-]{36})$/;

/**
 * Removes all that is on record of a job of which no run goes on. Its directory gets a hidden name first, in one step, so
 * that no reader sees half of it; then it is looked at once more: a run that began meanwhile has a start record there, or
 * holds the lock, and everything is put back.
 *
 * @param torn files of `running/` that are no start records. @param isLockOurs nobody else can have the lock. @param unique nobody else has it. @returns false where it was put back. Throws what the file system says.
 */
export function forgetJob(
  stateDir: string,
  job: string,
  modes: Modes,
  { torn, isLockOurs }: { readonly torn: readonly string[]; readonly isLockOurs: boolean },
  unique: RunId,
): boolean {
  const jobs = jobsDirectory(stateDir);
  const hidden = `${jobs}/.forgotten-${job}-${unique}`;
  renameSync(jobDirectory(stateDir, job), hidden);
  if (hasStart(hidden, torn) || (!isLockOurs && isLocked(hidden))) {
    putBack(hidden, jobDirectory(stateDir, job), modes);
    return false;
  }
  syncDirectory(jobs);
  remove(hidden);
  syncDirectory(jobs);
  return true;
}

/**
 * Ends what a forget began that was killed. A run that turns up there gets its place again. What is locked is left alone:
 * a forget is at work there, or a run that has yet to find out that its lock is not in its place.
 */
export function removeForgotten(stateDir: string, modes: Modes): void {
  const jobs = jobsDirectory(stateDir);
  for (const name of listDirectory(jobs)) {
    const job = HIDDEN.exec(name)?.[1];
    if (job === undefined) continue;
    const hidden = `${jobs}/${name}`;
    if (hasStart(hidden, [])) putBack(hidden, jobDirectory(stateDir, job), modes);
    else if (!isLocked(hidden)) remove(hidden);
  }
}

/** Somebody else may be about it. */
function remove(hidden: string): void {
  rmSync(hidden, { recursive: true, force: true });
}

function hasStart(directory: string, torn: readonly string[]): boolean {
  const isStart = (name: string) => readFileName(name) !== null && !torn.includes(name);
  return listDirectory(`${directory}/running`).some(isStart);
}

/**
 * Whether somebody holds the lock there: the kernel lists the locks, with the inodes of their files. In a container it does
 * not list one whose taker is gone, so a false is no proof.
 */
function isLocked(directory: string): boolean {
  const stat = lstatSync(`${directory}/lock`, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  try {
    return readFileSync('/proc/locks', 'latin1').includes(`:${stat.ino} `);
  } catch {
    return false;
  }
}

/** Under its own name again; where the job has a new directory by now, file by file. */
function putBack(hidden: string, directory: string, modes: Modes): void {
  if (renameUnlessThere(hidden, directory)) return;
  const number = listSegments(hidden).reduce((most, segment) => Math.max(most, segment.number ?? 0), 0) + 1;
  const id = hidden.slice(-36);
  if (existsSync(`${hidden}/journal.jsonl`))
    renameSync(`${hidden}/journal.jsonl`, `${hidden}/${segmentName(number, id)}`);
  for (const from of filesBelow(hidden)) {
    const to = `${directory}${from.slice(hidden.length)}`;
    makeDirectories(to.slice(0, to.lastIndexOf('/')), modes.directory);
    if (!existsSync(to)) renameSync(from, to);
  }
  rmSync(hidden, { recursive: true });
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function renameUnlessThere(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOTEMPTY' || errno === 'EEXIST') return false;
    throw error;
  }
}

/** Bytes of all files of a job. */
export function bytesOfJob(stateDir: string, job: string): number {
  const files = filesBelow(jobDirectory(stateDir, job));
  return files.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}
