import { describe, expect, it } from 'vitest';
import { type CheckFacts, conditionsOf, type Limits, severityOf, worst } from '../../src/model/check.js';
import type { Due } from '../../src/model/due.js';
import type { GoingRun } from '../../src/model/job-runs.js';
import type { EndedRecord } from '../../src/model/record.js';
import {
  checkLine,
  type JobReport,
  jobReport,
  localCheckLines,
  neverReport,
  unknownLine,
  unreadableReport,
} from '../../src/view/check.js';
import * as sample from './samples.js';

const USUAL = severityOf([], []);

interface Asked {
  readonly going?: GoingRun[];
  readonly due?: Due;
  readonly limits?: Partial<Limits>;
  readonly severity?: typeof USUAL;
  readonly completed?: string | null;
}

function report(job: string, last: EndedRecord | null, asked: Asked = {}): JobReport {
  const { going = [], due = null, severity = USUAL, completed = '2026-11-21 02:51:15' } = asked;
  const limits = { maxAgeMs: null, maxDurationMs: null, ...asked.limits };
  const facts: CheckFacts = {
    runs: sample.job(job, '.', last, completed, going),
    due,
    firstStartedAt: () => sample.at('2026-11-19 03:05:12'),
    nowMs: sample.NOW,
  };
  const conditions = conditionsOf(facts, limits);
  const level = worst(conditions.map((condition) => severity[condition]));
  return jobReport(facts, conditions, level, limits, severity);
}

const start = sample.beginning;
const good = sample.completed(start('backup', '2026-11-22 02:30:00'), { ended: '2026-11-22 02:51:15' });
const bad = sample.failed(start('backup', '2026-11-22 02:30:00'), { ended: '2026-11-22 02:34:17' }, 23);
const running = sample.going(start('backup', '2026-11-22 02:53:00'), 'running');
const orphan = sample.going(start('backup', '2026-11-22 00:05:00'), 'orphaned', 5120, [5120]);
const stranger = sample.going(start('backup', '2026-11-22 03:00:00'), 'unverifiable');
const missed: Due = {
  nextMs: 0,
  lateSinceMs: null,
  missed: 3,
  more: false,
  missedSinceMs: Date.parse(sample.at('2026-11-21 22:05:12')),
};

function one(last: EndedRecord | null, asked: Asked = {}): string {
  return checkLine([report('backup', last, asked)], true);
}

describe('the line of one job', () => {
  const done = { completed: '2026-11-22 02:51:15' };

  it.each([
    [
      'OK',
      one(good, done),
      'CRONRUN OK: backup completed 14m ago, after 21m 15s | age=837s;;;0 duration=1275s;;;0 running=0s;;;0\n',
    ],
    [
      'running',
      one(good, { ...done, going: [running] }),
      'CRONRUN OK: backup running for 12m 12s, completed last 14m ago | age=837s;;;0 duration=1275s;;;0 running=732s;;;0\n',
    ],
    [
      'failed',
      one(bad),
      'CRONRUN CRITICAL: backup FAILED (23) 31m ago, after 4m 17s | age=87237s;;;0 duration=257s;;;0 running=0s;;;0\n',
    ],
    [
      'failed and running again, for too long',
      one(bad, { going: [running], limits: { maxDurationMs: 600_000 } }),
      'CRONRUN CRITICAL: backup FAILED (23) 31m ago, after 4m 17s, running again, running for 12m 12s, more than 10m | age=87237s;;;0 duration=257s;;;0 running=732s;600;;0\n',
    ],
    [
      'cut short',
      one(sample.rebooted(start('backup', '2026-11-22 02:24:00'), '2026-11-22 02:31:40')),
      'CRONRUN CRITICAL: backup INTERRUPTED (rebooted), started 41m ago | age=87237s;;;0 duration=U;;;0 running=0s;;;0\n',
    ],
    [
      'orphaned',
      one(good, { ...done, going: [orphan] }),
      'CRONRUN CRITICAL: backup RUNNING (orphaned), started 3h ago | age=837s;;;0 duration=1275s;;;0 running=10812s;;;0\n',
    ],
    [
      'unverifiable',
      one(good, { ...done, going: [stranger] }),
      'CRONRUN WARNING: backup RUNNING (unverifiable), started 5m ago | age=837s;;;0 duration=1275s;;;0 running=0s;;;0\n',
    ],
    [
      'too old',
      one(good, { limits: { maxAgeMs: 86_400_000 } }),
      'CRONRUN CRITICAL: backup completed last 1d ago, more than 1d | age=87237s;;86400;0 duration=1275s;;;0 running=0s;;;0\n',
    ],
    [
      'never completed',
      one(null, { completed: null, going: [running], limits: { maxAgeMs: 86_400_000 } }),
      'CRONRUN CRITICAL: backup never completed, since its first run 3d ago, more than 1d | age=U;;86400;0 duration=U;;;0 running=732s;;;0\n',
    ],
    [
      'missed',
      one(good, { ...done, due: missed }),
      'CRONRUN CRITICAL: backup MISSED 3, due 5h ago, completed 14m ago, after 21m 15s | age=837s;;;0 duration=1275s;;;0 running=0s;;;0 missed=3;;0;0\n',
    ],
    [
      'late, and nobody minds',
      one(good, { ...done, due: { ...missed, missed: 0, lateSinceMs: sample.NOW - 120_000 } }),
      'CRONRUN OK: backup LATE, due 2m ago, completed 14m ago, after 21m 15s | age=837s;;;0 duration=1275s;;;0 running=0s;;;0 missed=0;;0;0\n',
    ],
    [
      'late, and somebody minds',
      one(good, {
        ...done,
        due: { ...missed, missed: 0, lateSinceMs: sample.NOW - 120_000 },
        severity: severityOf(['late', 'missed'], []),
      }),
      'CRONRUN WARNING: backup LATE, due 2m ago, completed 14m ago, after 21m 15s | age=837s;;;0 duration=1275s;;;0 running=0s;;;0 missed=0;0;;0\n',
    ],
  ])('%s', (_, line, expected) => {
    expect(line).toBe(expected);
  });

  it('of a job that never ran has no numbers', () => {
    expect(checkLine([neverReport('bakcup', 'unknown', '/var/lib/cronrun')], true)).toBe(
      'CRONRUN UNKNOWN: bakcup has no run on record in /var/lib/cronrun\n',
    );
  });
});

describe('the line of several jobs', () => {
  const all = [report('fine', good), report('backup', bad), report('feeds', good, { going: [stranger] })];

  it('names what is in trouble, the worst first, and counts', () => {
    expect(checkLine(all, false)).toBe(
      'CRONRUN CRITICAL: 2 of 3 jobs: backup FAILED (23) 31m ago, after 4m 17s; feeds RUNNING (unverifiable), started 5m ago | jobs=3;;;0 ok=1;;;0 warning=1;;;0 critical=1;;;0 unknown=0;;;0 running=1;;;0\n',
    );
  });

  it('is short where all is well', () => {
    expect(checkLine([report('a', good), report('b', good, { going: [running] })], false)).toMatch(
      /^CRONRUN OK: 2 jobs, 1 running \| jobs=2;;;0 ok=2;;;0 /,
    );
    expect(checkLine([report('a', good)], false)).toMatch(/^CRONRUN OK: 1 job \| jobs=1;;;0 /);
  });

  it('takes no more than a KiB, however many there are and however long their names', () => {
    const many = Array.from({ length: 500 }, (_, i) => report(`${'x'.repeat(60)}${i}`, bad));
    const line = checkLine(many, false);
    expect(line.length).toBeLessThan(1024);
    const named = line.match(/FAILED/g)?.length ?? 0;
    expect(named).toBeGreaterThan(3);
    expect(line).toContain(`; and ${500 - named} more | jobs=500;`);
  });
});

describe('whatever is said', () => {
  it('is one line, without a bar that would end it', () => {
    expect(unknownLine('cannot read /a|b\n  because\u001b[31m of it')).toBe(
      'CRONRUN UNKNOWN: cannot read /a/b because of it\n',
    );
    expect(
      checkLine([unreadableReport('backup', 'cannot read /srv|x (EACCES: permission denied)')], true),
    ).toBe('CRONRUN UNKNOWN: backup cannot read /srv/x (EACCES: permission denied)\n');
  });
});

describe('the lines for Checkmk', () => {
  it('are one for each job', () => {
    expect(
      localCheckLines([
        report('fine', good),
        report('backup', bad, { completed: null }),
        neverReport('x', 'unknown', '/s'),
      ]),
    ).toBe(
      `2 cronrun_backup duration=257;;;0|running=0;;;0 FAILED (23) 31m ago, after 4m 17s
3 cronrun_x - has no run on record in /s
0 cronrun_fine age=87237;;;0|duration=1275;;;0|running=0;;;0 completed 14m ago, after 21m 15s
`,
    );
  });
});
