// Whom `stop` signals: of a run everybody, of all others nobody, whatever the records say and wherever it is killed.
import { chmodSync, chownSync, lchownSync, mkdirSync, realpathSync, renameSync, symlinkSync } from 'node:fs';
import { it } from 'vitest';
import type { ProcessId } from '../../src/model/liveness.js';
import { processId } from '../../src/platform/identity.js';
import {
  cronEnvironment,
  cronrun,
  fixture,
  isAlive,
  poll,
  runProgram,
  scratch,
  startProgram,
} from '../helpers/cronrun.js';
import { expectCaught, expectNoLies, FULL, sample } from '../helpers/figures.js';
import { GIVE_AGAIN, GIVE_TO_DAEMON, KINDS_OF_STRANGERS, STRANGERS } from '../helpers/given-again.js';
import { runInjected } from '../helpers/injected.js';
import { type Built, buildMutant, REAL } from '../helpers/mutants.js';
import {
  describeUnless,
  firstObstacle,
  needsLinux,
  needsProgram,
  needsRoot,
  needsStrace,
  needsUnshare,
} from '../helpers/needs.js';
import { childrenOf, endProcessesOf, processesOf } from '../helpers/processes.js';
import { type Live, OUTSIDE, openSpace, type Space } from '../helpers/spaces.js';
import { plantStartRecord, runningPath, startLine } from '../helpers/start-records.js';
import { startStranger } from '../helpers/stopped.js';

/** Counts what was tried, and collects what was not as it has to be. */
class Book {
  points = 0;
  readonly lies: string[] = [];

  expect(what: string, is: unknown, shouldBe: unknown): void {
    this.points++;
    if (is !== shouldBe) this.lies.push(`${what}: ${is}, not ${shouldBe}`);
  }
}

const NOBODY = 65_534;
const OWN = ['', '/jobs', '/jobs/job', '/jobs/job/running'];

interface Plot {
  readonly title: string;
  readonly plant: (stateDir: string, record: string) => void;
}

const PLOTS: readonly Plot[] = [
  ...OWN.flatMap((name): Plot[] => [
    ...[0o770, 0o702, 0o1777].map((mode) => ({
      title: `state${name} has mode ${mode.toString(8)}`,
      plant: (stateDir: string) => chmodSync(`${stateDir}${name}`, mode),
    })),
    {
      title: `state${name} belongs to another user`,
      plant: (stateDir) => chownSync(`${stateDir}${name}`, NOBODY, NOBODY),
    },
    {
      title: `state${name} is a link of another user`,
      plant: (stateDir) => {
        const away = `${scratch()}/away`;
        renameSync(`${stateDir}${name}`, away);
        symlinkSync(away, `${stateDir}${name}`);
        lchownSync(`${stateDir}${name}`, NOBODY, NOBODY);
      },
    },
  ]),
  {
    title: 'the directory above belongs to another user',
    plant: (stateDir) => chownSync(`${stateDir}/..`, NOBODY, NOBODY),
  },
  { title: 'the directory above is writable', plant: (stateDir) => chmodSync(`${stateDir}/..`, 0o777) },
  {
    title: 'the start record belongs to another user',
    plant: (_, record) => chownSync(record, NOBODY, NOBODY),
  },
  { title: 'the start record is writable', plant: (_, record) => chmodSync(record, 0o666) },
];

/** A record that somebody wrote who may not signal whom it names: as the wrapper, or as the child. */
function lure(book: Book, built: Built, plot: Plot, as: 'wrapper' | 'child'): void {
  const stateDir = `${realpathSync(scratch())}/state`;
  mkdirSync(stateDir, { mode: 0o700 });
  const stranger = startStranger();
  const identity: ProcessId = processId(stranger.pid);
  const id = plantStartRecord(
    stateDir,
    'job',
    as === 'wrapper' ? { wrapper: identity } : { child: identity },
  );
  for (const name of OWN) chmodSync(`${stateDir}${name}`, 0o700);
  const record = `${runningPath(stateDir, 'job')}/${id}.jsonl`;
  chmodSync(record, 0o600);
  plot.plant(stateDir, record);
  const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
  const { status } = runProgram(built.bin, ['stop', '-k', '100ms', 'job'], { env });
  book.expect(`${plot.title}, a stranger as the ${as}: untouched`, stranger.isUntouched(), true);
  book.expect(`${plot.title}, a stranger as the ${as}: exit status`, status, 125);
}

describeUnless(firstObstacle(needsLinux, needsRoot), 'a record that somebody else could write', () => {
  it('makes root signal nobody', ({ task }) => {
    const book = new Book();
    for (const plot of sample(PLOTS, 12)) {
      for (const as of ['wrapper', 'child'] as const) lure(book, REAL, plot, as);
    }
    for (const plot of PLOTS.slice(-4)) lure(book, REAL, plot, 'child');
    expectNoLies(task, 'stop: planted records, strangers signalled', book.points, book.lies);
  });

  it('MUTANT: stop believes whoever could write the record', async ({ task }) => {
    const built = await buildMutant('stop believes whoever could write the record');
    const book = new Book();
    for (const plot of sample(PLOTS, 4)) lure(book, built, plot, 'child');
    expectCaught(task, 'stop believes whoever could write the record', book.points, book.lies);
  });
});

const NEW_PIDS = ['--pid', '--mount-proc'];
const noNewPids = firstObstacle(needsLinux, needsRoot, () => needsUnshare('--fork', ...NEW_PIDS));

/** Numbers of a space are not ours: what lives there is asked there. */
class Again {
  readonly #space: Space;
  readonly #built: Built;
  readonly #book: Book;

  constructor(space: Space, built: Built, book: Book) {
    this.#space = space;
    this.#built = built;
    this.#book = book;
  }

  #give(run: Live, who: 'wrapper' | 'child', stranger: string): number {
    const { wrapper } = startLine(run.path, 1) as { wrapper: { pid: number; start_ticks: number } };
    const old = who === 'wrapper' ? wrapper : (startLine(run.path, 2) as typeof wrapper);
    const pid = Number(this.#space.shell(GIVE_AGAIN, old.pid, old.start_ticks, stranger));
    this.#book.expect(`the ${who}'s number is given again`, pid, old.pid);
    return pid;
  }

  /** Its exit status. */
  #stop(stateDir: string): number {
    const line =
      'CRONRUN_STATE_DIR=$1 CRONRUN_NODE=$2 "$3" stop -k 200ms job >/dev/null 2>&1 && echo 0 || echo $?';
    const status = this.#space.shell(line, stateDir, process.execPath, this.#built.bin);
    return Number(status);
  }

  #lives(pid: number): boolean {
    const state = this.#space.shell('sed "s/.*) \\(.\\).*/\\1/" /proc/"$1"/stat 2>/dev/null || :', pid);
    return state !== '' && state !== 'Z';
  }

  /** The wrapper's number is a stranger's, and the child lives: that is ended. */
  async wrapper(): Promise<void> {
    const stateDir = scratch();
    const run = await this.#space.exec(stateDir, 'job');
    this.#space.kill(run.wrapper);
    const stranger = this.#give(run, 'wrapper', STRANGERS['leads nothing']);
    this.#stop(stateDir);
    this.#book.expect("who has the wrapper's number lives", this.#lives(stranger), true);
    this.#book.expect('the child of that wrapper lives', this.#lives(run.child), false);
    this.#space.kill(stranger);
  }

  async child(kind: keyof typeof STRANGERS): Promise<void> {
    const stateDir = scratch();
    const run = await this.#space.exec(stateDir, 'job');
    this.#space.kill(run.wrapper, run.child);
    const stranger = this.#give(run, 'child', STRANGERS[kind]);
    this.#stop(stateDir);
    this.#book.expect(`who ${kind} and has the child's number lives`, this.#lives(stranger), true);
    this.#space.kill(stranger);
  }

  /** The child is gone, and a daemon's session has its number and no leader. */
  async daemon(): Promise<void> {
    const stateDir = scratch();
    const run = await this.#space.exec(stateDir, 'job');
    this.#space.kill(run.wrapper, run.child);
    const [daemon = 0, session] = this.#space.shell(GIVE_TO_DAEMON, run.child).split(' ').map(Number);
    this.#book.expect("a daemon's session is the child's number", session, run.child);
    this.#book.expect('stop where a daemon has the number', this.#stop(stateDir), 196);
    this.#book.expect("the daemon whose session is the child's number lives", this.#lives(daemon), true);
    this.#space.kill(daemon);
  }

  /** Who has not the environment of the run is of it all the same where that was seen while the leader lived. */
  async deafWithoutEnvironment(): Promise<void> {
    const stateDir = scratch();
    const script = `trap '' TERM; env -i sleep 1000 & trap - TERM; wait`;
    const run = await this.#space.exec(stateDir, 'job', ['sh', '-c', script]);
    const deaf = Number(
      await poll(() => this.#space.shell('pgrep -x sleep -s "$1" || :', run.child), 'the grandchild'),
    );
    this.#space.kill(run.wrapper);
    this.#book.expect('stop of a run with a deaf process without its id', this.#stop(stateDir), 0);
    this.#book.expect('that process lives', this.#lives(deaf), false);
  }

  /** While stop waits for a deaf child somebody else ends that, and its number is a stranger's when stop looks again. */
  async whileItWaits(): Promise<void> {
    const stateDir = scratch();
    const run = await this.#space.exec(stateDir, 'job', ['python3', fixture('hears-term.py')]);
    await run.going.says('ready');
    this.#space.kill(run.wrapper);
    const [file, ...line] = [...this.#space.through, this.#built.bin, 'stop', '-k', '300ms', 'job'];
    const stopping = startProgram(stateDir, file, line);
    await run.going.says('got TERM');
    const pid = await poll(() => childrenOf(stopping.pid)[0], 'stop behind nsenter');
    process.kill(pid, 'SIGSTOP');
    this.#space.kill(run.child);
    const stranger = this.#give(run, 'child', STRANGERS['leads a session']);
    // nsenter stops with what it waits for.
    process.kill(pid, 'SIGCONT');
    process.kill(stopping.pid, 'SIGCONT');
    await stopping.ended;
    this.#book.expect("who has the child's number while stop waits lives", this.#lives(stranger), true);
    this.#space.kill(stranger);
  }
}

const noNumbers = firstObstacle(
  () => noNewPids,
  () => needsProgram('python3'),
);

describeUnless(noNumbers, 'numbers that are given out again', () => {
  it('are signalled by no stop', async ({ task }) => {
    const book = new Book();
    const again = new Again(await openSpace(NEW_PIDS), REAL, book);
    for (let round = 0; round < (FULL ? 3 : 1); round++) {
      await again.wrapper();
      for (const kind of sample(KINDS_OF_STRANGERS, 2)) await again.child(kind);
      await again.daemon();
      await again.deafWithoutEnvironment();
      await again.whileItWaits();
    }
    expectNoLies(task, 'stop: numbers given out again, strangers signalled', book.points, book.lies);
  });

  it('MUTANT: stop believes numbers', async ({ task }) => {
    const book = new Book();
    const again = new Again(await openSpace(NEW_PIDS), await buildMutant('stop believes numbers'), book);
    await again.wrapper();
    await again.child('leads a session');
    expectCaught(task, 'stop believes numbers', book.points, book.lies);
  });

  it('MUTANT: a session without its leader is believed', async ({ task }) => {
    const book = new Book();
    const built = await buildMutant('a session without its leader is believed');
    await new Again(await openSpace(NEW_PIDS), built, book).daemon();
    expectCaught(task, 'a session without its leader is believed', book.points, book.lies);
  });
});

describeUnless(noNewPids, 'a run in another pid namespace', () => {
  it('is stopped from there, and not signalled from anywhere else', async ({ task }) => {
    const book = new Book();
    const space = await openSpace(NEW_PIDS);
    const stateDir = scratch();
    const run = await space.exec(stateDir, 'job');
    // Whoever has these numbers outside is a stranger.
    const alive = [run.wrapper, run.child].map((pid) => ({ pid, was: isAlive(pid) }));
    book.expect('stop from outside', cronrun(stateDir, ['stop', 'job']).status, 196);
    for (const { pid, was } of alive) book.expect(`${pid} outside`, isAlive(pid), was);
    book.expect('the child in there', space.shell('kill -0 "$1" && echo alive || :', run.child), 'alive');
    const line = 'CRONRUN_STATE_DIR=$1 CRONRUN_NODE=$2 "$3" stop job >/dev/null; echo $?';
    book.expect('stop in there', space.shell(line, stateDir, process.execPath, REAL.bin), '0');
    book.expect('the law', cronrun(stateDir, ['last', '--exit-code', 'job']).status, 143);
    expectNoLies(task, 'stop: other pid namespace, strangers signalled', book.points, book.lies);
  });
});

/** A system call of stop. */
interface Shot {
  readonly call: string;
  readonly nth: number;
}

const SEEN = [
  'kill',
  'openat',
  'read',
  'pread64',
  'getdents64',
  'readlink',
  'statx',
  'close',
  'epoll_pwait',
  'epoll_wait',
];

/** Every call of a stop from the first that touches its state directory on, by name and number. */
async function shotsOf(stage: Stage): Promise<Shot[]> {
  const { stateDir } = await stage.open();
  const place = { bin: REAL.bin, stateDir, trace: `${scratch()}/trace` };
  const { calls } = await runInjected(place, STOP, { faults: [], only: null, seen: SEEN });
  const first = calls.findIndex(({ where }) => where !== '');
  return calls.slice(first).map(({ name, nth }) => ({ call: name, nth }));
}

const STOP = ['stop', '-k', '150ms', 'job'];

/** What is to be stopped, and what is true of it in the end. */
interface Stage {
  readonly open: () => Promise<{ readonly stateDir: string; readonly wrapper: number }>;
  readonly reason: string;
  readonly lastExit: number;
}

const DEAF = [fixture('deaf-with-deaf-grandchild')];

const STAGES: Readonly<Record<string, Stage>> = {
  'with its wrapper': {
    open: async () => {
      const stateDir = scratch();
      const { wrapper } = await OUTSIDE.exec(stateDir, 'job', DEAF);
      return { stateDir, wrapper };
    },
    reason: 'stopped',
    lastExit: 143,
  },
  orphaned: {
    open: async () => {
      const stateDir = scratch();
      const { wrapper } = await OUTSIDE.exec(stateDir, 'job', DEAF);
      OUTSIDE.kill(wrapper);
      return { stateDir, wrapper };
    },
    reason: 'lost',
    lastExit: 195,
  },
};

/** Kills a stop at one call; what is on record then has to be true, and the next stop has to do the rest. */
async function shoot(book: Book, name: string, { call, nth }: Shot): Promise<boolean> {
  const { open, reason, lastExit } = STAGES[name] as Stage;
  const { stateDir, wrapper } = await open();
  const stranger = startStranger();
  const place = { bin: REAL.bin, stateDir, trace: `${scratch()}/trace` };
  const faults = [`${call}:signal=KILL:when=${nth}`];
  const { result } = await runInjected(place, STOP, { faults, only: null, seen: SEEN });
  const what = `${name}, stop killed at ${call} ${nth}`;
  const goesOn = () => processesOf(stateDir).some((pid) => pid !== wrapper);
  const said = () =>
    runProgram(REAL.bin, ['status', '--get', 'status', 'job'], envOf(stateDir)).stdout.trim();
  // It may end at this very moment: what readers say between two looks that agree is what counts.
  const before = goesOn();
  const word = said();
  if (before === goesOn() && before) book.expect(`${what}: readers`, word, 'running');
  book.expect(`${what}: next stop`, runProgram(REAL.bin, STOP, envOf(stateDir)).status, 0);
  book.expect(`${what}: who is left`, processesOf(stateDir).length, 0);
  const asked = runProgram(REAL.bin, ['last', '--get', 'reason', 'job'], envOf(stateDir)).stdout.trim();
  book.expect(`${what}: reason`, asked, reason);
  const exit = runProgram(REAL.bin, ['last', '--exit-code', 'job'], envOf(stateDir)).status;
  book.expect(`${what}: last --exit-code`, exit, lastExit);
  book.expect(`${what}: a stranger is untouched`, stranger.isUntouched(), true);
  endProcessesOf(stateDir);
  return result?.signal === 'SIGKILL';
}

function envOf(stateDir: string): { env: Record<string, string> } {
  return { env: { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir } };
}

describeUnless(firstObstacle(needsLinux, needsStrace), 'a stop that is killed', () => {
  it('leaves a true record, and the rest to the next one', async ({ task }) => {
    const book = new Book();
    let hits = 0;
    for (const [name, stage] of Object.entries(STAGES)) {
      const shots = await shotsOf(stage);
      const kills = shots.filter(({ call }) => call === 'kill');
      const others = shots.filter(({ call }) => call !== 'kill');
      for (const shot of [...sample(kills, 4), ...sample(others, 4)]) {
        if (await shoot(book, name, shot)) hits++;
      }
    }
    book.expect('stops that were killed where they were meant to be, more than 10', hits > 10, true);
    expectNoLies(task, 'stop killed at its system calls', book.points, book.lies);
  });
});
