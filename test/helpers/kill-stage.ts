import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunRecord } from '../../src/model/record.js';
import { cronEnvironment, poll, runningOf, runProgram } from './cronrun.js';
import { readTrace, type Trace } from './kill-trace.js';
import { processesOf, stateOf } from './processes.js';
import { endOf, plantStartRecord, runningPath } from './start-records.js';

/** The job of which a run is killed. */
export const JOB = 'job';

/** A place for one wrapper and its command: the state directory, and files by which the command and the test talk. */
export interface Stage {
  readonly directory: string;
  readonly stateDir: string;
}

/** What the command said of itself. */
export interface Said {
  /** Null: it never ran. */
  readonly id: string | null;
  /** "ID STATUS REASON" of the run before, as it was told. */
  readonly before: string;
  /** The exit code with which it ended by itself; null where it did not. */
  readonly exitCode: number | null;
}

/** A run that is killed again and again. */
export interface Scenario {
  readonly options: readonly string[];
  readonly script: string;
  /** How the run ends if it is let be. */
  readonly end: Pick<RunRecord, 'status' | 'reason' | 'exit_code' | 'signal'>;
  /** All that the command writes, where that is kept. */
  readonly log?: string;
  /** Puts what was there before into an empty state directory. */
  readonly prepare: (bin: string, stateDir: string) => void;
}

// A wrapper that sleeps has nothing more to do before the command ends. One that is gone is not waited for: PPID is its
// number all the same, or 1 if it was gone before.
const COMMON = `
begin() { echo "$CRONRUN_ID $CRONRUN_LAST_ID $CRONRUN_LAST_STATUS $CRONRUN_LAST_REASON" >began; }
end() { echo "$1" >ended; exit "$1"; }
asleep() {
  [ "$PPID" != 1 ] && read -r stat <"/proc/$PPID/stat" || return 1
  case "\${stat##*) }" in S*) ;; *) return 1 ;; esac
}
until_told() { until [ -e go ] || "$@"; do sleep 0.01; done; }
exec 2>/dev/null
`;

const endsWith = (code: number) => `${COMMON} begin; until_told asleep; end ${code}`;

/** It ends at the TERM of its timeout; what it leaves in its group does not, and has to be killed: one process, always. */
const LEAVES_A_REST = `${COMMON}
sh -c 'trap "" TERM; echo "$$" >rest; exec sleep 600' &
trap "end 0" TERM
begin; until_told false; end 0`;

/** It has the wrapper told to stop, takes the signal that is passed on, and claims that all went well. */
const HAS_IT_STOPPED = `${COMMON}
trap "end 0" TERM
begin; until_told asleep; [ -e go ] || kill -TERM "$PPID"
until_told false; end 0`;

const completed = { status: 'completed', reason: 'exited', exit_code: 0, signal: null } as const;

export const SCENARIOS = {
  first: { options: [], script: endsWith(0), end: completed, prepare: () => undefined },
  settling: {
    options: [],
    script: endsWith(3),
    end: { ...completed, status: 'failed', exit_code: 3 },
    prepare: leaveEverything,
  },
  timeout: {
    // The grace period ends about as far from two looks at the group as can be: their number is the same on a busy machine.
    // It is long enough for the command to end in it on such a one.
    options: ['--timeout', '250ms', '--kill-after', '480ms'],
    script: LEAVES_A_REST,
    end: { ...completed, status: 'timeout', reason: 'timed-out' },
    prepare: runOnce,
  },
  overlap: {
    options: ['--overlap', 'skip'],
    script: endsWith(0),
    end: completed,
    prepare: runOnce,
  },
  output: {
    options: ['--output', 'on-failure', '--output-limit', '1K'],
    script: `${COMMON} begin; seq 1 300; until_told asleep; seq 301 600; end 3`,
    end: { ...completed, status: 'failed', exit_code: 3 },
    log: Array.from({ length: 600 }, (_, i) => `${i + 1}\n`).join(''),
    prepare: runOnce,
  },
  stop: {
    options: [],
    script: HAS_IT_STOPPED,
    end: { ...completed, status: 'interrupted', reason: 'stopped', signal: 'SIGTERM' },
    prepare: runOnce,
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;

export function execIn(bin: string, stateDir: string, ...command: string[]) {
  const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
  return runProgram(bin, ['exec', JOB, '--', ...command], { env });
}

function runOnce(bin: string, stateDir: string): void {
  execIn(bin, stateDir, 'true');
}

/** The working directory of the run whose end stands in line 3 of its start record. */
export const KEPT_IN_LINE_3 = '/srv/kept-in-line-3';

/** Dead records of every kind: settled but for its start record, lost, rebooted, with an end in line 3, never begun. */
function leaveEverything(bin: string, stateDir: string): void {
  execIn(bin, stateDir, 'true');
  const aside = `${stateDir}/aside`;
  const keep = `${COMMON} until_told asleep; cp -r "$1" "$2"; exit 5`;
  execIn(bin, stateDir, 'sh', '-c', keep, 'sh', runningPath(stateDir, JOB), aside);
  cpSync(aside, runningPath(stateDir, JOB), { recursive: true });
  rmSync(aside, { recursive: true });
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
  const first = { previous_completed_at: hoursAgo(9) };
  plantStartRecord(stateDir, JOB, { startedAt: hoursAgo(4), first });
  const boot_id = '6d9a2f3e-0000-4000-8000-000000000000';
  plantStartRecord(stateDir, JOB, { startedAt: hoursAgo(3), first, wrapper: { boot_id } });
  const end = endOf(hoursAgo(5), 1000, { status: 'failed', reason: 'exited', exit_code: 7 });
  plantStartRecord(stateDir, JOB, { startedAt: hoursAgo(5), first: { ...first, cwd: KEPT_IN_LINE_3 }, end });
  for (const name of [
    '.01a200df-de74-7c3e-9b1d-2f6f0c5a9e11.tmp',
    '01a200df-de74-7c3e-9b1d-2f6f0c5a9e12.jsonl',
  ]) {
    writeFileSync(`${runningPath(stateDir, JOB)}/${name}`, '{"schema":1,');
    makeOld(stateDir, name);
  }
  const names = runningOf(stateDir, JOB).filter((name) => !name.endsWith('.checkpoint'));
  if (names.length !== 6) throw new Error(`not what the sweep begins with: ${names.join(' ')}`);
}

/** What is no start record is kept for an hour, or until the machine is started again: somebody may be writing it. */
export function makeOld(stateDir: string, name: string): void {
  utimesSync(`${runningPath(stateDir, JOB)}/${name}`, 1, 1);
}

/** @param template a state directory to begin with. */
export function makeStage(directory: string, template: string): Stage {
  mkdirSync(directory);
  const stateDir = `${directory}/state`;
  if (existsSync(template)) cpSync(template, stateDir, { recursive: true, preserveTimestamps: true });
  return { directory, stateDir };
}

/** Runs the wrapper, not its command, under strace until it has ended. @param fault for strace: where it is killed. */
export async function runTraced(
  bin: string,
  { directory, stateDir }: Stage,
  { options, script }: Scenario,
  fault: readonly string[],
): Promise<Trace> {
  const trace = join(directory, 'trace');
  const command = ['exec', ...options, JOB, '--', 'sh', '-c', script];
  const strace = spawn('strace', ['-y', '-o', trace, ...fault, bin, ...command], {
    cwd: directory,
    env: { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir },
    stdio: 'ignore',
  });
  await poll(() => strace.exitCode !== null || strace.signalCode !== null, 'the end of the wrapper');
  return readTrace(readFileSync(trace, 'utf8'), stateDir);
}

/** Lets a command that was waiting come to its end, and waits until nothing of the run is left. */
export async function letEnd(stage: Stage): Promise<void> {
  writeFileSync(`${stage.directory}/go`, '');
  const all = new Set<number>();
  await poll(() => {
    const rest = wordsIn(stage, 'rest');
    const left = processesOf(stage.stateDir);
    if (rest !== null && left.includes(Number(rest))) process.kill(Number(rest), 'SIGKILL');
    for (const pid of left) all.add(pid);
    // On a busy machine one that is ending has no environment any more, and lives.
    return left.length === 0 && [...all].every((pid) => ['', 'Z', 'X'].includes(stateOf(pid)));
  }, 'the end of the command');
}

/** Waits until the command, if it was started, has said so. @returns whether something of it lives. */
export async function meetOrphan(stage: Stage): Promise<boolean> {
  const alive = () => processesOf(stage.stateDir).length > 0;
  await poll(() => wordsIn(stage, 'began') !== null || !alive(), 'the command');
  return alive();
}

export function whatCommandSaid(stage: Stage): Said {
  const [id = null, ...before] = wordsIn(stage, 'began')?.split(' ') ?? [];
  const code = wordsIn(stage, 'ended');
  return { id, before: before.join(' '), exitCode: code === null ? null : Number(code) };
}

/** A line that is there whole, or null. */
function wordsIn({ directory }: Stage, name: string): string | null {
  const path = `${directory}/${name}`;
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text.endsWith('\n') ? text.trimEnd() : null;
}
