import { errnoOf } from '../errors.js';
import { type AppendTarget, appendDurably, type Modes } from '../platform/durable.js';
import { jobDirectory, journalPath } from './directory.js';
import { makeOwnDirectories } from './ownership.js';

/**
 * Appends to the journal of a job, see appendDurably; its directory is made anew where somebody removed it meanwhile. Throws
 * what the file system says, and NotOurs.
 */
export function appendToJournal(
  stateDir: string,
  job: string,
  modes: Modes,
  compose: (target: AppendTarget) => string,
): void {
  const path = journalPath(stateDir, job);
  try {
    appendDurably(path, modes, compose);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    makeOwnDirectories(stateDir, job, jobDirectory(stateDir, job), modes.directory);
    appendDurably(path, modes, compose);
  }
}
