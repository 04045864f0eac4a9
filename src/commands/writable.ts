import { CronrunError, explainErrno } from '../errors.js';
import { explainBreach } from '../model/ownership.js';
import { inspectOwnership, type Ownership } from '../state/ownership.js';

/** How to make things in a state directory that is ours alone. CronrunError 'unwritable'. `command`: "settle". */
export function requireOwnership(command: string, stateDir: string, job: string | null): Ownership {
  const ownership = writing(command, stateDir, () => inspectOwnership(stateDir, job));
  if (ownership.breach === null) return ownership;
  throw new CronrunError('unwritable', `${command}: ${explainBreach(ownership.breach)}`);
}

/** Runs `act`; what the file system refuses becomes CronrunError 'unwritable'. */
export function writing<T>(command: string, stateDir: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof CronrunError) throw error;
    const why = `${command}: cannot write in ${stateDir} (${explainErrno(error)})`;
    throw new CronrunError('unwritable', why, { cause: error });
  }
}
