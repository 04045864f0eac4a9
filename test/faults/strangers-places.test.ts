// A record that was written elsewhere, or is read from elsewhere, is judged by nobody: unverifiable, and never interrupted.
import { writeFileSync } from 'node:fs';
import { it } from 'vitest';
import { BIN, Going, journalOf, poll, runningOf, scratch } from '../helpers/cronrun.js';
import { expectCaught, expectNoLies } from '../helpers/figures.js';
import { buildMutant } from '../helpers/mutants.js';
import { describeUnless, firstObstacle, needsLinux, needsRoot, needsUnshare } from '../helpers/needs.js';
import { HERE, Hearing, type Reader } from '../helpers/readers.js';
import { OUTSIDE, openSpace, Space } from '../helpers/spaces.js';
import { onlyStartRecord, startLine } from '../helpers/start-records.js';
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
  const before = runningOf(stateDir, 'job');
  const name = before.find((one) => one.endsWith('.jsonl')) ?? '';
  const { env, stderr } = runNext(stateDir, 'job');
  hearing.expect('the next run: unsure', env.CRONRUN_UNSURE, `cron:${name.replace('.jsonl', '')}`);
  hearing.expect('the next run: stderr', stderr, '');
  hearing.expect('the next run: running/', runningOf(stateDir, 'job'), before);
  hearing.expect('the next run: journal', journalOf(stateDir, 'job').length, 1);
}

/** Judged from within, from outside not; and what runs outside is not judged from within. */
async function bothWays(hearing: Hearing, space: Space, what: string, inside = JUDGED) {
  const stateDir = await follow(hearing, space, `${what}, written there`, [
    { reader: space.reader(hearing.built), stages: inside },
    { reader: { built: hearing.built, through: [] }, stages: NOT_JUDGED },
  ]);
  expectNotSettled(hearing, stateDir);
  await follow(hearing, OUTSIDE, `${what}, read there`, [
    { reader: space.reader(hearing.built), stages: NOT_JUDGED },
  ]);
}

/** The wrapper has the number of a stranger outside, which ignores TERM: the wrapper does not. */
async function stop(hearing: Hearing, space: Space): Promise<void> {
  const stateDir = scratch();
  const stranger = new Going('sh', ['-c', 'trap "" TERM; echo ready; exec sleep 1000']);
  await stranger.says('ready');
  const given = space.shell(START_AS, stranger.pid, stateDir, process.execPath, BIN);
  hearing.expect("the wrapper's number", Number(given), stranger.pid);
  await poll(() => runningOf(stateDir, 'job').some((name) => name.endsWith('.jsonl')), 'the start record');
  await poll(() => startLine(onlyStartRecord(stateDir, 'job'), 2), 'line 2 of the start record');
  space.shell('kill -TERM "$1"', stranger.pid);
  await poll(() => journalOf(stateDir, 'job').length === 1, 'the end of a run that was told to stop');
  hearing.ask('told to stop', stateDir, 'job', endedTruth('interrupted stopped', 143));
}

const START_AS = `
echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid
CRONRUN_STATE_DIR=$2 CRONRUN_NODE=$3 "$4" exec job -- sleep 1000 >/dev/null 2>&1 &
echo $!
`;

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

describeUnless(can(...NEW_PIDS), 'a pid namespace that sees the /proc of another', () => {
  it('is not judged from: every number there is a stranger', async ({ task }) => {
    const hearing = new Hearing();
    const without = await openSpace(['--pid'], ':', ['--pid']);
    await bothWays(hearing, without, 'unshare --pid', NOT_JUDGED);
    await stop(hearing, without);
    const holding = await openSpace(NEW_PIDS);
    const entered = new Space(holding.through.map((word) => (word === '--all' ? '--pid' : word)));
    await follow(hearing, holding, 'nsenter --pid', [
      { reader: holding.reader(), stages: JUDGED },
      { reader: entered.reader(), stages: NOT_JUDGED },
    ]);
    expectNoLies(task, 'the /proc of another pid namespace', hearing.points, hearing.lies);
  });
});

describeUnless(can('--mount'), 'no /proc', () => {
  it('is not judged without, nor what was written without', async ({ task }) => {
    const hearing = new Hearing();
    const blind = await openSpace(['--mount'], 'umount --lazy /proc');
    await bothWays(hearing, blind, 'no /proc', NOT_JUDGED);
    expectNoLies(task, 'no /proc', hearing.points, hearing.lies);
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
