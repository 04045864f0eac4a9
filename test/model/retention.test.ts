import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resumeAfter } from '../../src/model/checkpoint.js';
import { type EndedRecord, idOf, settledRecord } from '../../src/model/record.js';
import { skipsThatMayGo, whatMayGo } from '../../src/model/retention.js';
import { at, completed, failed, lost, runId, skipped } from '../helpers/records.js';

/** The numbers of the runs that go; `runs` last ended first. */
function gone(runs: readonly EndedRecord[], unwanted: Parameters<typeof whatMayGo>[1]): number[] {
  const ids = whatMayGo(runs, unwanted).map(idOf);
  return Array.from({ length: 30 }, (_, n) => n).filter((n) => ids.includes(runId(n)));
}

describe('whatMayGo', () => {
  it('all but the newest', () => {
    const runs = [4, 3, 2, 1, 0].map((n) => completed(n));
    expect(gone(runs, { kind: 'beyond', count: 2 })).toEqual([0, 1, 2]);
    expect(gone(runs, { kind: 'beyond', count: 9 })).toEqual([]);
  });

  it('what ended before a time', () => {
    const runs = [
      completed(3),
      settledRecord(lost(2), at(9), { ino: null, size: 0 }),
      failed(1),
      completed(0),
    ];
    expect(gone(runs, { kind: 'older', before: at(2) })).toEqual([0, 1]);
    expect(gone(runs, { kind: 'older', before: at(99) })).toEqual([0, 1, 2]);
  });

  it('never the last one that completed, nor the one at whose checkpoint the next can go on', () => {
    const reached = { ...failed(3), checkpoint: '3/7' };
    expect(
      gone([failed(4), reached, failed(2), completed(1), completed(0)], { kind: 'beyond', count: 1 }),
    ).toEqual([0, 2]);
  });

  it('never what a newer version wrote', () => {
    expect(
      gone([completed(2), { ...completed(1), schema: 2 }, completed(0)], { kind: 'beyond', count: 1 }),
    ).toEqual([0]);
  });

  it('changes no answer', () => {
    const run = fc.record({ ok: fc.boolean(), checkpoint: fc.constantFrom(null, 'x'), before: fc.nat(30) });
    const latest = (runs: readonly EndedRecord[]) =>
      runs
        .slice(0, 12)
        .flatMap((one) => [one.completed_at ?? '', one.previous_completed_at ?? ''])
        .sort()
        .at(-1);
    const resume = (runs: readonly EndedRecord[]) => {
      const first = runs.find((one) => one.status === 'completed' || resumeAfter(one) !== null);
      return first === undefined ? null : resumeAfter(first);
    };
    fc.assert(
      fc.property(
        fc.array(run, { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 5 }),
        (shapes, count) => {
          const runs = shapes.map(({ ok, checkpoint, before }, i) => {
            const n = shapes.length - i;
            const previous_completed_at = before < n ? at(before) : null;
            return { ...(ok ? completed(n) : failed(n)), checkpoint, previous_completed_at } as EndedRecord;
          });
          const goes = new Set(whatMayGo(runs, { kind: 'beyond', count }));
          const left = runs.filter((one) => !goes.has(one));
          expect(left[0]).toBe(runs[0]);
          expect(resume(left)).toBe(resume(runs));
          expect(latest(left)).toBe(latest(runs));
        },
      ),
    );
  });
});

describe('skipsThatMayGo', () => {
  const runs = [completed(9), failed(6), completed(3)];
  const skips = [skipped(10), skipped(7), skipped(4), skipped(1)];
  const numbers = (unwanted: Parameters<typeof whatMayGo>[1]) =>
    skipsThatMayGo(skips, runs, unwanted).map((skip) => skips.indexOf(skip));

  it('what is older than the oldest run that stays', () => {
    expect(numbers({ kind: 'beyond', count: 1 })).toEqual([1, 2, 3]);
    expect(numbers({ kind: 'beyond', count: 2 })).toEqual([2, 3]);
  });

  it('nothing where all runs stay', () => {
    expect(numbers({ kind: 'beyond', count: 3 })).toEqual([]);
    expect(skipsThatMayGo(skips, [], { kind: 'beyond', count: 1 })).toEqual([]);
  });

  it('what is older than a time', () => {
    expect(numbers({ kind: 'older', before: at(5) })).toEqual([2, 3]);
    expect(numbers({ kind: 'older', before: at(99) })).toEqual([0, 1, 2, 3]);
  });

  it('never what a newer version wrote', () => {
    const newer = [{ ...skipped(1), schema: 2 }];
    expect(skipsThatMayGo(newer, runs, { kind: 'older', before: at(99) })).toEqual([]);
  });
});
