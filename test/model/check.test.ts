import { describe, expect, it } from 'vitest';
import {
  type CheckFacts,
  CONDITIONS,
  conditionsOf,
  LEVELS,
  longestGoingMs,
  PLUGIN_EXIT,
  severityOf,
  worst,
} from '../../src/model/check.js';
import type { Due } from '../../src/model/due.js';
import type { GoingRun } from '../../src/model/job-runs.js';
import type { EndedRecord } from '../../src/model/record.js';
import { needsALook } from '../../src/view/job-order.js';
import * as sample from '../view/samples.js';

const start = (started: string) => sample.beginning('backup', started);
const good = sample.completed(start('2026-11-22 02:30:00'), { ended: '2026-11-22 02:51:15' });
const bad = sample.failed(start('2026-11-22 02:30:00'), { ended: '2026-11-22 02:34:17' }, 23);
const cut = sample.rebooted(start('2026-11-22 02:24:00'), '2026-11-22 02:31:40');
const slow = sample.timedOut(start('2026-11-22 00:10:01'), { ended: '2026-11-22 00:20:11' }, true);
const going = (reason: 'running' | 'orphaned' | 'unverifiable', started = '2026-11-22 03:00:00'): GoingRun =>
  sample.going(start(started), reason, 5120, []);

const NO_LIMITS = { maxAgeMs: null, maxDurationMs: null };
const HOUR = 3_600_000;
const NOTHING_DUE: Due = { nextMs: null, lateSinceMs: null, missed: 0, more: false, missedSinceMs: null };

function facts(last: EndedRecord | null, runs: GoingRun[] = [], due: Due | null = null): CheckFacts {
  const completed = last?.status === 'completed' ? '2026-11-22 02:51:15' : null;
  return {
    runs: sample.job('backup', '.', last, completed, runs),
    due,
    firstStartedAt: () => sample.at('2026-11-20 02:30:00'),
    nowMs: sample.NOW,
  };
}

describe('what is wrong with a job', () => {
  const cases: [string, CheckFacts, string[]][] = [
    ['nothing', facts(good), []],
    ['nothing while it runs', facts(good, [going('running')]), []],
    ['it failed', facts(bad), ['failed']],
    ['it failed and runs again', facts(bad, [going('running')]), ['failed']],
    ['it ran into its limit', facts(slow), ['timeout']],
    ['it was cut short', facts(cut), ['interrupted']],
    ['it lost its wrapper', facts(good, [going('orphaned')]), ['orphaned']],
    ['nobody can judge it', facts(good, [going('unverifiable')]), ['unverifiable']],
    [
      'nothing, where later runs ended since',
      facts(good, [going('unverifiable', '2026-11-20 01:00:00')]),
      [],
    ],
    ['it is late', facts(good, [], { ...NOTHING_DUE, lateSinceMs: sample.NOW }), ['late']],
    ['it was missed', facts(good, [], { ...NOTHING_DUE, missed: 2, missedSinceMs: 0 }), ['missed']],
    [
      'much',
      facts(cut, [going('orphaned')], { ...NOTHING_DUE, missed: 1 }),
      ['interrupted', 'orphaned', 'missed'],
    ],
  ];

  it.each(cases)('%s', (_, known, expected) => {
    expect(conditionsOf(known, NO_LIMITS)).toEqual(expected);
  });

  // Who looks at ls and who is called by a check see the same trouble.
  it.each(cases)('is what needs a look, but for what is only late: %s', (_, known, expected) => {
    const isTrouble = expected.some((condition) => condition !== 'late');
    expect(needsALook(known.runs, known.due)).toBe(isTrouble);
  });
});

describe('--max-age', () => {
  const age = (known: CheckFacts, maxAgeMs: number) => conditionsOf(known, { ...NO_LIMITS, maxAgeMs });
  const sinceCompleted = 13 * 60_000 + 57_000; // 02:51:15 to 03:05:12

  it('is about the last completed run, whatever came after it', () => {
    expect(age(facts(good), sinceCompleted)).toEqual([]);
    expect(age(facts(good), sinceCompleted - 1)).toEqual(['age']);
    expect(age(facts(good, [going('running')]), sinceCompleted - 1)).toEqual(['age']);
  });

  it('begins with the first run where none completed', () => {
    expect(age(facts(bad), 48 * HOUR)).toEqual(['failed', 'age']);
    expect(age(facts(bad), 49 * HOUR)).toEqual(['failed']);
    expect(age({ ...facts(bad), firstStartedAt: () => null }, 0)).toEqual(['failed']);
  });
});

describe('--max-duration', () => {
  const longest = (...runs: GoingRun[]) => longestGoingMs(facts(good, runs));

  it('is about every run that is seen to go on', () => {
    expect(longest()).toBe(0);
    expect(longest(going('running'))).toBe(5 * 60_000 + 12_000);
    expect(longest(going('running'), going('orphaned', '2026-11-22 01:05:12'))).toBe(2 * HOUR);
    expect(longest(going('unverifiable', '2026-11-22 01:05:12'))).toBe(0);
  });

  it('is passed when a run takes longer', () => {
    const over = (maxDurationMs: number) =>
      conditionsOf(facts(good, [going('running')]), { ...NO_LIMITS, maxDurationMs });
    expect(over(312_000)).toEqual([]);
    expect(over(311_999)).toEqual(['duration']);
  });
});

describe('the severity', () => {
  const at = (level: string, ...[warning, critical]: Parameters<typeof severityOf>) =>
    CONDITIONS.filter((condition) => severityOf(warning, critical)[condition] === level).join();

  it('is usually this', () => {
    expect(at('critical', [], [])).toBe('failed,timeout,interrupted,orphaned,missed,age');
    expect(at('warning', [], [])).toBe('unverifiable,duration');
    expect(at('unknown', [], [])).toBe('never');
    expect(at('ok', [], [])).toBe('late');
  });

  it('moves what is named, and critical wins', () => {
    expect(at('warning', ['failed', 'late'], [])).toBe('failed,unverifiable,late,duration');
    expect(at('critical', ['failed'], ['failed', 'duration', 'never'])).toBe(
      'failed,timeout,interrupted,orphaned,missed,age,duration,never',
    );
  });

  it('loses what is usual with none', () => {
    expect(at('warning', ['none'], [])).toBe('');
    expect(at('critical', [], ['none', 'missed'])).toBe('missed');
    expect(at('warning', ['none'], ['none'])).toBe('');
  });
});

describe('the worst', () => {
  it('is critical, then what nobody knows', () => {
    expect(worst([])).toBe('ok');
    expect(worst(['ok', 'warning'])).toBe('warning');
    expect(worst(['warning', 'unknown'])).toBe('unknown');
    expect(worst(['unknown', 'critical', 'ok'])).toBe('critical');
  });

  it('has a status that every plugin has', () => {
    expect(LEVELS.map((level) => PLUGIN_EXIT[level])).toEqual([0, 1, 3, 2]);
  });
});
