import type { Beginning, EndedRecord } from '../model/record.js';
import type { RunId } from '../model/run-id.js';

/**
 * Tells others of a run. It is a bundle of its own, which is loaded only where somebody asked for that. Nothing in here
 * throws or rejects, and nothing is waited for before the end of the run is on record.
 */
export interface Reporter {
  /** Runs that this one found cut short and is about to settle, or its own once its end is on disk. Returns at once. */
  readonly recorded: (records: readonly EndedRecord[]) => void;
  /**
   * Runs that this one found cut short and settled, the oldest first. `untold`: those whose end was on record, and whose
   * wrapper was killed before it could tell it. Comes before `started`, and returns at once.
   */
  readonly settled: (records: readonly EndedRecord[], untold: readonly RunId[]) => void;
  /** The command runs, or was to run and is not recorded. Returns at once. */
  readonly started: (run: Beginning) => void;
  /**
   * What there is to record is recorded; null: nothing was started. Resolves when all have been told, or their time is
   * over; with false where somebody told us to stop meanwhile.
   */
  readonly ended: (record: EndedRecord | null) => Promise<boolean>;
}
