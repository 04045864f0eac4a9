import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  type Stats,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../errors.js';
import { pauseMs } from './clock.js';
import { bornAt, noRegularFile, type OpenFile } from './open-file.js';

/** Modes of what is made in a state directory. */
export interface Modes {
  readonly directory: number;
  readonly file: number;
}

export const PRIVATE: Modes = { directory: 0o700, file: 0o600 };

/** Where the administrator gave the state directory group rights, so that a monitoring group can read. */
export const GROUP_READABLE: Modes = { directory: 0o2750, file: 0o640 };

/** One write of all of `bytes`. A short count is an error: what is cut off must not pass for whole. */
export function writeWhole(fd: number, bytes: Uint8Array, position: number | null = null): void {
  const written = writeSync(fd, bytes, 0, bytes.length, position);
  if (written !== bytes.length) {
    const message = `ENOSPC: only ${written} of ${bytes.length} bytes could be written`;
    throw Object.assign(new Error(message), { code: 'ENOSPC' });
  }
}

/** Syncs a directory, so that the names in it survive a power cut. Some file systems cannot and need not. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'EINVAL' && errno !== 'ENOTSUP') throw error;
  } finally {
    closeSync(fd);
  }
}

/** Syncs what others wrote into a file; ELOOP where the name is a symbolic link. */
export function syncContents(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * mkdir -p that syncs the parent of each directory it made. A umask cannot change the mode.
 *
 * @returns the deepest directory that was there already: whether its own name is synced is not known.
 */
export function makeDirectories(path: string, mode: number): string {
  try {
    return makeDirectory(path, mode) ? dirname(path) : path;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    const there = makeDirectories(dirname(path), mode);
    return makeDirectory(path, mode) ? there : path; // once: below a link to nowhere there will never be a parent
  }
}

/** True if it was not there. */
function makeDirectory(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
  chmodSync(path, mode);
  syncDirectory(dirname(path));
  return true;
}

/** A new file that stays open, and why it would not survive a power cut (null: it would). */
export interface NewFile {
  readonly fd: number;
  readonly syncError: unknown;
}

/**
 * Makes `directory/name` with all of `bytes` or not at all: written under `temporary`, renamed, both synced.
 * Throws when nothing is there under its name; a sync that fails is reported, because then the file is there.
 */
export function createWhole(
  directory: string,
  name: string,
  temporary: string,
  bytes: Uint8Array,
  mode: number,
): NewFile {
  const path = `${directory}/${temporary}`;
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    fchmodSync(fd, mode);
    writeWhole(fd, bytes);
    renameSync(path, `${directory}/${name}`);
  } catch (error) {
    closeSync(fd);
    removeIfThere(path);
    throw error;
  }
  try {
    fsyncSync(fd);
    syncDirectory(directory);
  } catch (error) {
    return { fd, syncError: error };
  }
  return { fd, syncError: null };
}

/** Overwrites bytes that a file already has, which needs no space on most file systems, and syncs them. */
export function overwriteDurably(fd: number, bytes: Uint8Array, position: number): void {
  writeWhole(fd, bytes, position);
  fsyncSync(fd);
}

/** Renames within one directory and syncs that. */
export function renameDurably(directory: string, from: string, to: string): void {
  renameSync(`${directory}/${from}`, `${directory}/${to}`);
  syncDirectory(directory);
}

/** An append-only file as it is when somebody is about to append. */
export type AppendTarget = OpenFile;

/**
 * Appends whole lines in one write and syncs them. `compose` sees the file as it is right before and returns the
 * lines, each ended by a newline. A torn line that somebody else left is closed off first; afterwards the lines
 * are read back and, where they are not whole (another writer tore its line onto them, or the file was removed or
 * closed meanwhile), appended once more. Doubles do no harm: readers drop them. No symbolic link is followed (ELOOP).
 *
 * @returns how long the file is now.
 */
export function appendDurably(path: string, modes: Modes, compose: (target: AppendTarget) => string): number {
  const size = appendOnce(path, modes, compose, true) ?? appendOnce(path, modes, compose, false);
  if (size !== null) return size;
  throw Object.assign(new Error('EIO: what was written does not read back'), { code: 'EIO' });
}

const APPENDING = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/**
 * Null where the lines do not read back whole; else the size of the file. @param heeds whether a closing counts: who finds
 * it in two files one after the other has the journal itself before him, put there by hand.
 */
function appendOnce(
  path: string,
  modes: Modes,
  compose: (target: AppendTarget) => string,
  heeds: boolean,
): number | null {
  const fd = openSync(path, APPENDING, modes.file);
  try {
    const first = fstatSync(fd);
    if (!first.isFile()) throw noRegularFile(path);
    const { stat, closing } = onceWritten(fd, first);
    const { size, ino } = stat;
    if (size === 0) fchmodSync(fd, modes.file);
    const lines = compose({ fd, size, ino, born: bornAt(stat) });
    const bytes = Buffer.from(closing + lines);
    writeWhole(fd, bytes);
    fdatasyncSync(fd);
    if (size === 0) syncDirectory(dirname(path));
    return readBack(fd, size, bytes, heeds);
  } finally {
    closeSync(fd);
  }
}

/** How long somebody who is writing a line may be held up, milliseconds, and how often he may be met. */
const WRITING_MS = 1;
const MOST_WRITERS = 20;

/**
 * The file when nobody is writing a line into it, and what closes it off. A write that takes more than one page can be seen
 * half: to close that off would leave a blank line. One that was really torn costs the pause.
 */
function onceWritten(fd: number, first: Stats): { stat: Stats; closing: string } {
  let stat = first;
  for (let met = 0; ; met++) {
    const closing = closingOf(fd, stat.size);
    if (closing === '' || met === MOST_WRITERS) return { stat, closing };
    pauseMs(WRITING_MS);
    const now = fstatSync(fd);
    if (now.size === stat.size) return { stat, closing };
    stat = now;
  }
}

const NEWLINE = 10;

/**
 * A carriage return where a line would begin: it closes a segment. Who has the file open still finds his line behind that,
 * or after it, and appends it anew where the journal is now; to parsers of JSON it is a blank.
 */
export const CLOSING = 13;

/** What has to stand before a new line in a file of `size` bytes: a newline where the last one was torn. */
export function closingOf(fd: number, size: number): '' | '\n' {
  const byte = new Uint8Array(1);
  const torn = size > 0 && (readSync(fd, byte, 0, 1, size - 1) !== 1 || byte[0] !== NEWLINE);
  return torn ? '\n' : '';
}

/**
 * How long the file is if `bytes` stand in it at or after `from`, at the beginning of a line, and before anybody closed it;
 * else null.
 */
function readBack(fd: number, from: number, bytes: Buffer, heeds: boolean): number | null {
  const now = fstatSync(fd);
  if (now.nlink === 0) return null;
  // One byte more than was there: it tells whether a line begins at `from`.
  const tail = readRange(fd, Math.max(0, from - 1), now.size);
  const closed = heeds ? closingAt(tail) : -1;
  for (let at = tail.indexOf(bytes); at !== -1; at = tail.indexOf(bytes, at + 1)) {
    if (closed !== -1 && closed < at) return null;
    if ((from === 0 && at === 0) || bytes[0] === NEWLINE || tail[at - 1] === NEWLINE) return now.size;
  }
  return null;
}

function closingAt(tail: Buffer): number {
  const at = tail.indexOf(CLOSING);
  return at <= 0 || tail[at - 1] === NEWLINE ? at : -1;
}

/** The bytes of a file from `start` to `end`, fewer where it ends before; in `into` if that is given. */
export function readRange(fd: number, start: number, end: number, into?: Buffer): Buffer {
  const length = Math.max(0, end - start);
  const bytes = into ?? Buffer.allocUnsafe(length);
  return bytes.subarray(0, readInto(fd, bytes, start, length));
}

/** Reads at most `length` bytes from `start` to the beginning of `bytes`; how many there were. */
export function readInto(fd: number, bytes: Buffer, start: number, length: number): number {
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, bytes, filled, length - filled, start + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

/** Unlinks; true if it was there. */
export function removeIfThere(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Makes a file of `bytes` unless one is there, a symbolic link included (O_EXCL follows none); one that could not be
 * written whole is removed again. A umask cannot change the mode.
 */
export function createUnlessThere(path: string, bytes: () => Uint8Array, mode: number): void {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    throw error;
  }
  try {
    fchmodSync(fd, mode);
    writeWhole(fd, bytes());
  } catch (error) {
    removeIfThere(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Bytes that this user may still write on the file system of `path`. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}
