import { mkdirSync } from 'node:fs';
import { formatRunId } from '../../src/model/run-id.js';
import { type Sleeper, startSleeper } from './children.js';
import { cronrun, type Result } from './cronrun.js';
import { endOf, type Planted, plantStartRecord } from './start-records.js';
import { aliveHere } from './state.js';
import { jsonLines } from './truth.js';

/** What readers may say of a job: what is so, or that it cannot be told from here. Never anything else. */
interface Truth {
  /** `status --json`: "running orphaned" */
  readonly status: readonly string[];
  /** `last --exit-code` */
  readonly lastExit: readonly number[];
}

const UNVERIFIABLE = 'running unverifiable';
const UNSURE = 196;

const TRUTHS = {
  ended: { status: ['failed exited'], lastExit: [5] },
  going: { status: ['running running', UNVERIFIABLE], lastExit: [0, UNSURE] },
  lost: { status: ['interrupted lost', UNVERIFIABLE], lastExit: [195, UNSURE] },
  orphan: { status: ['running orphaned', UNVERIFIABLE], lastExit: [UNSURE] },
  unwritten: { status: ['running orphaned', UNVERIFIABLE], lastExit: [UNSURE] },
  kept: { status: ['failed exited'], lastExit: [3] },
} as const satisfies Record<string, Truth>;

export type Job = keyof typeof TRUTHS;

export const JOBS = Object.keys(TRUTHS) as Job[];

/** Who lives while the readers are asked. */
export interface Inhabited {
  readonly stateDir: string;
  /** Processes of whom records speak. */
  readonly pids: readonly number[];
}

/** A job for each way in which a run can stand; all but the first had a run that completed before. */
export function inhabit(stateDir: string): Inhabited {
  mkdirSync(stateDir);
  for (const job of JOBS) cronrun(stateDir, ['exec', job, '--', 'true']);
  cronrun(stateDir, ['exec', 'ended', '--', 'sh', '-c', 'exit 5']);
  const startedAt = new Date().toISOString();
  const plant = (job: Job, facts: Planted) => plantStartRecord(stateDir, job, { startedAt, ...facts });
  plant('going', { wrapper: aliveHere(), child: null });
  plant('lost', {});
  const orphan = startSleeper();
  plant('orphan', { child: orphan.identity });
  const unwritten: Sleeper = startSleeper({
    CRONRUN_ID: formatRunId(plant('unwritten', { child: null })),
  });
  plant('kept', { end: endOf(startedAt, 1000, { status: 'failed', reason: 'exited', exit_code: 3 }) });
  return { stateDir, pids: [process.pid, orphan.identity.pid, unwritten.identity.pid] };
}

/** A question to a reader, and what is wrong with an answer; null: nothing. */
export interface Question {
  readonly args: readonly string[];
  readonly lieIn: (result: Result) => string | null;
}

/** Every question there is to a job; and `ls` for all of them. */
export function questionsTo(job: Job): Question[] {
  const { status, lastExit } = TRUTHS[job];
  return [
    {
      args: ['status', '--json', job],
      lieIn: (result) => lieUnlessRefused(result, () => isSaid(result, [status])),
    },
    {
      args: ['last', '--exit-code', job],
      lieIn: (result) =>
        lieUnlessRefused(result, () => (lastExit as readonly number[]).includes(result.status)),
    },
    {
      args: ['ls', '--json', job],
      lieIn: (result) => lieUnlessRefused(result, () => isAmong(result, status)),
    },
  ];
}

export const LIST: Question = {
  args: ['ls', '--json'],
  lieIn: (result) =>
    result.status === 0 ? lieUnlessRefused(result, () => isListed(result, JOBS)) : lieInRefusal(result),
};

/** A job that is not there: nothing may be said of it but that, or that nobody can tell. */
export const ABSENT: Question[] = ['status', 'last', 'ls'].map((command) => ({
  args: [command, 'absent'],
  lieIn: (result) => lieUnlessRefused(result, () => result.status === 193 && result.stdout === ''),
}));

function isSaid({ status, stdout }: Result, truths: readonly (readonly string[])[]): boolean {
  const said = jsonLines(stdout).map((line) => `${line.status} ${line.reason}`);
  return (
    status === 0 && said.length === truths.length && truths.every((truth, i) => truth.includes(said[i] ?? ''))
  );
}

/** What nobody can judge stands where it started, perhaps behind what ended later. */
function isAmong({ status, stdout }: Result, truth: readonly string[]): boolean {
  return status === 0 && jsonLines(stdout).some((line) => truth.includes(`${line.status} ${line.reason}`));
}

function isListed({ stdout }: Result, jobs: readonly Job[]): boolean {
  const lines = jsonLines(stdout);
  return jobs.every((job) => {
    const line = lines.find((one) => one.job === job);
    return (
      line !== undefined &&
      (TRUTHS[job].status as readonly string[]).includes(`${line.status} ${line.reason}`)
    );
  });
}

function lieUnlessRefused(result: Result, isTrue: () => boolean): string | null {
  if (result.status === 125) return lieInRefusal(result);
  return isTrue() ? null : `it said ${result.status} ${result.stdout.slice(0, 200)} ${result.stderr}`;
}

/** 125, and a message for people: what could not be read, and why. A list still says what it can. */
function lieInRefusal({ status, stdout, stderr }: Result): string | null {
  const clear =
    stderr.startsWith('cronrun: ') && !/internal error|^ +at /m.test(stderr) && /\(E[A-Z]+/.test(stderr);
  if (status !== 125 || !clear) return `it refused with ${status}: ${stderr}`;
  const known = jsonLines(stdout).map((line) => line.job as Job);
  return isListed({ stdout } as Result, known) ? null : `it refused, and said: ${stdout.slice(0, 200)}`;
}
