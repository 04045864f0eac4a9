import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { errnoOf } from '../errors.js';
import { type RunId, readRunId } from '../model/run-id.js';
import { PRIVATE, readRange } from '../platform/durable.js';
import { noRegularFile } from '../platform/open-file.js';
import { effectiveUid } from '../platform/user.js';
import { lockPath, runningDirectory } from './directory.js';
import { inspectOwnership, makeOwnDirectories, NotOurs } from './ownership.js';

/** A job's lock that is open; it is locked by who knows how. */
export interface OpenLock {
  readonly fd: number;
  readonly path: string;
}

const OPENING = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
const PERMISSIONS = 0o7777;

/**
 * Opens the lock of a job, which is made where it is missing, and so are its directories. Node's descriptors do not reach
 * what is started (O_CLOEXEC). `flags`: more of open(2). Throws NotOurs, and what the file system says.
 */
export function openLock(stateDir: string, job: string, flags = 0): OpenLock {
  const { breach, modes } = inspectOwnership(stateDir, job);
  if (breach !== null) throw new NotOurs(breach);
  // Also where a group may read the records: whoever can open a file can lock it, and keep every run from starting.
  const { file } = PRIVATE;
  const path = lockPath(stateDir, job);
  const fd = openOrMake(path, flags, file, () =>
    makeOwnDirectories(stateDir, job, runningDirectory(stateDir, job), modes.directory),
  );
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw noRegularFile(path);
    if (stat.uid !== effectiveUid()) throw new Error(`${path} belongs to user ${stat.uid}; remove it`);
    if ((stat.mode & PERMISSIONS) !== file) fchmodSync(fd, file); // a umask had its say
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, path };
}

function openOrMake(path: string, flags: number, mode: number, makeDirectories: () => void): number {
  try {
    return openSync(path, OPENING | flags, mode);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeDirectories();
    return openSync(path, OPENING | flags, mode);
  }
}

/** Whether the file that is open is still the one that others would open: the job may have been forgotten meanwhile. */
export function isInPlace({ fd, path }: OpenLock): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false });
  return there !== undefined && isSame(there, fstatSync(fd));
}

function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/** "cron:" and a UUID. */
const ID_BYTES = 41;

/** Who holds the lock, as far as it has said so; null: it has not. */
export function readHolder({ fd }: OpenLock): RunId | null {
  try {
    return readRunId(readRange(fd, 0, ID_BYTES).toString('latin1'));
  } catch {
    return null;
  }
}

/** Says who holds the lock; null: nobody that is known yet. It is for people, so what fails is nobody's concern. */
export function writeHolder({ fd }: OpenLock, id: RunId | null): void {
  try {
    ftruncateSync(fd);
    if (id !== null) writeSync(fd, `cron:${id}`, 0);
  } catch {
    // see above
  }
}
