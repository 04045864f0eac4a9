import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { buildSync } from 'esbuild';
import { fixture, Going, isAlive, poll, startProgram } from './cronrun.js';
import type { Built } from './mutants.js';
import { processesOf } from './processes.js';
import type { Random } from './random.js';
import { type Answer, bytesOf, clockMs, type Facts, sayingOf, sayingOrNull } from './storm-answers.js';
import { Book, COMMAND, NEVER } from './storm-book.js';

export interface StormPlan {
  readonly built: Built;
  readonly runs: number;
  /** How many of their wrappers are killed. */
  readonly killed: number;
  readonly random: Random;
  /** An empty directory. */
  readonly directory: string;
}

/** So many wrappers are on their way to their command at once. */
const WAVE = 8;

/** One in so many comes when the others are dying: it finds and settles them. */
const LATECOMERS = 8;

/** Longest time between two things that happen, milliseconds. */
const PAUSE_MS = 30;

type KillMoment = 'starting' | 'waiting' | 'ending';

/** Runs of one job at once, of whose wrappers some are killed at any moment, and readers that look on. */
export class Storm {
  readonly stateDir: string;
  readonly book: Book;
  readonly answers: Answer[] = [];
  readonly wrappers = new Map<number, Going>();
  readonly #plan: StormPlan;
  readonly #random: Random;
  readonly #killAt = new Map<number, KillMoment>();
  readonly #released = new Set<number>();
  readonly #dead = new Set<number>();
  #over = false;

  constructor(plan: StormPlan) {
    this.#plan = plan;
    this.#random = plan.random;
    this.stateDir = `${plan.directory}/state`;
    mkdirSync(this.stateDir);
    this.book = new Book(`${plan.directory}/book`);
    const numbers = Array.from({ length: plan.runs }, (_, number) => number);
    execFileSync(
      'mkfifo',
      numbers.map((number) => this.#fifo(number)),
    );
    for (const number of this.#random.shuffled(numbers).slice(0, plan.killed)) {
      const moments = ['starting', 'waiting', 'ending'] as const;
      this.#killAt.set(number, moments[this.#random.below(3)] ?? 'waiting');
    }
  }

  /** Resolves when nothing of any run is left; the answers of all readers are there then. */
  async rage(): Promise<void> {
    const library = this.#pollLibrary();
    const bin = this.#pollBin();
    const numbers = Array.from({ length: this.#plan.runs }, (_, number) => number);
    const isLate = (number: number) => number % LATECOMERS === LATECOMERS - 1;
    for (const number of numbers.filter((one) => !isLate(one))) {
      await poll(() => this.#onTheirWay() < WAVE, 'wrappers to start', 60_000);
      this.#start(number);
    }
    await poll(() => this.#onTheirWay() === 0, 'all commands', 60_000);
    await this.#strike(numbers, isLate);
    await poll(() => this.#settleDown(), 'the end of all runs', 120_000);
    this.#over = true;
    await bin;
    // The command of a wrapper that was killed may have been about to begin.
    const isLeft = () => !this.#settleDown() || processesOf(this.stateDir).length > 0;
    await poll(() => !isLeft(), 'the end of all processes', 60_000);
    writeFileSync(this.#stop, '');
    await library;
  }

  /** Kills, releases and starts in any order. */
  async #strike(numbers: readonly number[], isLate: (number: number) => boolean): Promise<void> {
    const strokes = numbers.flatMap((number) => {
      const release = () => void this.#released.add(number);
      if (isLate(number)) return [() => this.#start(number), release];
      if (this.#killAt.get(number) !== 'waiting') return [release];
      let isKilled = false;
      const killThenRelease = () => {
        if (isKilled) release();
        else this.#kill(number);
        isKilled = true;
      };
      return [killThenRelease, killThenRelease];
    });
    for (const stroke of this.#random.shuffled(strokes)) {
      stroke();
      this.#settleDown();
      await new Promise((next) => setTimeout(next, this.#random.below(PAUSE_MS)));
    }
  }

  #start(number: number): void {
    const { built } = this.#plan;
    const code = number % 4 === 0 ? 0 : number % 120;
    const told = ['sh', '-c', COMMAND, 'sh', `${number}`, this.book.path, this.#fifo(number), `${code}`];
    this.book.write('start', number);
    const wrapper = startProgram(this.stateDir, built.bin, ['exec', 'job', '--', ...told]);
    this.wrappers.set(number, wrapper);
    void wrapper.exited.then(() => {
      this.#dead.add(number);
      this.book.write('dead', number, wrapper.child.exitCode ?? 'killed');
    });
    if (this.#killAt.get(number) === 'starting') this.#killSoon(number, 250);
  }

  #killSoon(number: number, withinMs: number): void {
    setTimeout(() => this.#kill(number), this.#random.below(withinMs));
  }

  #kill(number: number): void {
    if (this.#dead.has(number)) return;
    this.book.write('kill', number);
    this.wrappers.get(number)?.child.kill('SIGKILL');
  }

  /** Wrappers that were started and whose command does not run yet. */
  #onTheirWay(): number {
    const runs = this.book.read();
    return [...this.wrappers.keys()].filter((number) => {
      return !this.#dead.has(number) && runs.get(number)?.pid === null;
    }).length;
  }

  /** Lets commands end that may, and writes down which have; true once no run goes on. */
  #settleDown(): boolean {
    let left = this.#plan.runs - this.#dead.size;
    for (const [number, run] of this.book.read()) {
      if (run.pid === null) continue;
      if (this.#released.has(number)) this.#release(number);
      if (run.end === NEVER || isAlive(run.pid)) left++;
      else if (run.kill < run.dead && run.gone === NEVER) this.book.write('gone', number);
    }
    return left === 0;
  }

  #release(number: number): void {
    let fifo: number;
    try {
      fifo = openSync(this.#fifo(number), constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      return; // it does not wait there yet
    }
    writeSync(fifo, '\n');
    closeSync(fifo);
    this.#released.delete(number);
    if (this.#killAt.get(number) === 'ending') this.#killSoon(number, 20);
  }

  #fifo(number: number): string {
    return `${this.#plan.directory}/go-${number}`;
  }

  get #stop(): string {
    return `${this.#plan.directory}/stop`;
  }

  async #pollLibrary(): Promise<void> {
    const { directory, built } = this.#plan;
    const [script, into] = [`${directory}/polls.cjs`, `${directory}/answers`];
    buildSync({ entryPoints: [fixture('polls.ts')], bundle: true, platform: 'node', outfile: script });
    const args = [script, built.path, this.stateDir, this.book.path, this.#stop, into];
    const { status, stderr } = await new Going(process.execPath, args).ended;
    if (status !== 0) throw new Error(stderr);
    this.answers.push(...(JSON.parse(readFileSync(into, 'utf8')) as Answer[]));
  }

  async #pollBin(): Promise<void> {
    while (!this.#over) {
      for (const [args, read] of QUESTIONS) await this.#ask(args, read);
    }
  }

  async #ask(args: readonly string[], read: (lines: readonly Line[]) => Facts): Promise<void> {
    const [from, asked] = [bytesOf(this.book.path), clockMs()];
    const asking = startProgram(this.stateDir, this.#plan.built.bin, args);
    const { stdout, stderr } = await asking.ended;
    const [to, answered] = [bytesOf(this.book.path), clockMs()];
    const facts = this.#understand(stdout, stderr, read);
    this.answers.push({ reader: args.join(' '), from, to, asked, answered, facts });
  }

  #understand(stdout: string, stderr: string, read: (lines: readonly Line[]) => Facts): Facts {
    try {
      const lines = stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line);
      const nothing = lines.length === 0 || lines[0]?.cron_job_id === null;
      const complaint = nothing || stderr === '' ? {} : { complaint: stderr };
      return { ...read(nothing ? [] : lines), ...complaint };
    } catch {
      return { complaint: `no JSON: ${stdout}${stderr}` };
    }
  }
}

type Said = Parameters<typeof sayingOf>[0];

type Line = Said & {
  readonly last: Said | null;
  readonly running: readonly string[];
};

function jobFacts([line]: readonly Line[]): Facts {
  if (line === undefined) return { newest: null, last: null, running: [] };
  return { newest: sayingOf(line), last: sayingOrNull(line.last), running: line.running };
}

const QUESTIONS: readonly (readonly [args: readonly string[], read: (lines: readonly Line[]) => Facts])[] = [
  [['status', '--json', 'job'], jobFacts],
  [['last', '--json', 'job'], ([line]) => ({ last: sayingOrNull(line ?? null) })],
  [['ls', '--json'], jobFacts],
  [['ls', '--json', '-n', '100000', 'job'], (lines) => ({ runs: lines.map(sayingOf) })],
];
