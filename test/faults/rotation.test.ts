import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { buildSync } from 'esbuild';
import { expect, it } from 'vitest';
import type { JobStatus, RunRecord } from '../../src/index.js';
import { afterwards, cronrun, fixture, runningOf } from '../helpers/cronrun.js';
import { expectCaught, expectNoLies, FULL } from '../helpers/figures.js';
import { type Built, buildMutant, REAL } from '../helpers/mutants.js';

/** So many runs end, all of one job. */
const RUNS = FULL ? 12_000 : 1500;

/** So many processes end them, and each of them rotates. */
const WRITERS = 3;

/** A journal is moved away when it has about a dozen lines: hundreds of times as often as in life. */
const ROTATE_AT = 8192;

/** A directory without a disk where there is one: thousands of syncs are not what is tested here. */
function quickScratch(): string {
  const directory = mkdtempSync(`${existsSync('/dev/shm') ? '/dev/shm' : tmpdir()}/cronrun-test-`);
  afterwards(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Starts the writers; what it returns says whether all have ended. A writer that finds a run cut short fails. */
function endRuns(stateDir: string, limit: number): () => boolean {
  const script = `${stateDir}/ends-runs.cjs`;
  buildSync({ entryPoints: [fixture('ends-runs.ts')], bundle: true, platform: 'node', outfile: script });
  const children = Array.from({ length: WRITERS }, (_, writer) => {
    const args = [stateDir, 'job', `${RUNS / WRITERS}`, `${writer}`, `${ROTATE_AT}`, `${limit}`];
    return spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  });
  afterwards(() => children.forEach((child) => void child.kill('SIGKILL')));
  return () => children.every(hasEnded);
}

function hasEnded(child: ChildProcess): boolean {
  if (child.signalCode !== null || (child.exitCode ?? 0) !== 0) throw new Error('a writer failed');
  return child.exitCode === 0;
}

function turn(): Promise<void> {
  return new Promise((next) => setImmediate(next));
}

const nameOf = ({ command }: RunRecord) => command.join(' ');

/** What a list of runs says that cannot be so. `seen`: the highest number of each writer whose run had ended. */
function liesInList(runs: readonly RunRecord[], seen: Map<string, number>, whole: boolean): string[] {
  const ended = runs.filter(({ status }) => status !== 'running');
  const lies = ended
    .filter(({ status }) => status !== 'completed')
    .map((run) => `${nameOf(run)} ${run.reason}`);
  const names = new Set(runs.map(nameOf));
  if (names.size < runs.length) lies.push(`${runs.length - names.size} runs are there twice`);
  for (const [writer, before] of whole ? seen : []) {
    for (let number = 0; number <= before; number++) {
      if (!names.has(`${writer} ${number}`)) lies.push(`${writer} ${number} had ended, and is gone`);
    }
  }
  for (const writer of new Set(runs.map(({ command }) => command[0]))) {
    const all = runs.filter(({ command }) => command[0] === writer).map(({ command }) => Number(command[1]));
    if (Math.max(...all) - Math.min(...all) >= all.length)
      lies.push(`of writer ${writer} there are only ${all}`);
  }
  for (const { command } of ended) {
    const [writer = '', number = ''] = command;
    seen.set(writer, Math.max(seen.get(writer) ?? -1, Number(number)));
  }
  return lies;
}

function liesInStatus(status: JobStatus | null, seen: ReadonlyMap<string, number>): string[] {
  if (status === null) return seen.size > 0 ? ['no run is on record any more'] : [];
  const lies = status.recent.some((word) => word !== 'completed' && word !== 'running')
    ? [`${status.recent}`]
    : [];
  // One may be half written at this moment.
  if (status.unreadable > 1) lies.push(`${status.unreadable} lines are no record`);
  if (status.last === null && seen.size > 0) lies.push('none has ended any more');
  return lies;
}

/** Asks all that a reader can be asked until the writers have ended. `whole`: nothing is ever removed. */
async function poll({ library }: Built, stateDir: string, limit: number, whole: boolean) {
  const over = endRuns(stateDir, limit);
  const registry = library.openRegistry({ stateDir });
  const seen = new Map<string, number>();
  const lies: string[] = [];
  let answers = 0;
  for (let going = true; going; answers++) {
    going = !over();
    const some = answers % 16 !== 0;
    lies.push(
      ...liesInList(registry.runs('job', { limit: some ? 24 : 2 * RUNS }), some ? new Map() : seen, whole),
    );
    lies.push(...liesInStatus(registry.status('job'), seen));
    await turn();
  }
  return { answers, lies };
}

/** How often each run stands in the files of the job. */
function linesOf(stateDir: string): Map<string, number> {
  const directory = `${stateDir}/jobs/job`;
  const counts = new Map<string, number>();
  for (const name of readdirSync(directory).filter((one) => one.endsWith('.jsonl'))) {
    for (const line of readFileSync(`${directory}/${name}`, 'utf8').split('\n').slice(0, -1)) {
      if (line.trim() === '') continue; // prune closed the file there, and a writer had it open
      const run = nameOf(JSON.parse(line) as RunRecord);
      counts.set(run, (counts.get(run) ?? 0) + 1);
    }
  }
  return counts;
}

it(`${RUNS} runs of one job, ${WRITERS} at once, each of which rotates, before a reader`, {
  timeout: 60_000 + RUNS * 50,
}, async ({ task }) => {
  const stateDir = quickScratch();
  const { answers, lies } = await poll(REAL, stateDir, 0, true);
  expectNoLies(task, 'answers while runs end and journals are moved away', answers, lies);

  const counts = linesOf(stateDir);
  const wrong = [...counts]
    .filter(([, count]) => count !== 1)
    .map(([run, count]) => `${run}: ${count} lines`);
  if (counts.size !== RUNS) wrong.push(`${RUNS - counts.size} runs are lost`);
  const listed = REAL.library.openRegistry({ stateDir }).runs('job', { limit: 2 * RUNS });
  if (REAL.library.openRegistry({ stateDir }).status('job')?.unreadable !== 0)
    wrong.push('not all can be read');
  if (listed.length !== RUNS) wrong.push(`${listed.length} runs are listed`);
  expectNoLies(task, 'runs whose journals were moved away', RUNS, wrong);
  expect(runningOf(stateDir, 'job')).toEqual([]);
  expect(readdirSync(`${stateDir}/jobs/job`).length).toBeGreaterThan(RUNS / 30);
});

it('the same while the oldest journals are removed', { timeout: 60_000 + RUNS * 50 }, async ({ task }) => {
  const { answers, lies } = await poll(REAL, quickScratch(), 4 * ROTATE_AT, false);
  expectNoLies(task, 'answers while journals are moved away and removed', answers, lies);
});

/** Runs whose lines a prune may not touch: it is told to keep as many, and more end while it works. */
const KEPT = 30;

it('runs of one job while somebody prunes it again and again', { timeout: 60_000 + RUNS * 50 }, async ({
  task,
}) => {
  const stateDir = quickScratch();
  const over = endRuns(stateDir, 0);
  const registry = REAL.library.openRegistry({ stateDir });
  const newest = new Map<string, number>();
  const lies: string[] = [];
  let prunes = 0;
  for (let going = true; going; prunes++) {
    going = !over();
    const isThere = registry.jobs().length > 0;
    const { status, stderr } = cronrun(stateDir, ['prune', '--keep-runs', `${KEPT}`, 'job']);
    if (status !== 0 && isThere) lies.push(`prune exits with ${status}: ${stderr}`);
    const seen = new Map<string, number>();
    lies.push(...liesInList(registry.runs('job', { limit: KEPT }), seen, false));
    for (const [writer, number] of seen) {
      if (number < (newest.get(writer) ?? 0))
        lies.push(`writer ${writer} was at ${newest.get(writer)}, now ${number}`);
      newest.set(writer, number);
    }
    await turn();
  }
  const left = registry.runs('job', { limit: 2 * RUNS });
  if (left.length < KEPT) lies.push(`only ${left.length} runs are left`);
  for (const writer of newest.keys()) {
    const last = `${writer} ${RUNS / WRITERS - 1}`;
    if (
      !left.some((run) => nameOf(run) === last) &&
      left.filter((run) => run.command[0] === writer).length > 0
    )
      lies.push(`${last} is lost`);
  }
  for (const [run, count] of linesOf(stateDir)) if (count > 1) lies.push(`${run}: ${count} lines`);
  expectNoLies(task, 'prunes while runs end and journals are moved away', prunes, lies);
});

it('the same before a reader that is held up', { timeout: 60_000 + RUNS * 50 }, async ({ task }) => {
  const slow = await buildMutant('a pause between the journal and what is older');
  const { answers, lies } = await poll(slow, quickScratch(), 0, true);
  expectNoLies(task, 'answers of a slow reader while journals are moved away', answers, lies);
});

it('a reader that lists what was moved away before it opens the journal is caught', {
  timeout: 60_000 + RUNS * 50,
}, async ({ task }) => {
  const mutant = await buildMutant('segments listed before the journal is opened');
  const { answers, lies } = await poll(mutant, quickScratch(), 0, true);
  expectCaught(task, 'segments listed before the journal is opened', answers, lies);
});
