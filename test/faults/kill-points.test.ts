import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { inBatches } from '../helpers/batches.js';
import {
  afterwards,
  BIN,
  cronEnvironment,
  cronrun,
  journalOf,
  poll,
  runningOf,
  scratch,
} from '../helpers/cronrun.js';
import { describeUnless, needsStrace } from '../helpers/needs.js';
import { processesOf } from '../helpers/processes.js';
import { plantStartRecord, runningPath } from '../helpers/start-records.js';
import { runNext } from '../helpers/truth.js';

const { openRegistry } = createRequire(import.meta.url)(
  '../../dist/index.cjs',
) as typeof import('../../src/index.js');

/** One system call of the wrapper, at which it is killed. */
interface Point {
  readonly call: string;
  /** The how many-th by this name since the wrapper was started; for writes, of those to the journal. */
  readonly nth: number;
  /** What it touches, below the state directory. */
  readonly where: string;
  /** Whether the command has ended by then. */
  readonly ended: boolean;
}

/** A place for one wrapper and its command: the state directory, and files by which they and the test talk. */
interface Stage {
  readonly stateDir: string;
  /** The command writes its run's id here. */
  readonly began: string;
  /** The command ends, with 3, once this is there. */
  readonly go: string;
  readonly trace: string;
}

function stageIn(directory: string, template: string | null): Stage {
  mkdirSync(directory);
  const stateDir = `${directory}/state`;
  if (template !== null) cpSync(template, stateDir, { recursive: true, preserveTimestamps: true });
  return { stateDir, began: `${directory}/began`, go: `${directory}/go`, trace: `${directory}/trace` };
}

const COMMAND = 'echo "$CRONRUN_ID" >"$1"; until [ -e "$2" ]; do sleep 0.01; done; exit 3';

/** Runs the wrapper, not its command, under strace until it has ended. */
async function runTraced({ stateDir, began, go, trace }: Stage, filter: readonly string[]): Promise<void> {
  const command = ['exec', 'job', '--', 'sh', '-c', COMMAND, 'sh', began, go];
  const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
  const strace = spawn('strace', ['-y', '-o', trace, ...filter, BIN, ...command], { env, stdio: 'ignore' });
  afterwards(() => void strace.kill('SIGKILL'));
  const ended = () => strace.exitCode !== null || strace.signalCode !== null;
  try {
    await poll(ended, 'the end of the wrapper', 10_000);
  } catch {
    writeFileSync(go, ''); // it did not come where it was to be killed, and waits
    await poll(ended, 'the end of the wrapper');
  }
}

const JOURNAL = '/jobs/job/journal.jsonl';

/**
 * All calls that touch the state directory, and the one that makes the child, in their order. How often node itself
 * writes differs from time to time, so of the writes only those are counted that the journal gets; the one that fills
 * the start record has the calls before and behind it as neighbours.
 */
async function pointsOf(stage: Stage): Promise<Point[]> {
  writeFileSync(stage.go, '');
  await runTraced(stage, []);
  const counts = new Map<string, number>();
  const points: Point[] = [];
  let ended = false;
  for (const text of readFileSync(stage.trace, 'utf8').split('\n')) {
    if (/^wait\w+\(.*\) = \d/.test(text)) ended = true; // SIGCHLD itself may go to another thread
    const call = /^(\w+)\(/.exec(text)?.[1];
    const where = placeOf(text, stage);
    if (call === undefined || call === 'execve' || (call === 'write' && where !== JOURNAL)) continue;
    const nth = (counts.get(call) ?? 0) + 1;
    counts.set(call, nth);
    if (where !== '' || makesChild(text)) points.push({ call, nth, where, ended });
  }
  return points;
}

/** The last path in a line of a trace that lies below the state directory, ids left out; empty where there is none. */
function placeOf(text: string, { stateDir }: Stage): string {
  const paths = text.match(/(?<=[<"])\/[^>"]*(?=[>"])/g) ?? [];
  const path = paths.findLast((one) => one.startsWith(stateDir));
  if (path === undefined) return '';
  return path.slice(stateDir.length).replace(/[0-9a-f-]{36}/, 'UUID') || '/';
}

function makesChild(text: string): boolean {
  return /^(clone3?|v?fork)\(/.test(text) && !text.includes('CLONE_THREAD');
}

/** What became of a run whose wrapper was killed, when nothing of it is left. */
interface Outcome {
  readonly point: Point;
  /** It was killed where it was meant to be. */
  readonly hit: boolean;
  /** The journal has its end. */
  readonly recorded: boolean;
}

/** The verdict holds wherever it was killed; it is tried again where node made other calls than usual before. */
async function killAt(point: Point, directory: string, template: string | null): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await killOnce(point, stageIn(`${directory}-${attempt}`, template));
    if (outcome.hit || attempt === 3) return outcome;
  }
}

async function killOnce(point: Point, stage: Stage): Promise<Outcome> {
  const { stateDir, began, go } = stage;
  const { call, nth } = point;
  if (point.ended) writeFileSync(go, '');
  const only = call === 'write' ? ['-P', `${stateDir}${JOURNAL}`] : [];
  await runTraced(stage, [...only, '-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${nth}`]);

  // A child that was made goes on, and says so.
  await poll(() => existsSync(began) || processesOf(stateDir).length === 0, 'the command');
  if (processesOf(stateDir).length > 0 && !existsSync(go)) expectOrphaned(stage);
  writeFileSync(go, '');
  await poll(() => processesOf(stateDir).length === 0, 'the end of the command');
  const recorded = expectVerdict(stage);
  expectSettledByNext(stage);
  return { point, hit: wasHit(point, stage), recorded };
}

function wasHit({ call, where }: Point, stage: Stage): boolean {
  const lines = readFileSync(stage.trace, 'utf8').trimEnd().split('\n');
  const last = lines.findLast((line) => line.startsWith(`${call}(`)) ?? '';
  return lines.at(-1) === '+++ killed by SIGKILL +++' && placeOf(last, stage) === where;
}

function idOfBegun({ began }: Stage): string | null {
  return existsSync(began) ? readFileSync(began, 'utf8').trim() : null;
}

/** The command runs, so its run is on record, and goes on without its wrapper. */
function expectOrphaned(stage: Stage): void {
  const status = openRegistry(stage).status('job');
  expect(status?.newest).toMatchObject({
    cron_job_id: idOfBegun(stage),
    status: 'running',
    reason: 'orphaned',
  });
}

/** Whatever began is on record; its end is known if the journal has it, and else nobody saw it. */
function expectVerdict(stage: Stage): boolean {
  const newest = openRegistry(stage).status('job')?.newest ?? null;
  const id = idOfBegun(stage);
  if (id !== null) expect(newest?.cron_job_id).toBe(id);
  const recorded = journalOf(stage.stateDir, 'job').some((line) => line.cron_job_id === id);
  if (recorded) {
    expect(newest).toMatchObject({ status: 'failed', reason: 'exited', exit_code: 3 });
  } else if (newest !== null && !EARLIER.includes(newest.started_at)) {
    expect(newest).toMatchObject({ status: 'interrupted', reason: 'lost', ended_at: null });
  }
  return recorded;
}

/** When the runs of the template began. */
const EARLIER: string[] = [];

/** The next run is told the truth, and leaves each run once in the journal and nothing else. */
function expectSettledByNext({ stateDir }: Stage): void {
  const registry = openRegistry({ stateDir });
  const before = registry.runs('job');
  const inJournal = journalOf(stateDir, 'job').map((line) => line.cron_job_id);
  const unsaid = before.some((run) => run.ended_at === null && !inJournal.includes(run.cron_job_id));
  ageTemporaryFiles(stateDir);

  const next = runNext(stateDir, 'job');
  expect(next).toMatchObject({ status: 0, env: { CRONRUN_LAST_ID: before[0]?.cron_job_id ?? '' } });
  expect(next.stderr !== '').toBe(unsaid);
  const ids = journalOf(stateDir, 'job').map((line) => line.cron_job_id);
  const expected = [...before.map((run) => run.cron_job_id), next.env.CRONRUN_ID];
  expect(new Set(ids)).toEqual(new Set(expected));
  expect(ids).toHaveLength(expected.length);
  expect(runningOf(stateDir, 'job')).toEqual([]);
}

/** They are kept for an hour, in case their writer is only slow. */
function ageTemporaryFiles(stateDir: string): void {
  for (const name of runningOf(stateDir, 'job').filter((one) => one.endsWith('.tmp'))) {
    utimesSync(`${runningPath(stateDir, 'job')}/${name}`, 1, 1);
  }
}

/** Kills a wrapper at every point of a run that begins as the template says; null: where nothing is yet. */
async function sweep(template: string | null, wanted: (point: Point) => boolean): Promise<Outcome[]> {
  const directory = scratch();
  const points = (await pointsOf(stageIn(`${directory}/reference`, template))).filter(wanted);
  return inBatches(points, 2, (point) => killAt(point, `${directory}/${points.indexOf(point)}`, template));
}

/** A sweep that is worth its name: it hit what it aimed at, and the end stays on record from one point on. */
function expectSwept(outcomes: readonly Outcome[], atLeast: number): void {
  expect(outcomes.length).toBeGreaterThan(atLeast);
  expect(outcomes.filter(({ hit }) => !hit).map(({ point }) => point)).toEqual([]);
  expect(outcomes.filter(({ recorded, point }) => recorded && !point.ended)).toEqual([]);
  const recorded = outcomes.map((outcome) => outcome.recorded);
  const first = recorded.indexOf(true);
  expect(first).toBeGreaterThan(0);
  expect(recorded.slice(first)).not.toContain(false);
}

describeUnless(needsStrace(), 'a wrapper killed', () => {
  it('at every call that touches the state directory, in a run that settles another', {
    timeout: 180_000,
  }, async () => {
    const template = `${scratch()}/template`;
    cronrun(template, ['exec', 'job', '--', 'true']);
    const boot_id = '6d9a2f3e-0000-4000-8000-000000000000';
    plantStartRecord(template, 'job', { wrapper: { boot_id } });
    EARLIER.push(
      ...openRegistry({ stateDir: template })
        .runs('job')
        .map((run) => run.started_at),
    );
    expectSwept(await sweep(template, () => true), 40);
  });

  it('at every call that changes something, in the first run of all', { timeout: 180_000 }, async () => {
    const changes = /^(mkdir|chmod|fchmod|open|write|pwrite|f?d?a?t?a?sync|rename|unlink|clone)/;
    expectSwept(await sweep(null, ({ call }) => changes.test(call)), 15);
  });
});
