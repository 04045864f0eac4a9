import { symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  BIN,
  cronEnvironment,
  cronrun,
  fixture,
  journalOf,
  runProgram,
  scratch,
  start,
} from '../helpers/cronrun.js';

const ID = /^cron:[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Runs `job` and returns the CRONRUN_* variables that the command finds. */
function variables(stateDir: string, job: string, env: Record<string, string> = {}): Record<string, string> {
  const { stdout } = cronrun(stateDir, ['exec', job, '--', 'env', '-0'], { env: cronEnvironment(env) });
  return cronrunVariables(stdout);
}

function cronrunVariables(listing: string): Record<string, string> {
  const entries = listing.split('\0').filter((entry) => entry.startsWith('CRONRUN_'));
  return Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
}

function fails(stateDir: string, job: string, ...command: readonly string[]): void {
  cronrun(stateDir, ['exec', '-t', '300ms', job, '--', ...command]);
}

describe('what a run is told', () => {
  it('the first one: itself, and that there was none before it', () => {
    const stateDir = scratch();
    const found = variables(stateDir, 'backup');
    expect(found).toEqual({
      CRONRUN_NODE: process.execPath,
      CRONRUN_ID: expect.stringMatching(ID),
      CRONRUN_JOB: 'backup',
      CRONRUN_STATE_DIR: stateDir,
      CRONRUN_RUNNING: '',
      CRONRUN_UNSURE: '',
      CRONRUN_LAST_ID: '',
      CRONRUN_LAST_STATUS: 'none',
      CRONRUN_LAST_REASON: '',
      CRONRUN_LAST_EXIT_CODE: '',
      CRONRUN_LAST_SIGNAL: '',
      CRONRUN_LAST_STARTED_AT: '',
      CRONRUN_LAST_ENDED_AT: '',
      CRONRUN_LAST_CHECKPOINT: '',
      CRONRUN_LAST_COMPLETED_AT: '',
      CRONRUN_RESUME_CHECKPOINT: '',
      CRONRUN_CHECKPOINT_FILE: `${stateDir}/jobs/backup/running/${found.CRONRUN_ID?.slice(5)}.checkpoint`,
    });
    expect(journalOf(stateDir, 'backup')).toMatchObject([{ cron_job_id: found.CRONRUN_ID }]);
  });

  it('after one that completed, and after a failure that followed it', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'backup', '--', 'true']);
    const [first] = journalOf(stateDir, 'backup');
    cronrun(stateDir, ['exec', 'backup', '--', 'sh', '-c', 'exit 23']);
    const second = journalOf(stateDir, 'backup')[1];
    expect(variables(stateDir, 'backup')).toMatchObject({
      CRONRUN_LAST_ID: second?.cron_job_id,
      CRONRUN_LAST_STATUS: 'failed',
      CRONRUN_LAST_REASON: 'exited',
      CRONRUN_LAST_EXIT_CODE: '23',
      CRONRUN_LAST_SIGNAL: '',
      CRONRUN_LAST_STARTED_AT: second?.started_at,
      CRONRUN_LAST_ENDED_AT: second?.ended_at,
      CRONRUN_LAST_COMPLETED_AT: first?.completed_at,
    });
    expect(first?.completed_at).toMatch(TIME);
  });

  it('after a timeout', () => {
    const stateDir = scratch();
    fails(stateDir, 'backup', 'sleep', '1000');
    expect(variables(stateDir, 'backup')).toMatchObject({
      CRONRUN_LAST_STATUS: 'timeout',
      CRONRUN_LAST_REASON: 'timed-out',
      CRONRUN_LAST_EXIT_CODE: '',
      CRONRUN_LAST_SIGNAL: 'SIGTERM',
      CRONRUN_LAST_ENDED_AT: expect.stringMatching(TIME),
      CRONRUN_LAST_COMPLETED_AT: '',
    });
  });

  it('after one that was killed, and after one that was not there', () => {
    const stateDir = scratch();
    fails(stateDir, 'backup', 'sh', '-c', 'kill -9 $$');
    expect(variables(stateDir, 'backup')).toMatchObject({
      CRONRUN_LAST_STATUS: 'interrupted',
      CRONRUN_LAST_REASON: 'signaled',
      CRONRUN_LAST_SIGNAL: 'SIGKILL',
    });
    fails(stateDir, 'backup', '/nowhere/backup');
    expect(variables(stateDir, 'backup')).toMatchObject({
      CRONRUN_LAST_STATUS: 'failed',
      CRONRUN_LAST_REASON: 'not-started',
      CRONRUN_LAST_EXIT_CODE: '127',
    });
  });

  it('beside others that still run: their ids, not its own', async () => {
    const stateDir = scratch();
    const command = [fixture('exits-when-told'), '0'];
    const others = [start(stateDir, ['exec', 'backup', '--', ...command])];
    await others[0]?.ready();
    others.push(start(stateDir, ['exec', 'backup', '--', ...command]));
    await others[1]?.ready();
    const found = variables(stateDir, 'backup');
    const running = found.CRONRUN_RUNNING?.split(' ') ?? [];
    expect(running).toHaveLength(2);
    for (const id of running) expect(id).toMatch(ID);
    expect(running).not.toContain(found.CRONRUN_ID);
    expect(found).toMatchObject({ CRONRUN_LAST_STATUS: 'none', CRONRUN_UNSURE: '' });
    for (const run of others) run.child.kill('SIGTERM');
    await Promise.all(others.map((run) => run.ended));
    const later = variables(stateDir, 'backup');
    expect(running).toContain(later.CRONRUN_LAST_ID);
    // The short run completed while the two went on, and they end later: their lines must not hide that.
    expect(later).toMatchObject({
      CRONRUN_RUNNING: '',
      CRONRUN_LAST_REASON: 'stopped',
      CRONRUN_LAST_COMPLETED_AT: expect.stringMatching(TIME),
    });
  });

  it('that nothing of it is on record: an empty id, and an unknown past', () => {
    const stateDir = `${scratch()}/loop`;
    symlinkSync('loop', stateDir);
    const { stdout } = cronrun(stateDir, ['exec', 'backup', '--', 'env', '-0']);
    expect(cronrunVariables(stdout)).toMatchObject({
      CRONRUN_ID: '',
      CRONRUN_JOB: 'backup',
      CRONRUN_LAST_STATUS: '',
      CRONRUN_LAST_ID: '',
    });
  });
});

describe('a run inside a run', () => {
  it('has variables of its own, and records of its own in the same place', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'outer', '--', 'true']);
    const inner = ['-c', '"$0" exec inner -- env -0; env -0', BIN];
    const { stdout, stderr, status } = cronrun(stateDir, [
      'exec',
      '-t',
      '30s',
      'outer',
      '--',
      'sh',
      ...inner,
    ]);
    expect([status, stderr]).toEqual([0, '']);
    const [line = '', rest = ''] = stdout.split(/(?<=\0)(?=[^\0]*$)/);
    expect(rest).toBe('');
    const ids = [...line.matchAll(/(?:^|\0)CRONRUN_ID=([^\0]*)/g)].map((match) => match[1]);
    const jobs = [...line.matchAll(/(?:^|\0)CRONRUN_JOB=([^\0]*)/g)].map((match) => match[1]);
    const lasts = [...line.matchAll(/(?:^|\0)CRONRUN_LAST_STATUS=([^\0]*)/g)].map((match) => match[1]);
    expect(jobs).toEqual(['inner', 'outer']);
    expect(lasts).toEqual(['none', 'completed']);
    expect(journalOf(stateDir, 'inner')).toMatchObject([{ cron_job_id: ids[0], timeout_ms: null }]);
    expect(journalOf(stateDir, 'outer')[1]).toMatchObject({ cron_job_id: ids[1], timeout_ms: 30_000 });
  });

  it('is stopped with it, and both are on record as stopped', async () => {
    const stateDir = scratch();
    const command = ['sh', '-c', 'echo "ready $$"; exec sleep 1000'];
    const run = start(stateDir, ['exec', 'outer', '--', BIN, 'exec', 'inner', '--', ...command]);
    await run.ready();
    run.child.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ signal: 'SIGTERM' });
    for (const job of ['inner', 'outer']) {
      expect(journalOf(stateDir, job)).toMatchObject([{ reason: 'stopped', signal: 'SIGTERM' }]);
    }
  });

  it('finds a relative state directory where the outer run had it', () => {
    const directory = scratch();
    const inner = ['sh', '-c', 'cd / && exec "$0" exec inner -- true', BIN];
    const { CRONRUN_STATE_DIR: _, ...env } = cronEnvironment({ CRONRUN_STATE_DIR: '' });
    runProgram(BIN, ['exec', '--state-dir', 'state', 'outer', '--', ...inner], { cwd: directory, env });
    expect(journalOf(`${directory}/state`, 'inner')).toMatchObject([{ status: 'completed' }]);
    expect(journalOf(`${directory}/state`, 'outer')).toMatchObject([{ status: 'completed' }]);
  });
});
