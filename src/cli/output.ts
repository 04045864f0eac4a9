import { writeSync } from 'node:fs';
import { CronrunError, errnoOf, explainErrno } from '../errors.js';

const STDOUT = 1;
const STDERR = 2;

/** How long to wait before a full pipe is tried again, milliseconds. */
const PIPE_PAUSE_MS = 5;

/**
 * Writes an answer, whole, before it returns. A reader that has gone away (EPIPE, as with `| head -1`) has had
 * what it wanted. Throws CronrunError 'unwritable' where the answer cannot be delivered, as on a full disk.
 */
export function writeAnswer(text: string): void {
  try {
    writeWhole(text, (bytes, from) => writeSync(STDOUT, bytes, from), waitForReader);
  } catch (error) {
    if (errnoOf(error) === 'EPIPE') return;
    throw new CronrunError('unwritable', `cannot write the answer to stdout: ${explainErrno(error)}`);
  }
}

/** Writes talk. Where stderr takes none there is nobody left to tell. */
export function writeTalk(text: string): void {
  try {
    writeWhole(text, (bytes, from) => writeSync(STDERR, bytes, from), waitForReader);
  } catch {
    // The exit status still says it.
  }
}

/**
 * Writes all of `text` before it returns; process.stdout would do so later, by events, and load the tty module
 * (3 ms) for it. @param write as writeSync: takes bytes and where to begin, returns how many it wrote.
 * @param pause waits a moment; called when somebody else has made the pipe non-blocking, and it is full.
 */
export function writeWhole(
  text: string,
  write: (bytes: Uint8Array, from: number) => number,
  pause: () => void,
): void {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) {
    try {
      done += write(bytes, done);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error;
      pause();
    }
  }
}

function waitForReader(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_PAUSE_MS);
}
