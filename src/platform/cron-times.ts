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

/** Whoever asks for the next time after a moment asks for that after a near one, too: of each job the same question. */
function remembered(next: (afterMs: number) => number | null): DueTimes['next'] {
  let from = Number.POSITIVE_INFINITY;
  let to: number | null = Number.NEGATIVE_INFINITY;
  return (afterMs) => {
    if (afterMs >= from && (to === null || afterMs < to)) return to;
    const found = next(afterMs);
    from = found === to ? Math.min(from, afterMs) : afterMs;
    to = found;
    return found;
  };
}

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
  return (atMs) => {
    const wholeMs = Math.floor(atMs / 1000) * 1000;
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(wholeMs)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs;
  };
}

function formatFor(zone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-US', { ...FORMAT, timeZone: zone });
  } catch {
    return null;
  }
}
