import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DueTimes, judgeDue, MOST_MISSED } from '../../src/model/due.js';
import { type CronTimes, parseSchedule } from '../../src/model/schedule.js';
import { dueTimes } from '../../src/platform/cron-times.js';

const MINUTE = 60_000;

function parsed(text: string): CronTimes {
  const schedule = parseSchedule(text);
  if ('problem' in schedule) throw new Error(schedule.problem);
  return schedule.times;
}

function inBerlin(text: string, zone = 'Europe/Berlin'): DueTimes {
  const times = dueTimes(parsed(text), zone);
  if (times === null) throw new Error(`no zone ${zone}`);
  return times;
}

function judge(text: string, started: string, now: string, graceMs = 10 * MINUTE) {
  const facts = { startedMs: Date.parse(started), graceMs, nowMs: Date.parse(now) };
  const due = judgeDue(inBerlin(text), facts);
  const late = due.lateSinceMs === null ? '' : ` late since ${iso(due.lateSinceMs)}`;
  const missed =
    due.missed === 0 ? '' : ` missed ${due.more ? '>' : ''}${due.missed} since ${iso(due.missedSinceMs)}`;
  return `next ${iso(due.nextMs)}${late}${missed}`;
}

/** "11-22 02:30 +01:00" as a clock in Berlin shows it */
function iso(ms: number | null): string {
  if (ms === null) return 'never';
  const offset = inBerlin('* * * * *').offset(ms);
  const local = new Date(ms + offset).toISOString();
  return `${local.slice(5, 10)} ${local.slice(11, 16)} +0${offset / 3_600_000}:00`;
}

describe('a job that is due at 02:30, with a grace of 10m', () => {
  const started = '2026-11-21T02:30:01+01:00';

  it.each([
    ['2026-11-21T03:00:00+01:00', 'next 11-22 02:30 +01:00'],
    ['2026-11-22T02:29:59+01:00', 'next 11-22 02:30 +01:00'],
    // cron begins in the minute, not on the second
    ['2026-11-22T02:30:00+01:00', 'next 11-23 02:30 +01:00'],
    ['2026-11-22T02:30:59+01:00', 'next 11-23 02:30 +01:00'],
    ['2026-11-22T02:31:00+01:00', 'next 11-23 02:30 +01:00 late since 11-22 02:30 +01:00'],
    ['2026-11-22T02:39:59+01:00', 'next 11-23 02:30 +01:00 late since 11-22 02:30 +01:00'],
    ['2026-11-22T02:40:00+01:00', 'next 11-23 02:30 +01:00 missed 1 since 11-22 02:30 +01:00'],
    [
      '2026-11-24T02:35:00+01:00',
      'next 11-25 02:30 +01:00 late since 11-24 02:30 +01:00 missed 2 since 11-22 02:30 +01:00',
    ],
  ])('at %s: %s', (now, words) => {
    expect(judge('30 2 * * *', started, now)).toBe(words);
  });

  it('has come when it began later, or a moment sooner', () => {
    const now = '2026-11-22T12:00:00+01:00';
    const well = 'next 11-23 02:30 +01:00';
    expect(judge('30 2 * * *', '2026-11-22T11:00:00+01:00', now)).toBe(well);
    expect(judge('30 2 * * *', '2026-11-22T02:29:31+01:00', now)).toBe(well);
    expect(judge('30 2 * * *', '2026-11-22T02:29:29+01:00', now)).toBe(
      `${well} missed 1 since 11-22 02:30 +01:00`,
    );
  });

  it('is granted a minute in any case', () => {
    expect(judge('30 2 * * *', started, '2026-11-22T02:30:59+01:00', 0)).toBe('next 11-23 02:30 +01:00');
    expect(judge('30 2 * * *', started, '2026-11-22T02:31:00+01:00', 0)).toBe(
      'next 11-23 02:30 +01:00 missed 1 since 11-22 02:30 +01:00',
    );
  });

  it('is not late by a clock that was put back', () => {
    expect(judge('30 2 * * *', '2026-12-24T02:30:00+01:00', '2026-11-22T12:00:00+01:00')).toBe(
      'next 11-23 02:30 +01:00',
    );
  });
});

describe('what is missed', () => {
  it('is counted as far as it makes sense, and soon', () => {
    const words = judge('* * * * *', '2020-01-01T00:00:00Z', '2026-11-22T00:00:30Z');
    expect(words).toBe(`next 11-22 01:01 +01:00 missed >${MOST_MISSED} since 01-01 01:01 +01:00`);
  });

  it('is nothing where the job is never due', () => {
    expect(judge('0 0 31 2 *', '2020-01-01T00:00:00Z', '2026-11-22T00:00:00Z')).toBe('next never');
  });
});

describe('the days', () => {
  const dates = (text: string, count: number): string[] => {
    const times = inBerlin(text, 'UTC');
    const found: string[] = [];
    for (let at = Date.parse('2026-03-01T00:00:00Z') - 1; found.length < count; ) {
      at = times.next(at) ?? Number.NaN;
      found.push(new Date(at).toISOString().slice(5, 10));
    }
    return found;
  };

  // 2026-03-01 is a Sunday.
  it.each([
    ['0 0 13 * 5', ['03-06', '03-13', '03-20', '03-27', '04-03', '04-10', '04-13']],
    ['0 0 */2 * 1', ['03-09', '03-23', '04-13']],
    ['0 0 1,* * 1', ['03-01', '03-02', '03-03']],
    ['0 0 13 * */2', ['06-13', '08-13', '09-13']],
    ['0 0 * * 7', ['03-01', '03-08', '03-15']],
    ['0 0 29 2 *', ['02-29', '02-29']],
  ])('of %s', (text, expected) => {
    expect(dates(text, expected.length)).toEqual(expected);
  });

  /** Minute by minute, as cron itself goes: match_and... in a loop, without a time zone. */
  function matches({ minutes, hours, days, months, weekdays, bothDays }: CronTimes, at: Date): boolean {
    const day = days.includes(at.getUTCDate());
    const weekday = weekdays.includes(at.getUTCDay());
    return (
      minutes.includes(at.getUTCMinutes()) &&
      hours.includes(at.getUTCHours()) &&
      months.includes(at.getUTCMonth() + 1) &&
      (bothDays ? day && weekday : day || weekday)
    );
  }

  const field = (from: number, to: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min: from, max: to }).map(String),
      fc.integer({ min: 1, max: 9 }).map((step) => `*/${step}`),
      fc
        .tuple(
          fc.integer({ min: from, max: to }),
          fc.integer({ min: from, max: to }),
          fc.integer({ min: 1, max: 5 }),
        )
        .map(([a, b, step]) => `${Math.min(a, b)}-${Math.max(a, b)}/${step}`),
      fc
        .tuple(fc.integer({ min: from, max: to }), fc.integer({ min: from, max: to }))
        .map(([a, b]) => `${a},${b}`),
    );

  it('are those that a cron finds that looks every minute', () => {
    const anyFields = fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7));
    fc.assert(
      fc.property(anyFields, fc.integer({ min: 0, max: 500_000 }), (fields, from) => {
        const text = fields.join(' ');
        const start = Date.parse('2026-01-01T00:00:00Z') + from * MINUTE;
        const times = parsed(text);
        const next = dueTimes(times, 'UTC')?.next(start) ?? null;
        let expected: number | null = null;
        for (let at = start + MINUTE; at < start + 3 * 86_400_000; at += MINUTE) {
          if (!matches(times, new Date(at))) continue;
          expected = at;
          break;
        }
        if (expected === null) expect(next === null || next >= start + 3 * 86_400_000, text).toBe(true);
        else expect(next, text).toBe(expected);
      }),
      { numRuns: 150 },
    );
  });
});

/**
 * When cron(8) of Debian begins a job around a change of the clocks: times that are skipped are made up for at once, times that
 * come twice are taken once; but what is wild goes by the clock on the wall.
 */
const BY_CRON: readonly [title: string, schedule: string, starts: readonly string[], end: string][] = [
  [
    'spring, at a time that is skipped',
    '30 2 * * *',
    ['03-28T01:30', '03-29T01:00', '03-30T00:30'],
    '03-31T00:25',
  ],
  [
    'spring, several such times',
    '0,30 2 * * *',
    ['03-28T01:00', '03-28T01:30', '03-29T01:00', '03-30T00:00', '03-30T00:30'],
    '03-30T23:55',
  ],
  [
    'spring, hour after hour',
    '0 * * * *',
    ['03-29T00:00', '03-29T01:00', '03-29T02:00', '03-29T03:00', '03-29T04:00'],
    '03-29T04:55',
  ],
  [
    'spring, wild minutes of the hour that is skipped',
    '*/30 2 * * *',
    ['03-28T01:00', '03-28T01:30', '03-30T00:00', '03-30T00:30'],
    '03-30T23:55',
  ],
  [
    'autumn, at a time that comes twice',
    '30 2 * * *',
    ['10-24T00:30', '10-25T00:30', '10-26T01:30'],
    '10-27T01:25',
  ],
  [
    'autumn, hour after hour',
    '0 * * * *',
    ['10-24T23:00', '10-25T00:00', '10-25T01:00', '10-25T02:00', '10-25T03:00'],
    '10-25T03:55',
  ],
  [
    'autumn, wild minutes of the hour that comes twice',
    '*/30 2 * * *',
    ['10-24T00:00', '10-24T00:30', '10-25T00:00', '10-25T00:30', '10-25T01:00', '10-25T01:30', '10-26T01:00'],
    '10-26T01:25',
  ],
  // Other schedulers leave the second of two equal times out for wild jobs, too, or take the second one.
  [
    'autumn, hour after hour, the repeated one left out',
    '0 * * * *',
    ['10-24T23:00', '10-25T00:00', '10-25T02:00', '10-25T03:00'],
    '10-25T03:55',
  ],
  [
    'autumn, the second of two equal times',
    '30 2 * * *',
    ['10-24T00:30', '10-25T01:30', '10-26T01:30'],
    '10-27T01:25',
  ],
  [
    'spring, half an hour behind the gap',
    '30 2 * * *',
    ['03-28T01:30', '03-29T01:30', '03-30T00:30'],
    '03-31T00:25',
  ],
];

/** The rows above that are cron's own; the others are what else there is. */
const CRON = BY_CRON.slice(0, 7);

describe('a change of the clocks', () => {
  it.each(CRON)('leaves the due times that cron has: %s', (_, schedule, starts) => {
    const times = inBerlin(schedule);
    let at = Date.parse(`2026-${starts[0]}:00Z`) - 1;
    const found = starts.map(() => {
      at = times.next(at) ?? Number.NaN;
      return new Date(at).toISOString().slice(5, 16);
    });
    expect(found).toEqual(starts);
  });
});

describe('a change of the clocks makes nothing late', () => {
  it.each(BY_CRON)('%s', (_, schedule, starts, end) => {
    const times = inBerlin(schedule);
    const at = (text: string): number => Date.parse(`2026-${text}:00Z`);
    let checked = 0;
    for (let now = at(starts[0] ?? '') + 1000; now < at(end); now += MINUTE) {
      const startedMs = Math.max(...starts.map((start) => at(start) + 1000).filter((start) => start <= now));
      const due = judgeDue(times, { startedMs, graceMs: 0, nowMs: now });
      expect([due.missed, due.lateSinceMs], new Date(now).toISOString()).toEqual([0, null]);
      checked++;
    }
    expect(checked).toBeGreaterThan(200);
  });

  it('and hides nothing for longer than an hour', () => {
    expect(judge('30 2 * * *', '2026-03-28T01:30:01Z', '2026-03-29T02:09:59Z')).not.toContain('missed');
    expect(judge('30 2 * * *', '2026-03-28T01:30:01Z', '2026-03-29T02:10:00Z')).toContain('missed 1');
    expect(judge('30 2 * * *', '2026-10-24T00:30:01Z', '2026-10-25T01:40:00Z')).toContain('missed 1');
  });
});

/** A calendar that nobody has asked before: names of zones do not depend on case. */
function fresh(text: string): DueTimes {
  asked++;
  const zone = 'europe/berlin'
    .split('')
    .map((letter, bit) => ((asked >> bit) & 1 ? letter.toUpperCase() : letter));
  return inBerlin(text, zone.join(''));
}

let asked = 0;

describe('a calendar', () => {
  it('says the same whoever asks in whatever order', () => {
    const schedules = fc.constantFrom(
      '*/7 * * * *',
      '30 2 * * *',
      '0 0 29 2 *',
      '0 0 31 2 *',
      '15 4 * * 1',
      '0 0 31 12 *',
    );
    const moments = fc.array(fc.integer({ min: 0, max: 400_000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(schedules, moments, (text, minutes) => {
        const [often, once] = [inBerlin(text), (at: number) => fresh(text).next(at)];
        for (const minute of minutes) {
          const at = Date.parse('2026-01-01T00:00:00Z') + minute * MINUTE;
          expect(often.next(at)).toBe(once(at));
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a zone', () => {
  it('has to be known here', () => {
    expect(dueTimes(parsed('30 2 * * *'), 'CET-1CEST,M3.5.0,M10.5.0/3')).toBeNull();
    expect(dueTimes(parsed('30 2 * * *'), 'Nowhere/Land')).toBeNull();
  });

  it('has its own clocks', () => {
    const berlin = inBerlin('* * * * *');
    expect(berlin.offset(Date.parse('2026-07-01T00:00:00.500Z'))).toBe(2 * 3_600_000);
    expect(berlin.offset(Date.parse('2026-12-01T00:00:00.500Z'))).toBe(3_600_000);
    expect(inBerlin('* * * * *', 'Asia/Kathmandu').offset(0)).toBe(5.5 * 3_600_000);
  });
});
