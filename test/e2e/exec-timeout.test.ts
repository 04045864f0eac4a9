import { describe, expect, it } from 'vitest';
import {
  BIN,
  cronrun,
  fixture,
  isAlive,
  journalOf,
  poll,
  said,
  scratch,
  start,
  startProgram,
} from '../helpers/cronrun.js';
import { describeUnless, needsRoot, needsUnshare } from '../helpers/needs.js';
import { processesOf, stateOf } from '../helpers/processes.js';
import { bothGot, bothReady, reporter, startReporter } from '../helpers/reporter.js';

// Long enough for the command to have set its traps on a machine that is busy with other things.
const LIMIT = '1500ms';

/** A shell that says it is ready and then becomes something that ends only of a signal. */
const SLEEPER = ['sh', '-c', 'echo "ready $$"; exec sleep 1000'];

describe('the end of a run by its timeout', () => {
  it('is 124, one message and a record', () => {
    const stateDir = scratch();
    const result = cronrun(stateDir, ['exec', '-t', '300ms', 'job', '--', ...SLEEPER]);
    expect(result).toMatchObject({ status: 124, signal: null });
    expect(said(result)).toMatch(
      /^cronrun: job: TIMEOUT: ended after 300ms\n? ?never completed; cronrun status [0-9a-f]{8}-[0-9a-f]{4}\n$/,
    );
    const [record] = journalOf(stateDir, 'job');
    expect(record).toMatchObject({
      status: 'timeout',
      reason: 'timed-out',
      exit_code: null,
      signal: 'SIGTERM',
      completed_at: null,
      timeout_ms: 300,
      timeout_source: '--timeout',
      kill_after_ms: 10_000,
      killed: false,
    });
    expect(record?.duration_ms).toBeGreaterThanOrEqual(299);
    expect(processesOf(stateDir)).toEqual([]);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(124);
  });

  it.each([0, 7])('is 124 for a command that then exits with %i', (code) => {
    const stateDir = scratch();
    const told = [fixture('exits-when-told'), String(code)];
    const { status, stdout } = cronrun(stateDir, ['exec', '-t', LIMIT, 'job', '--', ...told]);
    expect(stdout).toMatch(/^ready/);
    expect(status).toBe(124);
    expect(journalOf(stateDir, 'job')).toMatchObject([
      {
        status: 'timeout',
        reason: 'timed-out',
        exit_code: code,
        signal: null,
        completed_at: null,
        killed: false,
      },
    ]);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(124);
  });

  it('begins with the signal of --signal', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', '-t', '300ms', '-s', 'int', 'job', '--', ...SLEEPER]);
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { status: 'timeout', signal: 'SIGINT', timeout_signal: 'SIGINT' },
    ]);
  });

  it('reaches a command that is suspended', () => {
    const stateDir = scratch();
    const { status, stdout } = cronrun(stateDir, [
      'exec',
      '-t',
      LIMIT,
      'job',
      '--',
      fixture('stops-itself'),
      '3',
    ]);
    expect(stdout).toMatch(/^ready/);
    expect(status).toBe(124);
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'timeout', exit_code: 3, killed: false }]);
  });

  it('reaches descendants in the process group', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', '-t', LIMIT, 'job', '--', ...reporter('TERM')]);
    await bothReady(run);
    expect(await run.ended).toMatchObject({ status: 124 });
    await bothGot(run, 'TERM');
    expect(processesOf(stateDir)).toEqual([]);
  });
});

describe('where the signal does not do', () => {
  it.each(['ignores-stops', 'deaf-with-deaf-grandchild'])('SIGKILL ends the group: %s', async (name) => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', '-t', LIMIT, '-k', '200ms', 'job', '--', fixture(name)]);
    await run.ready();
    const result = await run.ended;
    expect(result).toMatchObject({ status: 124, signal: null });
    expect(said(result)).toMatch(/TIMEOUT: ended after 1.5s; SIGKILL was needed 200ms later\n? /);
    expect(processesOf(stateDir)).toEqual([]);
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { status: 'timeout', reason: 'timed-out', exit_code: null, signal: 'SIGKILL', killed: true },
    ]);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(124);
  });

  it('SIGKILL ends what is left of the group, though the command itself obeyed', async () => {
    const stateDir = scratch();
    const run = start(stateDir, [
      'exec',
      '-t',
      LIMIT,
      '-k',
      '200ms',
      'job',
      '--',
      fixture('has-deaf-grandchild'),
    ]);
    const grandchild = await run.ready();
    expect(await run.ended).toMatchObject({ status: 124 });
    expect(isAlive(grandchild)).toBe(false);
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { status: 'timeout', signal: 'SIGTERM', exit_code: null, killed: true },
    ]);
  });

  it('and --kill-after is 0: what outlives the command is named', async () => {
    const stateDir = scratch();
    const command = [fixture('has-deaf-grandchild')];
    const run = start(stateDir, ['exec', '-t', LIMIT, '-k', '0', 'job', '--', ...command]);
    const grandchild = await run.ready();
    const result = await run.exited.then(() => run);
    expect(isAlive(grandchild)).toBe(true);
    expect(said(result)).toContain('TIMEOUT: ended after 1.5s');
    expect(said(result)).toMatch(
      new RegExp(`cronrun: job: still there, as --kill-after 0 kills nobody: pids? .*${grandchild}`),
    );
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'timeout', killed: false }]);
  });

  it('and --kill-after is 0: no SIGKILL, it is waited for as long as it takes', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', '-t', LIMIT, '-k', '0', 'job', '--', ...reporter('USR1')]);
    await bothReady(run);
    await bothGot(run, 'TERM');
    run.child.kill('SIGUSR1');
    expect(await run.ended).toMatchObject({ status: 124 });
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { status: 'timeout', exit_code: 0, killed: false, kill_after_ms: 0 },
    ]);
  });
});

describeUnless(needsRoot() ?? needsUnshare('--mount'), 'without /proc', () => {
  it('SIGKILL ends what is left of the group', async () => {
    const stateDir = scratch();
    const command = [BIN, 'exec', '-t', LIMIT, '-k', '200ms', 'job', '--', fixture('has-deaf-grandchild')];
    const withoutProc = ['--mount', 'sh', '-c', 'umount -l /proc && exec "$@"', 'sh'];
    const run = startProgram(stateDir, 'unshare', [...withoutProc, ...command]);
    const grandchild = await run.ready();
    expect(await run.ended).toMatchObject({ status: 124 });
    expect(isAlive(grandchild)).toBe(false);
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'timeout', killed: true }]);
  });
});

describe('a limit that does not end a run', () => {
  // 2^31 ms is the longest that a timer of node takes; beyond, it fires at once.
  it.each([
    ['0', null],
    ['0s', null],
    ['30d', 2_592_000_000],
    ['2147483647ms', 2_147_483_647],
    ['2147483653ms', 2_147_483_653],
    ['52w', 31_449_600_000],
  ])('%s', (limit, timeoutMs) => {
    const stateDir = scratch();
    const result = cronrun(stateDir, ['exec', '-t', limit, 'job', '--', 'sleep', '0.2']);
    expect(result).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'completed', timeout_ms: timeoutMs }]);
  });
});

it('a command that ended in time is no timeout, though its wrapper was stopped until the limit was over', async () => {
  const stateDir = scratch();
  const limitMs = 1500;
  const command = ['sh', '-c', 'echo "ready $$"; read line; exit 3'];
  const run = start(stateDir, ['exec', '-t', `${limitMs}ms`, 'job', '--', ...command]);
  const child = await run.ready();
  const since = performance.now();
  run.child.kill('SIGSTOP');
  await poll(() => stateOf(run.pid) === 'T', 'a stopped wrapper');
  run.child.stdin?.end('go\n');
  await poll(() => stateOf(child) === 'Z', 'a child that ended');
  await poll(() => performance.now() > since + limitMs, 'the limit to be over');
  run.child.kill('SIGCONT');
  expect(await run.ended).toMatchObject({ status: 3, stderr: '' });
  expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'failed', exit_code: 3, killed: false }]);
});

describe('of a timeout and a stop the first counts', () => {
  it('a stop after the timeout: 124', async () => {
    const stateDir = scratch();
    const run = await startReporter(stateDir, 'job', 'INT', 1, ['-t', LIMIT]);
    await bothGot(run, 'TERM');
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({ status: 124, signal: null });
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { status: 'timeout', reason: 'timed-out', exit_code: 0 },
    ]);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(124);
  });

  it('a timeout after the stop: dies by the stop, after SIGKILL', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', '-t', '3s', '-k', '200ms', 'job', '--', fixture('ignores-stops')]);
    await run.ready();
    run.child.kill('SIGINT');
    expect(await run.ended).toMatchObject({ status: 130, signal: 'SIGINT' });
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { status: 'interrupted', reason: 'stopped', signal: 'SIGINT', exit_code: null, killed: true },
    ]);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(130);
  });

  it('a command that ended by itself stays what it is, though a descendant outlives the limit', async () => {
    const stateDir = scratch();
    const command = [fixture('leaves-sleeper-behind')];
    const run = start(stateDir, ['exec', '-t', '30s', 'job', '--', ...command]);
    const sleeper = await run.ready();
    await run.exited;
    expect(isAlive(sleeper)).toBe(true);
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'completed', killed: false }]);
  });
});

it('does not see what moved into a session of its own: a known limit', async () => {
  const stateDir = scratch();
  const run = start(stateDir, [
    'exec',
    '-t',
    LIMIT,
    '-k',
    '200ms',
    'job',
    '--',
    fixture('moves-grandchild-out'),
  ]);
  const outsider = await run.ready();
  await run.exited;
  expect(run.child.exitCode).toBe(124);
  expect(isAlive(outsider)).toBe(true);
});
