import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeLine, type JournalRecord, settledRecord } from '../../src/model/record.js';
import { recentRuns, recordsFromEnd, runsFromEnd } from '../../src/state/journal.js';
import { quickLook, readGist, readWhole, statusOfLine } from '../../src/state/quick-look.js';
import { endedRecords, skippedRecords } from '../helpers/arbitraries.js';
import { scratch } from '../helpers/cronrun.js';
import { at, completed, failed, lost, skipped } from '../helpers/records.js';
import { inJournal, NO_MARK, putJournal } from '../helpers/state.js';

// The quick look knows places, not JSON. What it says of a line must be what decoding the whole line says.

/** The line as it stands in a journal, others around it. */
function inside(line: string | Buffer): [bytes: Buffer, from: number, to: number] {
  const before = Buffer.from('{"schema":1}\n');
  const bytes = Buffer.from(line as string);
  return [Buffer.concat([before, bytes, Buffer.from('\n{')]), before.length, before.length + bytes.length];
}

describe('a quick look at a line', () => {
  it('tells of every run what its record says', () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 4, arbitrary: endedRecords }, skippedRecords), (record) => {
        const line = inside(encodeLine(record));
        const gist = readGist(...line);
        if (record.status === 'skipped') expect(gist).toBeNull();
        else expect(decodeRecord(encodeLine(record))).toMatchObject(gist ?? { status: 'none' });
        const status = statusOfLine(...line);
        if (status !== null) expect(status).toBe(record.status);
      }),
      { numRuns: 1000 },
    );
  });

  it('does without decoding where a run completed', () => {
    const gist = readGist(...inside(encodeLine(completed(1))));
    expect(gist?.status).toBe('completed');
    expect(gist).not.toHaveProperty('command');
  });

  it('is not misled by a damaged byte', () => {
    const whole = Buffer.from(encodeLine(completed(1)));
    const byte = fc.oneof(fc.constantFrom(...Buffer.from('{}[]":,0\n\0')), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), byte, (at, damage) => {
        const damaged = Buffer.from(whole);
        damaged[at] = damage;
        const line = inside(damaged);
        const record = decodeRecord(damaged.toString('utf8'));
        const gist = statusOfLine(...line) === null ? null : readGist(...line);
        if (gist !== null) expect(record).toMatchObject(gist);
      }),
      { numRuns: 3000 },
    );
  });

  it.each(['"status":"failed"', '"exit_code":3', '"started_at":"2026-11-20T01:30:00.000Z"'])(
    'does not take a line in which %s stands as well',
    (field) => {
      const line = encodeLine(completed(1)).replace('"settled_at"', `${field},"settled_at"`);
      const gist = readGist(...inside(line));
      if (gist !== null) expect(decodeRecord(line)).toMatchObject(gist);
    },
  );

  const KEPT = encodeLine(
    completed(1, { output: { path: '/var/lib/cronrun/jobs/backup/output/a.log', bytes: 12 } }),
  );

  it('does not take a torn line for the one that is glued to it, wherever it is torn', () => {
    const next = encodeLine(failed(2));
    expect(statusOfLine(...inside(KEPT))).toBe('completed');
    for (let at = 1; at < KEPT.length; at++) {
      for (const glued of [next, KEPT]) {
        expect(statusOfLine(...inside(KEPT.slice(0, at) + glued)), KEPT.slice(0, at)).toBeNull();
      }
    }
  });

  it('does not take a line with a hole of zeros, as a power cut may leave it', () => {
    const line = encodeLine(completed(1));
    const at = line.indexOf('"command"');
    const holed = `${line.slice(0, at)}${'\0'.repeat(40)}${line.slice(at + 40)}`;
    expect(readGist(...inside(holed))).toBeNull();
  });
});

/** Runs that ended one after the other, and what was skipped in between. */
const histories = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom('completed' as const, 'failed' as const, 'lost' as const) },
    fc.record({ skips: fc.integer({ min: 0, max: 40 }) }),
  ),
  { maxLength: 30 },
);

type History = typeof histories extends fc.Arbitrary<infer T> ? T : never;

function recordsOf(history: History): JournalRecord[] {
  let n = 0;
  return history.flatMap((one): JournalRecord[] => {
    if (typeof one === 'object') return Array.from({ length: one.skips }, () => skipped(++n, 0));
    n++;
    if (one === 'lost') return [settledRecord(lost(n), at(n), NO_MARK)];
    return [one === 'completed' ? completed(n) : failed(n)];
  });
}

describe('what was skipped', () => {
  it('is passed over, however much of it there is, as who reads all lines passes over it', () => {
    fc.assert(
      fc.property(histories, fc.constantFrom(1, 2, 12), (history, count) => {
        const stateDir = scratch();
        const records = recordsOf(history);
        putJournal(stateDir, records);
        const runs = records.filter((record) => record.status !== 'skipped').reverse();
        inJournal(stateDir, (journal) => {
          const quick = quickLook(journal, count, readWhole);
          const shown = recentRuns(journal, count, false, { count: 0 }, readWhole);
          const slow = recentRuns(journal, count, true, { count: 0 }, readWhole);
          expect(slow.records).toEqual(runs.slice(0, count));
          expect(slow.statuses).toEqual(runs.slice(0, count).map(({ status }) => status));
          expect(shown.statuses).toEqual(slow.statuses);
          expect(shown.records[0]).toEqual(slow.records[0]);
          if (quick !== null) expect(quick.statuses).toEqual(slow.statuses);
          expect([...runsFromEnd(journal, { count: 0 })]).toEqual(runs);
          expect([...recordsFromEnd(journal, { count: 0 })]).toEqual(records.toReversed());
        });
      }),
      { numRuns: 100 },
    );
  });

  it('does not hide a run from a quick look where little was skipped', () => {
    const stateDir = scratch();
    putJournal(stateDir, [...Array.from({ length: 12 }, (_, n) => completed(n)), skipped(13), skipped(14)]);
    inJournal(stateDir, (journal) => {
      expect(quickLook(journal, 12, readWhole)?.statuses).toEqual(Array(12).fill('completed'));
    });
  });
});
