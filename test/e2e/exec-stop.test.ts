import { describe, expect, it } from 'vitest';
import { inBatches } from '../helpers/batches.js';
import { BIN, cronrun, fixture, journalOf, poll, runProgram, scratch, start } from '../helpers/cronrun.js';
import { processesOf } from '../helpers/processes.js';
import { bothGot, startReporter } from '../helpers/reporter.js';

/** How cronrun ends when it is told to stop: HUP, INT and TERM kill it, QUIT would leave a core dump of node. */
const STOPS = [
  { signal: 'SIGHUP', status: 129, killedBy: 'SIGHUP' },
  { signal: 'SIGINT', status: 130, killedBy: 'SIGINT' },
  { signal: 'SIGQUIT', status: 131, killedBy: null },
  { signal: 'SIGTERM', status: 143, killedBy: 'SIGTERM' },
] as const;

describe.each(STOPS)('told to stop by $signal', ({ signal, status, killedBy }) => {
  it(`ends with ${status} once the command has died of it`, async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo "ready $$"; exec sleep 1000']);
    await run.ready();
    run.child.kill(signal);
    const result = await run.ended;
    expect(result).toMatchObject({ status, signal: killedBy });
    expect(result.stderr).toMatch(
      new RegExp(`^cronrun: job: INTERRUPTED: stopped by ${signal} after \\S+\\n$`),
    );
    expect(journalOf(stateDir, 'job')).toMatchObject([
      {
        status: 'interrupted',
        reason: 'stopped',
        signal,
        exit_code: null,
        completed_at: null,
        killed: false,
      },
    ]);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(status);
  });

  it.each([0, 7])('calls a command interrupted that takes its time and exits with %i', async (code) => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', fixture('exits-when-told'), String(code)]);
    await run.ready();
    run.child.kill(signal);
    expect(await run.ended).toMatchObject({ status, signal: killedBy });
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { status: 'interrupted', reason: 'stopped', signal, exit_code: code, completed_at: null },
    ]);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(status);
  });
});

it('lets the calling shell see by which signal', () => {
  const stateDir = scratch();
  // The shell reports a signal in its own words only where its child was killed by one.
  const line = `"$0" exec job -- sh -c 'kill -TERM $PPID; exec sleep 1000'; echo "status $?"`;
  const result = runProgram('/bin/bash', ['-c', line, BIN], {
    env: { PATH: process.env.PATH ?? '', CRONRUN_NODE: process.execPath, CRONRUN_STATE_DIR: stateDir },
  });
  expect(result.stdout).toBe('status 143\n');
  expect(result.stderr).toMatch(/stopped by SIGTERM/);
  expect(result.stderr).toMatch(/Terminated/);
});

it('passes a second TERM on too, and waits for the command as long as it takes', async () => {
  const stateDir = scratch();
  const run = await startReporter(stateDir, 'job', 'TERM', 3);
  for (const times of [1, 2, 3]) {
    run.child.kill('SIGTERM');
    await bothGot(run, 'TERM', times);
  }
  expect(await run.ended).toMatchObject({ signal: 'SIGTERM' });
  expect(journalOf(stateDir, 'job')).toMatchObject([{ reason: 'stopped', signal: 'SIGTERM', killed: false }]);
});

it('keeps to the first stop where others follow', async () => {
  const stateDir = scratch();
  const run = await startReporter(stateDir, 'job', 'TERM');
  run.child.kill('SIGINT');
  await bothGot(run, 'INT');
  run.child.kill('SIGTERM');
  expect(await run.ended).toMatchObject({ signal: 'SIGINT' });
  expect(journalOf(stateDir, 'job')).toMatchObject([{ reason: 'stopped', signal: 'SIGINT' }]);
});

it('ends what the command leaves in its process group, by SIGKILL where TERM does not do', async () => {
  const stateDir = scratch();
  const run = start(stateDir, ['exec', '-k', '300ms', 'job', '--', fixture('has-deaf-grandchild')]);
  const grandchild = await run.ready();
  run.child.kill('SIGTERM');
  expect(await run.ended).toMatchObject({ signal: 'SIGTERM' });
  expect(processesOf(stateDir)).not.toContain(grandchild);
  expect(processesOf(stateDir)).toEqual([]);
  expect(journalOf(stateDir, 'job')).toMatchObject([
    { status: 'interrupted', reason: 'stopped', signal: 'SIGTERM', killed: true },
  ]);
});

it('wakes a suspended command up, which could not hear it otherwise', async () => {
  const stateDir = scratch();
  const run = start(stateDir, ['exec', 'job', '--', fixture('stops-itself'), '5']);
  await run.ready();
  run.child.kill('SIGTERM');
  expect(await run.ended).toMatchObject({ signal: 'SIGTERM' });
  expect(journalOf(stateDir, 'job')).toMatchObject([{ reason: 'stopped', exit_code: 5, killed: false }]);
});

it('says who is waited for on a terminal only: cron would mail it', async () => {
  const stateDir = scratch();
  const run = await startReporter(stateDir, 'job', 'TERM', 2);
  run.child.kill('SIGTERM');
  await bothGot(run, 'TERM');
  expect(run.stderr).toBe('');
  run.child.kill('SIGTERM');
  await run.ended;
  await poll(() => run.stderr.includes('stopped by SIGTERM'), 'the one message');
});

it('is stopped, 20 of 20 times, where somebody signals wrapper and command at once, as systemd does', async () => {
  const rounds = Array.from({ length: 20 }, (_, index) => `job-${index}`);
  const stateDir = scratch();
  const seen = await inBatches(rounds, 2, async (job) => {
    const run = start(stateDir, ['exec', job, '--', 'sh', '-c', 'echo "ready $$"; exec sleep 1000']);
    const child = await run.ready();
    // The command may be gone by the second one: cronrun passed the first one on.
    runProgram('/bin/sh', ['-c', 'kill -TERM "$1"; kill -TERM "$2"', 'sh', String(run.pid), String(child)]);
    const { signal } = await run.ended;
    return [signal, journalOf(stateDir, job)[0]?.reason];
  });
  expect(seen).toEqual(rounds.map(() => ['SIGTERM', 'stopped']));
});
