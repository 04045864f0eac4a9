import { mkdirSync, readdirSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { resumeAfter } from '../../src/model/checkpoint.js';
import {
  type EndedRecord,
  encodeLine,
  idOf,
  type JournalMark,
  settledRecord,
} from '../../src/model/record.js';
import { jobDirectory, journalPath } from '../../src/state/directory.js';
import {
  hasGrown,
  lastCompletion,
  lastResume,
  latestCompletion,
  latestResume,
  runsFromEnd,
} from '../../src/state/journal.js';
import { completedInARow, findRuns, listRuns, readJobGist, readJobRuns } from '../../src/state/runs.js';
import { listSegments, readSegmentName, segmentName } from '../../src/state/segments.js';
import { surveyJob } from '../../src/state/survey.js';
import { scratch } from '../helpers/cronrun.js';
import { completed, failed, lost, runId } from '../helpers/records.js';
import { deadHere, inJournal, JOB, markNow, putJournal, putStart } from '../helpers/state.js';

let stateDir: string;
let directory: string;

beforeEach(() => {
  stateDir = scratch();
  directory = jobDirectory(stateDir, JOB);
  mkdirSync(directory, { recursive: true });
});

/** Moves the journal away as number `number`, or without one. */
function rotate(number: number | null, id = runId(900 + (number ?? 0))): void {
  renameSync(journalPath(stateDir, JOB), `${directory}/${segmentName(number, id)}`);
}

describe('names', () => {
  it('say the place and whose they are', () => {
    expect(segmentName(7, runId(1))).toBe(`journal-000007-${runId(1)}.jsonl`);
    for (const number of [null, 1, 999_999, 1_000_000]) {
      const name = segmentName(number, runId(1));
      expect(readSegmentName(name)).toEqual({ name, number, id: runId(1) });
    }
  });

  it.each([
    'journal.jsonl',
    'journal-7.jsonl',
    `journal-000007-${runId(1)}.jsonl.gz`,
    `.journal-000007-${runId(1)}.jsonl`,
  ])('%s is none', (name) => expect(readSegmentName(name)).toBeNull());

  it('are in the order of their numbers, with those behind that have none, by what is in them', () => {
    const put = (name: string, record: EndedRecord | null) =>
      writeFileSync(`${directory}/${name}`, record === null ? '' : `torn\n${encodeLine(record)}\n`);
    const names = [
      segmentName(2, runId(9)),
      segmentName(10, runId(8)),
      segmentName(1_000_000, runId(7)),
      segmentName(null, runId(6)),
      segmentName(null, runId(5)),
    ];
    for (const [i, name] of names.entries()) put(name, completed(i));
    put(segmentName(null, runId(4)), null);
    const [a, b, c, ...unnumbered] = names;
    expect(listSegments(directory).map(({ name }) => name)).toEqual([
      a,
      b,
      c,
      segmentName(null, runId(4)), // somebody has only just made it; or nobody knows
      ...unnumbered,
    ]);
  });
});

/** Of a completed run a list of jobs reads the whole record or less of it, as it comes. */
function gistOf(runs: ReturnType<typeof readJobGist>): unknown {
  if (runs?.last === undefined || runs.last === null) return runs;
  const { cron_job_id, status, reason, started_at, ended_at, completed_at, settled_at } = runs.last;
  return { ...runs, last: [cron_job_id, status, reason, started_at, ended_at, completed_at, settled_at] };
}

/** What every reader says of the job. */
function answers(): unknown {
  const lists = [1, 3, 100].flatMap((limit) =>
    ([null, 'failed', 'completed'] as const).map((status) => listRuns(stateDir, JOB, limit, status)),
  );
  const found = Array.from({ length: 30 }, (_, n) =>
    findRuns(stateDir, { hex: runId(n).replaceAll('-', ''), forced: true }),
  );
  return {
    runs: readJobRuns(stateDir, JOB),
    gist: gistOf(readJobGist(stateDir, JOB)),
    lists,
    found,
    streak: completedInARow(stateDir, JOB),
    completion: inJournal(stateDir, lastCompletion),
    resume: inJournal(stateDir, lastResume),
  };
}

interface Step {
  readonly kind: 'completed' | 'failed' | 'settled' | 'twice' | 'torn';
  /** For what is settled: how many steps before it began. */
  readonly back: number;
  /** Whether the journal is moved away behind it. */
  readonly cut: boolean;
}

/** Plays steps into a journal; `cutting`: moves it away where they say so. */
function play(steps: readonly Step[], cutting: boolean): void {
  const marks: JournalMark[] = [];
  let completedAt: string | null = null;
  let resume: string | null = null;
  let segments = 0;
  steps.forEach(({ kind, back, cut }, n) => {
    putJournal(stateDir, []);
    marks.push(markNow(stateDir));
    const before = Math.max(0, n - back);
    const mark = marks[before] ?? null;
    const past = { previous_checkpoint: resume, previous_completed_at: completedAt };
    const reached = { checkpoint: n % 3 === 0 ? `step ${n}` : null };
    const line = {
      completed: () => completed(n, past),
      failed: () => ({ ...failed(n, 7, past), ...reached }) as EndedRecord,
      settled: () => settledRecord(lost(n, past), '2026-11-22T03:00:00.000Z', mark as JournalMark),
      // A settler that stalled: it says once more what was said.
      twice: () => settledRecord(lost(before, past), '2026-11-22T04:00:00.000Z', mark as JournalMark),
      torn: () => '{"schema":1,"cron_\n',
    }[kind]();
    putJournal(stateDir, [line]);
    // As every writer does: each line carries what was so before it.
    if (typeof line !== 'string') {
      completedAt = line.completed_at ?? completedAt;
      resume = resumeAfter(line);
    }
    if (cut && cutting) rotate(++segments);
  });
}

const STEP = fc.record<Step>({
  kind: fc.constantFrom('completed', 'completed', 'failed', 'settled', 'twice', 'torn'),
  back: fc.nat(6),
  cut: fc.boolean(),
});

describe('a journal in pieces', () => {
  it('is read as if it were one', () => {
    fc.assert(
      fc.property(fc.array(STEP, { minLength: 1, maxLength: 30 }), (steps) => {
        const said = [false, true].map((cutting) => {
          stateDir = scratch();
          directory = jobDirectory(stateDir, JOB);
          play(steps, cutting);
          return JSON.stringify(answers(), (key, value: unknown) => (key === 'journal' ? null : value));
        });
        expect(said[1]).toBe(said[0]);
      }),
      { numRuns: 60 },
    );
  });

  it('of which the last piece was moved away only just', () => {
    putJournal(stateDir, [completed(1), failed(2)]);
    const mark = markNow(stateDir);
    rotate(null);
    expect(readJobRuns(stateDir, JOB)?.last).toEqual(failed(2));
    expect(markNow(stateDir)).toEqual(mark);
    expect(inJournal(stateDir, (journal) => hasGrown(journal, mark))).toBe(false);
  });

  it('has no older ones to look for where the journal has lines enough', () => {
    putJournal(stateDir, [completed(0)]);
    rotate(1);
    putJournal(
      stateDir,
      Array.from({ length: 12 }, (_, n) => completed(n + 1)),
    );
    mkdirSync(`${directory}/unreadable`);
    renameSync(`${directory}/unreadable`, `${directory}/${segmentName(2, runId(1))}`); // would fail
    expect(readJobGist(stateDir, JOB)?.recent).toHaveLength(12);
    expect(readJobRuns(stateDir, JOB)?.last).toEqual(completed(12));
    expect(() => listRuns(stateDir, JOB, 20)).toThrow(/cannot read/);
  });
});

/** Files that are made within one tick of the kernel's clock are told apart by their inodes alone. */
function waitForAnotherBirth(): void {
  const { birthtimeMs } = statSync(journalPath(stateDir, JOB));
  for (let i = 0; i < 10_000; i++) {
    writeFileSync(`${stateDir}/probe-${i}`, '');
    if (statSync(`${stateDir}/probe-${i}`).birthtimeMs > birthtimeMs + 1) return;
    unlinkSync(`${stateDir}/probe-${i}`);
  }
}

describe('what was appended since a run began', () => {
  it('is found in the pieces from then on', () => {
    putJournal(stateDir, [completed(0), failed(1)]);
    const mark = markNow(stateDir);
    putJournal(stateDir, [completed(2, { previous_checkpoint: 'x' })]);
    rotate(1);
    putJournal(stateDir, [failed(3, 7, { previous_checkpoint: 'y' })]);
    rotate(2);
    putJournal(stateDir, []);
    expect(inJournal(stateDir, (journal) => hasGrown(journal, mark))).toBe(true);
    expect(inJournal(stateDir, (journal) => latestCompletion(journal, mark, null))).toBe(
      completed(2).ended_at,
    );
    expect(inJournal(stateDir, (journal) => latestResume(journal, mark, null))).toBe('y');
  });

  it.each([1, 2, 3])('a run whose line is in piece %d is no lost one', (piece) => {
    putJournal(stateDir, [completed(0)]);
    putStart(stateDir, 5, { wrapper: deadHere(), journal: markNow(stateDir) });
    for (const number of [1, 2, 3]) {
      putJournal(stateDir, [number === piece ? completed(5) : failed(number)]);
      if (number < 3) rotate(number);
    }
    const survey = surveyJob(stateDir, JOB, ({ over, recorded }) => ({ over, recorded: recorded.length }));
    expect(survey).toEqual({ over: [], recorded: 1 });
  });

  it('where the journal of the start is gone all counts', () => {
    putJournal(stateDir, [completed(0)]);
    const mark = markNow(stateDir);
    waitForAnotherBirth();
    rotate(1);
    putJournal(stateDir, [completed(5)]);
    rotate(2);
    unlinkSync(`${directory}/${listSegments(directory)[0]?.name}`);
    putJournal(stateDir, [completed(6)]);
    putStart(stateDir, 5, { wrapper: deadHere(), journal: mark });
    expect(readJobRuns(stateDir, JOB)?.last).toEqual(completed(6));
    expect(listRuns(stateDir, JOB, 9)?.records.map(idOf)).toEqual([runId(6), runId(5)]);
  });
});

describe('a reader that has the journal open', () => {
  const order = () =>
    inJournal(stateDir, (journal) => {
      const files = [];
      for (let file: typeof journal | null = journal; file !== null; file = file.older())
        files.push(file.ino);
      return files;
    });

  it('leaves out what is begun after it, and misses nothing before', () => {
    putJournal(stateDir, [completed(0)]);
    rotate(1);
    putJournal(stateDir, [completed(1)]);
    const before = order();
    expect(before).toHaveLength(2);
    inJournal(stateDir, (journal) => {
      rotate(2);
      putJournal(stateDir, [completed(2)]);
      rotate(null);
      putJournal(stateDir, [completed(3)]);
      expect([journal.ino, journal.older()?.ino, journal.older()?.older()]).toEqual([...before, null]);
    });
    expect(order()).toHaveLength(4);
  });

  it('begins anew where the journal was moved away and written anew, and sees what stays', () => {
    putJournal(stateDir, [completed(0)]);
    rotate(1);
    putJournal(stateDir, [completed(1), completed(2)]);
    let looks = 0;
    const seen = inJournal(stateDir, (journal) => {
      looks++;
      if (looks === 1) {
        rotate(2);
        const path = `${directory}/${segmentName(2, runId(902))}`;
        writeFileSync(`${directory}/new`, `${encodeLine(completed(2))}\n`);
        renameSync(`${directory}/new`, path);
        putJournal(stateDir, [completed(3)]);
      }
      return [...runsFromEnd(journal, { count: 0 })];
    });
    expect(seen).toEqual([completed(3), completed(2), completed(0)]);
    expect(looks).toBe(2);
  });

  it('does not begin anew for ever', () => {
    putJournal(stateDir, [completed(0)]);
    rotate(1);
    putJournal(stateDir, [completed(1)]);
    let looks = 0;
    inJournal(stateDir, (journal) => {
      looks++;
      rmSync(journalPath(stateDir, JOB), { force: true });
      putJournal(stateDir, [completed(looks)]);
      return journal.older();
    });
    expect(looks).toBe(10);
  });

  it('finds a piece that gets its number meanwhile, and does without one that is removed', () => {
    for (const number of [1, 2]) {
      putJournal(stateDir, [completed(number)]);
      rotate(number);
    }
    putJournal(stateDir, [completed(3)]);
    rotate(null, runId(700));
    putJournal(stateDir, [completed(4)]);
    inJournal(stateDir, (journal) => {
      const first = journal.older(); // the list is read now
      expect(first).not.toBeNull();
      unlinkSync(`${directory}/${segmentName(2, runId(902))}`);
      renameSync(`${directory}/${segmentName(1, runId(901))}`, `${directory}/${segmentName(5, runId(901))}`);
      const ino = statSync(`${directory}/${segmentName(5, runId(901))}`).ino;
      expect(first?.older()?.ino).toBe(ino);
      expect(first?.older()?.older()).toBeNull();
    });
    expect(readdirSync(directory)).toHaveLength(3);
  });
});
