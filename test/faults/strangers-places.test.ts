// A record that was written elsewhere, or is read from elsewhere, is judged by nobody: unverifiable, and never interrupted.
import { writeFileSync } from 'node:fs';
import { it } from 'vitest';
import { journalOf, runningOf, scratch } from '../helpers/cronrun.js';
import { expectCaught, expectNoLies } from '../helpers/figures.js';
import { buildMutant } from '../helpers/mutants.js';
import { describeUnless, firstObstacle, needsLinux, needsRoot, needsUnshare } from '../helpers/needs.js';
import { HERE, Hearing, type Reader } from '../helpers/readers.js';
import { OUTSIDE, openSpace, type Space } from '../helpers/spaces.js';
import { endedTruth, goingTruth, runNext, type Truth } from '../helpers/truth.js';

const RUNNING = goingTruth('running running', 194);
const ORPHANED = goingTruth('running orphaned', 196);
const UNVERIFIABLE = goingTruth('running unverifiable', 196);
const LOST = endedTruth('interrupted lost', 195);
const REBOOTED = endedTruth('interrupted rebooted', 195);

/** What readers say of a run that is watched, orphaned, and dead. */
type Stages = readonly [Truth, Truth, Truth];

const JUDGED: Stages = [RUNNING, ORPHANED, LOST];
const NOT_JUDGED: Stages = [UNVERIFIABLE, UNVERIFIABLE, UNVERIFIABLE];

interface Asked {
  readonly reader: Reader;
  readonly stages: Stages;
}

/** A run of `space` from its beginning until all of it is dead, each time with the answers of several readers. */
async function follow(
  hearing: Hearing,
  space: Space,
  what: string,
  asked: readonly Asked[],
): Promise<string> {
  const stateDir = scratch();
  const run = await space.exec(stateDir, 'job');
  const steps = [
    ['watched', () => undefined],
    ['orphaned', () => space.kill(run.wrapper)],
    ['dead', () => space.kill(run.child)],
  ] as const;
  for (const [stage, [name, step]] of steps.entries()) {
    step();
    for (const [index, { reader, stages }] of asked.entries()) {
      hearing.ask(`${what}, ${name}, reader ${index}`, stateDir, 'job', stages[stage] as Truth, reader);
    }
  }
  return stateDir;
}

/** The next run from elsewhere must not settle it, and is told of it. */
function expectNotSettled(hearing: Hearing, stateDir: string): void {
  const [name = ''] = runningOf(stateDir, 'job');
  const { env, stderr } = runNext(stateDir, 'job');
  hearing.expect('the next run: unsure', env.CRONRUN_UNSURE, `cron:${name.replace('.jsonl', '')}`);
  hearing.expect('the next run: stderr', stderr, '');
  hearing.expect('the next run: running/', runningOf(stateDir, 'job'), [name]);
  hearing.expect('the next run: journal', journalOf(stateDir, 'job').length, 1);
}

/** Judged from within, from outside not; and what runs outside is not judged from within. */
async function bothWays(hearing: Hearing, space: Space, what: string, outside: Stages = NOT_JUDGED) {
  const stateDir = await follow(hearing, space, `${what}, written there`, [
    { reader: space.reader(hearing.built), stages: JUDGED },
    { reader: { built: hearing.built, through: [] }, stages: outside },
  ]);
  if (outside === NOT_JUDGED) expectNotSettled(hearing, stateDir);
  await follow(hearing, OUTSIDE, `${what}, read there`, [
    { reader: space.reader(hearing.built), stages: outside },
  ]);
}

const can = (...flags: string[]) =>
  firstObstacle(needsLinux, needsRoot, () => needsUnshare('--fork', ...flags));

const NEW_PIDS = ['--pid', '--mount-proc'];

describeUnless(can(...NEW_PIDS), 'another pid namespace', () => {
  it('is not judged', async ({ task }) => {
    const hearing = new Hearing();
    await bothWays(hearing, await openSpace(NEW_PIDS), 'pid namespace');
    expectNoLies(task, 'another pid namespace', hearing.points, hearing.lies);
  });

  it('MUTANT: namespaces not compared', async ({ task }) => {
    const hearing = new Hearing({ ...HERE, built: await buildMutant('namespaces not compared') });
    await bothWays(hearing, await openSpace(NEW_PIDS), 'pid namespace');
    expectCaught(task, 'namespaces not compared', hearing.points, hearing.lies);
  });
});

const TIME = ['--time', '--boottime', '100000', '--monotonic', '100000'];

describeUnless(can(...TIME), 'another time namespace', () => {
  it('is not judged: the same process starts at another time there', async ({ task }) => {
    const hearing = new Hearing();
    await bothWays(hearing, await openSpace(TIME), 'time namespace');
    expectNoLies(task, 'another time namespace', hearing.points, hearing.lies);
  });
});

const HOST = ['--uts', '--mount'];

describeUnless(can(...HOST), 'another host, another boot', () => {
  /** Puts words in the place of a file, for whoever looks from in there. */
  const instead = (path: string, words: string) => {
    const file = `${scratch()}/instead`;
    writeFileSync(file, words);
    return `mount --bind ${file} ${path}`;
  };
  const BOOT_ID = '/proc/sys/kernel/random/boot_id';
  const ANOTHER = '6d9a2f3e-0000-4000-8000-000000000000\n';

  it('is not judged; another boot of this host is over', async ({ task }) => {
    const hearing = new Hearing();
    const name = await openSpace(HOST, 'hostname another-name');
    await bothWays(hearing, name, 'host name');
    const machine = await openSpace(HOST, instead('/etc/machine-id', '0123456789abcdef0123456789abcdef\n'));
    await bothWays(hearing, machine, 'machine id');
    const clone = await openSpace(HOST, `hostname clone && ${instead(BOOT_ID, ANOTHER)}`);
    await follow(hearing, OUTSIDE, 'another boot of another host', [
      { reader: clone.reader(), stages: NOT_JUDGED },
    ]);
    const boot = await openSpace(HOST, instead(BOOT_ID, ANOTHER));
    const over: Stages = [REBOOTED, REBOOTED, REBOOTED];
    await follow(hearing, OUTSIDE, 'another boot', [{ reader: boot.reader(), stages: over }]);
    const none = await openSpace(HOST, instead(BOOT_ID, ''));
    await follow(hearing, OUTSIDE, 'no boot id', [{ reader: none.reader(), stages: NOT_JUDGED }]);
    expectNoLies(task, 'another host name, machine id, boot id', hearing.points, hearing.lies);
  });
});
