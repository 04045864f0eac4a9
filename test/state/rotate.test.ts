import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { jobDirectory } from '../../src/state/directory.js';
import { rotateJournal } from '../../src/state/rotate.js';
import { readJobRuns } from '../../src/state/runs.js';
import { segmentName } from '../../src/state/segments.js';
import { scratch } from '../helpers/cronrun.js';
import { completed, runId, skipped } from '../helpers/records.js';
import { JOB, putJournal } from '../helpers/state.js';

let stateDir: string;
let directory: string;

beforeEach(() => {
  stateDir = scratch();
  directory = jobDirectory(stateDir, JOB);
  mkdirSync(directory, { recursive: true });
});

const names = () =>
  readdirSync(directory)
    .filter((name) => name.startsWith('journal'))
    .sort();

function fill(name: string, bytes: number): void {
  writeFileSync(`${directory}/${name}`, `${'x'.repeat(bytes - 1)}\n`);
}

describe('rotateJournal', () => {
  it('leaves a short journal, and none', () => {
    rotateJournal(directory, runId(1), 100, 0);
    fill('journal.jsonl', 99);
    rotateJournal(directory, runId(1), 100, 0);
    expect(names()).toEqual(['journal.jsonl']);
  });

  it('moves a long one away, one place after the others', () => {
    for (const [n, expected] of [1, 2, 3].map((one) => [one, segmentName(one, runId(one))] as const)) {
      fill('journal.jsonl', 100);
      rotateJournal(directory, runId(n), 100, 0);
      expect(names()).toHaveLength(n);
      expect(names()).toContain(expected);
    }
  });

  it('first gives a place to what a rotation left that was killed', () => {
    fill(segmentName(4, runId(4)), 10);
    fill(segmentName(null, runId(5)), 10);
    fill('journal.jsonl', 100);
    rotateJournal(directory, runId(6), 100, 0);
    expect(names()).toEqual([segmentName(4, runId(4)), segmentName(5, runId(5)), segmentName(6, runId(6))]);
  });

  it.each([
    [0, 4],
    [1000, 4],
    [400, 4],
    [399, 3],
    [250, 2],
    [199, 1],
    [1, 1],
  ])('of four of 100 bytes, with a limit of %d, keeps the newest %d', (limit, kept) => {
    for (const n of [1, 2, 3]) fill(segmentName(n, runId(n)), 100);
    fill('journal.jsonl', 100);
    rotateJournal(directory, runId(4), 100, limit);
    expect(names()).toEqual([1, 2, 3, 4].slice(-kept).map((n) => segmentName(n, runId(n))));
  });

  it('keeps the newest that has a run that ended, and those after it', () => {
    for (const n of [1, 2, 3, 4]) {
      const lines = n < 3 ? [completed(n), skipped(n + 10, n)] : [skipped(n + 10, 2)];
      putJournal(stateDir, lines);
      rotateJournal(directory, runId(n), 0, 1);
    }
    expect(names()).toEqual([2, 3, 4].map((n) => segmentName(n, runId(n))));
    expect(readJobRuns(stateDir, JOB)?.last).toEqual(completed(2));
  });

  it('never takes the last run with it', () => {
    putJournal(stateDir, [completed(0), completed(1)]);
    rotateJournal(directory, runId(1), 1, 1);
    writeFileSync(`${directory}/${segmentName(2, runId(2))}`, ''); // a run is about to write into it
    putJournal(stateDir, []);
    rotateJournal(directory, runId(3), 0, 1);
    expect(readJobRuns(stateDir, JOB)?.last).toEqual(completed(1));
  });
});
