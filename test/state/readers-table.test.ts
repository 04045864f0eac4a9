import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Identity, ProcessId } from '../../src/model/liveness.js';
import type { RunRecord } from '../../src/model/record.js';
import { formatRunId } from '../../src/model/run-id.js';
import { listRuns, readJobGist, readJobRuns } from '../../src/state/runs.js';
import { startSleeper } from '../helpers/children.js';
import { scratch } from '../helpers/cronrun.js';
import { COMPLETED, completed, ELSEWHERE, endOf, failed, failedWith, runId } from '../helpers/records.js';
import {
  aliveHere,
  deadChild,
  deadHere,
  JOB,
  otherBoot,
  putJournal,
  putRunning,
  putStart,
  startBytes,
} from '../helpers/state.js';

// The readers' table against real files and real processes: every cell of line × start record × wrapper × child.

vi.mock('../../src/platform/identity.js', async (original) => {
  const { onlySleepers } = await import('../helpers/sleepers.js');
  return onlySleepers(await original<typeof import('../../src/platform/identity.js')>());
});

/** What the whole of a table's row comes down to. */
type Word = 'none' | 'completed' | 'failed' | 'running' | 'orphaned' | 'unverifiable' | 'lost' | 'rebooted';

type Wrapper = 'alive' | 'dead' | 'other-boot' | 'elsewhere';
type Child = 'alive' | 'dead' | 'unwritten-alive' | 'unwritten-dead';

const WRAPPERS: Record<Wrapper, () => Identity> = {
  alive: aliveHere,
  dead: deadHere,
  'other-boot': otherBoot,
  elsewhere: () => ELSEWHERE,
};

const CHILDREN: Child[] = ['alive', 'dead', 'unwritten-alive', 'unwritten-dead'];

/** The verdict where the start record is whole and nothing else speaks. */
const WHOLE: Record<Wrapper, Record<Child, Word>> = {
  alive: { alive: 'running', dead: 'running', 'unwritten-alive': 'running', 'unwritten-dead': 'running' },
  dead: { alive: 'orphaned', dead: 'lost', 'unwritten-alive': 'orphaned', 'unwritten-dead': 'lost' },
  'other-boot': {
    alive: 'rebooted',
    dead: 'rebooted',
    'unwritten-alive': 'rebooted',
    'unwritten-dead': 'rebooted',
  },
  elsewhere: {
    alive: 'unverifiable',
    dead: 'unverifiable',
    'unwritten-alive': 'unverifiable',
    'unwritten-dead': 'unverifiable',
  },
};

const cells = (Object.keys(WRAPPERS) as Wrapper[]).flatMap((wrapper) =>
  CHILDREN.map((child) => ({ wrapper, child })),
);

let stateDir: string;
let sleeper: ProcessId;

beforeEach(() => {
  stateDir = scratch();
  sleeper = startSleeper({ CRONRUN_ID: formatRunId(runId(1)) }).identity;
});

/** What every reader says of run 1. They must agree. */
function word(): Word {
  const listed = listRuns(stateDir, JOB, 10)?.records ?? [];
  const runs = readJobRuns(stateDir, JOB);
  expect(runs ?? {}, 'what ls shows is what is').toMatchObject(readJobGist(stateDir, JOB) ?? {});
  const seen = [...(runs?.going.map((run) => run.record) ?? []), ...(runs?.last ? [runs.last] : [])];
  expect(seen).toEqual(listed);
  expect(listed.length).toBeLessThanOrEqual(1);
  return wordOf(listed[0]);
}

function wordOf(record: RunRecord | undefined): Word {
  if (record === undefined) return 'none';
  const speaks = record.status === 'running' || record.status === 'interrupted';
  return (speaks ? record.reason : record.status) as Word;
}

/** The child of a row: written down or not, alive or not. One whose id nobody carries is dead. */
function childOf(child: Child): { written?: ProcessId; run: number } {
  if (child === 'alive') return { written: sleeper, run: 1 };
  if (child === 'dead') return { written: deadChild(), run: 1 };
  return { run: child === 'unwritten-alive' ? 1 : 2 };
}

function partsOf({ wrapper, child }: (typeof cells)[number]) {
  const { written, run } = childOf(child);
  return { run, parts: { wrapper: WRAPPERS[wrapper](), ...(written && { child: written }) } };
}

describe('a whole start record and nothing else', () => {
  it.each(cells)('wrapper $wrapper, child $child', (cell) => {
    const { run, parts } = partsOf(cell);
    putStart(stateDir, run, parts);
    expect(word()).toBe(WHOLE[cell.wrapper][cell.child]);
  });
});

describe('a journal line says what it says, whatever stands in running/', () => {
  it.each(cells)('wrapper $wrapper, child $child', (cell) => {
    const { run, parts } = partsOf(cell);
    putJournal(stateDir, [failed(run)]);
    putStart(stateDir, run, parts);
    expect(word()).toBe('failed');
  });

  it.each(cells)('also where the start record has an end of its own: $wrapper, $child', (cell) => {
    const { run, parts } = partsOf(cell);
    putJournal(stateDir, [failed(run)]);
    putStart(stateDir, run, { ...parts, end: endOf(run, COMPLETED) });
    expect(word()).toBe('failed');
  });

  it('also where the start record is torn, or gone', () => {
    putJournal(stateDir, [completed(1)]);
    expect(word()).toBe('completed');
    putRunning(stateDir, `${runId(1)}.jsonl`, '{"schema":1');
    expect(word()).toBe('completed');
  });
});

describe('an end in the start record is the end, whoever lives', () => {
  it.each(cells)('in its third line: wrapper $wrapper, child $child', (cell) => {
    const { run, parts } = partsOf(cell);
    putStart(stateDir, run, { ...parts, end: endOf(run, failedWith(3)) });
    expect(word()).toBe('failed');
  });

  it.each(cells)('in its name: wrapper $wrapper, child $child', (cell) => {
    const { run, parts } = partsOf(cell);
    putStart(stateDir, run, { ...parts, end: endOf(run, COMPLETED), endInName: true });
    expect(word()).toBe('completed');
  });
});

describe('no run where line 1 is not whole: nothing was started', () => {
  it.each([
    ['empty', ''],
    ['NUL', '\0'.repeat(4096)],
    ['torn', startBytes(1).subarray(0, 200)],
    ['blank', ' '.repeat(4096)],
  ])('%s', (_what, content) => {
    putRunning(stateDir, `${runId(1)}.jsonl`, content);
    expect(word()).toBe('none');
  });
});

describe('a torn line in the journal leaves the verdict to the start record', () => {
  it.each(cells)('wrapper $wrapper, child $child', (cell) => {
    const { run, parts } = partsOf(cell);
    putJournal(stateDir, [JSON.stringify(completed(run)).slice(0, -2)]);
    putStart(stateDir, run, parts);
    expect(word()).toBe(WHOLE[cell.wrapper][cell.child]);
  });
});
