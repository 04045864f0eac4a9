import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BIN, cronrun, lastOf, poll, runningOf, scratch, start, startProgram } from '../helpers/cronrun.js';
import { needsStrace } from '../helpers/needs.js';
import { childrenOf } from '../helpers/processes.js';
import { journalFile, plantStartRecord } from '../helpers/start-records.js';

const FULL_BYTES = 4 * 1024 * 1024;

function runs(stateDir: string, ...codes: number[]): void {
  for (const code of codes) cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', `exit ${code}`]);
}

/** Long blank lines, which readers pass over, up to less than a line below what a journal may be long. */
function fill(stateDir: string): void {
  const path = journalFile(stateDir, 'job');
  appendFileSync(path, '');
  const rest = FULL_BYTES - 100 - statSync(path).size;
  appendFileSync(path, `${' '.repeat(1023)}\n`.repeat(Math.floor(rest / 1024)));
  appendFileSync(path, `${' '.repeat(rest % 1024)}\n`);
}

const files = (stateDir: string) =>
  readdirSync(`${stateDir}/jobs/job`).filter((name) => name.endsWith('.jsonl'));

const codes = (stateDir: string) =>
  cronrun(stateDir, ['ls', '--get', 'exit_code', 'job']).stdout.trim().split('\n').map(Number);

describe('a journal of 4 MiB', () => {
  it('is moved away, and nobody notices', () => {
    const stateDir = scratch();
    runs(stateDir, 1, 0, 3);
    fill(stateDir);
    expect(cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 4'])).toMatchObject({
      status: 4,
      stderr: '',
    });
    expect(files(stateDir)).toEqual([expect.stringMatching(/^journal-000001-[0-9a-f-]{36}\.jsonl$/)]);
    expect(lastOf(stateDir, 'job')).toMatchObject({ exit_code: 4 });

    const told = cronrun(stateDir, [
      'exec',
      'job',
      '--',
      'sh',
      '-c',
      'echo "$CRONRUN_LAST_EXIT_CODE"; exit 5',
    ]);
    expect(told.stdout).toBe('4\n');
    expect(files(stateDir)).toHaveLength(2);
    expect(codes(stateDir)).toEqual([5, 4, 3, 0, 1]);
    expect(cronrun(stateDir, ['status', 'job']).stdout).toContain('completed  last on');
    expect(cronrun(stateDir, ['ls', 'job', '-n', '1']).stdout).toContain('1 of');
  });

  it('is moved away by what is skipped, and by what is settled, too', async () => {
    const stateDir = scratch();
    runs(stateDir, 3);
    const blocking = start(stateDir, [
      'exec',
      '--overlap',
      'skip',
      'job',
      '--',
      'sh',
      '-c',
      'echo "ready $$"; read x',
    ]);
    await blocking.ready();
    fill(stateDir);
    const skip = ['exec', '--overlap', 'skip', 'job', '--', 'true'];
    expect(cronrun(stateDir, skip)).toMatchObject({ status: 75, stderr: '' });
    expect(files(stateDir)).toEqual([expect.stringMatching(/^journal-000001-/)]);
    expect(cronrun(stateDir, skip).status).toBe(75);
    expect(lastOf(stateDir, 'job')).toMatchObject({ exit_code: 3 });

    fill(stateDir);
    plantStartRecord(stateDir, 'job');
    const told = cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo "$CRONRUN_LAST_REASON"; exit 5']);
    expect(told).toMatchObject({ status: 5, stdout: 'lost\n' });
    expect(files(stateDir)).toHaveLength(3);
    expect(lastOf(stateDir, 'job')).toMatchObject({ exit_code: 5 });
    blocking.child.stdin?.end('\n');
    expect((await blocking.ended).status).toBe(0);
  });

  it('is removed when it is the oldest beyond the limit', () => {
    const stateDir = scratch();
    for (const code of [1, 2, 3]) {
      runs(stateDir, code);
      fill(stateDir);
      cronrun(stateDir, ['exec', '--journal-limit', '9M', 'job', '--', 'sh', '-c', `exit 1${code}`]);
    }
    expect(codes(stateDir)).toEqual([13, 3, 12, 2]);
    expect(files(stateDir).map((name) => name.slice(0, 14))).toEqual(['journal-000002', 'journal-000003']);
  });
});

describe('prune', () => {
  it('removes all but the newest, and says so', () => {
    const stateDir = scratch();
    runs(stateDir, 1, 0, 3, 4);
    const dry = cronrun(stateDir, ['prune', '--dry-run', '--keep-runs', '1', 'job']);
    expect(dry.stdout).toMatch(/^job: would remove 2 runs, .* KiB; 2 runs since \S+ stay\n$/);
    expect(codes(stateDir)).toEqual([4, 3, 0, 1]);
    const done = cronrun(stateDir, ['prune', '--keep-runs', '1', 'job']);
    expect(done).toEqual({ ...dry, stdout: dry.stdout.replace('would remove', 'removed') });
    expect(codes(stateDir)).toEqual([4, 0]); // the last that completed stays
    expect(cronrun(stateDir, ['prune', '--keep-runs', '1']).stdout).toBe('nothing was removed\n');
    runs(stateDir, 6);
    expect(codes(stateDir)).toEqual([6, 4, 0]);
  });

  it('keeps what is no record, runs that go on, and settles first', () => {
    const stateDir = scratch();
    runs(stateDir, 1, 2);
    appendFileSync(journalFile(stateDir, 'job'), 'no record\n');
    plantStartRecord(stateDir, 'job');
    expect(cronrun(stateDir, ['prune', '--older-than', '0', 'job']).status).toBe(0);
    expect(lastOf(stateDir, 'job')).toMatchObject({ reason: 'lost' });
    expect(runningOf(stateDir, 'job')).toEqual([]);
    expect(cronrun(stateDir, ['ls', 'job']).stderr).toContain('1 line');
  });

  it('removes what is kept of their output', () => {
    const stateDir = scratch();
    runs(stateDir, 1, 2);
    const ids = cronrun(stateDir, ['ls', '-q', 'job']).stdout.trim().split('\n');
    mkdirSync(`${stateDir}/jobs/job/output`);
    for (const id of ids) writeFileSync(`${stateDir}/jobs/job/output/${id.replace('cron:', '')}.log`, 'text');
    cronrun(stateDir, ['prune', '--keep-runs', '1', 'job']);
    expect(readdirSync(`${stateDir}/jobs/job/output`)).toEqual([`${ids[0]?.replace('cron:', '')}.log`]);
  });

  it('says of how many jobs it removed some, whatever else there is', () => {
    const stateDir = scratch();
    for (const job of ['one', 'two', 'other']) cronrun(stateDir, ['exec', job, '--', 'false']);
    for (const job of ['one', 'two']) cronrun(stateDir, ['exec', job, '--', 'true']);
    const { stdout } = cronrun(stateDir, ['prune', '--older-than', '0']);
    expect(stdout).toMatch(/^one: removed 1 .*\ntwo: removed 1 .*\nremoved 2 runs, .* of 2 jobs\n$/);
  });

  it('and forget say of which job a run is whose id they were given', () => {
    const stateDir = scratch();
    runs(stateDir, 1);
    const id = String(lastOf(stateDir, 'job').cron_job_id).slice('cron:'.length);
    for (const args of [['forget'], ['prune', '--keep-runs', '1']]) {
      const result = cronrun(stateDir, [...args, id]);
      expect(result).toMatchObject({ status: 193, stdout: '' });
      expect(result.stderr).toContain(`\n  it is a run of job: cronrun status ${id}\n`);
    }
  });

  it('refuses where others can write, and what is not on record', () => {
    const stateDir = scratch();
    runs(stateDir, 1, 2);
    expect(cronrun(stateDir, ['prune', '--keep-runs', '1', 'jobb']).status).toBe(193);
    chmodSync(`${stateDir}/jobs/job`, 0o777);
    for (const args of [
      ['prune', '--keep-runs', '1', 'job'],
      ['forget', 'job'],
    ]) {
      expect(cronrun(stateDir, args)).toMatchObject({ status: 125, stdout: '' });
    }
    expect(codes(stateDir)).toEqual([2, 1]);
  });
});

describe('forget', () => {
  it('removes all of a job, but not while a run goes on', async () => {
    const stateDir = scratch();
    runs(stateDir, 1, 0);
    const going = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'read line']);
    await poll(() => runningOf(stateDir, 'job').length > 0, 'a start record');
    const refused = cronrun(stateDir, ['forget', 'job']);
    expect(refused).toMatchObject({ status: 125, stdout: '' });
    expect(refused.stderr).toMatch(
      /^cronrun: forget: a run of job goes on \(running\):\n {2}cronrun status cron:/,
    );
    process.kill(going.pid, 'SIGTERM');
    await going.ended;
    expect(cronrun(stateDir, ['forget', '--dry-run', 'job']).stdout).toMatch(/^job: would remove 3 runs, /);
    expect(cronrun(stateDir, ['forget', 'job']).stdout).toMatch(/^job: removed 3 runs, .*, since \S+\n$/);
    expect(existsSync(`${stateDir}/jobs/job`)).toBe(false);
    expect(readdirSync(`${stateDir}/jobs`)).toEqual([]);
    expect(cronrun(stateDir, ['forget', 'job']).status).toBe(193);
  });

  it('says of a run that cannot be judged no more than that', () => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job', {
      wrapper: { host_name: 'f00dcafe0000', pid_ns: 'pid:[1]' },
    });
    expect(cronrun(stateDir, ['forget', 'job'])).toMatchObject({
      status: 125,
      stdout: '',
      stderr: `cronrun: forget: a run of job cannot be judged from here; if it is over:\n  cronrun settle cron:${id}\n`,
    });
  });

  it.skipIf(needsStrace() !== null)('is done where another one took the rest away', async () => {
    const stateDir = scratch();
    runs(stateDir, 1);
    const trace = `${scratch()}/trace`;
    const stops = ['-f', '-o', trace, '-e', 'trace=rename', '-e', 'inject=rename:signal=STOP:when=1'];
    const going = startProgram(stateDir, 'strace', [...stops, BIN, 'forget', 'job']);
    await poll(
      () => existsSync(trace) && readFileSync(trace, 'utf8').includes('stopped by SIGSTOP'),
      'a forget that has hidden the job',
    );
    for (const name of readdirSync(`${stateDir}/jobs`))
      rmSync(`${stateDir}/jobs/${name}`, { recursive: true });
    for (const pid of childrenOf(going.pid)) process.kill(pid, 'SIGCONT');
    expect(await going.ended).toMatchObject({ status: 0, stderr: '' });
  });

  it('ends what another began that was killed, and gives a run its place again that turns up there', () => {
    const stateDir = scratch();
    runs(stateDir, 1);
    const id = '01a200df-de74-7c3e-9b1d-2f6f0c5a9e11';
    mkdirSync(`${stateDir}/jobs/.forgotten-gone-${id}/running`, { recursive: true });
    plantStartRecord(`${stateDir}`, 'planted');
    renameSync(`${stateDir}/jobs/planted`, `${stateDir}/jobs/.forgotten-planted-${id}`);
    expect(cronrun(stateDir, ['forget', 'job']).status).toBe(0);
    expect(readdirSync(`${stateDir}/jobs`)).toEqual(['planted']);
  });
});
