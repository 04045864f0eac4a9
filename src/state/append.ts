import { errnoOf } from '../errors.js';
import { appendDurably, type Modes } from '../platform/durable.js';
import { jobDirectory, journalPath } from './directory.js';
import { makeOwnDirectories } from './ownership.js';
import { type Journal, withOlder } from './segments.js';

/**
 * Appends to the journal of a job, see appendDurably; its directory is made anew where somebody removed it meanwhile. Throws
 * what the file system says, and NotOurs. `compose` sees all that is there already.
 *
 * @returns how long the journal is now, bytes.
 */
export function appendToJournal(
  stateDir: string,
  job: string,
  modes: Modes,
  compose: (journal: Journal) => string,
): number {
  const path = journalPath(stateDir, job);
  const append = () => appendDurably(path, modes, (target) => withOlder(path, target, compose));
  try {
    return append();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeOwnDirectories(stateDir, job, jobDirectory(stateDir, job), modes.directory);
    return append();
  }
}
