// A bundle of its own (dist/schedule.cjs): only who judges a job that has a schedule loads it.
import { Cron } from 'croner';
import type { DueTimes } from '../model/due.js';
import type { CronTimes } from '../model/schedule.js';

const known = new Map<string, DueTimes | null>();

/** The due times of a schedule; null where this machine does not know the zone. The same schedule is asked for often. */
export function dueTimes(times: CronTimes, zone: string): DueTimes | null {
  const key = `${patternOf(times)} ${times.bothDays} ${zone}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make(times, zone);
  known.set(key, made);
  return made;
}

function make(times: CronTimes, zone: string): DueTimes | null {
  const offset = offsetsOf(zone);
  if (offset === null) return null;
  const cron = new Cron(patternOf(times), {
    paused: true,
    timezone: zone,
    mode: '5-part',
    domAndDow: times.bothDays,
    fixedTimeRule: 'no-wildcard',
  });
  return { offset, next: remembered((afterMs) => cron.nextRun(new Date(afterMs))?.getTime() ?? null) };
}

/**
 * Numbers only, so that nothing is read in two ways. What a change of the clocks does to a time depends on whether it is
 * wild; croner tells that by a step, and "0-0/1" has one.
 */
function patternOf({ minutes, hours, days, months, weekdays, isWild }: CronTimes): string {
  const [first = 0, ...others] = minutes;
  const minute = [isWild ? `${first}-${first}/1` : first, ...others];
  return [minute, hours, days, months, weekdays].map((field) => field.join(',')).join(' ');
}

/** So many times are remembered of a schedule, and some more: nobody counts further, see MOST_MISSED in model/due.ts. */
const MOST_REMEMBERED = 1024;

/**
 * Of 10,000 jobs that are due at the same times each asks for the ones since its last run, and croner takes as long for
 * one of them as it takes to read a job. So what was found is kept: times that follow each other without a gap.
 */
function remembered(find: (afterMs: number) => number | null): DueTimes['next'] {
  /** The first of `times` is the next one after it. */
  let since = Number.POSITIVE_INFINITY;
  let times: number[] = [];
  return (afterMs) => {
    if (afterMs < since) {
      times = chainFrom(find, afterMs, times);
      since = afterMs;
    }
    const last = times.at(-1);
    if (last === undefined || last > afterMs) return times[firstBeyond(times, afterMs)] ?? null;
    const next = find(last);
    if (next === null || next <= afterMs) return next === null ? null : find(afterMs);
    if (times.length < 2 * MOST_REMEMBERED) times.push(next);
    return next;
  };
}

/** Times from one moment on, up to those that are known; only the first, where these are far. */
function chainFrom(
  find: (afterMs: number) => number | null,
  afterMs: number,
  known: readonly number[],
): number[] {
  const [first = afterMs] = known;
  const chain: number[] = [];
  let next = find(afterMs);
  while (next !== null && next < first && chain.length < MOST_REMEMBERED) {
    chain.push(next);
    next = find(next);
  }
  if (next === first) return [...chain, ...known];
  return next === null || chain.length > 0 ? chain.slice(0, 1) : [next];
}

/** Where the first number stands that is greater than `limit`, in a list in order. */
function firstBeyond(numbers: readonly number[], limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** No zone changes its clocks at another moment than a quarter of an hour. */
const QUARTER_MS = 900_000;

const FORMAT = {
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
} as const;

/** Null for a zone that is not known. */
function offsetsOf(zone: string): DueTimes['offset'] | null {
  const format = formatFor(zone);
  if (format === null) return null;
  const known = new Map<number, number>();
  return (atMs) => {
    const quarterMs = Math.floor(atMs / QUARTER_MS) * QUARTER_MS;
    let offset = known.get(quarterMs);
    if (offset === undefined) {
      offset = offsetAt(format, quarterMs);
      known.set(quarterMs, offset);
    }
    return offset;
  };
}

/** @param wholeMs a whole second. */
function offsetAt(format: Intl.DateTimeFormat, wholeMs: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(wholeMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs;
}

function formatFor(zone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-US', { ...FORMAT, timeZone: zone });
  } catch {
    return null;
  }
}
