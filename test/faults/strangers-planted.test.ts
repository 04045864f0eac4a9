import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { cronrun, type Result, runProgram, said, scratch } from '../helpers/cronrun.js';
import { expectNoLies, sample } from '../helpers/figures.js';
import { describeUnless, firstObstacle, needsLinux, needsRoot } from '../helpers/needs.js';
import { plantStartRecord } from '../helpers/start-records.js';

const { openRegistry } = createRequire(import.meta.url)(
  '../../dist/index.cjs',
) as typeof import('../../src/index.js');

// Who can write where root keeps its records plants links to write through, and records to believe. Root must leave
// all that as it is, run its jobs and say what is wrong.

const NOBODY = 65_534;

/** What root has, and what it must not reach from there. */
interface Stage {
  /** The state directory: it holds a run that failed with 5, one that was lost and one that nobody can judge. */
  readonly state: string;
  /** The directory above it. */
  readonly above: string;
  /** Outside, and nobody's business. */
  readonly victim: string;
  readonly unverifiable: string;
}

function stageIn(top: string, unverifiable: string): Stage {
  return { state: `${top}/srv/state`, above: `${top}/srv`, victim: `${top}/victim`, unverifiable };
}

/** The first of its kind, of which every plot gets a copy. */
function buildStage(): Stage {
  const stage = stageIn(realpathSync(scratch()), '');
  const { above, state, victim } = stage;
  for (const path of [above, state, victim]) mkdirSync(path, { mode: 0o755 });
  expect(cronrun(state, ['exec', 'job', '--', 'sh', '-c', 'exit 5']).status).toBe(5);
  plantStartRecord(state, 'job', { startedAt: '2026-11-21T01:30:00.000Z' });
  return {
    ...stage,
    unverifiable: plantStartRecord(state, 'job', { wrapper: { host_name: 'f00dcafe0000' } }),
  };
}

function copyOf({ above, unverifiable }: Stage): Stage {
  const top = realpathSync(scratch());
  runProgram('cp', ['-a', `${above}/..`, `${top}/copy`]);
  return stageIn(`${top}/copy`, unverifiable);
}

/** Everything below a directory, itself included: what nobody touched stays equal. */
function treeOf(path: string): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const name of ['', ...readdirSync(path, { recursive: true, encoding: 'utf8' })]) {
    const file = name === '' ? path : `${path}/${name}`;
    const stat = lstatSync(file);
    tree[name] = `${stat.mode.toString(8)} ${stat.uid} ${stat.ino} ${stat.mtimeMs}`;
    if (stat.isSymbolicLink()) tree[name] += ` ${readlinkSync(file)}`;
    if (stat.isFile()) tree[name] += ` ${readFileSync(file, 'latin1')}`;
  }
  return tree;
}

/** One thing that somebody else did, and what root should make of it. */
interface Plot {
  readonly title: string;
  readonly plant: (stage: Stage) => void;
  /** False where only a file is no good: the run is recorded as far as that goes. */
  readonly isRefused: boolean;
  /** Whether a person may still settle there. */
  readonly settles?: boolean;
}

const OWN = ['', '/jobs', '/jobs/job', '/jobs/job/running'];

/** What was there is where the link leads, so that whoever follows it finds everything and writes there. */
function replaceByLink(path: string, victim: string): void {
  renameSync(path, `${victim}/there`);
  symlinkSync(`${victim}/there`, path);
}

const DIRECTORIES: readonly Plot[] = OWN.flatMap((name) => [
  ...[0o770, 0o720, 0o702, 0o777, 0o1777, 0o2770].map((mode) => ({
    title: `state${name} has mode ${mode.toString(8)}`,
    plant: ({ state }: Stage) => chmodSync(`${state}${name}`, mode),
    isRefused: true,
  })),
  {
    title: `state${name} belongs to another user`,
    plant: ({ state }: Stage) => chownSync(`${state}${name}`, NOBODY, NOBODY),
    isRefused: true,
  },
  {
    title: `state${name} is a link of another user`,
    plant: ({ state, victim }: Stage) => {
      replaceByLink(`${state}${name}`, victim);
      lchownSync(`${state}${name}`, NOBODY, NOBODY);
    },
    isRefused: true,
  },
]);

const INSIDE: readonly Plot[] = OWN.slice(1).map((name) => ({
  title: `state${name} is a link, whoever made it`,
  plant: ({ state, victim }: Stage) => replaceByLink(`${state}${name}`, victim),
  isRefused: true,
}));

const ABOVE: readonly Plot[] = [
  {
    title: 'the directory above belongs to another user',
    plant: ({ above }) => chownSync(above, NOBODY, NOBODY),
    isRefused: true,
  },
  {
    title: 'the directory above is writable',
    plant: ({ above }) => chmodSync(above, 0o777),
    isRefused: true,
  },
  {
    title: 'the directory above is a link of another user',
    plant: ({ above, victim }) => {
      replaceByLink(above, victim);
      lchownSync(above, NOBODY, NOBODY);
    },
    isRefused: true,
  },
];

const FILES: readonly Plot[] = [
  {
    title: 'journal.jsonl is a link',
    plant: ({ state, victim }) => replaceByLink(`${state}/jobs/job/journal.jsonl`, victim),
    isRefused: false,
  },
  {
    title: 'journal.jsonl is a link to nowhere',
    plant: ({ state, victim }) => {
      rmSync(`${state}/jobs/job/journal.jsonl`);
      symlinkSync(`${victim}/new`, `${state}/jobs/job/journal.jsonl`);
    },
    isRefused: false,
  },
  {
    title: '.reserve is a link to nowhere',
    plant: ({ state, victim }) => {
      rmSync(`${state}/.reserve`, { force: true });
      symlinkSync(`${victim}/new`, `${state}/.reserve`);
    },
    isRefused: false,
    settles: true,
  },
  {
    title: 'a start record is a link',
    plant: ({ state, victim, unverifiable }) => {
      const other = unverifiable.replace(/^.{8}/, '01a20000');
      writeFileSync(`${victim}/record`, readFileSync(`${state}/jobs/job/running/${unverifiable}.jsonl`));
      symlinkSync(`${victim}/record`, `${state}/jobs/job/running/${other}.jsonl`);
    },
    isRefused: false,
    settles: true,
  },
];

type Act = (stage: Stage, isRefused: boolean) => string[];

function liesOf(result: Result, expected: { status: number; says: RegExp; ran: boolean }): string[] {
  const lies: string[] = [];
  if (result.status !== expected.status) lies.push(`exit status ${result.status}, not ${expected.status}`);
  if (!expected.says.test(said(result))) lies.push(`says ${JSON.stringify(said(result))}`);
  if (result.stdout.includes('it ran') !== expected.ran) lies.push(expected.ran ? 'did not run' : 'ran');
  return lies;
}

const COMMAND = ['job', '--', 'sh', '-c', 'echo it ran; exit 7'];

const ACTS: Readonly<Record<string, Act>> = {
  exec: ({ state }, isRefused) => {
    const says = isRefused ? /NOT RECORDED, running it all the same: \/.*; (?:chmod|chown|remove)/ : /(?:)/;
    return liesOf(cronrun(state, ['exec', ...COMMAND]), { status: 7, says, ran: true });
  },
  'exec --require-record': ({ state }, isRefused) => {
    const expected = isRefused
      ? {
          status: 125,
          says: /NOT STARTED: its start cannot be recorded \(\/.*; (?:chmod|chown|remove)/,
          ran: false,
        }
      : { status: 7, says: /(?:)/, ran: true };
    return liesOf(cronrun(state, ['exec', '--require-record', ...COMMAND]), expected);
  },
  'exec of a new job': ({ state }, isRefused) => {
    const inJob = COMMAND.map((word) => (word === 'job' ? 'new' : word));
    const result = cronrun(state, ['exec', ...inJob]);
    return isRefused ? liesOf(result, { status: 7, says: /(?:)/, ran: true }) : [];
  },
};

function answers(stateDir: string): string {
  const registry = openRegistry({ stateDir });
  return JSON.stringify([registry.status('job'), registry.runs('job')]);
}

/** Root acts where somebody plotted; nothing outside may change, nor, where root has to refuse, anything inside. */
function actIn(template: Stage, plot: Plot, name: string, act: Act): string[] {
  const stage = copyOf(template);
  plot.plant(stage);
  // In jobs/new nobody else can write, where only jobs/job is spoiled.
  const isRefused = plot.isRefused && !(name.includes('new') && plot.title.includes('/jobs/job'));
  const before = { outside: treeOf(stage.victim), inside: treeOf(stage.state), says: answers(stage.state) };
  const lies = act(stage, isRefused);
  expectSame('outside', treeOf(stage.victim), before.outside, lies);
  if (isRefused) {
    expectSame('inside', treeOf(stage.state), before.inside, lies);
    if (answers(stage.state) !== before.says) lies.push('readers say something else than before');
  }
  if (existsSync(`${stage.victim}/new`)) lies.push('a link to nowhere was followed');
  return lies.map((lie) => `${plot.title}, ${name}: ${lie}`);
}

function expectSame(
  what: string,
  now: Record<string, string>,
  before: Record<string, string>,
  lies: string[],
): void {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const changed = names.filter((name) => before[name] !== now[name]);
  if (changed.length > 0) lies.push(`changed ${what}: ${changed.map((name) => name || '.').join(' ')}`);
}

function settleIn(template: Stage, plot: Plot): string[] {
  const settle: Act = ({ state, unverifiable }) => {
    const { status, stdout } = cronrun(state, ['settle', unverifiable]);
    if (plot.settles) return status === 0 ? [] : [`exit status ${status}, not 0`];
    return status === 125 && stdout === '' ? [] : [`exit status ${status}, not 125: ${stdout}`];
  };
  return actIn(template, plot, 'settle', settle);
}

function sweep(plots: readonly Plot[]): { points: number; lies: string[] } {
  const template = buildStage();
  const lies: string[] = [];
  let points = 0;
  for (const plot of plots) {
    for (const [name, act] of Object.entries(ACTS)) {
      lies.push(...actIn(template, plot, name, act));
      points++;
    }
    lies.push(...settleIn(template, plot));
    points++;
  }
  return { points, lies };
}

describeUnless(firstObstacle(needsLinux, needsRoot), 'root, where somebody else can write', () => {
  it('records nothing in directories that are not its own alone', ({ task }) => {
    const { points, lies } = sweep([...sample(DIRECTORIES, 11), ...ABOVE]);
    expectNoLies(task, 'directories that others own or write', points, lies);
  });

  it('writes through no link that was planted', ({ task }) => {
    const { points, lies } = sweep([...INSIDE, ...FILES]);
    expectNoLies(task, 'planted links', points, lies);
  });
});
