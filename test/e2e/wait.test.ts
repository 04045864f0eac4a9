import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cronrun, type Going, lastOf, poll, said, scratch, start, statusOf } from '../helpers/cronrun.js';
import { describeUnless, needsLinux } from '../helpers/needs.js';
import { plantStartRecord, runningPath } from '../helpers/start-records.js';
import { traceCalls } from '../helpers/strace.js';

/** A run that ends with 3 when it is told to. */
async function goingRun(stateDir: string): Promise<Going> {
  const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo ready; read line; exit 3']);
  await run.says('ready');
  await poll(() => statusOf(stateDir, 'job').pid, 'the child in the record');
  return run;
}

describeUnless(needsLinux(), 'cronrun wait', () => {
  it('returns when the run has ended, with its exit status, and says nothing', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    const ofJob = start(stateDir, ['wait', 'job']);
    const ofRun = start(stateDir, ['wait', '-t', '1h', String(statusOf(stateDir, 'job').cron_job_id)]);
    run.child.stdin?.end('\n');
    expect(await ofJob.ended).toEqual({ status: 3, signal: null, stdout: '', stderr: '' });
    expect(await ofRun.ended).toMatchObject({ status: 3 });
  });

  it('of a run that is over returns at once', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 7']);
    expect(cronrun(stateDir, ['wait', 'job']).status).toBe(7);
    expect(cronrun(stateDir, ['wait', String(lastOf(stateDir, 'job').cron_job_id)]).status).toBe(7);
  });

  it('is not held by the next run of the job', async () => {
    const stateDir = scratch();
    const first = await goingRun(stateDir);
    const waiting = start(stateDir, ['wait', String(statusOf(stateDir, 'job').cron_job_id)]);
    const second = await goingRun(stateDir);
    first.child.stdin?.end('\n');
    expect((await waiting.ended).status).toBe(3);
    second.child.stdin?.end('\n');
    await second.ended;
  });

  it('is 194 when the time is over', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    expect(cronrun(stateDir, ['wait', '--timeout', '100ms', 'job']).status).toBe(194);
    run.child.stdin?.end('\n');
    await run.ended;
  });

  it('sees the end of what no file tells: 195 once the last process of a killed run is gone', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    const waiting = start(stateDir, ['wait', 'job']);
    const pid = Number(statusOf(stateDir, 'job').pid);
    run.child.kill('SIGKILL');
    process.kill(-pid, 'SIGKILL');
    expect((await waiting.ended).status).toBe(195);
  });

  it('does not wait for what nobody can tell: 196', () => {
    const stateDir = scratch();
    plantStartRecord(stateDir, 'job', { wrapper: { host_name: 'elsewhere' } });
    expect(cronrun(stateDir, ['wait', 'job']).status).toBe(196);
  });

  it('is 193 for what is not on record, or is not any more', async () => {
    const stateDir = scratch();
    expect(cronrun(stateDir, ['wait', 'job']).status).toBe(193);
    const run = await goingRun(stateDir);
    const waiting = start(stateDir, ['wait', 'job']);
    rmSync(runningPath(stateDir, 'job'), { recursive: true });
    expect((await waiting.ended).status).toBe(193);
    run.child.stdin?.end('\n');
    await run.ended;
  });

  it('needs a job or a run, and takes no variable for its limit', () => {
    const result = cronrun(scratch(), ['wait']);
    expect(result.status).toBe(125);
    expect(said(result)).toContain('wait: name a job, or a run by its id');
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    const env = { PATH: '/usr/bin:/bin', CRONRUN_TIMEOUT: 'nonsense' };
    expect(cronrun(stateDir, ['wait', 'job'], { env }).status).toBe(0);
  });

  it('looks when something changes, and seldom otherwise', async () => {
    const stateDir = scratch();
    const run = await goingRun(stateDir);
    const { calls } = traceCalls(stateDir, 'getdents64', ['wait', '-t', '1s', 'job']);
    expect(calls.filter(({ args }) => args.includes('/running>')).length).toBeLessThan(12);
    run.child.stdin?.end('\n');
    await run.ended;
  });
});
