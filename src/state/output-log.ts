import {
  closeSync,
  constants,
  fchmodSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
} from 'node:fs';
import { errnoOf } from '../errors.js';
import { logRun, logsBeyond } from '../model/output.js';
import { judgeOwn } from '../model/ownership.js';
import { makeRunId, type RunId } from '../model/run-id.js';
import { wallMs } from '../platform/clock.js';
import { type Modes, removeIfThere, syncDirectory } from '../platform/durable.js';
import { excerptOf, pourExcerpt } from '../platform/lines.js';
import { listDirectory } from '../platform/list-directory.js';
import { O_NOFOLLOW, openFile } from '../platform/open-file.js';
import { pour } from '../platform/pour.js';
import { randomBytes } from '../platform/random.js';
import { effectiveUid } from '../platform/user.js';
import { checkpointRun } from './checkpoint.js';
import { logPath, outputDirectory, runningDirectory } from './directory.js';
import { makeOwnDirectories, NotOurs, requireOwn } from './ownership.js';
import { type Clutter, isClutter } from './settle.js';
import { readFileName } from './start-record.js';

/** Appending is what keeps the order of two streams in one file, whoever else has it open. */
const MAKING =
  constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND | constants.O_NOFOLLOW;

/**
 * Makes the log of a run, and its directory where that is missing; returns the descriptor. The directories above were
 * looked at when the run began. Throws what the file system says, NotOurs.
 */
export function createLog(stateDir: string, job: string, id: RunId, modes: Modes): number {
  const directory = outputDirectory(stateDir, job);
  if (!isOwnDirectory(directory)) {
    makeOwnDirectories(stateDir, job, directory, modes.directory);
    isOwnDirectory(directory);
  }
  return make(logPath(stateDir, job, id), modes);
}

/** False where there is none yet. Throws NotOurs where others can write in it, or it is no directory. */
function isOwnDirectory(path: string): boolean {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return false;
  const breach = judgeOwn(path, entry, effectiveUid());
  if (breach !== null) throw new NotOurs(breach);
  return true;
}

function make(path: string, modes: Modes): number {
  const fd = openSync(path, MAKING, modes.file);
  try {
    fchmodSync(fd, modes.file); // a umask may take the group's rights away
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** Brings a log on disk, and its name. Returns its size in bytes; null where it cannot be vouched for. */
export function syncLog(fd: number, directory: string): number | null {
  try {
    fdatasyncSync(fd);
    syncDirectory(directory);
    return fstatSync(fd).size;
  } catch {
    return null;
  }
}

/** The text between head and tail of a log that was cut. `bytes`: how many are left out. */
export type GapText = (gap: { readonly lines: number; readonly bytes: number }) => string;

/** A place that a log is kept in, and how. */
export interface LogPlace {
  readonly stateDir: string;
  readonly job: string;
  readonly modes: Modes;
}

/**
 * Keeps of a log that is over no more than about `limit` bytes, its head and its tail, with `gapText` in between. It is
 * replaced whole: whoever is killed or fails in here leaves the log as it was. Throws what the file system says, NotOurs.
 *
 * @param fd the log, open. What a process that the command left behind writes there from now on is not kept.
 */
export function cutLog(fd: number, id: RunId, limit: number, place: LogPlace, gapText: GapText): void {
  const { stateDir, job, modes } = place;
  const { size, ino } = fstatSync(fd);
  const excerpt = excerptOf(fd, size, limit);
  if (excerpt === null) return;
  requireOwn(stateDir, job); // it may have been hours
  const directory = outputDirectory(stateDir, job);
  const path = logPath(stateDir, job, id);
  // What the command put in its place, or removed, is its own business.
  if (!isOwnDirectory(directory) || lstatSync(path).ino !== ino) return;
  // A name of its own: the run itself and one that tidies may cut a log at the same moment.
  const temporary = `${directory}/.${makeRunId(wallMs(), randomBytes(10))}.tmp`;
  const made = make(temporary, modes);
  try {
    const { headEnd, tailStart, lines } = excerpt;
    const gap = gapText({ lines, bytes: tailStart - headEnd });
    pourExcerpt(fd, size, excerpt, gap, (bytes) => pour(made, bytes));
    fsyncSync(made);
    renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  } finally {
    closeSync(made);
  }
  syncDirectory(directory);
}

/** Cuts a log, open as `fd`; see cutLog. */
export type Cut = (fd: number, id: RunId) => void;

/**
 * Removes what is beyond the newest `count` logs of a job, and files that killed runs left half written. The log of the
 * run that tidies stays, and those of runs that have a start record. What stays of runs that are over is cut: a wrapper
 * that was killed could not. Throws what the file system says, NotOurs.
 */
export function tidyLogs(
  { stateDir, job }: LogPlace,
  self: RunId,
  count: number,
  clutter: Clutter,
  cut: Cut,
): void {
  requireOwn(stateDir, job);
  const directory = outputDirectory(stateDir, job);
  if (!isOwnDirectory(directory)) return;
  const names = listDirectory(directory);
  // Listed after the logs: a run that began meanwhile has none among them.
  const going = new Set(listDirectory(runningDirectory(stateDir, job)).map(runOf));
  const beyond = logsBeyond(names, count, self, (id) => going.has(id));
  for (const name of [...beyond, ...names.filter((one) => isLeft(`${directory}/${one}`, one, clutter))]) {
    removeIfThere(`${directory}/${name}`);
  }
  const gone = new Set(beyond);
  for (const name of names) {
    const id = logRun(name);
    if (id !== null && id !== self && !going.has(id) && !gone.has(name))
      cutOther(`${directory}/${name}`, id, cut);
  }
}

/** One that cannot be cut is no reason to leave the others. */
function cutOther(path: string, id: RunId, cut: Cut): void {
  try {
    const { fd } = openFile(path, O_NOFOLLOW);
    try {
      cut(fd, id);
    } finally {
      closeSync(fd);
    }
  } catch {
    // a later run tries again
  }
}

function isLeft(path: string, name: string, clutter: Clutter): boolean {
  const entry = logRun(name) === null ? lstatSync(path, { throwIfNoEntry: false }) : undefined;
  return entry !== undefined && isClutter(name, entry.mtimeMs, clutter);
}

function runOf(name: string): RunId | null {
  return readFileName(name)?.id ?? checkpointRun(name);
}

/** The runs of a job that have a log, the one that started last first. */
export function loggedRuns(stateDir: string, job: string): RunId[] {
  const ids = listDirectory(outputDirectory(stateDir, job)).map(logRun);
  return ids
    .filter((id) => id !== null)
    .sort()
    .reverse();
}

/** How many bytes of a run's output are kept; null where it has no log. */
export function logSize(stateDir: string, job: string, id: RunId): number | null {
  try {
    const entry = lstatSync(logPath(stateDir, job, id));
    return entry.isFile() ? entry.size : null;
  } catch (error) {
    if (errnoOf(error) === null) throw error;
    return null;
  }
}
