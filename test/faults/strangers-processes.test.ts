// Whoever has the number of a process that is gone, is half dead or cannot be seen must neither pass for the run nor
// hide it.
import { chmodSync, chownSync, copyFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { it } from 'vitest';
import { processId } from '../../src/platform/identity.js';
import { BIN, fixture, Going, journalOf, poll, runningOf, scratch } from '../helpers/cronrun.js';
import { mountDisk, needsDisk } from '../helpers/disk.js';
import { expectCaught, expectNoLies, FULL, sample } from '../helpers/figures.js';
import { GIVE_AGAIN, GIVE_TO_DAEMON, KINDS_OF_STRANGERS, STRANGERS } from '../helpers/given-again.js';
import { buildMutant, REAL } from '../helpers/mutants.js';
import {
  asAnotherUser,
  describeUnless,
  firstObstacle,
  needsLinux,
  needsProgram,
  needsReachableBin,
  needsRoot,
  needsUnshare,
} from '../helpers/needs.js';
import { stateOf } from '../helpers/processes.js';
import { Hearing, type Reader } from '../helpers/readers.js';
import { OUTSIDE, openSpace, Space } from '../helpers/spaces.js';
import { plantStartRecord, startLine } from '../helpers/start-records.js';
import { endedTruth, goingTruth, type Truth } from '../helpers/truth.js';

const RUNNING = goingTruth('running running', 194);
const ORPHANED = goingTruth('running orphaned', 196);
const UNVERIFIABLE = goingTruth('running unverifiable', 196);
const LOST = endedTruth('interrupted lost', 195);

const NEW_PIDS = ['--pid', '--mount-proc'];
const noNewPids = firstObstacle(needsLinux, needsRoot, () => needsUnshare('--fork', ...NEW_PIDS));

class GivenAgain {
  readonly #space: Space;
  readonly #hearing: Hearing;

  constructor(space: Space, hearing: Hearing) {
    this.#space = space;
    this.#hearing = hearing;
  }

  /** A stranger gets the number of somebody dead; where the kernel must not give it, somebody has another one. */
  give(path: string, who: 'wrapper' | 'child', stranger: string, given = true): void {
    const { wrapper } = startLine(path, 1) as { wrapper: { pid: number; start_ticks: number } };
    const old = who === 'wrapper' ? wrapper : (startLine(path, 2) as typeof wrapper);
    const pid = Number(this.#space.shell(GIVE_AGAIN, old.pid, old.start_ticks, stranger));
    this.#hearing.expect(`${who}'s number given to who ${stranger}`, pid === old.pid, given);
  }

  /** The wrapper's number, with the command alive and dead. */
  async wrapper(): Promise<void> {
    const stateDir = scratch();
    const run = await this.#space.exec(stateDir, 'job');
    this.#space.kill(run.wrapper);
    this.give(run.path, 'wrapper', STRANGERS['leads nothing']);
    this.#hearing.ask("a stranger is the wrapper's number, the child lives", stateDir, 'job', ORPHANED);
    this.#space.kill(run.child);
    this.#hearing.ask("a stranger is the wrapper's number, the child is dead", stateDir, 'job', LOST);
  }

  async child(kind: keyof typeof STRANGERS): Promise<void> {
    const stateDir = scratch();
    const run = await this.#space.exec(stateDir, 'job');
    this.#space.kill(run.wrapper, run.child);
    this.give(run.path, 'child', STRANGERS[kind]);
    this.#hearing.ask(`a stranger that ${kind} is the child's number`, stateDir, 'job', LOST);
  }

  /** A daemon's session has the child's number, and no leader: that may be what the run left, and may be a stranger. */
  async daemon(): Promise<void> {
    const stateDir = scratch();
    const run = await this.#space.exec(stateDir, 'job');
    this.#space.kill(run.wrapper, run.child);
    const [daemon, session] = this.#space.shell(GIVE_TO_DAEMON, run.child).split(' ').map(Number);
    this.#hearing.expect("the session of a daemon is the child's number", session, run.child);
    this.#hearing.ask("a daemon's session is the child's number", stateDir, 'job', UNVERIFIABLE);
    this.#space.kill(daemon ?? 0);
    this.#hearing.ask('that daemon is gone', stateDir, 'job', LOST);
  }

  /** Who is left of a run has its id, or is not told from a stranger. */
  async leftWithout(command: string, truth: Truth): Promise<void> {
    const stateDir = scratch();
    const run = await this.#space.exec(stateDir, 'job', ['sh', '-c', `${command} & wait`]);
    await poll(() => this.#space.shell('pgrep -x sleep -s "$1" || :', run.child), 'the grandchild');
    this.#space.kill(run.wrapper);
    this.#hearing.ask(`${command}, with its leader`, stateDir, 'job', ORPHANED);
    this.#space.kill(run.child);
    this.#hearing.ask(`${command}, left without its leader`, stateDir, 'job', truth);
  }

  /** The kernel gives nobody a number that is still a group's: whoever is in that group is of the run. */
  async groupThatLives(): Promise<void> {
    const stateDir = scratch();
    const run = await this.#space.exec(stateDir, 'job', ['sh', '-c', 'sleep 1000 & wait']);
    this.#space.kill(run.wrapper, run.child);
    this.give(run.path, 'child', STRANGERS['leads nothing'], false);
    this.#hearing.ask('a grandchild holds the number', stateDir, 'job', ORPHANED);
  }

  /** The next run of the job has the number of the wrapper before, which it settles. */
  async nextRun(): Promise<void> {
    const stateDir = scratch();
    const run = await this.#space.exec(stateDir, 'job');
    this.#space.kill(run.wrapper, run.child);
    const next = `CRONRUN_STATE_DIR=${stateDir} CRONRUN_NODE=${process.execPath} ${BIN} exec job -- sleep 1000`;
    this.give(run.path, 'wrapper', next);
    await poll(() => journalOf(stateDir, 'job').length === 1, 'the line of the run before');
    await poll(() => runningOf(stateDir, 'job').some(isStartRecord), 'the start record');
    const truth = { ...goingTruth('running running', 194, 'interrupted lost'), lastExit: 195 };
    this.#hearing.ask("the next wrapper has the wrapper's number", stateDir, 'job', truth);
  }
}

function isStartRecord(name: string): boolean {
  return name.endsWith('.jsonl');
}

describeUnless(
  firstObstacle(
    () => noNewPids,
    () => needsProgram('python3'),
  ),
  'numbers that are given out again',
  () => {
    it('are not the wrapper, nor the child, nor its group', async ({ task }) => {
      const space = await openSpace(NEW_PIDS);
      const hearing = new Hearing(space.reader());
      const again = new GivenAgain(space, hearing);
      for (let round = 0; round < (FULL ? 3 : 1); round++) {
        await again.wrapper();
        for (const kind of sample(KINDS_OF_STRANGERS, 2)) await again.child(kind);
        await again.daemon();
        await again.leftWithout('sleep 1000', ORPHANED);
        await again.leftWithout('env -i sleep 1000', UNVERIFIABLE);
        await again.groupThatLives();
        await again.nextRun();
      }
      expectNoLies(
        task,
        'stranger with the pid of the wrapper, child or group',
        hearing.points,
        hearing.lies,
      );
    });

    it('MUTANT: start times not compared', async ({ task }) => {
      const space = await openSpace(NEW_PIDS);
      const hearing = new Hearing(space.reader(await buildMutant('start times not compared')));
      await new GivenAgain(space, hearing).wrapper();
      expectCaught(task, 'start times not compared', hearing.points, hearing.lies);
    });

    it('MUTANT: a session without its leader is believed', async ({ task }) => {
      const space = await openSpace(NEW_PIDS);
      const hearing = new Hearing(
        space.reader(await buildMutant('a session without its leader is believed')),
      );
      await new GivenAgain(space, hearing).daemon();
      expectCaught(task, 'a session without its leader is believed', hearing.points, hearing.lies);
    });
  },
);

const HALF_DEAD = ['python3', fixture('half-dead.py')];

/** Leader gone, thread alive: first as a wrapper, then as the child of a run whose wrapper was killed. */
async function halfDead(hearing: Hearing): Promise<void> {
  const stateDir = scratch();
  const wrapper = new Going(HALF_DEAD[0] ?? '', HALF_DEAD.slice(1));
  const pid = await wrapper.ready();
  plantStartRecord(stateDir, 'planted', { wrapper: processId(pid) });
  hearing.expect('its state', stateOf(pid), 'Z');
  hearing.ask('a wrapper whose leader is gone', stateDir, 'planted', RUNNING);
  wrapper.child.kill('SIGKILL');
  await wrapper.exited;
  hearing.ask('that wrapper, dead', stateDir, 'planted', LOST);

  const run = await OUTSIDE.exec(stateDir, 'job', HALF_DEAD);
  await run.going.ready();
  hearing.expect('its state', stateOf(run.child), 'Z');
  hearing.ask('a child whose leader is gone', stateDir, 'job', RUNNING);
  OUTSIDE.kill(run.wrapper);
  hearing.ask('that child without its wrapper', stateDir, 'job', ORPHANED);
  process.kill(run.child, 'SIGKILL');
  await poll(() => !hasThreads(run.child), 'the end of the last thread');
  hearing.ask('that child, dead', stateDir, 'job', LOST);
}

function hasThreads(pid: number): boolean {
  return stateOf(pid) !== '' && Number(OUTSIDE.shell(THREADS, pid)) > 1;
}

const THREADS = 'sed -n "s/^Threads:.//p" "/proc/$1/status" 2>/dev/null || echo 0';

describeUnless(
  firstObstacle(needsLinux, () => needsProgram('python3')),
  'a process whose leader is gone',
  () => {
    it('lives as long as one of its threads', async ({ task }) => {
      const hearing = new Hearing();
      await halfDead(hearing);
      expectNoLies(task, 'leader a zombie, other threads alive', hearing.points, hearing.lies);
    });

    it('MUTANT: a zombie is dead, whatever its threads do', async ({ task }) => {
      const built = await buildMutant('a zombie is dead, whatever its threads do');
      const hearing = new Hearing({ built, through: [] });
      await halfDead(hearing);
      expectCaught(task, 'a zombie is dead, whatever its threads do', hearing.points, hearing.lies);
    });
  },
);

/** Writes where nobody may write at present, in a thread of its own: not even SIGKILL ends that one. */
const STUCK = `require('node:fs').writeFile(process.argv[1], 'x', () => undefined); setInterval(() => undefined, 1000)`;

describeUnless(
  firstObstacle(
    () => needsDisk('ext4'),
    () => needsProgram('fsfreeze'),
  ),
  'SIGKILL on a disk that hangs',
  () => {
    it('a process of several threads is alive until the last of them could die', async ({ task }) => {
      const hearing = new Hearing();
      const disk = mountDisk('ext4');
      const mount = disk.stateDir.slice(0, -'/state'.length);
      const stateDir = scratch();
      const freeze = (how: string) => OUTSIDE.shell('fsfreeze "$1" "$2"', how, mount);
      freeze('--freeze');
      try {
        const run = await OUTSIDE.exec(stateDir, 'job', [process.execPath, '-e', STUCK, `${mount}/file`]);
        await poll(() => OUTSIDE.shell(STATES, run.child).includes('D'), 'the thread that hangs');
        OUTSIDE.kill(run.wrapper);
        process.kill(run.child, 'SIGKILL');
        await poll(() => stateOf(run.child) === 'Z', 'the end of its leader');
        hearing.ask('killed, and one thread cannot die yet', stateDir, 'job', ORPHANED);
        freeze('--unfreeze');
        await poll(() => !hasThreads(run.child), 'the end of that thread');
        hearing.ask('killed, and the disk came back', stateDir, 'job', LOST);
      } finally {
        OUTSIDE.shell('fsfreeze --unfreeze "$1" || :', mount);
      }
      expectNoLies(task, 'SIGKILL of threads that a disk holds', hearing.points, hearing.lies);
    });
  },
);

const STATES = 'cat /proc/"$1"/task/*/stat | sed "s/.*) \\(.\\).*/\\1/"';

it('a wrapper that is stopped lives', async ({ task }) => {
  const hearing = new Hearing();
  await stopped(hearing);
  expectNoLies(task, 'wrapper stopped', hearing.points, hearing.lies);
});

describeUnless(noNewPids, 'a child that nobody waits for', () => {
  it('is dead', async ({ task }) => {
    const hearing = new Hearing();
    await neverReaped(hearing);
    expectNoLies(task, 'child never waited for', hearing.points, hearing.lies);
  });
});

async function stopped(hearing: Hearing): Promise<void> {
  const stateDir = scratch();
  const run = await OUTSIDE.exec(stateDir, 'job');
  process.kill(run.wrapper, 'SIGSTOP');
  await poll(() => stateOf(run.wrapper) === 'T', 'the stop');
  hearing.ask('a wrapper that is stopped', stateDir, 'job', RUNNING);
  OUTSIDE.kill(run.child);
  hearing.ask('a wrapper that is stopped, its child dead', stateDir, 'job', RUNNING);
  process.kill(run.wrapper, 'SIGCONT');
  await poll(() => journalOf(stateDir, 'job').length === 1, 'the journal line');
  hearing.ask('a wrapper that was stopped', stateDir, 'job', endedTruth('interrupted signaled', 137));
}

/** A container's process 1 that waits for nobody: the dead stay there as zombies. */
async function neverReaped(hearing: Hearing): Promise<void> {
  const stateDir = scratch();
  const space = await openSpace(NEW_PIDS, 'echo ready && exec sleep 1000');
  const run = await space.exec(stateDir, 'job');
  space.kill(run.wrapper, run.child);
  hearing.expect('the child', space.shell('ps -o stat= -p "$1"', run.child).slice(0, 1), 'Z');
  hearing.ask('a child that nobody waits for', stateDir, 'job', LOST, space.reader());
}

const NOBODY_ELSE = ['setpriv', ...asAnotherUser()];
const HIDING = ['--mount', '--pid'];
const HIDE = 'mount -t proc -o hidepid=2 proc /proc';
const noHiding = firstObstacle(needsLinux, needsRoot, needsReachableBin, () =>
  needsUnshare('--fork', ...HIDING),
);

describeUnless(noHiding, 'processes hidden from a reader (hidepid=2)', () => {
  it("are not gone: one's own are judged, another user's cannot be", async ({ task }) => {
    const hearing = new Hearing();
    await runsOfRoot(hearing);
    await runsOfNobody(hearing);
    await commandOfRoot(hearing);
    expectNoLies(
      task,
      'hidepid=2, runs of root, own runs, a command that is root',
      hearing.points,
      hearing.lies,
    );
  });
});

/** Asks about each state of a run: watched, orphaned, and all of it dead. */
async function askAbout(
  hearing: Hearing,
  space: Space,
  stateDir: string,
  truths: readonly Truth[],
  who: Reader,
) {
  const run = await space.exec(stateDir, 'job');
  const ends = [() => undefined, () => space.kill(run.wrapper), () => space.kill(run.child)];
  for (const [at, end] of ends.entries()) {
    end();
    hearing.ask(`${STAGES[at]}, asked ${who.through.join(' ')}`, stateDir, 'job', truths[at] as Truth, who);
  }
}

const STAGES = ['all alive', 'the wrapper dead', 'all dead'];

const GROUP = 54_321;

/** Root's runs, read by somebody of the monitoring group who sees no process but their own; then by root. */
async function runsOfRoot(hearing: Hearing): Promise<void> {
  const stateDir = scratch();
  chownSync(stateDir, 0, GROUP);
  chmodSync(stateDir, 0o2750);
  const space = await openSpace(HIDING, HIDE);
  const blind = { built: REAL, through: [...space.through, 'setpriv', ...asAnotherUser(GROUP)] };
  await askAbout(hearing, space, stateDir, [UNVERIFIABLE, UNVERIFIABLE, UNVERIFIABLE], blind);
  hearing.ask('all dead, asked by root', stateDir, 'job', LOST, space.reader());
}

/** A user's runs, in a container whose process 1 is root's: who hides is not known, and nothing is said of it. */
async function runsOfNobody(hearing: Hearing): Promise<void> {
  const stateDir = directoryOfNobody();
  const space = await openSpace(HIDING, HIDE);
  const user = new Space([...space.through, ...NOBODY_ELSE]);
  const truths = [RUNNING, ORPHANED, UNVERIFIABLE];
  await askAbout(hearing, user, stateDir, truths, user.reader());
  hearing.ask('all dead, asked by root', stateDir, 'job', LOST, space.reader());
}

/** A user's run in a container that is all theirs, whose command became root's, as sudo does. */
async function commandOfRoot(hearing: Hearing): Promise<void> {
  const stateDir = directoryOfNobody();
  const sudo = `${scratch()}/sleep`;
  chmodSync(dirname(sudo), 0o755);
  copyFileSync('/bin/sleep', sudo);
  chmodSync(sudo, 0o4755);
  const space = await openSpace(HIDING, `${HIDE} && echo ready && exec ${NOBODY_ELSE.join(' ')} sleep 1000`);
  const user = new Space([...space.through, ...NOBODY_ELSE]);
  const run = await user.exec(stateDir, 'job', ['sh', '-c', '"$1" 1000 & wait', 'sh', sudo]);
  await poll(() => space.shell('pgrep -u 0 -s "$1" || :', run.child), 'the command that is root');
  space.kill(run.wrapper, run.child);
  hearing.ask('only a command of root lives', stateDir, 'job', UNVERIFIABLE, user.reader());
  hearing.ask('the same, asked by root', stateDir, 'job', ORPHANED, space.reader());
}

function directoryOfNobody(): string {
  const stateDir = scratch();
  chownSync(stateDir, 65_534, 65_534);
  return stateDir;
}
