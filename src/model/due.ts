import type { CronTimes } from './schedule.js';

/** The times at which a job is due, in its time zone. All in milliseconds since 1970. */
export interface DueTimes {
  /** The first one after a moment; null: there is none any more. */
  next(afterMs: number): number | null;
  /** How far the clocks of the zone are ahead of UTC at a moment, milliseconds. */
  offset(atMs: number): number;
}

/** Makes them; null where this machine does not know the zone. */
export type DueTimesOf = (times: CronTimes, zone: string) => DueTimes | null;

/** Whether a job came when it was due. */
export interface Due {
  /** When it is due next; null: never again. */
  readonly nextMs: number | null;
  /** The due time for which no run has begun and that is still within its grace; null: there is none. */
  readonly lateSinceMs: number | null;
  /** How many due times have passed, grace and all, since a run last began. */
  readonly missed: number;
  /** True where counting stopped early: "more than missed". */
  readonly more: boolean;
  /** The first of them; null: none was missed. */
  readonly missedSinceMs: number | null;
}

/** Counted at most. */
export const MOST_MISSED = 1000;

/** A crontab is no more exact than this: who is due at 02:30 begins in that minute. Milliseconds. */
export const LEAST_GRACE_MS = 60_000;

/** So much sooner a run may begin, as clocks are put right: half of the finest unit of a crontab. */
const EARLY_MS = 30_000;

/** A change of the clocks within such a time bears on what is due; cron(8) takes what is larger for a correction. */
const CHANGE_MS = 3 * 3_600_000;

/** Who judges, and by what. Milliseconds, since 1970 where they are a time. */
export interface DueFacts {
  /** When the run began that began last, be it one that was skipped because another went on. */
  readonly startedMs: number;
  readonly graceMs: number;
  readonly nowMs: number;
}

/**
 * Pure: a due time is answered by a run that begins then or later, whatever becomes of it. Around a change of the clocks
 * schedulers differ in what they do, so whoever begins an hour sooner or later is neither late nor missed there.
 */
export function judgeDue(times: DueTimes, { startedMs, graceMs, nowMs }: DueFacts): Due {
  let missed = 0;
  let missedSinceMs: number | null = null;
  let lateSinceMs: number | null = null;
  let due = times.next(startedMs + EARLY_MS);
  while (due !== null && due <= nowMs && missed < MOST_MISSED) {
    const slack = slackAt(times, due);
    if (startedMs < due - EARLY_MS - slack) {
      if (nowMs >= due + slack + Math.max(graceMs, LEAST_GRACE_MS)) {
        missed++;
        missedSinceMs ??= due;
      } else if (nowMs >= due + slack + LEAST_GRACE_MS) lateSinceMs ??= due;
    }
    due = times.next(due);
  }
  const more = due !== null && due <= nowMs;
  return { nextMs: times.next(nowMs), lateSinceMs, missed, more, missedSinceMs };
}

/** By how much the clocks change around a due time. */
function slackAt(times: DueTimes, due: number): number {
  return Math.abs(times.offset(due + CHANGE_MS) - times.offset(due - CHANGE_MS));
}
