import { mkdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeRecord, type EndedRecord, idOf } from '../../src/model/record.js';
import { PRIVATE } from '../../src/platform/durable.js';
import { runningDirectory } from '../../src/state/directory.js';
import { listRuns, readJobRuns } from '../../src/state/runs.js';
import { segmentName } from '../../src/state/segments.js';
import { isClutter, settle, sweep } from '../../src/state/settle.js';
import { surveyJob } from '../../src/state/survey.js';
import { scratch } from '../helpers/cronrun.js';
import { newFileId, type Op, trace } from '../helpers/fs-trace.js';
import { at, COMPLETED, completed, ELSEWHERE, endOf, failed, failedWith, runId } from '../helpers/records.js';
import {
  aliveHere,
  deadChild,
  deadHere,
  JOB,
  journalText,
  markNow,
  NO_MARK,
  putJournal,
  putRunning,
  putStart,
  runningNames,
} from '../helpers/state.js';

vi.mock('node:fs', async (original) => {
  const { tracedFs } = await import('../helpers/fs-trace.js');
  return tracedFs(await original<typeof import('node:fs')>());
});

const NOW = '2026-11-22T05:00:00.000Z';

let stateDir: string;

beforeEach(() => {
  stateDir = scratch();
});

function settleAll(settledAt = NOW): EndedRecord[] {
  return surveyJob(stateDir, JOB, (survey) => settle(stateDir, JOB, survey, PRIVATE, settledAt));
}

function journalRecords(): EndedRecord[] {
  const lines = journalText(stateDir).split('\n');
  return lines.filter((line) => line !== '').map((line) => decodeRecord(line) as EndedRecord);
}

const numbersOf = (records: readonly EndedRecord[]) =>
  records.map((record) => [1, 2, 3, 4, 5, 6].find((n) => runId(n) === idOf(record)));

/** What settling does to the disk, in words: "write journal.jsonl", "unlink running/…". */
async function steps(): Promise<string[]> {
  const prefix = `jobs/${JOB}/`;
  const known = ['journal.jsonl', ...runningNames(stateDir).map((name) => `running/${name}`)];
  const files = new Map(known.map((path) => [prefix + path, newFileId()]));
  const ops = await trace(stateDir, files, () => settleAll());
  return ops.flatMap((op: Op) => ('path' in op ? [`${op.kind} ${op.path.replace(prefix, '')}`] : []));
}

describe('settle', () => {
  it('moves what is over into the journal and says what it moved', () => {
    putJournal(stateDir, [completed(1)]);
    const mark = markNow(stateDir);
    const previous_completed_at = completed(1).completed_at;
    putStart(stateDir, 2, { journal: mark, over: { previous_completed_at } });
    putStart(stateDir, 3, {
      wrapper: deadHere(),
      child: deadChild(),
      journal: mark,
      over: { previous_completed_at },
    });
    const moved = settleAll();
    expect(moved.map((record) => record.reason)).toEqual(['rebooted', 'lost']);
    expect(runningNames(stateDir)).toEqual([]);
    expect(journalRecords().slice(1)).toEqual(moved);
    expect(moved).toMatchObject(Array(2).fill({ settled_at: NOW, journal: mark, previous_completed_at }));
  });

  it('changes nothing of what readers say, but for who moved it', () => {
    putJournal(stateDir, [completed(1)]);
    putStart(stateDir, 2, { end: endOf(2, failedWith(3)) });
    putStart(stateDir, 3);
    putStart(stateDir, 4, { wrapper: ELSEWHERE });
    const facts = () => {
      const runs = readJobRuns(stateDir, JOB);
      const list = listRuns(stateDir, JOB, 10)?.records.map(({ cron_job_id, status, reason }) => [
        cron_job_id,
        status,
        reason,
      ]);
      return { list, recent: runs?.recent, lastCompletedAt: runs?.lastCompletedAt, going: runs?.going };
    };
    const before = facts();
    expect(settleAll().length).toBe(2);
    expect(facts()).toEqual(before);
  });

  it('writes the order in which runs count as ended', () => {
    putStart(stateDir, 6);
    putStart(stateDir, 2, { end: endOf(2, COMPLETED, at(90)) });
    putStart(stateDir, 3, { end: endOf(3, failedWith(1), at(60)) });
    putStart(stateDir, 5, { wrapper: deadHere(), child: deadChild() });
    settleAll();
    expect(numbersOf(journalRecords())).toEqual([3, 2, 5, 6]);
  });

  it('leaves alone what goes on, what cannot be judged and what it does not know', () => {
    putJournal(stateDir, [completed(4)]);
    const kept = [
      putStart(stateDir, 1, { wrapper: aliveHere() }),
      putStart(stateDir, 2, { wrapper: ELSEWHERE }),
      putStart(stateDir, 3, { over: { schema: 2 } }),
      putStart(stateDir, 4, { over: { schema: 2 } }),
      putStart(stateDir, 5, { over: { schema: 2 }, end: endOf(5, COMPLETED) }),
    ];
    putRunning(stateDir, 'README', 'hello');
    expect(settleAll()).toEqual([]);
    expect(runningNames(stateDir)).toEqual([...kept, 'README'].sort());
    expect(journalRecords()).toEqual([completed(4)]);
  });

  it('does nothing at all where nothing is over', async () => {
    putJournal(stateDir, [completed(1)]);
    putStart(stateDir, 2, { wrapper: aliveHere() });
    expect(await steps()).toEqual([]);
  });

  it('is done once: the second time there is nothing to move', () => {
    putStart(stateDir, 1);
    putStart(stateDir, 2, { end: endOf(2, COMPLETED), endInName: true });
    expect(settleAll().length).toBe(2);
    const text = journalText(stateDir);
    expect(settleAll('2026-11-23T00:00:00.000Z')).toEqual([]);
    expect(journalText(stateDir)).toBe(text);
  });

  it('closes off a line that somebody tore', () => {
    putJournal(stateDir, [completed(1), '{"schema":1,"cron_j']);
    putStart(stateDir, 2);
    settleAll();
    expect(listRuns(stateDir, JOB, 9)?.records.map((record) => record.reason)).toEqual([
      'rebooted',
      'exited',
    ]);
  });

  it('throws what the file system says, and then has removed nothing', () => {
    const name = putStart(stateDir, 1);
    const survey = surveyJob(stateDir, JOB, (found) => found);
    mkdirSync(`${stateDir}/jobs/${JOB}/journal.jsonl`);
    expect(() => settle(stateDir, JOB, survey, PRIVATE, NOW)).toThrow(/EISDIR/);
    expect(runningNames(stateDir)).toEqual([name]);
  });
});

describe('the order of settling', () => {
  it('appends many in one write, syncs them once, and only then unlinks', async () => {
    putJournal(stateDir, [completed(1)]);
    const names = [2, 3, 4].map((n) => putStart(stateDir, n));
    const [write, ...rest] = await steps();
    expect(write).toBe('write journal.jsonl');
    expect(rest.slice(0, -3)).toEqual(['sync journal.jsonl', `sync-directory jobs/${JOB}`]);
    expect(rest.slice(-3)).toEqual(names.map((name) => `unlink running/${name}`));
  });

  it('syncs a line that it finds before it removes the only other proof', async () => {
    putJournal(stateDir, [completed(1)]);
    const name = putStart(stateDir, 1);
    expect(await steps()).toEqual([
      'sync journal.jsonl',
      `sync-directory jobs/${JOB}`,
      `unlink running/${name}`,
    ]);
  });

  it('finds that line also in a journal that was moved away, before there is another', () => {
    putJournal(stateDir, [completed(1)]);
    putStart(stateDir, 1);
    const directory = `${stateDir}/jobs/${JOB}`;
    renameSync(`${directory}/journal.jsonl`, `${directory}/${segmentName(1, runId(100))}`);
    expect(settleAll()).toEqual([]);
    expect(runningNames(stateDir)).toEqual([]);
    expect(listRuns(stateDir, JOB, 9)?.records).toEqual([completed(1)]);
  });

  it('writes a line again whose own wrapper could not sync it: nobody knows whether it is on disk', async () => {
    putJournal(stateDir, [failed(1)]);
    const name = putStart(stateDir, 1, { end: endOf(1, failedWith(23)) });
    const said = await steps();
    expect(said[0]).toBe('write journal.jsonl');
    expect(said.at(-1)).toBe(`unlink running/${name}`);
    expect(numbersOf(journalRecords())).toEqual([1, 1]);
    expect(listRuns(stateDir, JOB, 9)?.records).toEqual([failed(1)]);
  });

  it('lets nothing follow on a line that may not be on disk: there may be NULs in its place', () => {
    putJournal(stateDir, [failed(1)]);
    putStart(stateDir, 1, { end: endOf(1, failedWith(23)) });
    settleAll();
    expect(journalText(stateDir).split('\n')[1]).toBe('');
  });

  it('does not say that it moved what the journal had', () => {
    putJournal(stateDir, [failed(1)]);
    putStart(stateDir, 1, { end: endOf(1, failedWith(23)) });
    expect(settleAll()).toEqual([]);
  });
});

describe('previous_completed_at of a settled run', () => {
  it('tells of what completed while it went on, so that nobody has to search for it', () => {
    for (const n of [1, 2, 3]) putStart(stateDir, n, { over: { previous_completed_at: at(-60) } });
    putJournal(stateDir, [completed(5)]);
    settleAll();
    expect(journalRecords().map((record) => record.previous_completed_at)).toEqual([
      null,
      ...Array(3).fill(completed(5).completed_at),
    ]);
  });

  it('tells of a completed run that is moved in the same append', () => {
    putStart(stateDir, 1, { end: endOf(1, COMPLETED) });
    putStart(stateDir, 2);
    settleAll();
    expect(journalRecords().map((record) => record.previous_completed_at)).toEqual([
      null,
      completed(1).completed_at,
    ]);
  });

  it('keeps what the run knew where nothing completed since', () => {
    putStart(stateDir, 2, { over: { previous_completed_at: at(-60) } });
    putJournal(stateDir, [failed(3, 23, { previous_completed_at: at(-90) })]);
    settleAll();
    expect(journalRecords().at(-1)?.previous_completed_at).toBe(at(-60));
  });

  it('survives twenty runs that were lost at once', () => {
    for (let n = 1; n <= 20; n++) putStart(stateDir, n, { journal: NO_MARK });
    putJournal(stateDir, [completed(30)]);
    settleAll();
    expect(readJobRuns(stateDir, JOB)?.lastCompletedAt).toBe(completed(30).completed_at);
  });
});

describe('isClutter', () => {
  const BOOT = Date.UTC(2026, 10, 22);
  const HOUR = 3_600_000;
  const TEMPORARY = `.${runId(1)}.tmp`;
  const TORN = `${runId(1)}.jsonl`;

  /** name, changed (from the boot), now (from the boot), and whether it may go. */
  it.each<[string, number, number, boolean]>([
    [TEMPORARY, -1, 1, true],
    [TEMPORARY, 0, HOUR, false],
    [TEMPORARY, 0, HOUR + 1, true],
    [TEMPORARY, 5, 6, false],
    [TEMPORARY, 2 * HOUR, HOUR, false],
    [TORN, -1, 1, true],
    [TORN, 0, 1, false],
    [TORN, 0, 1000 * HOUR, false],
    ['README', -HOUR, HOUR, false],
    ['.nfs000000000001', -HOUR, HOUR, false],
    [`${runId(1)}.jsonl.bak`, -HOUR, HOUR, false],
    [`${runId(1)}.end-completed.0.jsonl`, -HOUR, HOUR, false],
    [`${runId(1)}.tmp`, -HOUR, HOUR, false],
    ['journal.jsonl', -HOUR, HOUR, false],
  ])('%s, changed %d ms after the boot, looked at %d ms after it: %s', (name, changed, now, goes) => {
    expect(isClutter(name, BOOT + changed, { bootedAtMs: BOOT, nowMs: BOOT + now })).toBe(goes);
  });

  it('knows no torn ones where the time of the boot is not known', () => {
    const clutter = { bootedAtMs: null, nowMs: BOOT + 2 * HOUR };
    expect(isClutter(TORN, BOOT - HOUR, clutter)).toBe(false);
    expect(isClutter(TEMPORARY, BOOT, clutter)).toBe(true);
  });
});

describe('sweep', () => {
  it('removes what is clutter and nothing else', () => {
    const nowMs = Date.now();
    const bootedAtMs = nowMs - 1000;
    const put = (name: string, ageMs: number) => {
      putRunning(stateDir, name, '');
      const changed = new Date(nowMs - ageMs);
      utimesSync(`${runningDirectory(stateDir, JOB)}/${name}`, changed, changed);
      return name;
    };
    const old = [put(`.${runId(1)}.tmp`, 5000), put(`${runId(2)}.jsonl`, 5000)];
    const kept = [put(`.${runId(3)}.tmp`, 10), put(`${runId(4)}.jsonl`, 10), put('README', 5000)];
    sweep(stateDir, JOB, [...old, ...kept, 'vanished'], { bootedAtMs, nowMs });
    expect(runningNames(stateDir)).toEqual(kept.sort());
  });

  it('removes a start record that a power cut tore, once its boot is over', () => {
    putRunning(stateDir, `${runId(1)}.jsonl`, '\0'.repeat(4096));
    const { leftovers } = surveyJob(stateDir, JOB, (survey) => survey);
    const changed = statSync(`${runningDirectory(stateDir, JOB)}/${runId(1)}.jsonl`).mtimeMs;
    sweep(stateDir, JOB, leftovers, { bootedAtMs: changed - 1, nowMs: changed });
    expect(runningNames(stateDir).length).toBe(1);
    sweep(stateDir, JOB, leftovers, { bootedAtMs: changed + 1, nowMs: changed + 2 });
    expect(runningNames(stateDir)).toEqual([]);
  });

  it('never touches a record of a newer schema', () => {
    const name = putStart(stateDir, 1, { over: { schema: 2 } });
    writeFileSync(`${runningDirectory(stateDir, JOB)}/${runId(2)}.jsonl`, '{"schema":2,"what":"else"}\n');
    const { leftovers } = surveyJob(stateDir, JOB, (survey) => survey);
    sweep(stateDir, JOB, leftovers, { bootedAtMs: Date.now() + 1000, nowMs: Date.now() + 2000 });
    expect(runningNames(stateDir)).toEqual([name, `${runId(2)}.jsonl`].sort());
  });
});
