import { closeSync, constants, fchmodSync, fdatasyncSync, fstatSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../errors.js';
import { hasCheckpoint, lastCheckpoint, NOTHING_REACHED, type Reached } from '../model/checkpoint.js';
import { isoTime } from '../model/iso-time.js';
import { isRunId, type RunId } from '../model/run-id.js';
import { closingOf, type Modes, PRIVATE, readRange, syncDirectory, writeWhole } from '../platform/durable.js';
import { O_NOFOLLOW, openFile } from '../platform/open-file.js';

const SUFFIX = '.checkpoint';

/** The file of a run's checkpoints: it stands beside its start record. */
export function checkpointName(id: RunId): string {
  return `${id}${SUFFIX}`;
}

/** The run whose checkpoints a file of `running/` holds; null for any other file. */
export function checkpointRun(name: string): RunId | null {
  const id = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : '';
  return isRunId(id) ? id : null;
}

/**
 * Makes the empty file that a run may append to. Nothing is synced: a run that writes no checkpoint pays for none. Where
 * it cannot be made the command that appends hears of it.
 */
export function createCheckpointFile(path: string, modes: Modes): void {
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, modes.file);
    try {
      if (modes !== PRIVATE) fchmodSync(fd, modes.file); // a umask may take the group's rights away
    } finally {
      closeSync(fd);
    }
  } catch {
    // see above
  }
}

/**
 * Appends a line and syncs it and the name of its file, which nobody has synced before. What somebody left without a
 * newline is closed off first. Throws what the file system says; ENOENT: the run is over.
 */
export function appendCheckpoint(path: string, text: string): void {
  const fd = openSync(path, constants.O_RDWR | constants.O_APPEND | O_NOFOLLOW);
  try {
    writeWhole(fd, Buffer.from(`${closingOf(fd, fstatSync(fd).size)}${text}\n`));
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
  syncDirectory(dirname(path));
}

/** Read at once from the end; a last line that is longer makes it grow up to the second. */
const FIRST_WINDOW_BYTES = 4096;
const LAST_WINDOW_BYTES = 1 << 20;

/** How far a run got. What cannot be read says nothing. */
export function readCheckpoint(path: string): Reached {
  return withFile(path, NOTHING_REACHED, (fd, size) => {
    if (size === 0) return NOTHING_REACHED;
    for (let window = FIRST_WINDOW_BYTES; ; window *= 16) {
      const start = Math.max(0, size - window);
      const last = window >= LAST_WINDOW_BYTES || start === 0;
      const checkpoint = lastCheckpoint(readRange(fd, start, size), last);
      if (checkpoint === null && !last) continue;
      return checkpoint === null ? NOTHING_REACHED : { checkpoint, checkpoint_at: changedAt(fd) };
    }
  });
}

/** Whether the run wrote exactly this line at some time. */
export function wroteCheckpoint(path: string, wanted: string): boolean {
  return withFile(path, false, (fd, size) => hasCheckpoint(readRange(fd, 0, size), wanted));
}

function changedAt(fd: number): string {
  return isoTime(fstatSync(fd).mtime.getTime());
}

function withFile<T>(path: string, nothing: T, read: (fd: number, size: number) => T): T {
  try {
    const { fd, size } = openFile(path, O_NOFOLLOW);
    try {
      return read(fd, size);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === null) throw error;
    return nothing;
  }
}
