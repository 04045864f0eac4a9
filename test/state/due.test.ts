import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Beginning, endedRecord, type RunRecord } from '../../src/model/record.js';
import { formatRunId } from '../../src/model/run-id.js';
import { dueTimes } from '../../src/platform/cron-times.js';
import { jobDirectory, lockPath } from '../../src/state/directory.js';
import { dueOf } from '../../src/state/due.js';
import { readJobGist, readJobRuns } from '../../src/state/runs.js';
import { scratch } from '../helpers/cronrun.js';
import { at, beginning, COMPLETED, completed, endOf, failed, runId, skipped } from '../helpers/records.js';
import { aliveHere, JOB, putJournal, putStart } from '../helpers/state.js';

/** Run number n begins n minutes after 01:30, and the job is due every ten minutes. */
const EVERY_TEN: Partial<Beginning> = { schedule: '*/10 * * * *', schedule_zone: 'UTC', grace_ms: 120_000 };

let stateDir: string;

beforeEach(() => {
  stateDir = scratch();
});

/** "late", "missed 2", "on time" or null, so many minutes after run number 0 began. */
function due(minutes: number, dueTimesOf = dueTimes): string | null {
  const runs = readJobRuns(stateDir, JOB);
  if (runs === null) throw new Error('no run');
  const nowMs = Date.parse(at(minutes));
  const found = dueOf(stateDir, runs, nowMs, dueTimesOf);
  // What a list of jobs reads is less, and says the same.
  const gist = readJobGist(stateDir, JOB);
  if (gist !== null) expect(dueOf(stateDir, gist, nowMs, dueTimesOf)).toEqual(found);
  if (found === null) return null;
  if (found.missed > 0) return `missed ${found.missed}`;
  return found.lateSinceMs === null ? 'on time' : 'late';
}

/** A run that takes longer than the half minute of the others. */
function lasting(n: number, until: number, over: Partial<Beginning> = EVERY_TEN): RunRecord {
  return endedRecord(beginning(n, over), endOf(n, COMPLETED, at(until)), 4711);
}

describe('a job with a schedule', () => {
  it('is judged by the run that began last, however that ended', () => {
    putJournal(stateDir, [completed(0, EVERY_TEN), failed(10, 23, EVERY_TEN)]);
    expect(due(19)).toBe('on time');
    expect(due(21)).toBe('late');
    expect(due(22)).toBe('missed 1');
    expect(due(43)).toBe('missed 3');
  });

  it('is on time while a run goes on that began when it was due', () => {
    putJournal(stateDir, [completed(0, EVERY_TEN)]);
    putStart(stateDir, 10, { wrapper: aliveHere(), over: EVERY_TEN });
    expect(due(19)).toBe('on time');
    expect(due(22)).toBe('missed 1');
  });

  it('is judged by a run that began later than the one that ended last', () => {
    putJournal(stateDir, [completed(10, EVERY_TEN), completed(20, EVERY_TEN), lasting(0, 21)]);
    expect(due(29)).toBe('on time');
    expect(due(33)).toBe('missed 1');
  });

  it('is judged by a run that began later than the one that goes on', () => {
    putJournal(stateDir, [completed(10, EVERY_TEN), completed(20, EVERY_TEN)]);
    putStart(stateDir, 0, { wrapper: aliveHere(), over: EVERY_TEN });
    expect(due(29)).toBe('on time');
    expect(due(33)).toBe('missed 1');
  });

  it('came where cron came, and another run was in the way', () => {
    putJournal(stateDir, [skipped(10, 0, EVERY_TEN), skipped(20, 0, EVERY_TEN), lasting(0, 25)]);
    expect(due(29)).toBe('on time');
    expect(due(33)).toBe('missed 1');
  });

  it('came where the run that is in the way still goes on', () => {
    putJournal(stateDir, [completed(-10, EVERY_TEN), skipped(10, 0, EVERY_TEN), skipped(20, 0, EVERY_TEN)]);
    putStart(stateDir, 0, { wrapper: aliveHere(), over: EVERY_TEN });
    expect(due(29)).toBe('on time');
    expect(due(33)).toBe('missed 1');
  });

  it('may wait for its own lock', () => {
    putJournal(stateDir, [completed(-10, EVERY_TEN)]);
    putStart(stateDir, 0, { wrapper: aliveHere(), over: EVERY_TEN });
    mkdirSync(jobDirectory(stateDir, JOB), { recursive: true });
    writeFileSync(lockPath(stateDir, JOB), formatRunId(runId(0)));
    expect(due(45)).toBe('on time');
    writeFileSync(lockPath(stateDir, JOB), formatRunId(runId(-10)));
    expect(due(45)).toBe('missed 4');
  });

  it('has a minute to come when its lock is free', () => {
    putJournal(stateDir, [lasting(0, 35)]);
    writeFileSync(lockPath(stateDir, JOB), formatRunId(runId(0)));
    expect(due(35.9)).toBe('on time');
    expect(due(36)).toBe('missed 3');
  });

  it('reads a bounded part of a long journal', () => {
    const skips = Array.from({ length: 1500 }, (_, i) => skipped(1500 - i, 0, EVERY_TEN));
    putJournal(stateDir, [...skips.reverse()]);
    putStart(stateDir, 0, { wrapper: aliveHere(), over: EVERY_TEN });
    expect(due(1509)).toBe('on time');
  });
});

describe('nothing is late', () => {
  it('without a schedule', () => {
    putJournal(stateDir, [completed(0)]);
    expect(due(100_000)).toBeNull();
  });

  it('once the newest run declares none', () => {
    putJournal(stateDir, [completed(0, EVERY_TEN), completed(10)]);
    expect(due(100)).toBeNull();
  });

  it('by the schedule of before, where the newest run has another', () => {
    putJournal(stateDir, [completed(0, EVERY_TEN), completed(5, { ...EVERY_TEN, schedule: '@daily' })]);
    expect(due(100)).toBe('on time');
  });

  it.each([
    ['a zone that nobody knows', { schedule_zone: 'CET-1CEST' }],
    ['no zone', { schedule_zone: null }],
    ['a schedule that is none', { schedule: 'when I like' }],
    ['a schedule with seconds', { schedule: '0 0 3 * * *' }],
  ])('by %s', (_, over) => {
    putJournal(stateDir, [completed(0, { ...EVERY_TEN, ...over })]);
    expect(due(100)).toBeNull();
  });

  it('and no calendar is loaded where there is no schedule', () => {
    putJournal(stateDir, [completed(0)]);
    const never = () => {
      throw new Error('loaded');
    };
    expect(due(100, never)).toBeNull();
  });
});
