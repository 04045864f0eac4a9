import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import type { JobStatus, RunRecord } from '../../src/index.js';
import {
  afterwards,
  BIN,
  cronEnvironment,
  cronrun,
  fixture,
  journalOf,
  poll,
  runningOf,
  scratch,
  start,
} from '../helpers/cronrun.js';
import { describeUnless, needsStrace } from '../helpers/needs.js';
import { childrenOf } from '../helpers/processes.js';
import { journalFile, plantStartRecord } from '../helpers/start-records.js';
import { endedTruth, truth } from '../helpers/truth.js';

describe('a hundred runs of one job at once', () => {
  it('none is lost, none is torn, each exits with its own code', async () => {
    const stateDir = scratch();
    const codes = Array.from({ length: 100 }, (_, i) => i);
    const script = 'echo "$CRONRUN_ID"; exit "$1"';
    const runs = codes.map((code) =>
      start(stateDir, ['exec', 'job', '--', 'sh', '-c', script, 'sh', `${code}`]),
    );
    const results = await Promise.all(runs.map((run) => run.ended));
    expect(results.map(({ status, stderr }) => `${status}${stderr}`)).toEqual(codes.map(String));

    const lines = journalOf(stateDir, 'job'); // throws at a line that is torn
    const recorded = new Map(lines.map((line) => [line.cron_job_id, line.exit_code]));
    expect(results.map(({ stdout }) => recorded.get(stdout.trim()))).toEqual(codes);
    expect(lines).toHaveLength(codes.length);
    expect(runningOf(stateDir, 'job')).toEqual([]);
    expect(cronrun(stateDir, ['ls', '-q', '-n', '200', 'job']).stdout.split('\n')).toHaveLength(101);
  });
});

/** Endings that a reader looks at; a hundred thousand take about a minute. */
const ENDINGS = Number(process.env.CRONRUN_TEST_ENDINGS ?? 6000);

const { openRegistry } = createRequire(import.meta.url)(
  '../../dist/index.cjs',
) as typeof import('../../src/index.js');

/** A directory without a disk where there is one: thousands of syncs are not what is tested here. */
function quickScratch(): string {
  const directory = mkdtempSync(`${existsSync('/dev/shm') ? '/dev/shm' : tmpdir()}/cronrun-test-`);
  afterwards(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Starts processes that each end their share of runs of "job", named "0", "1" ...; true once all have ended. */
function endRuns(stateDir: string, writers: number): () => boolean {
  const script = `${stateDir}/ends-runs.cjs`;
  buildSync({ entryPoints: [fixture('ends-runs.ts')], bundle: true, platform: 'node', outfile: script });
  const children = Array.from({ length: writers }, (_, writer) =>
    spawn(process.execPath, [script, stateDir, 'job', `${share(writers)}`, `${writer}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  afterwards(() => children.forEach((child) => void child.kill('SIGKILL')));
  return () => children.every(hasEnded);
}

function share(writers: number): number {
  return Math.ceil(ENDINGS / writers);
}

function hasEnded(child: ChildProcess): boolean {
  if (child.signalCode !== null || (child.exitCode ?? 0) !== 0) throw new Error('a writer failed');
  return child.exitCode === 0;
}

function turn(): Promise<void> {
  return new Promise((next) => setImmediate(next));
}

/** Who ran it, and the how many-th of theirs it was. */
function numberOf(record: RunRecord): { writer: string; number: number } {
  const [writer = '', number] = record.command;
  return { writer, number: Number(number) };
}

describe('a reader that looks all the time', () => {
  it(`sees each of ${ENDINGS} runs begin and end, and the one before it as the last`, {
    timeout: 600_000,
  }, async () => {
    const stateDir = quickScratch();
    const over = endRuns(stateDir, 1);
    const registry = openRegistry({ stateDir });
    let newest = -1;
    let polls = 0;
    for (; !over(); polls++) {
      const status = registry.status('job');
      if (status !== null || newest >= 0) newest = expectConsistent(status, newest);
      if (polls % 16 === 0) await turn();
    }
    expect(registry.last('job')?.command).toEqual(['0', String(share(1) - 1)]);
    expect(polls).toBeGreaterThan(0);
  });

  it('of runs side by side misses none', { timeout: 600_000 }, async () => {
    const stateDir = quickScratch();
    const over = endRuns(stateDir, 2);
    const registry = openRegistry({ stateDir });
    const seen = new Map<string, number>();
    while (!over()) {
      expectNoGaps(registry.runs('job', { limit: 12 }), seen);
      await turn();
    }
    expect(registry.runs('job', { limit: 2 * ENDINGS })).toHaveLength(2 * share(2));
  });
});

/** What one look says, with the newest number that was seen before; returns the newest number now. */
function expectConsistent(status: JobStatus | null, before: number): number {
  if (status === null) throw new Error(`run ${before} has vanished`);
  const { newest, last } = status;
  const { number } = numberOf(newest);
  const ended = newest.status === 'running' ? number - 1 : number;
  const facts = {
    words: `${newest.status} ${newest.reason}`,
    forward: number >= before,
    last: last === null ? -1 : numberOf(last).number,
  };
  const words = newest.status === 'running' ? 'running running' : 'completed exited';
  // toEqual takes long for what is asked so often.
  if (facts.words !== words || !facts.forward || facts.last !== ended) {
    throw new Error(`${JSON.stringify(facts)} with run ${number}, ${before} seen before`);
  }
  return number;
}

/** Newest first: of each writer the numbers go down one by one, and the first is not below what was seen before. */
function expectNoGaps(records: readonly RunRecord[], seen: Map<string, number>): void {
  const next = new Map<string, number>();
  for (const record of records) {
    const { writer, number } = numberOf(record);
    const wanted = next.get(writer) ?? number;
    const first = !next.has(writer);
    if (number !== wanted || (first && number < (seen.get(writer) ?? 0))) {
      throw new Error(`run ${number} of writer ${writer} in ${records.map((one) => one.command).join(' ')}`);
    }
    if (record.status !== 'completed' && record.reason !== 'running') throw new Error(record.reason);
    if (first) seen.set(writer, number);
    next.set(writer, number - 1);
  }
}

describeUnless(needsStrace(), 'two runs that settle the same dead one', () => {
  it('the one that stalled before its write does not make the dead run the last', async () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    const dead = plantStartRecord(stateDir, 'job');

    // It stops when it has opened the journal to append to it; it has looked into it before.
    const stalled = straceStopping(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo ready; read line']);
    await poll(() => stalled.trace().includes('stopped by SIGSTOP'), 'the stop');
    expect(cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 4']).status).toBe(4);
    stalled.goOn();
    await poll(() => stalled.stdout().includes('ready'), 'the command of the stalled run');

    const words = journalOf(stateDir, 'job').map(
      ({ status, cron_job_id }) => `${status} ${cron_job_id === `cron:${dead}`}`,
    );
    expect(words).toEqual(['completed false', 'interrupted true', 'failed false', 'interrupted true']);
    expect(truth(stateDir, 'job')).toEqual({
      ...endedTruth('running running', 194),
      last: 'failed exited',
      lastExit: 4,
    });
    expect(listed(stateDir)).toEqual(['running', '4', 'interrupted', '0']);
    const told = cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo $CRONRUN_LAST_EXIT_CODE; exit 5']);
    expect(told).toMatchObject({ status: 5, stdout: '4\n', stderr: '' });

    stalled.end();
    await poll(() => listed(stateDir)[0] === '0', 'the end of the stalled run');
    expect(listed(stateDir)).toEqual(['0', '5', '4', 'interrupted', '0']);
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });
});

/** The runs of the job, newest first: the exit code, or the status of those without one. */
function listed(stateDir: string): string[] {
  const { stdout } = cronrun(stateDir, ['ls', '--get', 'status,exit_code', 'job']);
  const lines = stdout.trimEnd().split('\n');
  return lines.map((line) => line.replace(/^\S+ (\d+)$/, '$1').replace(/ -$/, ''));
}

interface Stalled {
  readonly trace: () => string;
  readonly stdout: () => string;
  readonly goOn: () => void;
  /** Lets its command read its line. */
  readonly end: () => void;
}

function straceStopping(stateDir: string, args: readonly string[]): Stalled {
  const log = `${stateDir}/trace`;
  const filter = [
    '-P',
    journalFile(stateDir, 'job'),
    '-e',
    'trace=openat',
    '-e',
    'inject=openat:signal=STOP:when=2',
  ];
  const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
  const strace = spawn('strace', ['-o', log, ...filter, BIN, ...args], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let said = '';
  strace.stdout.on('data', (data) => {
    said += data;
  });
  afterwards(() => void strace.kill('SIGKILL'));
  return {
    trace: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
    stdout: () => said,
    goOn: () => childrenOf(strace.pid ?? -1).forEach((pid) => void process.kill(pid, 'SIGCONT')),
    end: () => void strace.stdin.end('go\n'),
  };
}
