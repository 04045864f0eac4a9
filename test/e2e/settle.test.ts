import { spawn } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import {
  afterwards,
  BIN,
  cronEnvironment,
  cronrun,
  journalOf,
  poll,
  runningOf,
  runProgram,
  said,
  scratch,
  start,
} from '../helpers/cronrun.js';
import {
  asAnotherUser,
  describeUnless,
  firstObstacle,
  needsLinux,
  needsReachableBin,
  needsRoot,
  needsUnshare,
} from '../helpers/needs.js';
import {
  endOf,
  onlyStartRecord,
  plantStartRecord,
  rewriteWrapper,
  startLine,
} from '../helpers/start-records.js';
import { endedTruth, expectToldOnce, goingTruth, runNext, truth } from '../helpers/truth.js';

const { openRegistry } = createRequire(import.meta.url)(
  '../../dist/index.cjs',
) as typeof import('../../src/index.js');

const STARTED_AT = '2026-11-20T01:30:00.000Z';
const ANOTHER_CONTAINER = { host_name: 'f00dcafe0000', pid_ns: 'pid:[1]' };
const UNVERIFIABLE = goingTruth('running unverifiable', 196);
const LOST = endedTruth('interrupted lost', 195);

function settle(stateDir: string, id: string, ...options: string[]) {
  return cronrun(stateDir, ['settle', ...options, id]);
}

describe('a run that nobody can judge', () => {
  it.each([
    ['of another container', ANOTHER_CONTAINER],
    ['of another host', { machine_id: 'ffffffffffffffffffffffffffffffff', boot_id: 'b' }],
    ['whose wrapper did not know its own start', { start_ticks: null, pid: 1 }],
  ])('%s: is over on the word of a person', (_what, wrapper) => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job', { wrapper });
    expect(truth(stateDir, 'job')).toEqual(UNVERIFIABLE);
    const result = settle(stateDir, id.slice(0, 13));
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toBe(`job: settled, on your word: INTERRUPTED (lost) (run ${id.slice(0, 13)})\n`);
    expect(truth(stateDir, 'job')).toEqual(LOST);
    const line = { reason: 'lost', settled_by: 'person', ended_at: null, exit_code: null, duration_ms: null };
    expect(journalOf(stateDir, 'job')).toMatchObject([line]);
    expect(journalOf(stateDir, 'job')[0]?.settled_at).toEqual(expect.any(String));
    expect(runningOf(stateDir, 'job')).toEqual([]);
    expect(cronrun(stateDir, ['status', 'job']).stdout).toMatch(
      /^job: INTERRUPTED: somebody said that it is over/,
    );
    expect(runNext(stateDir, 'job')).toMatchObject({ stderr: '', env: { CRONRUN_LAST_REASON: 'lost' } });
  });

  it('is found by its id as readers find it, and settled once', () => {
    const stateDir = scratch();
    const [one, two] = [1, 2].map(() => plantStartRecord(stateDir, 'job', { wrapper: ANOTHER_CONTAINER }));
    const ambiguous = settle(stateDir, (one ?? '').slice(0, 13));
    expect(ambiguous).toMatchObject({ status: 125, stdout: '' });
    expect(ambiguous.stderr).toContain('fits several runs');
    expect(settle(stateDir, `cron:${one}`).status).toBe(0);
    expect(runningOf(stateDir, 'job')).toEqual([`${two}.jsonl`]);
    expect(settle(stateDir, (two ?? '').slice(-12)).status).toBe(0);
    const again = settle(stateDir, one ?? '');
    expect(again).toMatchObject({ status: 0, stderr: '' });
    expect(again.stdout).toBe(`job: ended already: INTERRUPTED (lost) (run ${one?.slice(0, 13)})\n`);
    expect(journalOf(stateDir, 'job').length).toBe(2);
    expect(settle(stateDir, '00000000')).toMatchObject({ status: 193, stdout: '' });
  });

  it('counts by the word of its own wrapper, should that come back', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo ready; read line; exit 3']);
    await run.says('ready');
    const path = onlyStartRecord(stateDir, 'job');
    await poll(() => startLine(path, 2), 'line 2 of the start record');
    const id = String(startLine(path, 1)?.cron_job_id);
    rewriteWrapper(path, ANOTHER_CONTAINER);
    expect(truth(stateDir, 'job')).toEqual(UNVERIFIABLE);
    // Its processes can be seen from here, as a host sees those of its containers.
    expect(settle(stateDir, id)).toMatchObject({ status: 125, stdout: '' });
    // A promise that is broken: this is how a run that goes on is called lost.
    expect(cronrun(stateDir, ['last', '--exclusive-state', '--exit-code', 'job']).status).toBe(195);
    expect(runNextExclusively(stateDir)).toMatchObject({ status: 0, reason: 'lost' });
    run.child.stdin?.end('go\n');
    expect((await run.ended).status).toBe(3);
    const lines = journalOf(stateDir, 'job').filter((line) => line.cron_job_id === id);
    expect(lines.map((line) => line.reason)).toEqual(['lost', 'exited']);
    expect(cronrun(stateDir, ['status', '--exit-code', id]).status).toBe(3);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(3);
    expect(cronrun(stateDir, ['ls', '-q', 'job']).stdout.split('\n').length - 1).toBe(2);
  });
});

function runNextExclusively(stateDir: string): { status: number; reason: string } {
  const line = ['exec', '--exclusive-state', 'job', '--', 'sh', '-c', 'printf %s "$CRONRUN_LAST_REASON"'];
  const { status, stdout } = cronrun(stateDir, line);
  return { status, reason: stdout };
}

describe('a run that can be judged', () => {
  it('and lives is not settled: its wrapper, then what the wrapper left', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo ready; exec sleep 1000']);
    await run.says('ready');
    const path = onlyStartRecord(stateDir, 'job');
    const { pid } = await poll(() => startLine(path, 2), 'line 2 of the start record');
    const id = String(startLine(path, 1)?.cron_job_id);
    const { pid: wrapper } = (startLine(path, 1) as { wrapper: { pid: number } }).wrapper;
    const alive = settle(stateDir, id);
    expect(alive).toMatchObject({ status: 125, stdout: '' });
    expect(said(alive)).toBe(
      `cronrun: settle: this run of job goes on: its wrapper lives, pid ${wrapper}. To end it: cronrun stop ${id.slice(5, 18)}\n`,
    );
    process.kill(wrapper, 'SIGKILL');
    await run.exited;
    const orphan = settle(stateDir, id);
    expect(orphan).toMatchObject({ status: 125, stdout: '' });
    expect(said(orphan)).toContain(`pid ${pid} is of it. To end it: cronrun stop ${id.slice(5, 18)}\n`);
    expect(settle(stateDir, id, '--exclusive-state').status).toBe(125);
    expect(onlyStartRecord(stateDir, 'job')).toBe(path);
    process.kill(Number(pid), 'SIGKILL');
    await poll(() => cronrun(stateDir, ['status', '--exit-code', 'job']).status === 195, 'the end');
    expect(settle(stateDir, id).stdout).toMatch(/^job: settled, it was over: INTERRUPTED \(lost\)/);
    expect(journalOf(stateDir, 'job')).toMatchObject([{ reason: 'lost', settled_by: null }]);
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it('and was recorded by a newer cronrun is for that to settle', () => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job', { first: { schema: 2 } });
    const result = settle(stateDir, id);
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(result.stderr).toContain('a newer cronrun recorded this run of job (schema 2)');
    expect(runningOf(stateDir, 'job').length).toBe(1);
  });

  it('and whose end waits in its start record is moved as its wrapper saw it', () => {
    const stateDir = scratch();
    const end = endOf(STARTED_AT, 1000, { status: 'failed', reason: 'exited', exit_code: 4 });
    const id = plantStartRecord(stateDir, 'job', { startedAt: STARTED_AT, end, wrapper: ANOTHER_CONTAINER });
    expect(settle(stateDir, id).stdout).toMatch(/^job: settled, it was over: FAILED \(run /);
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'failed', exit_code: 4, settled_by: null }]);
  });

  it('a process of another container carries its id: it is not over', async () => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job', { wrapper: ANOTHER_CONTAINER });
    const child = spawn('sleep', ['1000'], { env: { CRONRUN_ID: `cron:${id}`, PATH: '/usr/bin:/bin' } });
    afterwards(() => void child.kill('SIGKILL'));
    const result = settle(stateDir, id);
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(said(result)).toContain(`pid ${child.pid} is of it. To end it: kill -TERM ${child.pid}\n`);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('exit', resolve));
    expect(settle(stateDir, id).status).toBe(0);
  });
});

describe('where others can write', () => {
  it('nothing is settled', () => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job', { wrapper: ANOTHER_CONTAINER });
    chmodSync(`${stateDir}/jobs/job`, 0o770);
    const result = settle(stateDir, id);
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(said(result)).toContain(`settle: ${stateDir}/jobs/job is writable by others (mode 770)`);
    chmodSync(`${stateDir}/jobs/job`, 0o700);
    const away = `${scratch()}/away`;
    renameSync(`${stateDir}/jobs/job/running`, away);
    symlinkSync(away, `${stateDir}/jobs/job/running`);
    expect(said(settle(stateDir, id))).toContain('/running is a symbolic link');
    expect(readdirSync(away)).toEqual([`${id}.jsonl`]);
    expect(readdirSync(`${stateDir}/jobs/job`)).toEqual(['running']);
  });
});

describeUnless(firstObstacle(needsLinux, needsRoot, needsReachableBin), 'records of another user', () => {
  it('are settled by that user, not by root', () => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job', { wrapper: ANOTHER_CONTAINER });
    for (const name of ['', '/jobs', '/jobs/job', '/jobs/job/running', `/jobs/job/running/${id}.jsonl`]) {
      chownSync(`${stateDir}${name}`, 65_534, 65_534);
    }
    expect(said(settle(stateDir, id))).toContain(
      `${stateDir} belongs to user 65534 and has to belong to user 0`,
    );
    expect(truth(stateDir, 'job')).toEqual(UNVERIFIABLE);
    const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
    expect(runProgram('setpriv', [...asAnotherUser(), BIN, 'settle', id], { env })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect(truth(stateDir, 'job')).toEqual(LOST);
  });
});

describe('the promise that only one container at a time uses the state directory', () => {
  const EXCLUSIVELY = { env: cronEnvironment({ CRONRUN_EXCLUSIVE_STATE: '1' }) };

  it('makes every reader call a run of another one lost, and write nothing', () => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job', { wrapper: ANOTHER_CONTAINER });
    expect(truth(stateDir, 'job')).toEqual(UNVERIFIABLE);
    expect(truth(stateDir, 'job', EXCLUSIVELY)).toEqual(LOST);
    for (const args of [
      ['status', '--get', 'reason', 'job'],
      ['status', '--get', 'reason', id],
      ['last', '--get', 'reason'],
      ['last', '--get', 'reason', id],
      ['ls', '--get', 'reason'],
      ['ls', '--get', 'reason', 'job'],
    ]) {
      const [command = '', ...rest] = args;
      expect(cronrun(stateDir, [command, '--exclusive-state', ...rest]).stdout, args.join(' ')).toBe(
        'lost\n',
      );
    }
    const undone = ['status', '--no-exclusive-state', '--get', 'reason', 'job'];
    expect(cronrun(stateDir, undone, EXCLUSIVELY).stdout).toBe('unverifiable\n');
    expect(runningOf(stateDir, 'job').length).toBe(1);
    const word = (exclusiveState: boolean) =>
      openRegistry({ stateDir, exclusiveState }).status('job')?.newest.reason;
    expect([word(true), word(false)]).toEqual(['lost', 'unverifiable']);
    const registry = openRegistry({ stateDir, exclusiveState: true });
    expect(
      [registry.last('job'), registry.find(id), ...registry.runs('job')].map((run) => run?.reason),
    ).toEqual(['lost', 'lost', 'lost']);
  });

  it('lets exec settle it and say so, once', () => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job', { wrapper: ANOTHER_CONTAINER });
    const plain = runNext(stateDir, 'job');
    expect(plain.env).toMatchObject({ CRONRUN_UNSURE: `cron:${id}`, CRONRUN_LAST_STATUS: 'none' });
    const next = runNext(stateDir, 'job', EXCLUSIVELY);
    expect(next.env).toMatchObject({ CRONRUN_RUNNING: '', CRONRUN_UNSURE: '', CRONRUN_LAST_REASON: 'lost' });
    expect(next.env).not.toHaveProperty('CRONRUN_EXCLUSIVE_STATE');
    expect(next.stderr.replace(/\s+/g, ' ')).toContain('INTERRUPTED: its wrapper vanished while it ran');
    expect(runNext(stateDir, 'job', EXCLUSIVELY).stderr).toBe('');
    expect(journalOf(stateDir, 'job').filter((line) => line.cron_job_id === `cron:${id}`)).toMatchObject([
      { reason: 'lost', settled_by: null, booted_at: null },
    ]);
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it('says nothing of a run of this very place', () => {
    const stateDir = scratch();
    const reboot = { boot_id: '00000000-0000-4000-8000-000000000000' };
    const id = plantStartRecord(stateDir, 'job', { wrapper: { ...reboot, pid_ns: 'pid:[1]' } });
    expect(truth(stateDir, 'job', EXCLUSIVELY)).toEqual(endedTruth('interrupted rebooted', 195));
    expectToldOnce(stateDir, 'job', `cron:${id}`, 'rebooted');
  });
});

const noNamespaces = firstObstacle(needsLinux, needsRoot, () =>
  needsUnshare('--pid', '--fork', '--mount-proc', '--uts'),
);

describeUnless(noNamespaces, 'a container that was replaced', () => {
  /** A container of a name of its own, as another process 1 sees it. */
  function inContainer(stateDir: string, name: string, args: readonly string[]) {
    const script = `hostname ${name} && exec "$@"`;
    const flags = ['--pid', '--fork', '--mount-proc', '--uts', '--kill-child', 'sh', '-c', script, 'sh'];
    return {
      file: 'unshare',
      args: [...flags, BIN, ...args],
      env: { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir },
    };
  }

  it('its run is unverifiable for ever, or lost for the next one that is promised to be alone', async () => {
    const stateDir = scratch();
    const first = inContainer(stateDir, 'first', ['exec', 'job', '--', 'sleep', '1000']);
    const container = spawn(first.file, first.args, { env: first.env, stdio: 'ignore' });
    afterwards(() => void container.kill('SIGKILL'));
    await poll(
      () =>
        runningOf(stateDir, 'job').some((name) => name.endsWith('.jsonl')) &&
        startLine(onlyStartRecord(stateDir, 'job'), 2),
      'a run',
    );
    container.kill('SIGKILL');
    await new Promise((resolve) => container.on('exit', resolve));
    const ask = (...args: string[]) => {
      const { file, args: line, env } = inContainer(stateDir, 'second', args);
      return runProgram(file, line, { env });
    };
    expect(ask('last', '--exit-code', 'job').status).toBe(196);
    expect(ask('last', '--exclusive-state', '--exit-code', 'job').status).toBe(195);
    const next = ask('exec', '--exclusive-state', 'job', '--', 'sh', '-c', 'echo $CRONRUN_LAST_REASON');
    expect(next).toMatchObject({ status: 0, stdout: 'lost\n' });
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });
});
