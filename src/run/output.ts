import type { EndedRecord } from '../model/record.js';
import type { RunId } from '../model/run-id.js';
import type { Modes } from '../platform/durable.js';
import type { Tell } from './notice.js';

/** What keeps the output of a run. It is a bundle of its own, which is loaded only where somebody asked for that. */
export interface OutputKeeper {
  /**
   * Makes the log of a run that is on record. Throws what the file system says, and what is wrong where others can write.
   * @param tell says what it does not say itself.
   */
  readonly open: (stateDir: string, job: string, id: RunId, modes: Modes, tell: Tell) => OutputLog;
}

/** The log of a run that goes on. */
export interface OutputLog {
  readonly path: string;
  /** Standard output and standard error of the command, one and the same, so that their order is kept. */
  readonly fd: number;
  /** Brings it on disk: how many bytes the command wrote; null where nobody can vouch for them. Throws nothing. */
  readonly sync: () => number | null;
  /** Says what there is to say; how the run ended stands above its output, once that is recorded. */
  readonly tell: Tell;
  /** Prints the output of a run that did not complete, then keeps no more of it than was asked for. Throws nothing. */
  readonly finish: (record: EndedRecord) => void;
}
