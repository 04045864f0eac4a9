import { basename } from 'node:path';
import { CronrunError, errnoOf, explainErrno } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import { appendCheckpoint, checkpointRun } from '../state/checkpoint.js';
import type { Surroundings } from './types.js';

/** What a run without a record finds in place of a file of its own. */
const NOWHERE = '/dev/null';

/**
 * `cronrun checkpoint TEXT`, inside a run: the run got so far. It is on disk when this returns. Returns the exit status.
 * CronrunError 'usage' outside a run, 'unwritable'.
 */
export function checkpoint(text: string, io: Surroundings): number {
  const file = io.env.CRONRUN_CHECKPOINT_FILE;
  if (file === NOWHERE) {
    io.err('cronrun: checkpoint: this run is not on record, so nothing can keep how far it got\n');
    return EXIT.ok; // it was said when the run began, and a job with set -e must go on
  }
  if (!file || checkpointRun(basename(file)) === null) {
    throw new CronrunError(
      'usage',
      'checkpoint: this is no run: CRONRUN_CHECKPOINT_FILE names no file of one',
      {
        hint: 'it is for commands that run below cronrun exec',
      },
    );
  }
  try {
    appendCheckpoint(file, text);
  } catch (error) {
    const gone = errnoOf(error) === 'ENOENT' ? 'the run is over: ' : '';
    throw new CronrunError('unwritable', `checkpoint: ${gone}cannot write ${file} (${explainErrno(error)})`, {
      cause: error,
    });
  }
  return EXIT.ok;
}
