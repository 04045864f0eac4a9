import { describe, expect, it } from 'vitest';
import { type GoingRun, type JobRuns, newestRun, unsureRuns } from '../../src/model/job-runs.js';
import { goingRecord, type RunningRecord } from '../../src/model/record.js';
import { beginning, completed } from '../helpers/records.js';

function going(n: number, reason: RunningRecord['reason']): GoingRun {
  return { record: goingRecord(beginning(n), reason, 4711), alivePids: [] };
}

function runs(goingRuns: GoingRun[], last: JobRuns['last']): JobRuns {
  return {
    job: 'backup',
    going: goingRuns,
    last,
    lastCompletedAt: null,
    resumeCheckpoint: null,
    recent: [],
    unreadable: 0,
  };
}

describe('unsureRuns', () => {
  it('are those that nobody can judge and that started after the last one that ended', () => {
    const last = completed(5);
    const all = [going(8, 'unverifiable'), going(7, 'running'), going(6, 'orphaned'), going(4, 'orphaned')];
    const unsure = unsureRuns({ going: all, last });
    expect(unsure.map((record) => record.started_at)).toEqual(
      [all[0], all[2]].map((run) => run?.record.started_at),
    );
  });

  it('have one that started in the same millisecond as the last one that ended', () => {
    expect(unsureRuns({ going: [going(5, 'orphaned')], last: completed(5) }).length).toBe(1);
  });

  it('have one that started when the clock was set back, since the journal has not grown', () => {
    const run = { ...going(3, 'orphaned'), sinceJournal: true };
    expect(unsureRuns({ going: [run], last: completed(5) })).toEqual([run.record]);
    expect(newestRun(runs([run], completed(5)))).toBe(run.record);
  });

  it('are all of them as long as no run has ended', () => {
    const all = [going(2, 'running'), going(1, 'unverifiable'), going(0, 'orphaned')];
    expect(unsureRuns({ going: all, last: null }).length).toBe(2);
  });

  it('are none where every run is watched by its wrapper', () => {
    expect(unsureRuns({ going: [going(9, 'running')], last: null })).toEqual([]);
    expect(unsureRuns({ going: [], last: completed(1) })).toEqual([]);
  });
});

describe('newestRun', () => {
  const old = completed(1);
  const recent = completed(9);

  it.each<[string, GoingRun[], JobRuns['last'], 'last' | number | null]>([
    ['nothing on record', [], null, null],
    ['no run goes on', [], old, 'last'],
    ['one goes on and none has ended', [going(2, 'running')], null, 0],
    ['one goes on', [going(2, 'running')], old, 0],
    ['one goes on though a later one has ended', [going(2, 'running')], recent, 0],
    ['several go on: the one that started last', [going(3, 'running'), going(2, 'running')], old, 0],
    ['a newer orphan', [going(2, 'orphaned')], old, 0],
    ['an orphan older than the last that ended', [going(2, 'orphaned')], recent, 'last'],
    ['an unverifiable one older than the last', [going(2, 'unverifiable')], recent, 'last'],
    ['an unverifiable one and nothing else', [going(2, 'unverifiable')], null, 0],
    [
      'an old unverifiable one does not hide an older one that really goes on',
      [going(3, 'unverifiable'), going(2, 'running')],
      recent,
      1,
    ],
  ])('%s', (_what, goingRuns, last, expected) => {
    const record = typeof expected === 'number' ? goingRuns[expected]?.record : expected && last;
    expect(newestRun(runs(goingRuns, last))).toBe(record);
  });
});
