import type { Beginning, EndedRecord } from '../model/record.js';
import type { ReporterName } from '../model/report.js';

/** What could not be told. */
export interface Failure {
  readonly reporter: ReporterName;
  /** One line, without a secret in it. */
  readonly why: string;
  /** The last of what it wrote, to be said and not to be recorded. */
  readonly output?: string;
}

/** Why somebody is told of an end. */
export interface Telling {
  /** True where it is not the end of our own run, but of one that we found cut short. */
  readonly late: boolean;
}

/**
 * One way to tell others of runs. Its promises never reject, resolve with what failed, and keep a deadline of their own.
 */
export interface Teller {
  /**
   * How a run ended, while its start record is still there: what must survive a kill has to be on disk when this returns. It
   * throws nothing, and `ended` comes as well. What was found so but could not be settled is found again by a later run.
   */
  readonly recorded?: (record: EndedRecord) => void;
  /** The command runs. */
  readonly started?: (run: Beginning) => Promise<readonly Failure[]>;
  /** How a run ended; it is on record. */
  readonly ended: (record: EndedRecord, telling: Telling) => Promise<readonly Failure[]>;
}

/** What every teller is made with. */
export interface Scene {
  readonly job: string;
  /** Absolute; null where there is no place for records. */
  readonly stateDir: string | null;
  /** The environment that the command would find without cronrun. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when cronrun is told to stop while it tells: whoever tells has to end soon. */
  readonly stop: AbortSignal;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** How a run ended, in one line without the command: "backup on db1: FAILED, exit code 23, after 4m 16s". */
  readonly headline: (record: EndedRecord) => string;
  /** Says what failed at once, where the run goes on for long. */
  readonly say: (failure: Failure) => void;
}
