import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { outputKeeper } from '../src/commands/exec-output.js';
import { exitStatusOf } from '../src/model/exit-status.js';
import { type EndedRecord, encodeLine, endedRecord } from '../src/model/record.js';
import type { Plan } from '../src/run/plan.js';
import { supervise } from '../src/run/supervise.js';
import { rotateJournal } from '../src/state/rotate.js';
import {
  build,
  cutPower,
  type Findings,
  type Killed,
  killedMoments,
  lookAfterKill,
  type Made,
  stepOf,
  type Truth,
  truthAfter,
} from './helpers/crash.js';
import { Disk, type Tearings } from './helpers/disk-model.js';
import { type Fault, newFileId, type Op, trace } from './helpers/fs-trace.js';
import { beginning, COMPLETED, endOf, runId } from './helpers/records.js';
import { JOB } from './helpers/state.js';

// Runs are made by the real code, and every call that changes the disk is written down. Then, for each moment of
// such a run, every state is built in which a power cut or a SIGKILL may leave the disk, and the real readers are
// asked. The order of the steps stands nowhere but in the code: change it there, and it is the new one that is tried.

vi.mock('node:fs', async (original) => {
  const { tracedFs } = await import('./helpers/fs-trace.js');
  return tracedFs(await original<typeof import('node:fs')>());
});

vi.mock('../src/platform/bare-spawn.js', async (original) => {
  const { tracedSpawn } = await import('./helpers/fs-trace.js');
  return tracedSpawn(await original<typeof import('../src/platform/bare-spawn.js')>());
});

// The commands of these runs are over and waited for; whoever else runs here is not asked whether he is one of them.
vi.mock('../src/platform/identity.js', async (original) => {
  const { onlySleepers } = await import('./helpers/sleepers.js');
  return onlySleepers(await original<typeof import('../src/platform/identity.js')>());
});

// Nobody writes while the readers look, so they need not wait for a line that is torn.
vi.mock('../src/platform/clock.js', async (original) => ({
  ...(await original<typeof import('../src/platform/clock.js')>()),
  pauseMs: () => undefined,
}));

const JOB_DIRECTORY = `state/jobs/${JOB}`;
const JOURNAL = `${JOB_DIRECTORY}/journal.jsonl`;
const RUNNING = `${JOB_DIRECTORY}/running`;

/** The run that is on record before anything begins, where there is one. */
const EARLIER = endedRecord(
  beginning(1, { started_at: '2020-02-20T02:20:00.000Z' }),
  endOf(1, COMPLETED, '2020-02-20T02:21:00.000Z'),
  4711,
);
const EARLIER_TRUTH: Truth = { id: runId(1), end: EARLIER, started: true, ended: true, returned: true };

const EARLIER_JOURNAL = newFileId();

function emptyDisk(tearings?: Tearings): Disk {
  return new Disk(tearings);
}

function usedDisk(tearings?: Tearings): Disk {
  const disk = new Disk(tearings);
  for (const path of ['state', 'state/jobs', JOB_DIRECTORY, RUNNING]) disk.apply({ kind: 'mkdir', path });
  const file = EARLIER_JOURNAL;
  disk.apply({ kind: 'create', path: JOURNAL, file });
  disk.apply({ kind: 'write', path: JOURNAL, file, at: 0, bytes: Buffer.from(`${encodeLine(EARLIER)}\n`) });
  disk.settleDown();
  return disk;
}

const isEnd = (op: Op) => op.kind === 'write' && op.path.startsWith(RUNNING) && op.at >= 4096;
const isLine = (op: Op) => op.kind === 'write' && op.path === JOURNAL;
const isLineSync = (op: Op) => op.kind === 'sync' && op.path === JOURNAL;

/** What fails in a run; made anew for each, because it may fail once only. */
type Faults = () => Fault;

const noFault: Faults = () => () => null;
const journalIsFull: Faults = () => (op) => (isLine(op) ? 'ENOSPC' : null);
const noFileTakesTheEnd: Faults = () => (op) => (isLine(op) || isEnd(op) ? 'ENOSPC' : null);
/** As on Linux: who asks a second time is told that all is well. */
const journalDoesNotSync: Faults = () => {
  let told = false;
  return (op) => {
    if (told || !isLineSync(op)) return null;
    told = true;
    return 'EIO';
  };
};

interface Scenario {
  readonly name: string;
  readonly disk: (tearings?: Tearings) => Disk;
  readonly command: readonly string[];
  readonly faults: Faults;
  /** 'few' where what cannot be synced again multiplies the states. */
  readonly tearings?: Tearings;
  /** What exec exits with. */
  readonly status: number;
  /** Its output is kept, and cut. */
  readonly keepsOutput?: boolean;
}

const succeed = { command: ['true'], status: 0 };
const fail = { command: ['sh', '-c', 'exit 3'], status: 3 };

const SCENARIOS: Scenario[] = [
  { name: 'the first run ever', disk: emptyDisk, ...succeed, faults: noFault },
  { name: 'a later run', disk: usedDisk, ...fail, faults: noFault },
  { name: 'no such command', disk: usedDisk, command: ['/nonexistent'], status: 127, faults: noFault },
  {
    name: 'a run whose output is kept',
    disk: usedDisk,
    command: ['seq', '1', '100'],
    status: 0,
    faults: noFault,
    keepsOutput: true,
  },
  { name: 'the journal is full', disk: usedDisk, ...succeed, faults: journalIsFull },
  {
    name: 'the journal does not sync',
    disk: usedDisk,
    ...succeed,
    faults: journalDoesNotSync,
    tearings: 'few',
  },
  { name: 'no file takes the end', disk: usedDisk, ...fail, faults: noFileTakesTheEnd },
];

let workshop: string;
const made = new Map<string, Made>();

beforeAll(async () => {
  workshop = mkdtempSync(`${tmpdir()}/cronrun-crash-states-`);
  for (const { name, disk, command, faults, keepsOutput } of SCENARIOS) {
    const before = disk();
    const root = build(workshop, before.current());
    made.set(name, await makeRun(root, before, command, faults(), keepsOutput));
  }
}, 60_000);

afterAll(() => rmSync(workshop, { recursive: true, force: true }));

/** Lets the real code make a run below `root`, whose files are those of `disk`. */
async function makeRun(
  root: string,
  disk: Disk,
  command: readonly string[],
  fault: Fault,
  keepsOutput = false,
): Promise<Made> {
  const records: EndedRecord[] = [];
  const act = async () => {
    const { record } = await supervise(planOf(root, command, keepsOutput), () => undefined);
    records.push(record);
  };
  const ops = await trace(root, disk.files(), act, fault);
  const [record] = records;
  if (record === undefined) throw new Error('the run did not end');
  return { ops, record };
}

function planOf(root: string, command: readonly string[], keepsOutput: boolean): Plan {
  return {
    job: JOB,
    command,
    env: { PATH: '/usr/bin:/bin' },
    launch: { ignored: [], softFiles: null },
    stateDir: `${root}/state`,
    timeoutMs: null,
    timeoutSource: null,
    timeoutSignal: 'SIGTERM',
    killAfterMs: 10_000,
    successCodes: [],
    requireRecord: false,
    requireCheckpoint: null,
    recordCommand: 'all',
    journalLimit: 0,
    keeper: keepsOutput ? outputKeeper({ outputLimit: 64, keepOutput: 1 }, SPEAKER) : null,
    reporter: null,
    schedule: null,
    exclusiveState: false,
    cwd: '/',
    user: 'root',
  };
}

const SPEAKER = { job: JOB, program: 'seq', now: Date.now };

function runOf({ name }: Pick<Scenario, 'name'>): Made {
  const run = made.get(name);
  if (run === undefined) throw new Error(`no run of ${name} was made`);
  return run;
}

function scenario(name: string): Scenario {
  const found = SCENARIOS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

/** What was true before a run began. */
function truthsBefore({ disk }: Scenario): Truth[] {
  return disk === usedDisk ? [EARLIER_TRUTH] : [];
}

describe('the steps of a run', () => {
  it.each(SCENARIOS)('$name ends as it should, and exec exits with $status', (one) => {
    expect(exitStatusOf(runOf(one).record)).toBe(one.status);
  });

  it('are these, from the second run of a job on: two files are synced, and one directory', () => {
    expect(runOf(scenario('a later run')).ops.map(stepOf)).toEqual([
      'create running/.ID.tmp',
      'write running/.ID.tmp',
      'rename running/.ID.tmp',
      'sync running/ID.jsonl',
      'sync-directory running',
      'create running/ID.checkpoint',
      'spawn',
      'write running/ID.jsonl',
      'exit',
      'write journal.jsonl',
      'sync journal.jsonl',
      'unlink running/ID.jsonl',
      'unlink running/ID.checkpoint',
      'return',
    ]);
  });

  it('whose output is kept: the log is made behind the start record, and synced before the journal speaks of it', () => {
    const steps = runOf(scenario('a run whose output is kept')).ops.map(stepOf);
    expect(steps.filter((step) => !step.startsWith('write output/'))).toEqual([
      'create running/.ID.tmp',
      'write running/.ID.tmp',
      'rename running/.ID.tmp',
      'sync running/ID.jsonl',
      'sync-directory running',
      'create running/ID.checkpoint',
      'mkdir output',
      `sync-directory ${JOB_DIRECTORY}`,
      'create output/ID.log',
      'spawn',
      'write running/ID.jsonl',
      'exit',
      'sync output/ID.log',
      'sync-directory output',
      'write journal.jsonl',
      'sync journal.jsonl',
      'unlink running/ID.jsonl',
      'unlink running/ID.checkpoint',
      'create output/.ID.tmp',
      'sync output/.ID.tmp',
      'rename output/.ID.tmp',
      'sync-directory output',
      'return',
    ]);
  });
});

describe('a power cut', () => {
  it.each(SCENARIOS)('at any moment is told truly: $name', (one) => {
    const run = runOf(one);
    const truths = (steps: number) => [...truthsBefore(one), truthAfter(run, steps)];
    const { states, wrong } = cutPower(workshop, one.disk(one.tearings), run.ops, truths);
    expect([...wrong]).toEqual([]);
    expect(states).toBeGreaterThan(20);
  });
});

describe('a SIGKILL', () => {
  it.each(SCENARIOS)('at any moment is told truly: $name', (one) => {
    const run = runOf(one);
    for (const killed of killedMoments(run.ops)) {
      const truths = [...truthsBefore(one), truthAfter(run, killed.steps)];
      expect([...lookAfterKill(workshop, one.disk(), killed, truths).wrong]).toEqual([]);
    }
  });
});

describe('a power cut in the run after one that was killed', () => {
  // Where the disk fails as well, the moments count at which the wrapper had been able to say so.
  it.each([
    ['the first run ever', 0],
    ['a later run', 0],
    ['the journal does not sync', -2],
  ])('is told truly: %s', async (name, from) => {
    const wrong: string[] = [];
    for (const killed of killedMoments(runOf(scenario(name)).ops).slice(from)) {
      const findings = await cutPowerAfterKill(scenario(name), killed);
      for (const what of findings.wrong) wrong.push(`killed after ${stepOf(killed.ops.at(-1))}: ${what}`);
    }
    expect(wrong).toEqual([]);
  });

  /** The next run finds what a killed one left, settles it and runs to its end; the power may fail at any moment. */
  async function cutPowerAfterKill(one: Scenario, killed: Killed): Promise<Findings> {
    const left = () => {
      const disk = one.disk('few');
      for (const op of killed.ops) disk.apply(op);
      return disk;
    };
    const next = await makeRun(build(workshop, left().current()), left(), ['true'], noFault());
    const before = [...truthsBefore(one), truthAfter(runOf(one), killed.steps)];
    return cutPower(workshop, left(), next.ops, (steps) => [...before, truthAfter(next, steps)], false);
  }
});

describe('another order of the steps would be found out', () => {
  const is = (kind: Op['kind'], path: string) => (op: Op) =>
    op.kind === kind && 'path' in op && op.path.startsWith(path);

  /** Does the step that `which` picks right before the first one that `before` picks. */
  function moved(ops: readonly Op[], which: (op: Op) => boolean, before: (op: Op) => boolean): Op[] {
    const rest = ops.filter((op) => !which(op));
    const at = rest.findIndex(before);
    expect(at).toBeGreaterThan(0);
    return [...rest.slice(0, at), ...ops.filter(which), ...rest.slice(at)];
  }

  it.each<[string, string, (ops: readonly Op[]) => Op[], RegExp]>([
    [
      'unlinked before the journal is synced',
      'a later run',
      (ops) => moved(ops, is('unlink', RUNNING), is('sync', JOURNAL)),
      /a command that ran is not on record/,
    ],
    [
      'started before the start record is synced',
      'a later run',
      (ops) => moved(ops, (op) => op.kind === 'spawn', is('sync', RUNNING)),
      /a command that ran is not on record/,
    ],
    [
      'started before the name of the start record is synced',
      'a later run',
      (ops) => moved(ops, (op) => op.kind === 'spawn', is('sync-directory', RUNNING)),
      /a command that ran is not on record/,
    ],
    [
      'the directory of start records never synced',
      'a later run',
      (ops) => ops.filter((op) => !is('sync-directory', RUNNING)(op)),
      /a command that ran is not on record/,
    ],
    [
      'the directory of the job never synced',
      'the first run ever',
      (ops) => ops.filter((op) => !(op.kind === 'sync-directory' && op.path === JOB_DIRECTORY)),
      /is not on record/,
    ],
    [
      'the journal never synced',
      'a later run',
      (ops) => ops.filter((op) => !is('sync', JOURNAL)(op)),
      /a run whose exec returned is not on record/,
    ],
    [
      'the journal written before the end is known',
      'the first run ever',
      (ops) =>
        moved(
          ops,
          (op) => 'path' in op && op.path === JOURNAL,
          (op) => op.kind === 'exit',
        ),
      /completed, and it had not ended/,
    ],
    [
      'the end in the start record never synced',
      'the journal is full',
      (ops) => [...ops.slice(0, -2), ...ops.slice(-1)],
      /nobody knows how a run ended whose exec returned/,
    ],
    [
      'the new name of the start record never synced',
      'no file takes the end',
      (ops) => [...ops.slice(0, -2), ...ops.slice(-1)],
      /nobody knows how a run ended whose exec returned/,
    ],
  ])('%s', (_what, name, mutate, expected) => {
    const one = scenario(name);
    const run = { ...runOf(one), ops: mutate(runOf(one).ops) };
    expect(run.ops).not.toEqual(runOf(one).ops);
    const truths = (steps: number) => [...truthsBefore(one), truthAfter(run, steps)];
    const { wrong } = cutPower(workshop, one.disk('few'), run.ops, truths, false);
    expect([...wrong].join('\n')).toMatch(expected);
  });
});

describe('a journal that is moved away', () => {
  it('is there whole after a power cut at any moment, under one name or the other', async () => {
    const root = build(workshop, usedDisk().current());
    const rotate = async () => rotateJournal(`${root}/${JOB_DIRECTORY}`, runId(9), 1, 0);
    const ops = await trace(root, usedDisk().files(), rotate, () => null);
    expect(ops.map(stepOf)).toEqual([
      'rename journal.jsonl',
      `sync-directory ${JOB_DIRECTORY}`,
      'rename journal-new-ID.jsonl',
      `sync-directory ${JOB_DIRECTORY}`,
      'return',
    ]);
    const { wrong, states } = cutPower(workshop, usedDisk(), ops, () => [EARLIER_TRUTH]);
    expect([...wrong]).toEqual([]);
    expect(states).toBeGreaterThan(2);
  });
});
