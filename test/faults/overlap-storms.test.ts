import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  afterwards,
  cronEnvironment,
  isAlive,
  journalOf,
  poll,
  runningOf,
  runProgram,
  scratch,
  startProgram,
} from '../helpers/cronrun.js';
import { expectCaught, expectNoLies, FULL } from '../helpers/figures.js';
import { type Built, buildMutant, REAL } from '../helpers/mutants.js';
import { describeUnless, firstObstacle, needsLinux, needsProgram } from '../helpers/needs.js';
import { childrenOf, endProcessesOf, processesOf } from '../helpers/processes.js';
import { Random } from '../helpers/random.js';
import { onlyStartRecord, startLine } from '../helpers/start-records.js';

const obstacle = firstObstacle(needsLinux, () => needsProgram('flock'));

/**
 * A command that proves for itself that it is alone: as long as a process of it lives the kernel holds another lock for
 * it, of which cronrun knows nothing.
 */
const ALONE = `
exec 9>>"$1/proof"; flock -n 9 || echo "contender $2 is not alone" >>"$1/lies"
echo "$2" >>"$1/begun"; sleep "$3"; echo "$2" >>"$1/done"`;

/** Somebody who wants to run the job, and what becomes of it. */
interface Contender {
  readonly number: number;
  readonly waits: boolean;
  readonly killed: 'wrapper' | 'all' | null;
  readonly child: ChildProcess;
}

class Contest {
  readonly directory = scratch();
  readonly stateDir = `${this.directory}/state`;
  readonly contenders: Contender[] = [];
  readonly #built: Built;
  readonly #random: Random;

  constructor(built: Built, random: Random) {
    this.#built = built;
    this.#random = random;
    mkdirSync(this.stateDir, { mode: 0o700 });
    for (const name of ['lies', 'begun', 'done']) appendFileSync(`${this.directory}/${name}`, '');
    afterwards(() => endProcessesOf(this.stateDir));
  }

  /** At most so many at once: each is a node that starts. */
  async run(count: number, killed: number): Promise<void> {
    const numbers = Array.from({ length: count }, (_, number) => number);
    const victims = new Set(this.#random.shuffled(numbers).slice(0, killed));
    for (const number of numbers) {
      await poll(() => this.#going().length < 14, 'contenders to end', 120_000);
      this.#start(number, victims.has(number));
    }
    await poll(() => this.#going().length === 0, 'the end of all contenders', 120_000);
    await poll(() => processesOf(this.stateDir).length === 0, 'the end of all commands', 60_000);
  }

  #start(number: number, isVictim: boolean): void {
    const waits = this.#random.below(2) === 0;
    const seconds = `0.0${1 + this.#random.below(8)}`;
    const told = ['sh', '-c', ALONE, 'sh', this.directory, `${number}`, seconds];
    const child = spawn(
      this.#built.bin,
      ['exec', '--overlap', waits ? 'wait' : 'skip', 'job', '--', ...told],
      {
        env: cronEnvironment({ CRONRUN_STATE_DIR: this.stateDir }),
        stdio: 'ignore',
        detached: true, // a group of its own, with the flock that it waits by
      },
    );
    const killed = isVictim ? (this.#random.below(2) === 0 ? 'wrapper' : 'all') : null;
    this.contenders.push({ number, waits, killed, child });
    if (killed !== null) setTimeout(() => kill(child, killed), this.#random.below(500));
  }

  #going(): Contender[] {
    return this.contenders.filter(({ child }) => child.exitCode === null && child.signalCode === null);
  }

  numbersIn(name: 'begun' | 'done'): number[] {
    return this.#linesIn(name).map(Number);
  }

  #linesIn(name: string): string[] {
    const path = `${this.directory}/${name}`;
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  }

  /** Who was not killed had a turn or was refused one, and the records say the same. */
  lies(): string[] {
    const done = this.numbersIn('done');
    const lies = this.#linesIn('lies');
    for (const { number, waits, killed, child } of this.contenders) {
      const status = child.exitCode;
      if (killed !== null && child.signalCode === 'SIGKILL') continue;
      const expected = done.includes(number) ? 0 : waits ? null : 75;
      if (status !== expected)
        lies.push(`contender ${number}, ${waits ? 'waiting' : 'skipping'}, exits with ${status}`);
    }
    const skipped = journalOf(this.stateDir, 'job').filter(({ status }) => status === 'skipped').length;
    const refused = this.contenders.filter(({ child }) => child.exitCode === 75).length;
    // One that was killed when it had written its line, and not yet ended, left it.
    const killed = this.contenders.filter((one) => one.killed !== null).length;
    if (skipped < refused || skipped > refused + killed)
      lies.push(`${skipped} are on record as skipped, ${refused} were`);
    return lies;
  }

  /** In the end nobody is in the way. */
  liesAfterwards(): string[] {
    const next = this.#built.bin;
    const env = cronEnvironment({ CRONRUN_STATE_DIR: this.stateDir });
    const { status, stdout } = runProgram(next, ['exec', '--overlap', 'skip', 'job', '--', 'echo', 'in'], {
      env,
    });
    const left = runningOf(this.stateDir, 'job').filter((name) => !name.endsWith('.tmp'));
    return [
      ...(status === 0 && stdout === 'in\n' ? [] : [`in the end nobody gets in: ${status}`]),
      ...(left.length === 0 ? [] : [`in the end ${left.join(' ')} is left`]),
    ];
  }
}

/** The wrapper alone, so that its command is an orphan; or all: its group, and that of its command. */
function kill({ pid = -1 }: ChildProcess, whom: 'wrapper' | 'all'): void {
  const commands = whom === 'all' ? childrenOf(pid) : [];
  for (const victim of whom === 'all' ? [-pid, ...commands.map((one) => -one)] : [pid]) {
    try {
      process.kill(victim, 'SIGKILL');
    } catch {
      // it was faster, or is in the wrapper's group
    }
  }
}

/** A wrapper is killed and its command goes on: nobody else may run until that is gone, and then somebody may. */
async function liesAboutOrphan(built: Built): Promise<string[]> {
  const stateDir = scratch();
  const exec = (...command: string[]) => ['exec', '--overlap', 'skip', 'job', '--', ...command];
  const run = startProgram(stateDir, built.bin, exec('sh', '-c', 'echo "ready $$"; exec sleep 1000'));
  const orphan = await run.ready();
  await poll(() => startLine(onlyStartRecord(stateDir, 'job'), 2), 'line 2 of the start record');
  run.child.kill('SIGKILL');
  await run.exited;
  const env = cronEnvironment({ CRONRUN_STATE_DIR: stateDir });
  const beside = runProgram(built.bin, exec('true'), { env });
  process.kill(orphan, 'SIGKILL');
  await poll(() => !isAlive(orphan), 'the end of the orphan');
  const after = runProgram(built.bin, exec('true'), { env });
  return [
    ...(beside.status === 75 ? [] : [`beside an orphan it exits with ${beside.status}`]),
    ...(after.status === 0 ? [] : [`after the orphan it exits with ${after.status}`]),
  ];
}

const CONTENDERS = 200;
const KILLED = 80;

describeUnless(obstacle, 'two hundred contenders for one job, of which many are killed', () => {
  it('are never two at once, and nobody is locked out', async ({ task }) => {
    const lies: string[] = [];
    let begun = 0;
    for (let storm = 0; storm < (FULL ? 3 : 1); storm++) {
      const random = new Random();
      const contest = new Contest(REAL, random);
      await contest.run(CONTENDERS, KILLED);
      begun += contest.numbersIn('begun').length;
      const found = [...contest.lies(), ...contest.liesAfterwards()];
      lies.push(...found.map((lie) => `${lie} (CRONRUN_TEST_SEED=${random.seed})`));
    }
    console.log(`${begun} commands ran`);
    expectNoLies(
      task,
      'contenders for one job, wrappers and groups killed',
      CONTENDERS * (FULL ? 3 : 1),
      lies,
    );
    expect(begun).toBeGreaterThan(20);
  });

  it('who takes the lock for granted is caught', async ({ task }) => {
    const mutant = await buildMutant('no lock');
    const lies: string[] = [];
    let points = 0;
    for (; lies.length === 0 && points < 400; points += 80) {
      const contest = new Contest(mutant, new Random());
      await contest.run(80, 0);
      lies.push(...contest.lies().filter((lie) => lie.includes('not alone')));
    }
    expectCaught(task, 'no lock (storm)', points, lies);
  });
});

describeUnless(obstacle, 'an orphan', () => {
  it('is in the way until it is gone', async ({ task }) => {
    expectNoLies(task, 'an orphan and a contender', 2, await liesAboutOrphan(REAL));
  });

  it('is overlooked by who has the lock and does not look further, and that is caught', async ({ task }) => {
    const mutant = await buildMutant('no look under the lock');
    expectCaught(task, 'no look under the lock (orphan)', 2, await liesAboutOrphan(mutant));
  });
});
