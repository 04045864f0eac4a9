import type { SignalName } from '../model/signal.js';
import type { Launch } from '../platform/launch.js';
import type { OutputKeeper } from './output.js';
import type { Reporter } from './reporter.js';

/** Everything that is decided about a run before it begins. */
export interface Plan {
  readonly job: string;
  /** Program and arguments as they will be started. */
  readonly command: readonly string[];
  /** The environment that the command would find without cronrun. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly launch: Launch;
  /** Absolute; null where there is no place for records. */
  readonly stateDir: string | null;
  readonly timeoutMs: number | null;
  readonly timeoutSource: string | null;
  readonly timeoutSignal: SignalName;
  /** The grace period; 0: SIGKILL is never sent. */
  readonly killAfterMs: number;
  readonly successCodes: readonly number[];
  readonly requireRecord: boolean;
  /** The run is no success unless it wrote this line; null: none is required. */
  readonly requireCheckpoint: string | null;
  readonly recordCommand: 'all' | 'name';
  /** Bytes that rotated journals of the job may have together; 0: no limit. */
  readonly journalLimit: number;
  /** Keeps what the command writes; null: that goes to where our own output goes. */
  readonly keeper: OutputKeeper | null;
  /** Tells others how the run goes; null: nobody. */
  readonly reporter: Reporter | null;
  /** When the job is due; null: nobody said so. */
  readonly schedule: DeclaredSchedule | null;
  /** A promise that only one container at a time uses the state directory. */
  readonly exclusiveState: boolean;
  readonly cwd: string | null;
  readonly user: string | null;
}

/** A schedule as it is recorded. */
export interface DeclaredSchedule {
  /** As a crontab says it: "30 2 * * *". */
  readonly expression: string;
  /** The time zone in which it counts, "Europe/Berlin". */
  readonly zone: string;
  /** How late a run may begin, milliseconds. */
  readonly graceMs: number;
}
