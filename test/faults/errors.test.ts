import { appendFileSync, statSync } from 'node:fs';
import { it, type RunnerTestCase } from 'vitest';
import { inBatches } from '../helpers/batches.js';
import { cronrun, scratch } from '../helpers/cronrun.js';
import {
  deadDiskFrom,
  ERRORS,
  type Fault,
  injectionAt,
  isHit,
  type Point,
  pointsOf,
} from '../helpers/error-points.js';
import { meetErrors, referenceOf, type Scenario } from '../helpers/error-sweep.js';
import { expectCaught, expectNoLies, FULL, sample } from '../helpers/figures.js';
import type { FileCall, Injection } from '../helpers/injected.js';
import { type Built, buildMutant, REAL } from '../helpers/mutants.js';
import { describeUnless, firstObstacle, needsProgram, needsStrace } from '../helpers/needs.js';
import { endOf, journalFile, plantStartRecord } from '../helpers/start-records.js';

function afterRuns(): string {
  const stateDir = `${scratch()}/template`;
  cronrun(stateDir, ['exec', 'job', '--', 'true']);
  cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 5']);
  return stateDir;
}

const OTHER_BOOT = { boot_id: '6d9a2f3e-0000-4000-8000-000000000000' };

/** One run that nobody saw end, and one whose end is in its start record. */
function afterDeaths(): string {
  const stateDir = afterRuns();
  plantStartRecord(stateDir, 'job', { wrapper: OTHER_BOOT });
  const startedAt = '2026-11-19T01:30:00.000Z';
  const end = endOf(startedAt, 1000, { status: 'failed', reason: 'exited', exit_code: 3 });
  plantStartRecord(stateDir, 'job', { wrapper: OTHER_BOOT, startedAt, end });
  return stateDir;
}

const SCENARIOS: readonly [title: string, template: () => string | null][] = [
  ['the first run of all', () => null],
  ['a second run', afterRuns],
  ['a run that settles others', afterDeaths],
];

/** What is done to a run, and how to say it. */
interface Aim {
  readonly point: Point;
  readonly words: string;
  readonly inject: (stateDir: string, calls: readonly FileCall[]) => Injection | null;
}

/** Every error, and short counts where something is written; see write(2). */
function faultsAt({ name }: Point): Fault[] {
  const errors = ERRORS.map((error) => `error=${error}`);
  const whats = /^p?write/.test(name) ? [...errors, 'retval=0', 'retval=100'] : errors;
  const lasting = ['error=EIO', ...whats.filter((what) => what.startsWith('retval'))];
  return [
    ...whats.map((what) => ({ what, lasts: 'once' as const })),
    ...lasting.map((what) => ({ what, lasts: 'from then on' as const })),
  ];
}

/** A sample has one of them at every point, each in turn. */
function aimsAt(point: Point, index: number): Aim[] {
  const all = faultsAt(point).map((fault) => ({
    point,
    words: `${fault.what} ${fault.lasts}`,
    inject: (stateDir: string, calls: readonly FileCall[]) => injectionAt(point, fault, stateDir, calls),
  }));
  const dead = { point, words: 'the disk is dead', inject: () => deadDiskFrom(point) };
  if (FULL) return [...all, dead];
  return [all[index % (all.length + 1)] ?? dead];
}

/** So many points of each run are tried where not all are. */
const MOST = 18;

interface Swept {
  readonly points: number;
  readonly lies: string[];
}

async function sweep(built: Built, scenario: Scenario, wanted: (point: Point) => boolean): Promise<Swept> {
  const directory = scratch();
  const { calls, always } = await referenceOf(built, scenario, `${directory}/reference`);
  const points = pointsOf(calls).filter(wanted);
  const aims = sample(points, MOST).flatMap(aimsAt);
  let tried = 0;
  const lies = await inBatches(aims, 2, async (aim) => {
    for (let attempt = 1; ; attempt++) {
      const place = `${directory}/${aims.indexOf(aim)}-${attempt}`;
      const injection = aim.inject(`${place}/state`, calls);
      if (injection === null) return [];
      const faults = [...always, ...injection.faults];
      const outcome = await meetErrors(built, scenario, place, { ...injection, faults });
      const hit = isHit(aim.point, outcome.calls);
      if (!hit && attempt < TRIES) continue;
      tried++;
      const { name, nth, where } = aim.point;
      const found = hit ? outcome.lies : ['the call that was meant did not come'];
      return found.map((lie) => `${aim.words}, ${name} ${nth} ${where}: ${lie}`);
    }
  });
  return { points: tried, lies: lies.flat() };
}

/** Node does not always make the same calls. */
const TRIES = 3;

const START_RECORD_BYTES = 12_288;

const noLimits = firstObstacle(needsStrace, () => needsProgram('prlimit'));

describeUnless(needsStrace(), 'errors', () => {
  for (const [title, template] of SCENARIOS) {
    it(title, async ({ task }) => {
      const scenario = { title, template: template(), requireRecord: false };
      const { points, lies } = await sweep(REAL, scenario, () => true);
      expectNoLies(task, `error at a file call, ${title}`, points, lies);
    });

    it(`${title}, --require-record`, async ({ task }) => {
      const scenario = { title, template: template(), requireRecord: true };
      // What follows the start of the command is the same with a record that was required.
      const { points, lies } = await sweep(REAL, scenario, ({ afterStart }) => !afterStart);
      expectNoLies(task, `error at a file call, ${title}, --require-record`, points, lies);
    });
  }

  it('a run whose output is kept', async ({ task }) => {
    const title = 'a run whose output is kept';
    const scenario = { title, template: afterRuns(), requireRecord: false, keepsOutput: true };
    const { points, lies } = await sweep(REAL, scenario, () => true);
    expectNoLies(task, `error at a file call, ${title}`, points, lies);
  });

  it('where the journal cannot be opened any more', async ({ task }) => {
    const title = 'a journal that cannot be opened';
    const scenario = { title, template: afterRuns(), requireRecord: false, always: noJournalAtTheEnd };
    const { points, lies } = await sweep(
      REAL,
      scenario,
      ({ afterStart, name }) => afterStart && name !== 'openat',
    );
    expectNoLies(task, `error at a file call, ${title}`, points, lies);
  });
});

describeUnless(noLimits, 'writes that are cut short', () => {
  it('where no file may grow beyond a size', async ({ task }) => {
    const template = afterRuns();
    const journal = journalFile(template, 'job');
    appendFileSync(journal, '\n'.repeat(2 * START_RECORD_BYTES));
    const { size } = statSync(journal);
    const limits = [
      0,
      1,
      500,
      4095,
      4096,
      8192,
      START_RECORD_BYTES - 1,
      START_RECORD_BYTES,
      size,
      size + 1,
      size + 100,
      size + 500,
    ];
    const lies = await Promise.all([sweepLimits(null, limits), sweepLimits(template, limits)]);
    expectNoLies(task, 'a write cut short', 2 * limits.length, lies.flat());
  });
});

/** Writes beyond the limit are cut at it, as on a disk that is full; see setrlimit(2), RLIMIT_FSIZE. */
async function sweepLimits(template: string | null, limits: readonly number[]): Promise<string[]> {
  const directory = scratch();
  const scenario = { title: 'a limit', template, requireRecord: false };
  const lies = await inBatches(limits, 1, async (limit) => {
    const injection = { faults: [], only: null, under: ['prlimit', `--fsize=${limit}:${limit}`] };
    const outcome = await meetErrors(REAL, scenario, `${directory}/${limit}`, injection);
    return outcome.lies.map(
      (lie) => `no more than ${limit} bytes, ${template === null ? 'first' : 'second'} run: ${lie}`,
    );
  });
  return lies.flat();
}

describeUnless(needsStrace(), 'the harness', () => {
  it('catches a journal that is not synced before the start record goes', async ({ task }) => {
    const mutant = await buildMutant('unlink before sync');
    await expectErrorsCaught(task, 'unlink before sync', mutant);
  });

  it('catches a command that is started before its record is durable', async ({ task }) => {
    const mutant = await buildMutant('spawn before the record is durable');
    await expectErrorsCaught(task, 'spawn before the record is durable', mutant);
  });
});

async function expectErrorsCaught(
  task: Readonly<RunnerTestCase>,
  name: string,
  mutant: Built,
): Promise<void> {
  const scenario = { title: name, template: afterRuns(), requireRecord: false };
  const { points, lies } = await sweep(mutant, scenario, (point) => point.name.endsWith('sync'));
  expectCaught(task, `${name}, by errors`, points, lies);
}

/** From the moment on when the line is to be appended. */
function noJournalAtTheEnd(calls: readonly FileCall[]): string[] {
  const open = calls.find(
    ({ name, args }) => name === 'openat' && args.includes('journal.jsonl') && args.includes('O_APPEND'),
  );
  return [`openat:error=EIO:when=${open?.nth}+`];
}
