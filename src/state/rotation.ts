import { makeRunId } from '../model/run-id.js';
import { wallMs } from '../platform/clock.js';
import { randomBytes } from '../platform/random.js';
import { jobDirectory } from './directory.js';

/** A journal that is longer than this is moved away, so that none ever has to be cut. */
const ROTATED_AT_BYTES = 4 * 1024 * 1024;

/**
 * Moves the journal of a job away where it is long: whoever has appended to it calls this with the size it has now. What
 * does it is loaded by one run in thousands. It may be gone, after hours in which an upgrade replaced it, and the disk may
 * refuse; then a later run rotates.
 *
 * @param limitBytes what the journals that were moved away may have together; 0: no limit.
 */
export function rotateLong(stateDir: string, job: string, size: number, limitBytes: number): void {
  if (size < ROTATED_AT_BYTES) return;
  try {
    const { rotateJournal } = require('./rotate.cjs') as typeof import('./rotate.js');
    // Not the id of a run: its wrapper and who settles it may rotate both.
    const id = makeRunId(wallMs(), randomBytes(10));
    rotateJournal(jobDirectory(stateDir, job), id, ROTATED_AT_BYTES, limitBytes);
  } catch {
    // see above
  }
}
