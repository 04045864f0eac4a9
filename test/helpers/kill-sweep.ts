import { writeFileSync } from 'node:fs';
import { build, type Plugin } from 'esbuild';
import { cronEnvironment, fixture, Going, scratch } from './cronrun.js';
import { sample } from './figures.js';
import type { Outcome, Point } from './kill-points.js';
import type { ScenarioName } from './kill-stage.js';
import type { Built } from './mutants.js';

export type { Outcome } from './kill-points.js';

/** How many wrappers are killed at the same time: most of a run is waiting. */
const SWEEPERS = 4;

/**
 * Kills wrappers at every call from the first that touches the state directory on, and at some of those before. Where not
 * all can be tried it is many of those that touch it, and of those while the command lives, and a few of the others.
 */
export function sweep(built: Built, scenario: ScenarioName): Promise<Outcome[]> {
  return sweepAmong(built, scenario, (all) => {
    const later = all.filter(({ before }) => !before);
    const isOfRecords = ({ where }: Point) => where !== '' && !where.startsWith('/proc/');
    const [born, gone] = [BIRTH, DEATH].map((call) => later.findIndex(({ key }) => call.test(key)));
    const alive = later
      .slice(born, gone)
      .filter((point) => !isOfRecords(point) && !OF_MEMORY.test(point.key));
    const touching = later.filter(isOfRecords);
    const others = later.filter((point) => !isOfRecords(point) && !alive.includes(point));
    const some = [
      ...sample(touching, MOST_TOUCHING),
      ...sample(alive, MOST_ALIVE),
      ...sample(others, MOST_OTHERS),
    ];
    return [...few(all.filter(({ before }) => before)), ...some];
  });
}

/** How the command comes into being, and how the wrapper learns that it is gone; a key begins with a number. */
const BIRTH = /^\d+ (clone3?|v?fork) /;
const DEATH = /^\d+ wait4 /;
const OF_MEMORY = /^\d+ (mmap|munmap|mprotect|madvise|brk|futex) /;

const MOST_TOUCHING = 25;
const MOST_ALIVE = 12;
const MOST_OTHERS = 8;

/** The same at those calls only that touch the journal: where a mutant that is quick to catch does its harm. */
export function sweepJournal(built: Built, scenario: ScenarioName): Promise<Outcome[]> {
  return sweepAmong(built, scenario, (all) => all.filter(({ where }) => where.endsWith('/journal.jsonl')));
}

async function sweepAmong(
  built: Built,
  scenario: ScenarioName,
  choose: (all: readonly Point[]) => readonly Point[],
): Promise<Outcome[]> {
  const directory = scratch();
  const program = await bundleSweeper(directory);
  const run = (name: string, ...args: string[]) =>
    runAlone(program, [built.bin, scenario, `${directory}/${name}`, ...args]);

  const all = (await run('points')) as Point[];
  const wanted = choose(all);
  const kill = (i: number) => {
    const share = wanted.filter((_, j) => j % SWEEPERS === i);
    writeFileSync(`${directory}/share-${i}`, JSON.stringify({ wanted: share, all }));
    return run(`sweeper-${i}`, `${directory}/share-${i}`) as Promise<Outcome[]>;
  };
  const outcomes = await Promise.all(Array.from({ length: SWEEPERS }, (_, i) => kill(i)));
  return outcomes.flat().sort((a, b) => a.point.index - b.point.index);
}

/** Before it touches anything a wrapper is only a node that starts. */
const FEW = 4;

function few(points: readonly Point[]): Point[] {
  const step = Math.ceil(points.length / FEW);
  return points.filter((_, index) => index % step === 0);
}

/**
 * In a pid namespace of its own, where a look through /proc finds the same every time, whatever else this machine does.
 * The shell is its first process, which waits for orphans; with it all of them end.
 */
async function runAlone(program: string, args: readonly string[]): Promise<unknown> {
  const namespace = ['--pid', '--fork', '--mount-proc', '--kill-child'];
  const shell = ['sh', '-c', '"$@"; exit $?', 'sh', process.execPath, program];
  const env = cronEnvironment();
  const { status, stdout, stderr } = await new Going('unshare', [...namespace, ...shell, ...args], { env })
    .ended;
  if (status !== 0) throw new Error(`the sweep ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

async function bundleSweeper(directory: string): Promise<string> {
  const outfile = `${directory}/sweeper.mjs`;
  await build({
    entryPoints: [fixture('kill-sweeper.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    plugins: [withoutVitest],
  });
  return outfile;
}

/** Helpers tidy up after each test; what is started in a namespace of its own ends with it. */
const withoutVitest: Plugin = {
  name: 'without vitest',
  setup: (plugin) => {
    plugin.onResolve({ filter: /^vitest$/ }, ({ path }) => ({ path, namespace: 'none' }));
    plugin.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'exports.afterEach = () => {};' }));
  },
};
