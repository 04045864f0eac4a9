import { beforeEach, describe, expect, it } from 'vitest';
import {
  type EndedRecord,
  idOf,
  inferredRecord,
  type JournalMark,
  settledRecord,
} from '../../src/model/record.js';
import { runsFromEnd, searchJournal } from '../../src/state/journal.js';
import { listRuns, readJobRuns } from '../../src/state/runs.js';
import { scratch } from '../helpers/cronrun.js';
import { beginning, completed, failed, lost, runId } from '../helpers/records.js';
import { inJournal, JOB, markNow, NO_MARK, putJournal } from '../helpers/state.js';

// Settling is open to races, so one run may have several lines. Whatever their order, readers must agree on the
// one that counts and on its place, from the tail (last), in a list (ls) and by id (status).

let stateDir: string;

beforeEach(() => {
  stateDir = scratch();
});

/** Run numbers as readers list them, last ended first. */
function order(): number[] {
  const ids = inJournal(stateDir, (journal) => [...runsFromEnd(journal, { count: 0 })]).map(idOf);
  return ids.map((id) => [0, 1, 2, 3, 4, 5, 6, 7].find((n) => runId(n) === id) ?? -1);
}

/** The line that counts for run 1, which every reader must agree on. */
function wordOnRun1(): EndedRecord | undefined {
  const listed = listRuns(stateDir, JOB, 10)?.records.filter((record) => idOf(record) === runId(1)) ?? [];
  const searched = inJournal(stateDir, (journal) => searchJournal(journal, (id) => id === runId(1)));
  expect(listed.length).toBe(1);
  expect(searched).toEqual(listed);
  return listed[0] as EndedRecord;
}

const EARLY = '2026-11-22T03:00:00.000Z';
const LATE = '2026-11-22T04:00:00.000Z';

describe('two lines of one run', () => {
  let mark: JournalMark;

  beforeEach(() => {
    putJournal(stateDir, [completed(0)]);
    mark = markNow(stateDir);
  });

  const own = completed(1);
  const inferred = (settledAt = EARLY) => settledRecord(lost(1), settledAt, mark);
  const moved = (settledAt = EARLY) => settledRecord(own, settledAt, mark);

  it('of two settlers, alike but for the time: one run, at the place of the first', () => {
    putJournal(stateDir, [inferred(EARLY), inferred(LATE)]);
    expect(wordOnRun1()).toEqual(inferred(EARLY));
    expect(order()).toEqual([1, 0]);
  });

  it('of a settler that stalled while a later run ended: the old run is not the last one again', () => {
    putJournal(stateDir, [inferred(EARLY), completed(2), failed(3), inferred(LATE)]);
    expect(order()).toEqual([3, 2, 1, 0]);
    expect(readJobRuns(stateDir, JOB)?.last).toEqual(failed(3));
    expect(wordOnRun1()).toEqual(inferred(EARLY));
  });

  it('of three settlers, two of which stalled', () => {
    putJournal(stateDir, [inferred(EARLY), completed(2), inferred(LATE), completed(3), inferred(LATE)]);
    expect(order()).toEqual([3, 2, 1, 0]);
  });

  it('of a settler that stalled, where the end was kept in the start record', () => {
    putJournal(stateDir, [moved(EARLY), completed(2), moved(LATE)]);
    expect(order()).toEqual([2, 1, 0]);
    expect(wordOnRun1()).toEqual(moved(EARLY));
  });

  it.each([
    ['the wrapper first', () => [own, inferred()]],
    ['the wrapper last', () => [inferred(), own]],
    ['the wrapper first, other runs between', () => [own, completed(2), inferred()]],
    ['the wrapper last, other runs between', () => [inferred(), completed(2), own]],
    ['a settler moved the wrapper’s word, first', () => [moved(), inferred(LATE)]],
    ['a settler moved the wrapper’s word, last', () => [inferred(EARLY), moved(LATE)]],
    ['moved, last, other runs between', () => [inferred(EARLY), completed(2), moved(LATE)]],
    ['all three', () => [inferred(EARLY), own, moved(LATE)]],
    ['all three, otherwise', () => [moved(EARLY), inferred(LATE), own]],
    ['twice inferred around it', () => [inferred(EARLY), moved(EARLY), inferred(LATE)]],
  ])('the word of the wrapper outranks any inference: %s', (_what, lines) => {
    putJournal(stateDir, lines());
    expect(wordOnRun1()?.status).toBe('completed');
    expect(new Set(order()).size).toBe(order().length);
  });

  it('of a wrapper that could not sync and a settler that wrote its line again', () => {
    putJournal(stateDir, [own, completed(2), moved(LATE)]);
    expect(order()).toEqual([2, 1, 0]);
    expect(wordOnRun1()).toEqual(own);
  });

  it('of a wrapper that could not read its line back and wrote it twice', () => {
    putJournal(stateDir, [own, own, completed(2)]);
    expect(order()).toEqual([2, 1, 0]);
  });

  it('are looked for in the whole journal where the file was replaced since', () => {
    const elsewhere = { ino: (mark.ino ?? 0) + 1, size: mark.size + 1 };
    putJournal(stateDir, [
      settledRecord(lost(1), EARLY, elsewhere),
      completed(2),
      settledRecord(lost(1), LATE, elsewhere),
    ]);
    expect(order()).toEqual([2, 1, 0]);
  });

  it('are looked for in the whole journal where a line lost its mark', () => {
    putJournal(stateDir, [
      inferred(EARLY),
      completed(2),
      JSON.stringify({ ...inferred(LATE), journal: null }),
      '\n',
    ]);
    expect(order()).toEqual([2, 1, 0]);
  });

  it('do not make other runs of the same millisecond disappear', () => {
    const twin = inferredRecord(
      { ...beginning(1), cron_job_id: `cron:${runId(1, 7)}` },
      'rebooted',
      null,
      EARLY,
    );
    putJournal(stateDir, [own, settledRecord(twin, LATE, mark)]);
    expect(listRuns(stateDir, JOB, 10)?.records.map((record) => record.reason)).toEqual([
      'rebooted',
      'exited',
      'exited',
    ]);
  });
});

describe('many runs settled in one append', () => {
  it('are all there, in their order, and a stalled second append adds none', () => {
    const batch = (settledAt: string) => [1, 2, 3].map((n) => settledRecord(lost(n), settledAt, NO_MARK));
    putJournal(stateDir, [...batch(EARLY), completed(4), ...batch(LATE)]);
    expect(order()).toEqual([4, 3, 2, 1]);
  });
});
