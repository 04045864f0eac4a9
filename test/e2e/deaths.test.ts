import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readIdentity } from '../../src/platform/identity.js';
import {
  afterwards,
  BIN,
  cronEnvironment,
  cronrun,
  fixture,
  isAlive,
  journalOf,
  lastOf,
  poll,
  runningOf,
  runProgram,
  scratch,
  start,
  startProgram,
  statusOf,
} from '../helpers/cronrun.js';
import {
  asAnotherUser,
  describeUnless,
  firstObstacle,
  needsLinux,
  needsReachableBin,
  needsRoot,
  needsStrace,
  needsUnshare,
} from '../helpers/needs.js';
import { childrenOf } from '../helpers/processes.js';
import {
  endOf,
  NOBODY,
  onlyStartRecord,
  plantStartRecord,
  rewriteStartLine,
  rewriteWrapper,
  runningPath,
  startLine,
} from '../helpers/start-records.js';
import { endedTruth, expectToldOnce, goingTruth, runNext, truth } from '../helpers/truth.js';

const SLEEPER = ['sh', '-c', 'echo ready; exec sleep 1000'];
const RUNNING = goingTruth('running running', 194);
const ORPHANED = goingTruth('running orphaned', 196);
const UNVERIFIABLE = goingTruth('running unverifiable', 196);
const LOST = endedTruth('interrupted lost', 195);
const REBOOTED = endedTruth('interrupted rebooted', 195);

/** A run that goes on while the test looks at it, its child written down. */
interface Live {
  readonly wrapper: number;
  readonly child: number;
  readonly id: string;
}

async function live(stateDir: string, job: string, command: readonly string[] = SLEEPER): Promise<Live> {
  const before = runningOf(stateDir, job);
  const run = start(stateDir, ['exec', job, '--', ...command]);
  await run.says('ready');
  const [name] = runningOf(stateDir, job).filter((one) => one.endsWith('.jsonl') && !before.includes(one));
  const record = `${runningPath(stateDir, job)}/${name}`;
  const { pid } = await poll(() => startLine(record, 2), 'line 2 of the start record');
  const child = pid as number;
  afterwards(() => killIfThere(-child));
  return { wrapper: run.pid, child, id: String(startLine(record, 1)?.cron_job_id) };
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

/** SIGKILL, and wait until nothing of it is left but perhaps a zombie. */
async function kill(...pids: number[]): Promise<void> {
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await poll(() => !pids.some(isAlive), `the end of ${pids.join(' ')}`);
}

/** A run whose wrapper was killed while its command went on. */
async function orphan(stateDir: string, job: string, command?: readonly string[]): Promise<Live> {
  const run = await live(stateDir, job, command);
  await kill(run.wrapper);
  return run;
}

describe('a wrapper killed by SIGKILL', () => {
  it('with its child alive: orphaned, and lost once the child is gone', async () => {
    const stateDir = scratch();
    const run = await live(stateDir, 'job');
    expect(truth(stateDir, 'job')).toEqual(RUNNING);

    await kill(run.wrapper);
    const said = truth(stateDir, 'job');
    expect(isAlive(run.child)).toBe(true); // else it is not what is tested here
    expect(said).toEqual(ORPHANED);
    expect(statusOf(stateDir, 'job')).toMatchObject({ pid: run.child, exit_code: null, ended_at: null });
    expect(cronrun(stateDir, ['status', 'job']).stdout).toContain('To end it: cronrun stop job');

    await kill(run.child);
    expect(truth(stateDir, 'job')).toEqual(LOST);
    expectToldOnce(stateDir, 'job', run.id, 'lost');
  });

  it('with its child: lost at once', async () => {
    const stateDir = scratch();
    const run = await live(stateDir, 'job');
    await kill(run.wrapper, run.child);
    expect(truth(stateDir, 'job')).toEqual(LOST);
    expectToldOnce(stateDir, 'job', run.id, 'lost');
  });

  it('with only a grandchild alive: orphaned by it', async () => {
    const stateDir = scratch();
    const run = await live(stateDir, 'job', ['sh', '-c', 'sleep 1000 & echo ready; wait']);
    await kill(run.wrapper, run.child);
    expect(truth(stateDir, 'job')).toEqual(ORPHANED);

    const grandchild = Number(/alive +pid (\d+)/.exec(cronrun(stateDir, ['status', 'job']).stdout)?.[1]);
    expect(grandchild).not.toBe(run.child);
    await kill(grandchild);
    expect(truth(stateDir, 'job')).toEqual(LOST);
  });

  it('with a process in a session of its own alive: that is not the run', async () => {
    const stateDir = scratch();
    const run = await live(stateDir, 'job', ['sh', '-c', 'setsid sleep 1000 & echo ready; wait']);
    const moved = await poll(() => sessionLeaderBelow(run.child), 'setsid');
    afterwards(() => killIfThere(moved));
    await kill(run.wrapper, run.child);
    expect(isAlive(moved)).toBe(true);
    expect(truth(stateDir, 'job')).toEqual(LOST);
  });

  it('between fork and line 2: found by the id in its environment, then lost', async () => {
    const stateDir = scratch();
    const run = await orphan(stateDir, 'job');
    rewriteStartLine(onlyStartRecord(stateDir, 'job'), 2, null);
    expect(truth(stateDir, 'job')).toEqual(ORPHANED);
    expect(statusOf(stateDir, 'job').pid).toBeNull();

    await kill(run.child);
    expect(truth(stateDir, 'job')).toEqual(LOST);
    expectToldOnce(stateDir, 'job', run.id, 'lost');
  });

  it('after an earlier run: last speaks of that one, and says 196 while it cannot tell', async () => {
    const stateDir = scratch();
    expect(runNext(stateDir, 'job').status).toBe(0);
    const run = await orphan(stateDir, 'job');
    expect(truth(stateDir, 'job')).toEqual(goingTruth('running orphaned', 196, 'completed exited'));

    const next = runNext(stateDir, 'job');
    expect(next.env).toMatchObject({
      CRONRUN_LAST_STATUS: 'completed',
      CRONRUN_RUNNING: run.id,
      CRONRUN_UNSURE: run.id,
    });
    expect(next.stderr).toBe('');
    expect(runningOf(stateDir, 'job')).toHaveLength(2);
    await kill(run.child);
    expectToldOnce(stateDir, 'job', run.id, 'lost');
  });

  it('and never reaped: a zombie is dead', async () => {
    const stateDir = scratch();
    const wrapper = await unreapedRun(stateDir);
    const record = onlyStartRecord(stateDir, 'job');
    const { pid } = await poll(() => startLine(record, 2), 'line 2 of the start record');
    await kill(wrapper, Number(pid));
    expect(readFileSync(`/proc/${wrapper}/stat`, 'utf8')).toContain(') Z ');
    expect(truth(stateDir, 'job')).toEqual(LOST);
  });
});

describeUnless(firstObstacle(needsLinux, needsStrace), 'a wrapper killed between fork and execve', () => {
  it('its copy is the run', async () => {
    const stateDir = scratch();
    const command = fixture('ignores-stops');
    const slowly = ['-f', '-o', '/dev/null', '-P', command, '-e', 'inject=execve:delay_enter=60s'];
    startProgram(stateDir, 'strace', [...slowly, BIN, 'exec', 'job', '--', command]);
    await poll(() => runningOf(stateDir, 'job').some((name) => name.endsWith('.jsonl')), 'a start record');
    const record = onlyStartRecord(stateDir, 'job');
    const { pid } = (startLine(record, 1) as { wrapper: { pid: number } }).wrapper;
    await poll(() => childrenOf(pid).length > 0, 'the fork');
    await kill(pid);
    expect(truth(stateDir, 'job')).toEqual(ORPHANED);
    expect(startLine(record, 2)).toBeNull(); // else it is not what is tested here
  });
});

/** The wrapper of a run of "job" that is the child of a program which never waits for it. */
async function unreapedRun(stateDir: string): Promise<number> {
  const script = '"$1" exec job -- sleep 1000 & echo "wrapper $! "; exec sleep 1000';
  const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
  const parent = spawn('sh', ['-c', script, 'sh', BIN], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  afterwards(() => void parent.kill('SIGKILL'));
  const said = await firstWords(parent);
  await poll(() => runningOf(stateDir, 'job').some((name) => name.endsWith('.jsonl')), 'the start record');
  return Number(/wrapper (\d+) /.exec(said)?.[1]);
}

async function firstWords(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (data) => {
    text += data;
  });
  return poll(() => (text.includes('\n') ? text : null), 'the first words');
}

/** The child of `parent` that leads a session of its own. */
function sessionLeaderBelow(parent: number): number | null {
  const { stdout } = runProgram('ps', ['-o', 'pid=,sid=', '--ppid', String(parent)]);
  const match = /^\s*(\d+)\s+\1\s*$/m.exec(stdout);
  return match === null ? null : Number(match[1]);
}

describe('a record that says it is of', () => {
  it('another boot: rebooted, whatever processes there are', async () => {
    const stateDir = scratch();
    const run = await orphan(stateDir, 'job');
    rewriteWrapper(onlyStartRecord(stateDir, 'job'), { boot_id: '6d9a2f3e-0000-4000-8000-000000000000' });
    expect(truth(stateDir, 'job')).toEqual(REBOOTED);
    expect(cronrun(stateDir, ['status', 'job']).stdout).toContain('INTERRUPTED: the machine restarted');
    expectToldOnce(stateDir, 'job', run.id, 'rebooted');
    expect(isAlive(run.child)).toBe(true);
  });

  it('a wrapper that started at another moment: its pid was given out again', async () => {
    const stateDir = scratch();
    const run = await live(stateDir, 'job');
    const record = onlyStartRecord(stateDir, 'job');
    const { wrapper } = startLine(record, 1) as { wrapper: { start_ticks: number } };
    rewriteWrapper(record, { start_ticks: wrapper.start_ticks - 1 });
    expect(truth(stateDir, 'job')).toEqual(ORPHANED);

    const child = startLine(record, 2) as { pid: number; start_ticks: number };
    rewriteStartLine(record, 2, { ...child, start_ticks: child.start_ticks - 1 });
    expect(truth(stateDir, 'job')).toEqual(LOST);
    expect(isAlive(run.child)).toBe(true);
  });

  it.each([
    ['another host', { host_name: 'db1' }],
    ['another machine with the same name', { machine_id: '00000000000000000000000000000000' }],
    ['another pid namespace', { pid_ns: 'pid:[1]' }],
    ['another time namespace', { time_ns: 'time:[1]' }],
    ['another host, in another boot', { host_name: 'db1', boot_id: '6d9a2f3e-0000-4000-8000-000000000000' }],
    ['a host without a boot id', { boot_id: null }],
  ])('%s: unverifiable, and nobody settles it', (_, place) => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job', { wrapper: place });
    expect(truth(stateDir, 'job')).toEqual(UNVERIFIABLE);

    const next = runNext(stateDir, 'job');
    expect(next.stderr).toBe('');
    expect(next.env).toMatchObject({
      CRONRUN_LAST_STATUS: 'none',
      CRONRUN_RUNNING: `cron:${id}`,
      CRONRUN_UNSURE: `cron:${id}`,
    });
    expect(runningOf(stateDir, 'job')).toEqual([`${id}.jsonl`]);
    expect(journalOf(stateDir, 'job')).toHaveLength(1);
  });

  it('another boot of this host in another pid namespace: nothing of it can live', () => {
    const stateDir = scratch();
    const place = { boot_id: '6d9a2f3e-0000-4000-8000-000000000000', pid_ns: 'pid:[1]' };
    const id = plantStartRecord(stateDir, 'job', { wrapper: place });
    expect(truth(stateDir, 'job')).toEqual(REBOOTED);
    expectToldOnce(stateDir, 'job', `cron:${id}`, 'rebooted');
  });

  it('a run that the journal has: the journal counts', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo ready; read line']);
    await run.says('ready');
    const record = onlyStartRecord(stateDir, 'job');
    await poll(() => startLine(record, 2), 'line 2 of the start record');
    copyFileSync(record, `${stateDir}/kept`);
    run.child.stdin?.end('go\n');
    expect((await run.ended).status).toBe(0);

    copyFileSync(`${stateDir}/kept`, record); // as a power cut brings it back
    expect(truth(stateDir, 'job')).toEqual(endedTruth('completed exited', 0));
    expect(cronrun(stateDir, ['last', '--json', 'job']).stdout.split('\n')).toHaveLength(2);
    expect(runNext(stateDir, 'job')).toMatchObject({ stderr: '', env: { CRONRUN_LAST_STATUS: 'completed' } });
    expect(runningOf(stateDir, 'job')).toEqual([]);
    expect(journalOf(stateDir, 'job')).toHaveLength(2);
  });

  it('a run that ended: line 3 counts, though its wrapper is dead', () => {
    const stateDir = scratch();
    const end = endOf('2026-11-20T01:30:00.000Z', 4000, {
      status: 'failed',
      reason: 'exited',
      exit_code: 23,
    });
    const id = plantStartRecord(stateDir, 'job', { end });
    expect(truth(stateDir, 'job')).toEqual(endedTruth('failed exited', 23));
    expect(runNext(stateDir, 'job')).toMatchObject({ stderr: '', env: { CRONRUN_LAST_EXIT_CODE: '23' } });
    expect(journalOf(stateDir, 'job')[0]).toMatchObject({ cron_job_id: `cron:${id}`, exit_code: 23 });
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it('a run whose end is in its name: the name counts', () => {
    const stateDir = scratch();
    const name = (id: string) => `${id}.end-timeout-timed-out-x-SIGTERM-1763602210000-10000.jsonl`;
    plantStartRecord(stateDir, 'job', { name });
    expect(truth(stateDir, 'job')).toEqual(endedTruth('timeout timed-out', 124));
    expect(lastOf(stateDir, 'job')).toMatchObject({
      signal: 'SIGTERM',
      duration_ms: 10_000,
      ended_at: '2025-11-20T01:30:10.000Z',
    });
    expect(runNext(stateDir, 'job').env).toMatchObject({ CRONRUN_LAST_SIGNAL: 'SIGTERM' });
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });
});

describe('a record of a newer schema', () => {
  const newer = { schema: 2, mood: { of: 'the run' } };

  it('of a run that is dead by our rules: shown, unverifiable, never removed', () => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job', { first: newer });
    const before = readFileSync(onlyStartRecord(stateDir, 'job'));
    expect(truth(stateDir, 'job')).toEqual(UNVERIFIABLE);
    expect(statusOf(stateDir, 'job')).toMatchObject({ schema: 2, cron_job_id: `cron:${id}` });
    runNext(stateDir, 'job');
    expect(readFileSync(onlyStartRecord(stateDir, 'job'))).toEqual(before);
  });

  it('with an end: the end is shown, and left for its own version to settle', () => {
    const stateDir = scratch();
    const end = endOf('2026-11-20T01:30:00.000Z', 10, { status: 'failed', reason: 'exited', exit_code: 5 });
    plantStartRecord(stateDir, 'job', { first: newer, end });
    const before = readFileSync(onlyStartRecord(stateDir, 'job'));
    expect(truth(stateDir, 'job')).toEqual(endedTruth('failed exited', 5));
    expect(runNext(stateDir, 'job').env.CRONRUN_LAST_EXIT_CODE).toBe('5');
    expect(readFileSync(onlyStartRecord(stateDir, 'job'))).toEqual(before);
    expect(journalOf(stateDir, 'job')).toHaveLength(1);
  });
});

describe('inside a run', () => {
  const ASK = '"$1" status --get status,cron_job_id; "$1" last --exit-code; echo "last $?"';

  it('status without a job speaks of it, last of the run before it', () => {
    const stateDir = scratch();
    const ask = () =>
      cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', `${ASK}; echo $CRONRUN_ID; exit 7`, 'sh', BIN]);
    const first = ask().stdout.split('\n');
    expect(first).toEqual([`running ${first[2]}`, 'last 193', expect.stringMatching(/^cron:/), '']);
    const second = ask().stdout.split('\n');
    expect(second).toEqual([`running ${second[2]}`, 'last 7', expect.stringMatching(/^cron:/), '']);
    expect(second[2]).not.toBe(first[2]);
  });

  it('another run that goes on does not become the run that asks', async () => {
    const stateDir = scratch();
    const asking = ['sh', '-c', `echo ready $CRONRUN_ID; read line; ${ASK}`, 'sh', BIN];
    const older = start(stateDir, ['exec', 'job', '--', ...asking]);
    await older.says('ready');
    await live(stateDir, 'job');
    older.child.stdin?.end('go\n');
    const [hello = '', status, last] = (await older.ended).stdout.split('\n');
    expect(status).toBe(`running ${hello.slice('ready '.length)}`);
    expect(last).toBe('last 194');
  });

  it('that is over, its variables are not believed', () => {
    const stateDir = scratch();
    const { env } = runNext(stateDir, 'job');
    cronrun(stateDir, ['exec', 'other', '--', 'sh', '-c', 'exit 9']);
    const leaked = { env: { ...cronEnvironment(), ...env } };
    expect(cronrun(stateDir, ['last', '--exit-code'], leaked).status).toBe(9);
    expect(cronrun(stateDir, ['status'], leaked)).toMatchObject({ status: 125, stdout: '' });
  });

  it('that could not be recorded, the job is believed', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 4']);
    cronrun(stateDir, ['exec', 'other', '--', 'true']);
    const env = { ...cronEnvironment(), CRONRUN_ID: '', CRONRUN_JOB: 'job' };
    expect(cronrun(stateDir, ['last', '--exit-code'], { env }).status).toBe(4);
    expect(cronrun(stateDir, ['status', '--get', 'exit_code'], { env }).stdout).toBe('4\n');
  });
});

const NEW_PIDS = ['--pid', '--fork', '--kill-child', '--mount-proc'];
const noNewPids = firstObstacle(needsLinux, needsRoot, () => needsUnshare(...NEW_PIDS));

describeUnless(noNewPids, 'pid namespaces', () => {
  it('a child is found whatever its pid begins with', () => {
    const stateDir = scratch();
    const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
    const { stdout } = runProgram('unshare', [...NEW_PIDS, fixture('orphans-of-all-pids.sh'), BIN], { env });
    const digits = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    expect(stdout).toBe(digits.map((digit) => `${digit} running orphaned\n`).join(''));
  });
});

const noOthers = firstObstacle(needsLinux, needsRoot, needsReachableBin);

describeUnless(noOthers, 'a run of another user', () => {
  it('whose child was never written down: what cannot be looked into may be it', () => {
    const stateDir = scratch();
    plantStartRecord(stateDir, 'job', { child: null });
    runProgram('chown', ['-R', '65534:65534', stateDir]);
    const sudo = spawn('sleep', ['1000']); // a command that became root, for all that its user can see
    afterwards(() => void sudo.kill('SIGKILL'));
    const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
    const ask = [...asAnotherUser(), BIN, 'status', '--get', 'status,reason', 'job'];
    expect(runProgram('setpriv', ask, { env }).stdout).toBe('running unverifiable\n');
    expect(truth(stateDir, 'job')).toEqual(LOST); // root looks into it, and it is not
  });
});

describe('hand-made records', () => {
  it('look like those of cronrun itself', async () => {
    const [byHand, real] = [scratch(), scratch()];
    plantStartRecord(byHand, 'job');
    await live(real, 'job');
    const [a, b] = [onlyStartRecord(byHand, 'job'), onlyStartRecord(real, 'job')];
    expect(Object.keys(startLine(a, 1) ?? {})).toEqual(Object.keys(startLine(b, 1) ?? {}));
    expect(startLine(a, 1)?.wrapper).toEqual({ ...readIdentity(process.pid), pid: NOBODY });
    expect(Object.keys(startLine(a, 2) ?? {})).toEqual(Object.keys(startLine(b, 2) ?? {}));
  });
});
