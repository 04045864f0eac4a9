import type { Due } from './due.js';
import { isoMs } from './iso-time.js';
import { type GoingRun, type JobRuns, unsureRuns } from './job-runs.js';
import type { EndedGist } from './record.js';

/** What may be wrong with a job, in the order in which it is said. */
export const CONDITIONS = [
  'failed',
  'timeout',
  'interrupted',
  'orphaned',
  'unverifiable',
  'missed',
  'late',
  'age',
  'duration',
  'never',
] as const;

export type Condition = (typeof CONDITIONS)[number];

/** What a monitoring system knows, the best first. What cannot be told may be as bad as it gets, so it outranks a warning. */
export const LEVELS = ['ok', 'warning', 'unknown', 'critical'] as const;

export type Level = (typeof LEVELS)[number];

/** The exit statuses of a plugin. */
export const PLUGIN_EXIT: Readonly<Record<Level, number>> = { ok: 0, warning: 1, critical: 2, unknown: 3 };

/** How bad each condition is. */
export type Severity = Readonly<Record<Condition, Level>>;

/** Within its grace a run may still come, so nobody is called for that. */
const USUAL: Severity = {
  failed: 'critical',
  timeout: 'critical',
  interrupted: 'critical',
  orphaned: 'critical',
  unverifiable: 'warning',
  missed: 'critical',
  late: 'ok',
  age: 'critical',
  duration: 'warning',
  never: 'unknown',
};

/** In a list of conditions: what is usual at this level is not. */
export const NONE = 'none';

/**
 * Pure: what --warning and --critical make of the usual severity. A condition that is named moves to that level, to the
 * critical one where both name it; with "none" first all that is usual there is taken away.
 */
export function severityOf(
  warning: readonly (Condition | typeof NONE)[],
  critical: readonly (Condition | typeof NONE)[],
): Severity {
  const severity: Record<Condition, Level> = { ...USUAL };
  for (const condition of CONDITIONS) {
    const usual = USUAL[condition];
    if (
      (usual === 'warning' && warning.includes(NONE)) ||
      (usual === 'critical' && critical.includes(NONE))
    ) {
      severity[condition] = 'ok';
    }
    if (warning.includes(condition)) severity[condition] = 'warning';
    if (critical.includes(condition)) severity[condition] = 'critical';
  }
  return severity;
}

/** What a check allows; milliseconds, null: anything. */
export interface Limits {
  readonly maxAgeMs: number | null;
  readonly maxDurationMs: number | null;
}

/** What a check knows of a job at one moment. */
export interface CheckFacts {
  readonly runs: JobRuns<EndedGist>;
  readonly due: Due | null;
  /** When its first run on record began, ISO 8601; asked only where no run of it ever completed. */
  readonly firstStartedAt: () => string | null;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** Pure: what is wrong with a job that has a run. A run that goes on takes no verdict away. */
export function conditionsOf(facts: CheckFacts, limits: Limits): Condition[] {
  const { runs, due } = facts;
  const status = runs.last?.status;
  const unsure = unsureRuns(runs);
  const holds: Readonly<Record<Condition, boolean>> = {
    failed: status === 'failed',
    timeout: status === 'timeout',
    interrupted: status === 'interrupted',
    orphaned: runs.going.some(({ record }) => record.reason === 'orphaned'),
    unverifiable: unsure.some(({ reason }) => reason === 'unverifiable'),
    missed: due !== null && due.missed > 0,
    late: due !== null && due.lateSinceMs !== null,
    age: isTooOld(facts, limits.maxAgeMs),
    duration: limits.maxDurationMs !== null && longestGoingMs(facts) > limits.maxDurationMs,
    never: false,
  };
  return CONDITIONS.filter((condition) => holds[condition]);
}

/** A job that never completed is too old once it has tried for so long. */
function isTooOld({ runs, firstStartedAt, nowMs }: CheckFacts, maxAgeMs: number | null): boolean {
  if (maxAgeMs === null) return false;
  const since = runs.lastCompletedAt ?? firstStartedAt();
  return since !== null && nowMs - isoMs(since) > maxAgeMs;
}

/** For how long the longest run goes on, milliseconds; 0: none does. One that nobody can judge may be over. */
export function longestGoingMs({ runs, nowMs }: Pick<CheckFacts, 'runs' | 'nowMs'>): number {
  return runs.going.filter(isSeen).reduce((longest, run) => Math.max(longest, goingMs(run, nowMs)), 0);
}

function isSeen({ record }: GoingRun): boolean {
  return record.reason !== 'unverifiable';
}

function goingMs({ record }: GoingRun, nowMs: number): number {
  return Math.max(0, nowMs - isoMs(record.started_at));
}

/** The worst of them; ok where there is nothing. */
export function worst(levels: readonly Level[]): Level {
  return LEVELS[Math.max(0, ...levels.map((level) => LEVELS.indexOf(level)))] ?? 'ok';
}
