import type { Condition, NONE } from '../model/check.js';
import type { PingKind } from '../model/ping.js';
import type { Status } from '../model/record.js';
import type { Schedule } from '../model/schedule.js';
import type { SignalName } from '../model/signal.js';

/** Everything a command takes from its surroundings, so that a test can hand it something else. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes the answer, whole, in one write. */
  readonly out: (text: string) => void;
  /** Writes talk. */
  readonly err: (text: string) => void;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
}

export type ColorChoice = 'auto' | 'always' | 'never';

/** Options of every command that looks at records, and all that settle has. */
export interface CommonOptions {
  /** --state-dir or CRONRUN_STATE_DIR as given, not yet made absolute; null: the usual place. */
  readonly stateDir: string | null;
  /** A promise that only one container at a time uses the state directory. */
  readonly exclusiveState: boolean;
  readonly color: ColorChoice;
}

export type Overlap = 'allow' | 'skip' | 'wait';

/** What a ping may leave out. */
export type PingPart = 'start' | 'body' | 'rid';

/** How pings are delivered. */
export interface DeliveryOptions {
  /** How long one may take, milliseconds; 0: no limit. */
  readonly pingTimeoutMs: number;
  readonly pingRetries: number;
}

/** Whom exec tells of its run. */
export interface ReportOptions extends DeliveryOptions {
  /** Run by sh; null: nothing is. */
  readonly onSuccess: string | null;
  readonly onFailure: string | null;
  readonly onEnd: string | null;
  /** Where cronrun.prom is written; null: nowhere. */
  readonly textfile: string | null;
  /** The URL, or file:PATH; null: no pings. */
  readonly ping: string | null;
  readonly pingCreate: boolean;
  readonly pingWithout: readonly PingPart[];
  readonly pingOnSuccess: PingKind;
  readonly pingOnFailure: PingKind;
  readonly pingOnNotStarted: PingKind;
  /** "Name: value", or file:PATH; null: none. */
  readonly pingHeader: string | null;
}

export interface ExecOptions extends CommonOptions, ReportOptions {
  /** When the job is due; null: nobody said so. */
  readonly schedule: Schedule | null;
  /** How late a run may begin, milliseconds. */
  readonly graceMs: number;

  /** null: no limit. */
  readonly timeoutMs: number | null;
  readonly timeoutSource: '--timeout' | 'CRONRUN_TIMEOUT' | null;
  /** 0: SIGKILL is never sent. */
  readonly killAfterMs: number;
  readonly signal: SignalName;
  /** Exit codes besides 0 that mean success. */
  readonly successCodes: readonly number[];
  readonly requireRecord: boolean;
  /** A checkpoint without which the run is no success; null: none. */
  readonly requireCheckpoint: string | null;
  readonly recordCommand: 'all' | 'name';
  /** Bytes that rotated journals of the job may have together; 0: no limit. */
  readonly journalLimit: number;
  /** What happens while another run of the job goes on. */
  readonly overlap: Overlap;
  /** How long a run waits for its turn; 0: as long as it takes. */
  readonly overlapWaitMs: number;
  /** Exit status where it had no turn, 0 to 255. */
  readonly overlapExitCode: number;
  readonly output: 'inherit' | 'on-failure';
  /** Bytes of one run's output that are kept; 0: all of them. */
  readonly outputLimit: number;
  /** How many runs' output is kept. */
  readonly keepOutput: number;
}

/** Options of status and last. */
export interface AnswerOptions extends CommonOptions {
  readonly json: boolean;
  /** Fields to print bare in one line; null: not asked for. */
  readonly get: readonly string[] | null;
  readonly exitCode: boolean;
  /** With exitCode: 197 for a completed run that ended longer ago; null: any age. */
  readonly maxAgeMs: number | null;
}

export interface WaitOptions extends CommonOptions {
  /** null: as long as it takes. */
  readonly timeoutMs: number | null;
}

export interface StopOptions extends CommonOptions {
  /** 0: SIGKILL is never sent. */
  readonly killAfterMs: number;
  /** The first signal. */
  readonly signal: SignalName;
}

export interface OutputOptions extends CommonOptions {
  /** Show more as it comes, until the run ends. */
  readonly follow: boolean;
  /** Only the last so many lines; null: all. */
  readonly lines: number | null;
}

export interface PingsOptions extends CommonOptions, DeliveryOptions {
  /** Sends what waits. */
  readonly send: boolean;
}

export interface MetricsOptions extends CommonOptions {
  /** Where cronrun.prom is written; null: they are printed. */
  readonly textfile: string | null;
}

export interface CheckOptions extends CommonOptions {
  /** Longest age of the last completed run; null: any. */
  readonly maxAgeMs: number | null;
  /** Longest time that a run may go on; null: any. */
  readonly maxDurationMs: number | null;
  /** What is a warning, besides what usually is. */
  readonly warning: readonly (Condition | typeof NONE)[];
  /** What is critical, likewise. */
  readonly critical: readonly (Condition | typeof NONE)[];
  /** A line for each job, as an agent of Checkmk takes it. */
  readonly checkmk: boolean;
}

export interface PruneOptions extends CommonOptions {
  /** Runs that ended longer ago go; null: keepRuns says which. */
  readonly olderThanMs: number | null;
  /** All but so many of the newest go; null: olderThanMs says which. */
  readonly keepRuns: number | null;
  /** Only says what would go. */
  readonly dryRun: boolean;
}

export interface ForgetOptions extends CommonOptions {
  /** Only says what would go. */
  readonly dryRun: boolean;
}

export type LsSort = 'trouble' | 'recent' | 'name';

export interface LsOptions extends CommonOptions {
  /** Shows it again whenever something changes. */
  readonly watch: boolean;
  readonly json: boolean;
  readonly get: readonly string[] | null;
  /** Names (of jobs) or ids (of runs) only. */
  readonly quiet: boolean;
  /** Only jobs (runs) with this status; null: all. */
  readonly status: Status | null;
  readonly sort: LsSort;
  /** At most so many lines; null: all jobs, or 20 runs. */
  readonly limit: number | null;
}
