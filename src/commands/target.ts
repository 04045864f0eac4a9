import { CronrunError } from '../errors.js';
import { isJobName, JOB_NAME_RULE, proposeJobName } from '../model/job.js';
import type { JobRuns } from '../model/job-runs.js';
import { idOf, type RunRecord } from '../model/record.js';
import { ID_PREFIX, parseRunReference, type RunId, type RunReference, readRunId } from '../model/run-id.js';
import { findRuns, readJobRuns } from '../state/runs.js';

/** What a reader was asked about. */
export type Target =
  /** A job. `self`: the run of it that asks, because it goes on around this process. */
  | { readonly kind: 'job'; readonly runs: JobRuns; readonly self: RunId | null }
  /** One run. */
  | { readonly kind: 'run'; readonly record: RunRecord }
  /** Nothing was named, and no run goes on around this process. */
  | { readonly kind: 'any' }
  /** Something that is not on record. `job`: its name, if it may be one. */
  | {
      readonly kind: 'missing';
      readonly asked: string;
      readonly job: string | null;
      readonly mayBeRun: boolean;
    };

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a reader looks, and whether somebody promised that nobody else does (--exclusive-state). */
export interface Place {
  readonly stateDir: string;
  readonly isExclusive: boolean;
}

/**
 * Finds the job or run that a reader's argument names; without one, the job of the run this process is part of.
 * @param command for messages: "status". CronrunError 'usage', 'ambiguous-run', 'unreadable'.
 */
export function resolveTarget(
  command: string,
  place: Place,
  argument: string | undefined,
  env: Environment,
): Target {
  return argument === undefined ? surroundingRun(place, env) : named(command, place, argument);
}

/** An exact job name wins over a piece of a run id; "cron:" forces an id. */
function named(command: string, place: Place, asked: string): Target {
  const reference = parseRunReference(asked);
  const job = isJobName(asked) && !reference?.forced ? asked : null;
  if (job === null && reference === null) throw notATarget(command, asked);
  const runs = job === null ? null : readJobRuns(place.stateDir, job, place.isExclusive);
  if (runs !== null) return { kind: 'job', runs, self: null };
  const record = reference === null ? null : findRun(command, place, asked, reference);
  if (record !== null) return { kind: 'run', record };
  return { kind: 'missing', asked, job, mayBeRun: reference !== null };
}

/** The run that a piece of an id names; null where none does. CronrunError 'ambiguous-run', 'unreadable'. */
export function findRun(
  command: string,
  { stateDir, isExclusive }: Place,
  asked: string,
  reference: RunReference,
): RunRecord | null {
  const found = findRuns(stateDir, reference, isExclusive);
  if (found.length < 2) return found[0] ?? null;
  const ids = found.map((record) => `${idOf(record)} (${isJobName(record.job) ? record.job : '?'})`);
  throw new CronrunError('ambiguous-run', `${command}: ${asked} fits several runs. Write more of one:`, {
    hint: ids.join('\n'),
  });
}

function notATarget(command: string, asked: string): CronrunError {
  if (!asked.startsWith(ID_PREFIX)) return notAJobName(command, asked);
  const rule = 'cron: and at least 8 hex digits';
  return new CronrunError('usage', `${command}: ${JSON.stringify(asked)} is not a run id: ${rule}`);
}

/** A usage error that repeats the rule and proposes a name. */
export function notAJobName(command: string, asked: string): CronrunError {
  const proposal = proposeJobName(asked);
  const perhaps = proposal === null ? '' : `. Perhaps ${proposal}`;
  const message = `${command}: ${JSON.stringify(asked)} is not a job name: ${JOB_NAME_RULE}${perhaps}`;
  return new CronrunError('usage', message);
}

/**
 * The job of the run whose environment this process has. A shell, tmux or an agent may have kept that environment
 * from a run that is long over, so the variables are believed only while that run is on record without an end;
 * CRONRUN_ID set and empty says that the run could not be recorded, and that the job is all there is.
 */
function surroundingRun({ stateDir, isExclusive }: Place, env: Environment): Target {
  const { CRONRUN_ID: id, CRONRUN_JOB: job } = env;
  if (id === undefined || job === undefined || !isJobName(job)) return { kind: 'any' };
  const self = readRunId(id);
  if (id !== '' && self === null) return { kind: 'any' };
  const runs = readJobRuns(stateDir, job, isExclusive);
  if (self === null) {
    return runs === null
      ? { kind: 'missing', asked: job, job, mayBeRun: false }
      : { kind: 'job', runs, self: null };
  }
  const goesOn = runs?.going.some((run) => idOf(run.record) === self) ?? false;
  return runs !== null && goesOn ? { kind: 'job', runs, self } : { kind: 'any' };
}
