import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { CronrunError } from '../../src/errors.js';
import {
  type EndedRecord,
  idOf,
  type RunRecord,
  type Status,
  settledRecord,
} from '../../src/model/record.js';
import { formatRunId, parseRunReference, type RunReference } from '../../src/model/run-id.js';
import {
  completedInARow,
  countSkips,
  findRuns,
  listJobs,
  listRuns,
  readJobRuns,
  skipsSince,
  streakOf,
} from '../../src/state/runs.js';
import { startSleeper } from '../helpers/children.js';
import { scratch } from '../helpers/cronrun.js';
import {
  at,
  COMPLETED,
  completed,
  ELSEWHERE,
  endOf,
  failed,
  failedWith,
  lost,
  runId,
  skipped,
} from '../helpers/records.js';
import {
  aliveHere,
  deadChild,
  deadHere,
  JOB,
  markNow,
  NO_MARK,
  putJournal,
  putRunning,
  putStart,
} from '../helpers/state.js';

let stateDir: string;

beforeEach(() => {
  stateDir = scratch();
});

/** Numbers of the runs that began a minute apart. */
function numbers(records: readonly RunRecord[] | undefined): number[] {
  const ids = Array.from({ length: 40 }, (_, n) => runId(n));
  return (records ?? []).map((record) => ids.indexOf(idOf(record)));
}

const listed = (limit = 20) => numbers(listRuns(stateDir, JOB, limit)?.records);

describe('listJobs', () => {
  it('names the jobs, sorted; what cannot be a job is none', () => {
    for (const job of ['b', 'a.b', 'A', '9']) putJournal(stateDir, [], job);
    mkdirSync(`${stateDir}/jobs/.trash`);
    mkdirSync(`${stateDir}/jobs/my backup`);
    expect(listJobs(stateDir)).toEqual(['9', 'A', 'a.b', 'b']);
  });

  it('names none where nothing is recorded', () => {
    expect(listJobs(stateDir)).toEqual([]);
    expect(listJobs(`${stateDir}/none`)).toEqual([]);
  });
});

describe('readJobRuns', () => {
  it.each(['../backup', 'a\0b', '', 'x'.repeat(300)])(
    'looks for no job by the name %j, which a record may hold',
    (job) => {
      expect(readJobRuns(stateDir, job)).toBeNull();
      expect(completedInARow(stateDir, job)).toEqual({ count: 0, more: false });
    },
  );

  it('is null for a job that no run of is on record', () => {
    expect(readJobRuns(stateDir, JOB)).toBeNull();
    putJournal(stateDir, []);
    expect(readJobRuns(stateDir, JOB)).toBeNull();
    putJournal(stateDir, ['garbage\n']);
    expect(readJobRuns(stateDir, JOB)).toBeNull();
    putRunning(stateDir, `${runId(1)}.jsonl`, 'torn');
    expect(readJobRuns(stateDir, JOB)).toBeNull();
  });

  it('knows the last run that ended, and when one last completed', () => {
    putJournal(stateDir, [completed(1), completed(2), failed(3)]);
    expect(readJobRuns(stateDir, JOB)).toEqual({
      job: JOB,
      going: [],
      last: failed(3),
      lastCompletedAt: completed(2).completed_at,
      resumeCheckpoint: null,
      recent: ['completed', 'completed', 'failed'],
      unreadable: 0,
    });
  });

  it('takes the end of the journal for the last one, whenever it started', () => {
    putJournal(stateDir, [completed(5), failed(1)]);
    expect(readJobRuns(stateDir, JOB)?.last).toEqual(failed(1));
  });

  it('takes a run that nobody saw end for later than everything in the journal, the later start last', () => {
    putStart(stateDir, 1);
    putStart(stateDir, 2, { wrapper: deadHere(), child: deadChild() });
    putJournal(stateDir, [completed(5), completed(6)]);
    expect(readJobRuns(stateDir, JOB)?.last).toMatchObject({ reason: 'lost', started_at: at(2) });
    expect(listed()).toEqual([2, 1, 6, 5]);
  });

  it('puts a run whose end waits in its start record where that end was', () => {
    putStart(stateDir, 1, { end: endOf(1, COMPLETED, at(5.7)) });
    putStart(stateDir, 2, { end: endOf(2, failedWith(1), at(30)), endInName: true });
    putJournal(stateDir, [completed(5), completed(6)]);
    expect(listed()).toEqual([2, 6, 1, 5]);
    expect(readJobRuns(stateDir, JOB)?.last).toMatchObject({ status: 'failed', started_at: at(2) });
  });

  it('orders a settled run, in whose line no end stands, by when it was settled', () => {
    putJournal(stateDir, [completed(1), settledRecord(lost(2), at(20), NO_MARK)]);
    putStart(stateDir, 3, { end: endOf(3, COMPLETED, at(10)) });
    expect(listed()).toEqual([2, 3, 1]);
  });

  it('lists the last twelve statuses, oldest first, those that go on at the end', () => {
    putJournal(
      stateDir,
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? completed(n) : failed(n))),
    );
    putStart(stateDir, 30, { wrapper: aliveHere() });
    putStart(stateDir, 31);
    expect(readJobRuns(stateDir, JOB)?.recent).toEqual([
      ...Array.from({ length: 5 }, () => ['completed', 'failed']).flat(),
      'interrupted',
      'running',
    ]);
  });

  it('counts what it could not understand, in both places', () => {
    putJournal(stateDir, ['x\n', completed(1), '\0\0']);
    putRunning(stateDir, `${runId(2)}.jsonl`, 'torn');
    putRunning(stateDir, 'README', 'not ours');
    expect(readJobRuns(stateDir, JOB)?.unreadable).toBe(3);
  });

  it('passes over a line that a newer version must judge', () => {
    const line = JSON.stringify({ ...failed(2), schema: 2, status: 'skipped', reason: 'overlap' });
    putJournal(stateDir, [completed(1), `${line}\n`]);
    expect(readJobRuns(stateDir, JOB)).toMatchObject({ last: completed(1), unreadable: 1 });
  });

  it('writes nothing', () => {
    putJournal(stateDir, [completed(1), '{"torn']);
    putStart(stateDir, 2);
    putRunning(stateDir, `.${runId(3)}.tmp`, '');
    const snapshot = () => {
      const names = readdirSync(stateDir, { recursive: true, encoding: 'utf8' }).sort();
      return names.map((name) => [name, statSync(`${stateDir}/${name}`, { bigint: true }).mtimeNs]);
    };
    const before = snapshot();
    readJobRuns(stateDir, JOB);
    listRuns(stateDir, JOB, 5);
    completedInARow(stateDir, JOB);
    expect(snapshot()).toEqual(before);
  });
});

describe('lastCompletedAt', () => {
  it('is carried by every line, so that twelve failures do not hide it', () => {
    const previous_completed_at = completed(1).completed_at;
    putJournal(stateDir, [completed(1)]);
    putJournal(
      stateDir,
      Array.from({ length: 15 }, (_, n) => failed(n + 2, 1, { previous_completed_at })),
    );
    expect(readJobRuns(stateDir, JOB)?.lastCompletedAt).toBe(previous_completed_at);
  });

  it('is that of a run that was appended while another one did not know of it', () => {
    putJournal(stateDir, [completed(3), failed(2, 1, { previous_completed_at: at(-60) })]);
    expect(readJobRuns(stateDir, JOB)?.lastCompletedAt).toBe(completed(3).completed_at);
  });

  it('is that of a completed run whose end waits in its start record', () => {
    putStart(stateDir, 1, { end: endOf(1, COMPLETED) });
    expect(readJobRuns(stateDir, JOB)?.lastCompletedAt).toBe(completed(1).completed_at);
  });

  it('is what a lost run knew, where the journal is gone', () => {
    putStart(stateDir, 1, { over: { previous_completed_at: at(-60) } });
    expect(readJobRuns(stateDir, JOB)?.lastCompletedAt).toBe(at(-60));
  });

  it('is null where no run ever completed', () => {
    putJournal(stateDir, [failed(1), settledRecord(lost(2), at(9), NO_MARK)]);
    expect(readJobRuns(stateDir, JOB)?.lastCompletedAt).toBeNull();
  });
});

describe('listRuns', () => {
  it('is null for a job that no run of is on record', () => {
    expect(listRuns(stateDir, JOB, 20)).toBeNull();
    putJournal(stateDir, []);
    expect(listRuns(stateDir, JOB, 20)).toBeNull();
  });

  it('lists the runs newest first, those that go on at the top', () => {
    putJournal(stateDir, [completed(1), failed(2)]);
    putStart(stateDir, 3, { wrapper: aliveHere() });
    putStart(stateDir, 4, { wrapper: ELSEWHERE });
    expect(listed()).toEqual([4, 3, 2, 1]);
  });

  it('lists a run that nobody can judge where it started, once later runs have ended', () => {
    putJournal(stateDir, [completed(1), failed(3), completed(5)]);
    putStart(stateDir, 2, { wrapper: ELSEWHERE });
    putStart(stateDir, 4, { wrapper: aliveHere() });
    putStart(stateDir, 6, { wrapper: ELSEWHERE });
    expect(listed()).toEqual([6, 4, 5, 3, 2, 1]);
    expect(readJobRuns(stateDir, JOB)?.recent).toEqual([
      'completed',
      'running',
      'failed',
      'completed',
      'running',
      'running',
    ]);
  });

  it('lists as many as asked for, and says how many there are', () => {
    putJournal(
      stateDir,
      Array.from({ length: 30 }, (_, n) => completed(n)),
    );
    putStart(stateDir, 31, { wrapper: aliveHere() });
    expect(listed(3)).toEqual([31, 29, 28]);
    expect(listRuns(stateDir, JOB, 3)).toMatchObject({ total: 31, since: at(0), unreadable: 0 });
    expect(listRuns(stateDir, JOB, 1)?.total).toBe(31);
    expect(listRuns(stateDir, JOB, 3, null, false)).toMatchObject({ total: 4, since: at(27) });
    expect(listRuns(stateDir, JOB, 0, null, false)?.total).toBe(31); // else it would be as if there were none
  });

  it('puts a run on top that started after all of the journal, though the clock was set back', () => {
    putJournal(stateDir, [completed(5), failed(7)]);
    putStart(stateDir, 2, { wrapper: ELSEWHERE, journal: markNow(stateDir) });
    expect(listed()).toEqual([2, 7, 5]);
    putJournal(stateDir, [completed(8)]);
    expect(listed()).toEqual([8, 7, 5, 2]);
  });

  it('counts runs, not lines, where it lists them all', () => {
    const settled = (time: number) => settledRecord(lost(2), at(time), NO_MARK);
    putJournal(stateDir, [completed(1), settled(8), 'garbage\n', '\n', settled(9)]);
    expect(listRuns(stateDir, JOB, 20)).toMatchObject({ total: 2, unreadable: 1 });
  });

  it('puts a run whose end was moved into the journal later where that end was', () => {
    const moved = (n: number) => settledRecord(failed(n), at(30), NO_MARK);
    putJournal(stateDir, [completed(1), completed(5), moved(2), moved(3), completed(9), moved(7)]);
    expect(listed()).toEqual([9, 7, 5, 3, 2, 1]);
    expect(listed(1)).toEqual([9]);
    const now = readJobRuns(stateDir, JOB);
    expect(numbers(now?.last ? [now.last] : [])).toEqual([9]);
    expect(now?.recent).toEqual(['completed', 'failed', 'failed', 'completed', 'failed', 'completed']);
    putJournal(stateDir, [settledRecord(lost(4), at(31), NO_MARK)]);
    expect(listed()).toEqual([4, 9, 7, 5, 3, 2, 1]);
  });

  it('lists those with a status only, and counts all', () => {
    const inferred = settledRecord(lost(2), at(8), NO_MARK);
    putJournal(stateDir, [
      failed(1),
      inferred,
      completed(2),
      failed(3),
      'garbage\n',
      completed(5),
      completed(6),
    ]);
    putStart(stateDir, 7, { wrapper: aliveHere() });
    putStart(stateDir, 4);
    const those = (status: Status, limit = 20) => listRuns(stateDir, JOB, limit, status);
    expect(numbers(those('failed')?.records)).toEqual([3, 1]);
    expect(numbers(those('failed', 1)?.records)).toEqual([3]);
    expect(numbers(those('completed')?.records)).toEqual([6, 5, 2]);
    expect(numbers(those('interrupted')?.records)).toEqual([4]); // the wrapper of 2 came back, and had its word
    expect(numbers(those('running')?.records)).toEqual([7]);
    expect(those('timeout')).toMatchObject({ records: [], total: 8, unreadable: 1 });
  });

  it('finds no run with a status where there is none at all', () => {
    expect(listRuns(stateDir, JOB, 20, 'failed')).toBeNull();
    putJournal(stateDir, ['garbage\n']);
    expect(listRuns(stateDir, JOB, 20, 'failed')).toBeNull();
    putStart(stateDir, 1, { wrapper: aliveHere() });
    expect(listRuns(stateDir, JOB, 20, 'failed')).toMatchObject({ records: [], total: 1 });
  });

  it('says since when, also where the first line cannot be read', () => {
    putJournal(stateDir, ['{"torn\n', completed(1), completed(2)]);
    putStart(stateDir, 3, { wrapper: aliveHere() });
    expect(listRuns(stateDir, JOB, 20)?.since).toBe(at(1));
  });

  it('says since when where nothing has ended', () => {
    putStart(stateDir, 3, { wrapper: aliveHere() });
    putStart(stateDir, 2, { wrapper: aliveHere() });
    expect(listRuns(stateDir, JOB, 20)).toMatchObject({ since: at(2), total: 2 });
  });
});

describe('findRuns', () => {
  const hex = (n: number) => runId(n).replaceAll('-', '');
  const reference = (text: string) => parseRunReference(text) as RunReference;
  const find = (text: string) => numbers(findRuns(stateDir, reference(text)));

  beforeEach(() => {
    putJournal(stateDir, [completed(1), failed(2)]);
    putStart(stateDir, 3, { wrapper: aliveHere() });
    putStart(stateDir, 4);
    putJournal(stateDir, [completed(5, { job: 'other' })], 'other');
  });

  it.each([1, 2, 3, 4, 5])('finds run %d of any job, wherever its record stands', (n) => {
    expect(find(runId(n))).toEqual([n]);
    expect(find(`cron:${hex(n).slice(0, 12)}`)).toEqual([n]);
    expect(find(hex(n).slice(-8))).toEqual([n]);
  });

  it('finds a run once that is in the journal and in running/', () => {
    putStart(stateDir, 1);
    putStart(stateDir, 2, { end: endOf(2, failedWith(23)) });
    expect(findRuns(stateDir, reference(runId(1)))).toEqual([completed(1)]);
    expect(findRuns(stateDir, reference(runId(2)))).toEqual([failed(2)]);
  });

  it('finds nothing for an id of nobody', () => {
    expect(find('ffffffff')).toEqual([]);
    expect(findRuns(`${stateDir}/none`, reference(runId(1)))).toEqual([]);
  });

  it('finds all that fit, and stops at ten', () => {
    const twins = Array.from({ length: 20 }, (_, n) =>
      completed(9, { cron_job_id: formatRunId(runId(9, n)), job: 'other' }),
    );
    putJournal(stateDir, twins.slice(0, 3), 'other');
    expect(findRuns(stateDir, reference(hex(9).slice(0, 12)))).toEqual(twins.slice(0, 3).reverse());
    putJournal(stateDir, twins, 'other');
    expect(findRuns(stateDir, reference(hex(9).slice(0, 12))).length).toBe(10);
  });
});

describe('completedInARow', () => {
  it('counts backwards from the last completed run', () => {
    putJournal(stateDir, [failed(1), completed(2), completed(3), completed(4)]);
    expect(completedInARow(stateDir, JOB)).toEqual({ count: 3, more: false });
    putJournal(stateDir, [failed(5), failed(6)]);
    expect(completedInARow(stateDir, JOB)).toEqual({ count: 3, more: false });
    putStart(stateDir, 7);
    expect(completedInARow(stateDir, JOB)).toEqual({ count: 3, more: false });
    putStart(stateDir, 8, { end: endOf(8, COMPLETED, at(90)) });
    expect(completedInARow(stateDir, JOB)).toEqual({ count: 1, more: false });
  });

  it('is zero where none completed, and where there is none', () => {
    expect(completedInARow(stateDir, JOB)).toEqual({ count: 0, more: false });
    putJournal(stateDir, [failed(1)]);
    expect(completedInARow(stateDir, JOB)).toEqual({ count: 0, more: false });
  });

  it('stops counting after a thousand', () => {
    const many = (count: number) => Array.from({ length: count }, (_, n) => completed(n));
    putJournal(stateDir, many(999));
    expect(completedInARow(stateDir, JOB)).toEqual({ count: 999, more: false });
    putJournal(stateDir, [completed(1000), completed(1001)]);
    expect(completedInARow(stateDir, JOB)).toEqual({ count: 1000, more: true });
  });

  it.each<[string, EndedRecord[], boolean, { count: number; more: boolean }]>([
    ['nothing', [], false, { count: 0, more: false }],
    ['all of them, and there are more', [completed(2), completed(1)], true, { count: 2, more: true }],
    ['ended by a failure, and there are more', [completed(2), failed(1)], true, { count: 1, more: false }],
    ['begun before a failure', [failed(3), completed(2), failed(1)], true, { count: 1, more: false }],
    ['none among those looked at', [failed(2), failed(1)], true, { count: 0, more: false }],
  ])('streakOf: %s', (_what, records, cut, streak) => {
    expect(streakOf(records, cut)).toEqual(streak);
  });
});

describe('an orphaned run', () => {
  it('comes with its processes that live', () => {
    const { identity } = startSleeper();
    putStart(stateDir, 1, { wrapper: deadHere(), child: identity });
    expect(readJobRuns(stateDir, JOB)?.going.map((run) => run.alivePids)).toEqual([[identity.pid]]);
  });
});

describe('what cannot be read', () => {
  function unreadable(act: () => unknown): CronrunError {
    try {
      act();
    } catch (error) {
      return error as CronrunError;
    }
    throw new Error('it could be read');
  }

  it('is an error that names the path and what the system says', () => {
    mkdirSync(`${stateDir}/jobs/${JOB}/journal.jsonl`, { recursive: true });
    const error = unreadable(() => readJobRuns(stateDir, JOB));
    expect(error).toBeInstanceOf(CronrunError);
    expect(error).toMatchObject({ code: 'unreadable', hint: undefined });
    expect(error.message).toMatch(/cannot read .*journal\.jsonl \(EINVAL: [a-z ]+\)/);
  });

  it.runIf(process.geteuid?.() !== 0)('is not taken for empty', () => {
    putJournal(stateDir, [completed(1)]);
    writeFileSync(`${stateDir}/note`, '');
    chmodSync(`${stateDir}/jobs`, 0);
    const error = unreadable(() => listJobs(stateDir));
    expect(error.message).toContain('EACCES');
    expect(error.hint).toContain('2750');
    expect(unreadable(() => readJobRuns(stateDir, JOB)).message).toContain('EACCES');
    chmodSync(`${stateDir}/jobs`, 0o700);
  });
});

describe('what was skipped', () => {
  it('is in the list of runs, and no run of the job', () => {
    putJournal(stateDir, [completed(1), skipped(2, 1), failed(3), skipped(4, 3), skipped(5, 3)]);
    const runs = readJobRuns(stateDir, JOB);
    expect(runs?.last).toEqual(failed(3));
    expect(runs?.recent).toEqual(['completed', 'failed']);
    expect(runs?.unreadable).toBe(0);
    expect(completedInARow(stateDir, JOB).count).toBe(1);
    const list = listRuns(stateDir, JOB, 10);
    expect(list?.records.map(({ status }) => status)).toEqual([
      'skipped',
      'skipped',
      'failed',
      'skipped',
      'completed',
    ]);
    expect(listRuns(stateDir, JOB, 1, 'skipped')?.records).toEqual([skipped(5, 3)]);
    expect(listRuns(stateDir, JOB, 10, 'failed')?.records).toEqual([failed(3)]);
  });

  it('is all there is of a job of which every run was forgotten: then it has none', () => {
    putJournal(stateDir, [skipped(1), skipped(2)]);
    expect(readJobRuns(stateDir, JOB)).toBeNull();
    expect(listRuns(stateDir, JOB, 10)?.total).toBe(2);
  });

  it('is counted since the last run that ended, or since one that goes on', () => {
    putJournal(stateDir, [skipped(1), completed(2), skipped(3), skipped(4), skipped(5)]);
    expect(skipsSince(stateDir, JOB, null)).toEqual({ last: skipped(5), count: 3, more: false });
    expect(skipsSince(stateDir, JOB, at(4))).toMatchObject({ count: 2 });
    expect(skipsSince(stateDir, JOB, at(6))).toEqual({ last: null, count: 0, more: false });
    expect(skipsSince(stateDir, 'other', null)).toMatchObject({ count: 0 });
    expect(skipsSince(stateDir, `../jobs/${JOB}`, null)).toMatchObject({ count: 0 });
    const many = Array.from({ length: 1001 }, (_, n) => skipped(n));
    expect(countSkips(many, null)).toMatchObject({ count: 1000, more: true });
  });
});
