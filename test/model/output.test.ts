import { describe, expect, it } from 'vitest';
import { logName, logRun, logsBeyond } from '../../src/model/output.js';
import { runId } from '../helpers/records.js';

const [a, b, c, d] = [1, 2, 3, 4].map((n) => logName(runId(n))) as [string, string, string, string];

describe('the name of a log', () => {
  it('is that of its run', () => {
    expect(logRun(logName(runId(1)))).toBe(runId(1));
  });

  it.each(['', '.log', 'notes.log', `.${runId(1)}.tmp`, `${runId(1)}.log.gz`, `${runId(1)}.jsonl`])(
    'is not %j',
    (name) => {
      expect(logRun(name)).toBeNull();
    },
  );
});

describe('logs that have to go', () => {
  const none = () => false;

  it.each([
    [4, []],
    [9, []],
    [2, [a, b]],
    [1, [a, b, c]],
  ])('so that %d are left, the oldest first', (count, gone) => {
    expect(logsBeyond([c, a, 'notes', d, b], count, runId(4), none)).toEqual(gone);
  });

  it('are none of runs that go on, which count for nothing', () => {
    expect(logsBeyond([a, b, c, d], 2, runId(4), (id) => id === runId(1))).toEqual([b]);
  });

  it('are not that of the run that tidies', () => {
    expect(logsBeyond([a, b, c, d], 2, runId(1), none)).toEqual([b]);
  });
});
