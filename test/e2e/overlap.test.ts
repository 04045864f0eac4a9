import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { findFlock } from '../../src/platform/flock.js';
import {
  BIN,
  cronEnvironment,
  cronrun,
  type Going,
  journalOf,
  lastOf,
  poll,
  type Result,
  runningOf,
  runProgram,
  said,
  scratch,
  start,
  startProgram,
  statusOf,
} from '../helpers/cronrun.js';
import {
  describeUnless,
  firstObstacle,
  needsLinux,
  needsProgram,
  needsRoot,
  needsStrace,
  needsUnshare,
} from '../helpers/needs.js';
import { childrenOf, lookAt, processesOf } from '../helpers/processes.js';
import { plantStartRecord } from '../helpers/start-records.js';
import { traceCalls } from '../helpers/strace.js';
import { runNext } from '../helpers/truth.js';

const NO_LOCK = firstObstacle(needsLinux, () => needsProgram('flock'));
const SKIP = ['--overlap', 'skip'];
const WAIT = ['--overlap', 'wait'];
const HOLDS = ['sh', '-c', 'echo "ready $$"; read line; exit 3'];
/** What outlives its wrapper: a pipe from the test would end with that. */
const SLEEPS = ['sh', '-c', 'echo "ready $$"; exec sleep 1000'];

function exec(stateDir: string, options: readonly string[], command = ['echo', 'ran']): Result {
  return cronrun(stateDir, ['exec', ...options, 'job', '--', ...command]);
}

/** A run that goes on until `release`. */
async function goingRun(
  stateDir: string,
  options: readonly string[] = SKIP,
  command: readonly string[] = HOLDS,
): Promise<Going> {
  const run = start(stateDir, ['exec', ...options, 'job', '--', ...command]);
  await run.ready();
  return run;
}

async function release(run: Going): Promise<Result> {
  run.child.stdin?.end('\n');
  return run.ended;
}

/** What a killed wrapper left. @returns its pid. */
async function orphanOf(stateDir: string, options: readonly string[]): Promise<number> {
  const run = await goingRun(stateDir, options, SLEEPS);
  const orphan = await run.ready();
  await poll(() => statusOf(stateDir, 'job').pid, 'the child in the record');
  run.child.kill('SIGKILL');
  await run.exited;
  return orphan;
}

/** A run that waits for its turn, and is known to stand in line. */
async function waitingRun(stateDir: string, options: readonly string[] = []): Promise<Going> {
  const run = start(stateDir, ['exec', ...WAIT, ...options, 'job', '--', 'sh', '-c', 'echo ran; exit 4']);
  await poll(() => isInLine(run), 'a run that waits');
  return run;
}

function isInLine({ pid }: Going): boolean {
  return childrenOf(pid).some((child) => /\bflock\0-x\0/.test(commandOf(child)));
}

const commandOf = (pid: number) => textOf(`/proc/${pid}/cmdline`);

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const lockOf = (stateDir: string) => `${stateDir}/jobs/job/lock`;

const skipsOf = (stateDir: string) => journalOf(stateDir, 'job').filter((line) => line.status === 'skipped');

/** Whether the run that fails is on record. */
const hasFailed = (stateDir: string) =>
  journalOf(stateDir, 'job').some(({ status, exit_code }) => status === 'failed' && exit_code === 3);

const RAN = { status: 0, stdout: 'ran\n', stderr: '' };
const SKIPPED = { status: 75, stdout: '', stderr: '' };

describeUnless(NO_LOCK, 'exec --overlap skip', () => {
  it('starts nothing while another run goes on: 75, silent, on record', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    const holder = String(statusOf(stateDir, 'job').cron_job_id);
    expect(exec(stateDir, SKIP)).toMatchObject(SKIPPED);
    const [record] = skipsOf(stateDir);
    expect(record).toMatchObject({
      status: 'skipped',
      reason: 'overlap',
      blocked_by: holder,
      overlap_exit_code: 75,
      exit_code: null,
      signal: null,
      completed_at: null,
      pid: null,
      command: ['echo', 'ran'],
    });
    expect(record?.ended_at).toMatch(/Z$/);
    expect((await release(run)).status).toBe(3);
    expect(exec(stateDir, SKIP)).toMatchObject(RAN);
  });

  it('has no log, whatever it was told to do with its output', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    expect(exec(stateDir, [...SKIP, '--output', 'on-failure'])).toMatchObject(SKIPPED);
    const [record] = skipsOf(stateDir);
    expect(record).toMatchObject({ output: null });
    expect(existsSync(`${stateDir}/jobs/job/output`)).toBe(false);
    await release(run);
  });

  it('is told by stop to be over, and no wrapper is sought', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    exec(stateDir, SKIP);
    const id = String(skipsOf(stateDir)[0]?.cron_job_id);
    const stopped = cronrun(stateDir, ['stop', id]);
    expect(stopped).toMatchObject({ status: 0, stderr: '' });
    expect(stopped.stdout).toMatch(/^job: ended already: skipped /);
    expect((await release(run)).status).toBe(3);
  });

  it('exits as -E says, and readers of that run with the same', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    for (const [option, code] of [
      ['-E0', 0],
      ['-E', 0],
      ['--overlap-exit-code', 99],
    ] as const) {
      const options = option === '-E0' ? [option] : [option, `${code}`];
      expect(exec(stateDir, [...SKIP, ...options])).toMatchObject({ ...SKIPPED, status: code });
      const id = String(skipsOf(stateDir).at(-1)?.cron_job_id);
      for (const reader of ['last', 'status']) {
        expect(cronrun(stateDir, [reader, '--exit-code', id]).status).toBe(code);
      }
      expect(cronrun(stateDir, ['wait', id]).status).toBe(code);
    }
    await release(run);
  });

  it('is passed over by last, by the next run and by the strip, and listed by ls JOB', async () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo 3/7 >>"$CRONRUN_CHECKPOINT_FILE"; exit 5']);
    const before = lastOf(stateDir, 'job');
    const run = await goingRun(stateDir);
    for (let n = 0; n < 20; n++) expect(exec(stateDir, SKIP).status).toBe(75);
    expect(lastOf(stateDir, 'job')).toEqual(before);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(5);
    expect(cronrun(stateDir, ['ls']).stdout).toMatch(/ x>$/m);
    const said20 = cronrun(stateDir, ['status', 'job']).stdout;
    expect(said20).toMatch(
      /^ {2}skipped {4}20 times since, last \d+s ago: blocked by [0-9a-f]{8}-[0-9a-f]{4}$/m,
    );
    const list = cronrun(stateDir, ['ls', '--status', 'skipped', 'job']).stdout;
    expect(list.match(/ skipped \([0-9a-f]{8}-[0-9a-f]{4}\)$/gm)).toHaveLength(20);
    expect(cronrun(stateDir, ['ls', '-q', '-n', '50', 'job']).stdout.split('\n')).toHaveLength(23);
    run.child.kill('SIGKILL');
    run.child.stdin?.end('\n');
    await poll(() => lastOf(stateDir, 'job').reason === 'lost', 'the end of the run');
    expect(runNext(stateDir, 'job').env).toMatchObject({
      CRONRUN_LAST_REASON: 'lost',
      CRONRUN_RESUME_CHECKPOINT: '3/7',
    });
  });

  it('counts a run that did not ask for the lock', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir, []);
    expect(existsSync(lockOf(stateDir))).toBe(false);
    expect(exec(stateDir, SKIP)).toMatchObject(SKIPPED);
    expect(skipsOf(stateDir)).toMatchObject([{ blocked_by: statusOf(stateDir, 'job').cron_job_id }]);
    await release(run);
    expect(exec(stateDir, SKIP)).toMatchObject(RAN);
  });

  it('lets others run that do not ask for it', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    expect(exec(stateDir, [])).toMatchObject(RAN);
    expect(exec(stateDir, ['--overlap', 'allow'])).toMatchObject(RAN);
    await release(run);
  });

  it('counts what a killed wrapper left, until that is gone', async () => {
    const stateDir = scratch();
    const orphan = await orphanOf(stateDir, SKIP);
    expect(exec(stateDir, SKIP)).toMatchObject(SKIPPED);
    expect(skipsOf(stateDir)).toMatchObject([{ blocked_by: statusOf(stateDir, 'job').cron_job_id }]);
    process.kill(orphan, 'SIGKILL');
    await poll(() => lookAt(orphan) === null, 'the end of the orphan');
    expect(exec(stateDir, SKIP)).toMatchObject({ status: 0, stdout: 'ran\n' });
  });

  it('is not held up by a killed holder of which nothing is left', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir, SKIP, SLEEPS);
    const pid = await run.ready();
    run.child.kill('SIGKILL');
    process.kill(pid, 'SIGKILL');
    await run.exited;
    await poll(() => lookAt(pid) === null, 'the end of the command');
    expect(exec(stateDir, SKIP)).toMatchObject({ status: 0, stdout: 'ran\n' });
  });

  it('names a run that nobody can judge, and the remedy, which helps', () => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job', { wrapper: { host_name: 'elsewhere' } });
    chmodSync(`${stateDir}/jobs`, 0o700);
    const result = exec(stateDir, SKIP);
    expect(result).toMatchObject({ status: 75, stdout: '' });
    const short = id.slice(0, 13);
    expect(said(result)).toBe(
      `cronrun: job: SKIPPED: run ${short} cannot be judged from here and is in the way; if it is over: cronrun settle ${short}\n`,
    );
    expect(cronrun(stateDir, ['settle', short]).status).toBe(0);
    expect(exec(stateDir, SKIP)).toMatchObject(RAN);
  });

  it('says so where the journal will not take it, and exits the same', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    const journal = `${stateDir}/jobs/job/journal.jsonl`;
    mkdirSync(journal);
    const result = exec(stateDir, SKIP);
    expect(result).toMatchObject({ status: 75, stdout: '' });
    expect(said(result)).toMatch(
      /^cronrun: job: SKIPPED, as another run goes on; that cannot be recorded \(EISDIR/,
    );
    rmSync(journal, { recursive: true });
    await release(run);
  });

  it.skipIf(needsProgram('prlimit') !== null)(
    'starts nothing that cannot be recorded: should its wrapper be killed, nobody would see it',
    () => {
      for (const overlap of [SKIP, WAIT]) {
        const stateDir = scratch();
        const limited = ['--fsize=0:0', BIN, 'exec', ...overlap, 'job', '--', 'echo', 'ran'];
        const env = cronEnvironment({ CRONRUN_STATE_DIR: stateDir });
        const result = runProgram('prlimit', limited, { env });
        expect(result).toMatchObject({ status: 125, stdout: '' });
        expect(said(result)).toContain('NOT STARTED: its start cannot be recorded');
        expect(existsSync(lockOf(stateDir))).toBe(true);
        expect(exec(stateDir, SKIP)).toMatchObject(RAN);
      }
    },
  );

  it('lets the next one run while nobody reads what is said of one that is over', async () => {
    const stateDir = scratch();
    const fails = ['sh', '-c', 'yes | head -c 200000; exit 3'];
    const command = [BIN, 'exec', ...SKIP, '--output', 'on-failure', 'job', '--', ...fails];
    const unread = 'exec 3<&0; "$@" 2>&1 </dev/null | { read line <&3; cat >/dev/null; }';
    const run = startProgram(stateDir, 'sh', ['-c', unread, 'sh', ...command]);
    await poll(() => hasFailed(stateDir), 'the end of the run');
    await poll(() => exec(stateDir, SKIP).stdout === 'ran\n', 'the next run', 10_000);
    await release(run);
  });

  it('is not confused by a job that is forgotten while it runs', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    rmSync(`${stateDir}/jobs/job`, { recursive: true });
    expect(exec(stateDir, SKIP)).toMatchObject(RAN);
    await release(run);
    expect(exec(stateDir, SKIP)).toMatchObject(RAN);
  });
});

describeUnless(NO_LOCK, 'the lock', () => {
  it('holds the id of its run, and is private', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    expect(readFileSync(lockOf(stateDir), 'utf8')).toBe(statusOf(stateDir, 'job').cron_job_id);
    await release(run);
    const modes = runProgram('stat', ['-c', '%a', lockOf(stateDir)]);
    expect(modes.stdout).toBe('600\n');
  });

  it('is no descriptor of the command', () => {
    const stateDir = scratch();
    const { stdout } = exec(stateDir, SKIP, ['ls', '-l', '/proc/self/fd']);
    expect(stdout).toContain(' 1 -> ');
    expect(stdout).not.toContain('/lock');
    const left = exec(stateDir, SKIP, ['sh', '-c', 'exec >&- 2>&-; sleep 1000 &']);
    expect(left.status).toBe(0);
    expect(exec(stateDir, SKIP)).toMatchObject(RAN); // what it left behind on purpose holds nothing
  });

  const refusals: readonly (readonly [string, (lock: string) => void, string])[] = [
    ['is a directory', (lock) => mkdirSync(lock), 'EISDIR'],
    ['is a symbolic link', (lock) => symlinkSync('/dev/null', lock), 'ELOOP'],
    ['stands where others can write', (lock) => chmodSync(dirname(lock), 0o777), 'writable by others'],
  ];

  it.each(refusals)('that %s: 125, and nothing is run', (_, spoil, why) => {
    const stateDir = scratch();
    exec(stateDir, []);
    spoil(lockOf(stateDir));
    const result = exec(stateDir, SKIP);
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(said(result)).toMatch(/^cronrun: job: NOT STARTED: its lock cannot be had: /);
    expect(said(result)).toContain(why);
    expect(journalOf(stateDir, 'job')).toHaveLength(1);
  });

  it('in a place where nothing can be made: 125', () => {
    const stateDir = `${scratch()}/file`;
    writeFileSync(stateDir, '');
    expect(exec(stateDir, SKIP)).toMatchObject({ status: 125, stdout: '' });
  });
});

describeUnless(
  firstObstacle(needsRoot, () => NO_LOCK),
  'the lock of somebody else',
  () => {
    it('is not taken: 125', () => {
      const stateDir = scratch();
      exec(stateDir, SKIP);
      chownSync(lockOf(stateDir), 65_534, 65_534);
      const result = exec(stateDir, SKIP);
      expect(result).toMatchObject({ status: 125, stdout: '' });
      expect(said(result)).toContain('/lock belongs to user 65534; remove it');
    });
  },
);

describeUnless(
  firstObstacle(
    () => NO_LOCK,
    () => needsUnshare('-m'),
  ),
  'a machine without flock',
  () => {
    it('is told which package it wants: 125, and nothing is run', () => {
      const stateDir = scratch();
      const [flock, empty] = [findFlock(process.env.PATH) ?? '', `${scratch()}/empty`];
      writeFileSync(empty, '');
      const binds = `mount --bind "$1" "$(readlink -f "$0")" && shift && exec "$@"`;
      const exec = [BIN, 'exec', ...SKIP, 'job', '--', 'echo', 'ran'];
      const env = cronEnvironment({ CRONRUN_STATE_DIR: stateDir });
      const result = runProgram('unshare', ['-m', 'sh', '-c', binds, flock, empty, ...exec], { env });
      expect(result).toMatchObject({ status: 125, stdout: '' });
      expect(said(result)).toContain(
        'NOT STARTED: its lock cannot be had: the program flock is not here; install the package util-linux',
      );
      expect(existsSync(`${stateDir}/jobs`)).toBe(false);
    });
  },
);

describeUnless(NO_LOCK, 'exec --overlap wait', () => {
  it('runs when the other run is over', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    const waiting = await waitingRun(stateDir);
    expect(waiting.stdout).toBe('');
    await release(run);
    expect(await waiting.ended).toMatchObject({ status: 4, stdout: 'ran\n', stderr: '' });
    expect(journalOf(stateDir, 'job').map((line) => line.exit_code)).toEqual([3, 4]);
  });

  it('runs at once where nothing goes on', () => {
    expect(exec(scratch(), WAIT)).toMatchObject(RAN);
  });

  it('waits for a run without the lock, and for an orphan', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir, [], SLEEPS);
    const waiting = start(stateDir, ['exec', ...WAIT, 'job', '--', 'echo', 'ran']);
    await poll(() => existsSync(lockOf(stateDir)), 'a run that waits');
    run.child.kill('SIGKILL');
    await run.exited;
    expect(exec(stateDir, SKIP)).toMatchObject({ status: 75 });
    expect(waiting.stdout).toBe('');
    process.kill(await run.ready(), 'SIGKILL');
    expect(await waiting.ended).toMatchObject({ status: 0, stdout: 'ran\n' });
  });

  it('gives up when its time is over', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    expect(exec(stateDir, [...WAIT, '--overlap-wait', '300ms', '-E', '9'])).toMatchObject({
      ...SKIPPED,
      status: 9,
    });
    const [record] = skipsOf(stateDir);
    expect(Number(record?.duration_ms)).toBeGreaterThanOrEqual(300);
    expect(record?.blocked_by).toBe(statusOf(stateDir, 'job').cron_job_id);
    const id = String(record?.cron_job_id);
    expect(cronrun(stateDir, ['status', id]).stdout).toContain('job: skipped');
    const stopped = cronrun(stateDir, ['stop', id]);
    expect(stopped).toMatchObject({ status: 0, stderr: '' });
    expect(stopped.stdout).toMatch(/^job: ended already: skipped \(overlap\) \(run [0-9a-f-]{13}\)\n$/);
    await release(run);
    expect(processesOf(stateDir)).toEqual([]);
  });

  it('gives up in time where a run without the lock is in the way', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir, []);
    expect(exec(stateDir, [...WAIT, '--overlap-wait', '300ms'])).toMatchObject(SKIPPED);
    await release(run);
  });

  it('says what nobody can judge when it begins to wait for it', () => {
    const stateDir = scratch();
    plantStartRecord(stateDir, 'job', { wrapper: { host_name: 'elsewhere' } });
    chmodSync(`${stateDir}/jobs`, 0o700);
    const result = exec(stateDir, [...WAIT, '--overlap-wait', '100ms']);
    expect(result.status).toBe(75);
    expect(said(result)).toMatch(
      /^cronrun: job: WAITING: run .* if it is over: cronrun settle [0-9a-f-]+\n$/,
    );
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('is ended by %s, and nothing is run', async (signal) => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    const waiting = await waitingRun(stateDir);
    const [flock] = childrenOf(waiting.pid);
    waiting.child.kill(signal);
    const result = await waiting.ended;
    expect(result).toMatchObject({ signal, stdout: '', stderr: '' });
    const [record] = skipsOf(stateDir);
    expect(record).toMatchObject({ reason: 'overlap', signal });
    const id = String(record?.cron_job_id);
    expect(cronrun(stateDir, ['last', '--exit-code', id]).status).toBe(result.status);
    expect(lookAt(flock ?? -1)).toBeNull();
    await release(run);
  });

  it('is ended by a stop also where it waits for a run without the lock', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir, []);
    const waiting = start(stateDir, ['exec', ...WAIT, 'job', '--', 'echo', 'ran']);
    await poll(() => existsSync(lockOf(stateDir)), 'a run that waits');
    // A stop that comes before it waits is one for the command, which is not started, either, as long as it waits.
    waiting.child.kill('SIGTERM');
    expect(await waiting.ended).toMatchObject({ signal: 'SIGTERM', stdout: '' });
    await release(run);
  });

  it('does not count its waiting for the time limit', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    const waiting = await waitingRun(stateDir, ['--timeout', '10s']);
    await release(run);
    expect((await waiting.ended).status).toBe(4);
    expect(Number(lastOf(stateDir, 'job').duration_ms)).toBeLessThan(10_000);
  });

  it('leaves nothing in the way when it is killed', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    const waiting = await waitingRun(stateDir);
    const [flock = -1] = childrenOf(waiting.pid);
    waiting.child.kill('SIGKILL');
    await waiting.exited;
    await release(run);
    await poll(() => lookAt(flock) === null, 'the end of flock');
    expect(exec(stateDir, SKIP)).toMatchObject(RAN);
    expect(skipsOf(stateDir)).toEqual([]);
  });

  it('goes on waiting where somebody kills flock alone', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    const waiting = await waitingRun(stateDir);
    const [flock = -1] = childrenOf(waiting.pid);
    process.kill(flock, 'SIGKILL');
    await poll(() => isInLine(waiting) && !childrenOf(waiting.pid).includes(flock), 'another flock');
    await release(run);
    expect((await waiting.ended).status).toBe(4);
  });

  it('lets everybody have a turn, one after the other', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    const waiting = await Promise.all([1, 2, 3, 4].map(() => waitingRun(stateDir)));
    await release(run);
    for (const { ended } of waiting) expect(await ended).toMatchObject({ status: 4, stdout: 'ran\n' });
    const lines = journalOf(stateDir, 'job');
    for (const [n, line] of lines.entries()) {
      if (n > 0) expect(String(line.started_at) >= String(lines[n - 1]?.ended_at)).toBe(true);
    }
  });
});

describeUnless(
  firstObstacle(() => NO_LOCK, needsStrace),
  'a run that is skipped',
  () => {
    it('is on disk before exec ends, and makes no start record', async () => {
      const stateDir = scratch();
      const run = await goingRun(stateDir);
      const exec = ['exec', ...SKIP, 'job', '--', 'true'];
      const { result, calls } = traceCalls(stateDir, 'fdatasync,fsync,write,rename', exec);
      expect(result).toMatchObject(SKIPPED);
      const touching = calls.filter(({ args }) => args.includes(`${stateDir}/`));
      expect(touching.map(({ name }) => name)).toEqual(['write', 'fdatasync', 'fsync']); // the journal is new
      await release(run);
    });
  },
);

/** The lock of a job that has run is taken, by a flock that is gone then. */
const LOCKED = 'exec 9>>"$CRONRUN_STATE_DIR/jobs/job/lock"; flock -n 9; exec "$@"';

describeUnless(NO_LOCK, 'forget', () => {
  const forgetsLocked = (stateDir: string, ...around: string[]) => {
    const env = cronEnvironment({ CRONRUN_STATE_DIR: stateDir });
    const [file, ...args] = [...around, 'sh', '-c', LOCKED, 'sh', BIN, 'forget', 'job'];
    return runProgram(file, args, { env });
  };
  const expectRefusal = (stateDir: string, result: Result) => {
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(result.stderr).toBe('cronrun: forget: a run of job has its lock\n  nothing was removed\n');
    expect(journalOf(stateDir, 'job')).toHaveLength(1);
  };

  it('removes nothing while somebody else has the lock', () => {
    const stateDir = scratch();
    exec(stateDir, []);
    expectRefusal(stateDir, forgetsLocked(stateDir, 'env'));
    expect(cronrun(stateDir, ['forget', 'job'])).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(`${stateDir}/jobs/job`)).toBe(false);
  });

  it.skipIf(needsUnshare('--pid', '--fork', '--mount-proc') !== null)(
    'nor in a container, where the kernel does not list it',
    () => {
      const stateDir = scratch();
      exec(stateDir, []);
      expectRefusal(stateDir, forgetsLocked(stateDir, 'unshare', '--pid', '--fork', '--mount-proc'));
    },
  );
});

describeUnless(
  firstObstacle(() => NO_LOCK, needsStrace),
  'a run whose job is removed before it is on record',
  () => {
    it('is not started: others may have another lock by now', async () => {
      const stateDir = scratch();
      exec(stateDir, SKIP);
      const trace = `${scratch()}/trace`;
      // It writes into the lock who has it: first nobody that is known, then itself.
      const stops = ['-f', '-o', trace, '-e', 'trace=ftruncate', '-e', 'inject=ftruncate:signal=STOP:when=2'];
      const run = startProgram(stateDir, 'strace', [
        ...stops,
        BIN,
        'exec',
        ...SKIP,
        'job',
        '--',
        'echo',
        'ran',
      ]);
      await poll(() => /stopped by SIGSTOP/.test(textOf(trace)), 'a wrapper before its start record');
      expect(runningOf(stateDir, 'job')).toEqual([]);
      rmSync(`${stateDir}/jobs/job`, { recursive: true });
      const other = await goingRun(stateDir);
      for (const pid of childrenOf(run.pid)) process.kill(pid, 'SIGCONT');
      const result = await run.ended;
      expect(result).toMatchObject({ status: 125, stdout: '' });
      expect(said(result)).toContain('NOT STARTED: its lock cannot be had: the job was forgotten');
      expect(runningOf(stateDir, 'job').filter((name) => name.endsWith('.jsonl'))).toHaveLength(1);
      await release(other);
    });
  },
);

describeUnless(
  firstObstacle(() => NO_LOCK, needsStrace),
  'a run that may overlap',
  () => {
    it('pays nothing: no program, no file more, and the bundle is not loaded', () => {
      const stateDir = scratch();
      exec(stateDir, []);
      const { calls } = traceCalls(stateDir, 'openat,execve,flock', ['exec', 'job', '--', 'true']);
      const touching = calls.filter(({ args }) => /flock|overlap\.cjs|\/lock"/.test(args));
      expect(touching).toEqual([]);
      expect(calls.filter(({ name }) => name === 'flock')).toEqual([]);
    });
  },
);

describeUnless(null, 'the options of overlap', () => {
  it.each([
    [['--overlap', 'never'], '--overlap never is not allow, skip or wait'],
    [['--overlap', 'Forbid'], '--overlap Forbid is not allow, skip or wait. Perhaps skip'],
    [['--overlap', 'skip', '-E', '256'], '--overlap-exit-code 256 is not an exit code from 0 to 255'],
    [['--overlap', 'skip', '--overlap-wait', '5m'], '--overlap-wait is for --overlap wait'],
    [['-E', '0'], '--overlap-exit-code is for --overlap skip or wait. Write --overlap skip as well'],
  ])('%j is refused, and nothing is made', (options, words) => {
    const stateDir = `${scratch()}/state`;
    const result = exec(stateDir, options);
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(said(result)).toContain(words);
    expect(existsSync(stateDir)).toBe(false);
  });
});
