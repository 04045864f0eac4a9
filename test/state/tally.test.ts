import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { type EndedRecord, settledRecord } from '../../src/model/record.js';
import { NO_TOTALS, type Totals } from '../../src/model/totals.js';
import { GROUP_READABLE, PRIVATE } from '../../src/platform/durable.js';
import { jobDirectory, journalPath } from '../../src/state/directory.js';
import { planPruning, prune } from '../../src/state/prune.js';
import { rotateJournal } from '../../src/state/rotate.js';
import {
  countOn,
  decodeTally,
  encodeTally,
  keepTally,
  readTally,
  type Tally,
} from '../../src/state/tally.js';
import { scratch } from '../helpers/cronrun.js';
import { at, completed, failed, lost, runId, skipped } from '../helpers/records.js';
import { inJournal, JOB, markNow, NO_MARK, putJournal } from '../helpers/state.js';

let stateDir: string;
let directory: string;

beforeEach(() => {
  stateDir = scratch();
  directory = jobDirectory(stateDir, JOB);
  mkdirSync(directory, { recursive: true });
});

const counted = (known: Tally | null): Tally =>
  inJournal(stateDir, (journal) => countOn(known, journal).tally);
const keep = (n = 900) => keepTally(directory, 0o600, runId(n));
const some = (over: Partial<Totals>): Totals => ({ ...NO_TOTALS, ...over });

/** What metrics say, from what is kept and what is on record. */
const totals = () => counted(readTally(directory)).totals;

function moved(record: EndedRecord, minute: number): EndedRecord {
  return settledRecord(record, at(minute), NO_MARK);
}

describe('countOn', () => {
  it('counts each run once, by its status, and nothing that was skipped', () => {
    putJournal(stateDir, [completed(0), failed(1), skipped(2), completed(0), moved(lost(3), 9), 'torn {"\n']);
    expect(counted(null).totals).toEqual(some({ completed: 1, failed: 1, interrupted: 1 }));
  });

  it('goes on from a mark, and reads nothing before it', () => {
    putJournal(stateDir, [completed(0), failed(1)]);
    const before = counted(null);
    putJournal(stateDir, [completed(2), completed(3)]);
    const { tally, read } = inJournal(stateDir, (journal) => countOn(before, journal));
    expect(tally.totals).toEqual(some({ completed: 3, failed: 1 }));
    expect(read).toBe(2);
    expect(tally.journal).toEqual(markNow(stateDir));
  });

  it('counts no run twice that is appended once more behind the mark, whoever does it', () => {
    putJournal(stateDir, [moved(lost(0), 5), completed(1)]);
    const before = counted(null);
    putJournal(stateDir, [moved(lost(0), 7), completed(1), completed(0), completed(2)]);
    expect(counted(before).totals).toEqual(some({ completed: 2, interrupted: 1 }));
  });

  it('counts a line of which it saw only a part', () => {
    const [line, rest] = [
      JSON.stringify(completed(1)).slice(0, 100),
      JSON.stringify(completed(1)).slice(100),
    ];
    putJournal(stateDir, [completed(0), line]);
    const before = counted(null);
    expect(before.totals).toEqual(some({ completed: 1 }));
    putJournal(stateDir, [`${rest}\n`]);
    expect(counted(before).totals).toEqual(some({ completed: 2 }));
  });

  it('goes on across journals that were moved away meanwhile', () => {
    putJournal(stateDir, [completed(0)]);
    const before = counted(null);
    putJournal(stateDir, [failed(1)]);
    for (const n of [2, 3]) {
      rotateJournal(directory, runId(100 + n), 0, 0);
      putJournal(stateDir, [completed(n)]);
    }
    expect(counted(before).totals).toEqual(some({ completed: 3, failed: 1 }));
  });

  it('where the journal was written anew, as from a backup, counts what ended since', () => {
    putJournal(stateDir, [completed(0), failed(1), completed(2)]);
    const before = counted(null);
    const text = readFileSync(journalPath(stateDir, JOB));
    renameSync(journalPath(stateDir, JOB), `${directory}/elsewhere`);
    putJournal(stateDir, [text, completed(3)]);
    expect(counted(before).totals).toEqual(some({ completed: 3, failed: 1 }));
  });

  it('keeps what it has where there is no journal any more, and counts on with the next one', () => {
    putJournal(stateDir, [completed(0), failed(1)]);
    const { tally } = countOn(counted(null), null);
    rmSync(journalPath(stateDir, JOB));
    expect(tally.totals).toEqual(some({ completed: 1, failed: 1 }));
    putJournal(stateDir, [completed(2)]);
    expect(counted(tally).totals).toEqual(some({ completed: 2, failed: 1 }));
  });
});

describe('a tally on disk', () => {
  it('is what it was', () => {
    putJournal(stateDir, [completed(0), failed(1)]);
    keep();
    expect(readTally(directory)).toEqual(counted(null));
  });

  const sound: Tally = { totals: some({ failed: 3 }), journal: { ino: 7, size: 9, born: 5 }, until: at(1) };
  const json = JSON.parse(encodeTally(sound)) as Record<string, unknown>;

  it.each<[string, unknown]>([
    ['nothing', ''],
    ['no object', '[]'],
    ['torn', encodeTally(sound).slice(0, 60)],
    ['of a newer version', { ...json, schema: 2 }],
    ['without runs', { ...json, runs: null }],
    ['without a status', { ...json, runs: { completed: 1 } }],
    ['with less than none', { ...json, runs: { ...sound.totals, failed: -1 } }],
    ['with a part of a run', { ...json, runs: { ...sound.totals, failed: 1.5 } }],
    ['without a mark', { ...json, journal: null }],
    ['with a size that is none', { ...json, journal: { ino: 1, size: '9' } }],
    ['with a time that is none', { ...json, until: 'soon' }],
  ])('is none that is %s', (_, content) => {
    expect(decodeTally(encodeTally(sound))).toEqual(sound);
    expect(decodeTally(typeof content === 'string' ? content : JSON.stringify(content))).toBeNull();
  });

  it('is made anew where it cannot be read', () => {
    putJournal(stateDir, [completed(0)]);
    writeFileSync(`${directory}/tally.json`, '{"schema":1,"runs":{}}');
    expect(totals()).toEqual(some({ completed: 1 }));
    keep();
    expect(totals()).toEqual(some({ completed: 1 }));
  });
});

describe('counts do not fall', () => {
  const many = Array.from({ length: 12 }, (_, n) => (n % 3 === 0 ? failed(n) : completed(n)));
  const all = some({ completed: 8, failed: 4 });

  const pruneTo = (keepRuns: number, modes = PRIVATE) => {
    let n = 300;
    const plan = planPruning(stateDir, JOB, { kind: 'beyond', count: keepRuns });
    mkdirSync(`${directory}/running`, { recursive: true });
    prune(stateDir, JOB, plan, modes, () => runId(n++));
    return plan.removed;
  };

  it('when old runs are pruned, again and again, with runs in between', () => {
    putJournal(stateDir, many);
    expect(pruneTo(3)).toBe(9);
    expect(totals()).toEqual(all);
    putJournal(stateDir, [completed(20), failed(21)]);
    expect(totals()).toEqual(some({ completed: 9, failed: 5 }));
    expect(pruneTo(1)).toBeGreaterThan(2);
    expect(totals()).toEqual(some({ completed: 9, failed: 5 }));
  });

  it('when the prune was killed after it had counted, and after each thing that it removes', () => {
    putJournal(stateDir, many);
    keep();
    const before = readTally(directory);
    pruneTo(3);
    // As a prune leaves it that did not come to its end: the tally has its old mark.
    writeFileSync(`${directory}/tally.json`, encodeTally(before ?? counted(null)));
    expect(totals()).toEqual(all);
    putJournal(stateDir, [completed(20)]);
    expect(totals()).toEqual(some({ completed: 9, failed: 4 }));
  });

  it('when the oldest journals go beyond their limit', () => {
    for (const [n, record] of many.entries()) {
      putJournal(stateDir, [record]);
      rotateJournal(directory, runId(200 + n), 0, 1500);
    }
    expect(inJournal(stateDir, (journal) => countOn(null, journal).read)).toBeLessThan(5);
    expect(totals()).toEqual(all);
  });

  it('is kept as the journal is, for a group that may read', () => {
    putJournal(stateDir, many);
    pruneTo(3, GROUP_READABLE);
    expect(readTally(directory)?.totals).toEqual(all);
  });
});
