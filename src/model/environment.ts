import type { EndedRecord } from './record.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Twins of exec's options: defaults that a crontab sets for its lines. They configure this run and not the runs
 * inside it, so the command does not see them. (CRONRUN_STATE_DIR has a value for the command as well.)
 */
export const TWINS = [
  'CRONRUN_TIMEOUT',
  'CRONRUN_KILL_AFTER',
  'CRONRUN_SIGNAL',
  'CRONRUN_SUCCESS_CODES',
  'CRONRUN_REQUIRE_RECORD',
  'CRONRUN_REQUIRE_CHECKPOINT',
  'CRONRUN_RECORD_COMMAND',
  'CRONRUN_JOURNAL_LIMIT',
  'CRONRUN_OVERLAP',
  'CRONRUN_OVERLAP_WAIT',
  'CRONRUN_OVERLAP_EXIT_CODE',
  'CRONRUN_OUTPUT',
  'CRONRUN_OUTPUT_LIMIT',
  'CRONRUN_KEEP_OUTPUT',
  'CRONRUN_SCHEDULE',
  'CRONRUN_GRACE',
  'CRONRUN_PING',
  'CRONRUN_PING_CREATE',
  'CRONRUN_PING_WITHOUT',
  'CRONRUN_PING_ON_SUCCESS',
  'CRONRUN_PING_ON_FAILURE',
  'CRONRUN_PING_ON_NOT_STARTED',
  'CRONRUN_PING_HEADER',
  'CRONRUN_PING_TIMEOUT',
  'CRONRUN_PING_RETRIES',
  'CRONRUN_ON_SUCCESS',
  'CRONRUN_ON_FAILURE',
  'CRONRUN_ON_END',
  'CRONRUN_TEXTFILE_DIR',
  'CRONRUN_EXCLUSIVE_STATE',
  'CRONRUN_COLOR',
] as const;

/** What the command finds about its own run and the one before it. Unknown is the empty string. */
export interface RunVariables {
  readonly CRONRUN_ID: string;
  readonly CRONRUN_JOB: string;
  readonly CRONRUN_STATE_DIR: string;
  readonly CRONRUN_RUNNING: string;
  readonly CRONRUN_UNSURE: string;
  readonly CRONRUN_LAST_ID: string;
  readonly CRONRUN_LAST_STATUS: string;
  readonly CRONRUN_LAST_REASON: string;
  readonly CRONRUN_LAST_EXIT_CODE: string;
  readonly CRONRUN_LAST_SIGNAL: string;
  readonly CRONRUN_LAST_STARTED_AT: string;
  readonly CRONRUN_LAST_ENDED_AT: string;
  readonly CRONRUN_LAST_CHECKPOINT: string;
  readonly CRONRUN_LAST_COMPLETED_AT: string;
  /** The newest checkpoint since the last completed run. */
  readonly CRONRUN_RESUME_CHECKPOINT: string;
  /** A line appended here says how far the run got. */
  readonly CRONRUN_CHECKPOINT_FILE: string;
}

/** The same for a hook, which is no run: the one that it is told of is over. */
export interface HookVariables
  extends Pick<RunVariables, 'CRONRUN_ID' | 'CRONRUN_JOB' | 'CRONRUN_STATE_DIR'>,
    LastVariables {
  /** 1 where a later run found out that the run had been cut short; else it is not there. */
  readonly CRONRUN_SETTLED?: '1';
}

type LastVariables = Pick<RunVariables, Extract<keyof RunVariables, `CRONRUN_LAST_${string}`>>;

/** What a run says of itself and of others: what is inherited of it is about a run further out. */
const OF_ANOTHER_RUN = [
  'CRONRUN_RUNNING',
  'CRONRUN_UNSURE',
  'CRONRUN_CHECKPOINT_FILE',
  'CRONRUN_RESUME_CHECKPOINT',
  'CRONRUN_SETTLED',
] as const satisfies readonly (keyof RunVariables | keyof HookVariables)[];

/** What whoever is started may inherit: nothing that configured this run, or says what is true of another one. */
export function inheritedBy(env: Environment): Record<string, string | undefined> {
  const inherited: Record<string, string | undefined> = { ...env };
  for (const name of [...TWINS, ...OF_ANOTHER_RUN]) delete inherited[name];
  return inherited;
}

/**
 * What there is to tell of a run that ended. `completedAt`: when one last completed, that one or another. `known`: false
 * where there may be a run that nobody can read of.
 */
export function lastVariables(
  last: EndedRecord | null,
  completedAt: string | null,
  known = true,
): LastVariables {
  return {
    CRONRUN_LAST_ID: last?.cron_job_id ?? '',
    CRONRUN_LAST_STATUS: last?.status ?? (known ? 'none' : ''),
    CRONRUN_LAST_REASON: last?.reason ?? '',
    CRONRUN_LAST_EXIT_CODE: last?.exit_code?.toString() ?? '',
    CRONRUN_LAST_SIGNAL: last?.signal ?? '',
    CRONRUN_LAST_STARTED_AT: last?.started_at ?? '',
    CRONRUN_LAST_ENDED_AT: last?.ended_at ?? '',
    CRONRUN_LAST_CHECKPOINT: last?.checkpoint ?? '',
    CRONRUN_LAST_COMPLETED_AT: completedAt ?? '',
  };
}
