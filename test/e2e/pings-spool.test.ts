import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { CHECK, type Checks, OTHER_CHECK, startChecks } from '../helpers/checks.js';
import {
  afterwards,
  cronEnvironment,
  cronrun,
  type Going,
  journalOf,
  poll,
  type Result,
  said,
  scratch,
  start,
  statusOf,
} from '../helpers/cronrun.js';
import { describeUnless, needsStrace } from '../helpers/needs.js';
import { plantStartRecord } from '../helpers/start-records.js';
import { traceCalls } from '../helpers/strace.js';

let stateDir: string;
let checks: Checks;

beforeEach(async () => {
  stateDir = `${scratch()}/state`;
  checks = await startChecks();
});

function run(args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  return start(stateDir, args, { env: cronEnvironment(env) }).ended;
}

const ONCE = ['--ping-retries', '0', '--ping-without', 'start'];

function exec(job: string, script: string, ...options: string[]): Promise<Result> {
  return run(['exec', '--ping', checks.url(), ...ONCE, ...options, job, '--', 'sh', '-c', script]);
}

function plain(job = 'plain'): Promise<Result> {
  return run(['exec', job, '--', 'true']);
}

function spooled(): string[] {
  const directory = `${stateDir}/pings`;
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.json')) : [];
}

/** The next run does not have to wait for a minute before it tries a server again that failed. */
function forgetPauses(): void {
  const directory = `${stateDir}/pings`;
  for (const name of readdirSync(directory)) {
    if (name.endsWith('.lock')) writeFileSync(`${directory}/${name}`, '');
  }
}

/** `count` runs of a job whose ends could not be told. */
async function leave(count: number, job = 'job'): Promise<string[]> {
  checks.always = { kind: 'status', status: 500 };
  for (let n = 0; n < count; n++) expect((await exec(job, `exit ${n + 1}`)).status).toBe(n + 1);
  checks.always = null;
  checks.pings.splice(0);
  expect(spooled()).toHaveLength(count);
  return journalOf(stateDir, job)
    .map(({ cron_job_id: id }) => String(id).slice('cron:'.length))
    .slice(-count);
}

describe('a ping that could not be delivered', () => {
  it('is delivered by the next run of any job, in order and once, with its own run id', async () => {
    const ids = await leave(3);
    forgetPauses();
    expect(await plain()).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(checks.words()).toEqual(['1', '2', '3']);
    expect(checks.pings.map(({ rid }) => rid)).toEqual(ids);
    expect(existsSync(`${stateDir}/pings`)).toBe(false);
    expect(await plain()).toMatchObject({ status: 0, stderr: '' });
    expect(checks.pings).toHaveLength(3);
  });

  it('is delivered before that of a run with the same URL', async () => {
    await leave(2);
    expect(await exec('other', 'exit 9')).toMatchObject({ status: 9, stderr: '' });
    expect(checks.words()).toEqual(['1', '2', '9']);
  });

  it('is no concern of a run with another URL that has its own', async () => {
    await leave(1);
    checks.always = { kind: 'stall' };
    checks.mishaps.push('well');
    const args = ['--ping', checks.url(OTHER_CHECK), ...ONCE, 'other', '--', 'sh', '-c', 'exit 9'];
    expect(await run(['exec', ...args])).toMatchObject({ status: 9, stderr: '' });
    expect(checks.words(OTHER_CHECK)).toEqual(['9']);
    expect(spooled()).toHaveLength(1);
  });

  it('is delivered by a run that fails, is skipped, or cannot be started', async () => {
    const going = start(stateDir, ['exec', 'busy', '--', 'sh', '-c', 'echo ready; sleep 60']);
    await going.says('ready');
    for (const args of [
      ['job', '--', 'false'],
      ['job', '--', '/no/such'],
      ['--overlap', 'skip', 'busy', '--', 'true'],
    ]) {
      await leave(1);
      forgetPauses();
      await run(['exec', ...args]);
      expect(checks.words()).toEqual(['1']);
      expect(spooled()).toEqual([]);
    }
    going.child.kill('SIGTERM');
    await going.ended;
  });

  it('is listed, without the URL, and sent by hand whatever pause is made', async () => {
    await leave(2);
    const listed = cronrun(stateDir, ['pings']);
    expect(listed).toMatchObject({ status: 0, stderr: '' });
    expect(listed.stdout).toMatch(
      /^JOB {2}RUN {12}PING {4}WAITS {2}WHY\njob {2}\S+ {2}exit 1 {2}\S+ +the server answers 500\njob {2}\S+ {2}exit 2 {2}\S+ +an earlier ping waits\n$/,
    );
    checks.mishaps.push('well', { kind: 'status', status: 500 });
    const part = await run(['pings', '--send', '--ping-retries', '0']);
    expect(part).toMatchObject({
      status: 125,
      stdout: '1 ping sent, 1 ping waits: the server answers 500\n',
      stderr: '',
    });
    expect(await run(['pings', '--send'])).toMatchObject({ status: 0, stdout: '1 ping sent\n', stderr: '' });
    expect(await run(['pings', '--send'])).toMatchObject({
      status: 0,
      stdout: 'no pings wait\n',
      stderr: '',
    });
    expect(checks.words()).toEqual(['1', '2']);
  });

  it('is written down beside the record of its run', async () => {
    await leave(1);
    const { report_failures: failures } = JSON.parse(
      readFileSync(`${stateDir}/jobs/job/report-failures.jsonl`, 'utf8')
        .replace(/^/, '{"report_failures":')
        .replace(/\n$/, '}'),
    ) as { report_failures: unknown };
    expect(failures).toMatchObject({
      reporter: 'ping',
      why: 'the end was not told at once: the server answers 500; it is kept for a later run',
    });
  });

  it('that is refused later is dropped, and that is said once, with the job it was of', async () => {
    await leave(1);
    forgetPauses();
    checks.always = { kind: 'status', status: 404 };
    expect(said(await plain())).toMatch(
      /^cronrun: plain: ping: job, run \S+: the end is not told: the server answers 404, there is no such check\n$/,
    );
    expect(await plain()).toMatchObject({ stderr: '' });
    expect(readFileSync(`${stateDir}/jobs/job/report-failures.jsonl`, 'utf8')).toContain('404');
  });

  it('is held by no run that gave it up while its start was told', async () => {
    let answer = () => {};
    const when = new Promise<void>((resolve) => {
      answer = resolve;
    });
    checks.always = { kind: 'status', status: 500 };
    checks.mishaps.push({ kind: 'after', when });
    const args = ['--ping', checks.url(), '--ping-retries', '0', '--ping-timeout', '60s'];
    const first = start(stateDir, ['exec', ...args, 'job', '--', 'sh', '-c', 'exit 3'], {
      env: cronEnvironment(),
    });
    await poll(() => spooled().length === 1, 'the end is put aside');
    await checks.has(1);
    expect(cronrun(stateDir, ['pings']).stdout).toMatch(/its own run is about to send it\n$/);
    answer();
    expect((await first.ended).status).toBe(3);
    expect(cronrun(stateDir, ['pings']).stdout).toMatch(/the server answers 500\n$/);
    checks.always = null;
    forgetPauses();
    checks.pings.splice(0);
    expect(await plain()).toMatchObject({ status: 0, stderr: '' });
    expect(checks.words()).toEqual(['3']);
  });

  it('is given up after seven days', async () => {
    await leave(1);
    forgetPauses();
    const [name = ''] = spooled();
    const path = `${stateDir}/pings/${name}`;
    const old = new Date(Date.now() - 8 * 86_400_000).toISOString();
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"at":"[^"]+"/, `"at":"${old}"`));
    expect(said(await plain())).toContain('the end is not told: it waited for seven days');
    expect(checks.pings).toEqual([]);
    expect(existsSync(`${stateDir}/pings`)).toBe(false);
  });

  it.each([
    ['torn', (text: string) => text.slice(0, 40)],
    ['empty', () => ''],
    ['of NULs', () => '\0'.repeat(500)],
  ])('whose file is %s is dropped, and holds none of the others', async (_, damage) => {
    await leave(2);
    forgetPauses();
    const [name = ''] = spooled().sort();
    const path = `${stateDir}/pings/${name}`;
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    expect(said(await plain())).toContain('its file was damaged');
    expect(checks.words()).toEqual(['2']);
  });

  it('of a newer version is left to that', async () => {
    await leave(1);
    forgetPauses();
    const [name = ''] = spooled();
    const path = `${stateDir}/pings/${name}`;
    writeFileSync(path, readFileSync(path, 'utf8').replace('"v":1', '"v":2'));
    expect(await plain()).toMatchObject({ stderr: '' });
    expect(spooled()).toEqual([name]);
    expect(cronrun(stateDir, ['pings']).stdout).toContain('newer');
  });

  it('is not sent out of a spool that others can write in', async () => {
    await leave(1);
    forgetPauses();
    chmodSync(`${stateDir}/pings`, 0o777);
    expect(said(await plain())).toContain('ping: what waits is not sent: ');
    const result = await run(['pings', '--send']);
    expect(result.status).toBe(125);
    expect(result.stderr).toContain('writable by others');
    expect(checks.pings).toEqual([]);
  });
});

describe('a server that is gone', () => {
  it('holds a run that has nothing to tell it for one try at most, and the next ones not at all', async () => {
    await leave(3);
    forgetPauses();
    checks.always = { kind: 'stall' };
    expect(await run(['exec', '--ping-timeout', '300ms', 'plain', '--', 'true'])).toMatchObject({
      stderr: '',
    });
    expect(checks.pings).toHaveLength(1);
    for (let n = 0; n < 3; n++) expect(await plain()).toMatchObject({ stderr: '' });
    expect(checks.pings).toHaveLength(1);
    expect(spooled()).toHaveLength(3);
  });

  it('is still tried by a run that has something to tell it', async () => {
    await leave(1);
    checks.always = { kind: 'status', status: 500 };
    expect(said(await exec('job', 'exit 2'))).toContain(
      'the end was not told at once: an earlier ping waits: the server answers 500; it is kept for',
    );
    expect(checks.pings.map(({ word }) => word)).toEqual(['1']);
    expect(spooled()).toHaveLength(2);
  });
});

describeUnless(needsStrace(), 'a run that has no pings, where none wait', () => {
  it('looks for them once, when its end is on record, and loads nothing', () => {
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    const { calls } = traceCalls(stateDir, 'file,network,fdatasync,unlink', [
      'exec',
      'job',
      '--',
      '/bin/true',
    ]);
    const about = calls.filter(({ args }) => args.includes(`${stateDir}/pings"`));
    expect(about).toHaveLength(1);
    const at = calls.indexOf(about[0] as (typeof calls)[number]);
    const synced = calls.findIndex(
      ({ name, args }) => name === 'fdatasync' && args.includes('journal.jsonl'),
    );
    expect(synced).toBeGreaterThan(0);
    expect(at).toBeGreaterThan(synced);
    expect(calls.slice(at + 1).filter(({ name }) => name.startsWith('open'))).toEqual([]);
    expect(calls.filter(({ args }) => /report\.cjs|ping\.cjs|delivery\.cjs/.test(args))).toEqual([]);
    expect(calls.filter(({ name }) => name === 'connect')).toEqual([]);
  });
});

/** A run that was killed with its command, whose end nobody saw. */
async function loseRun(job: string, ...options: string[]): Promise<string> {
  const going: Going = start(stateDir, [
    'exec',
    ...options,
    job,
    '--',
    'sh',
    '-c',
    'echo out; echo ready >&2; exec sleep 60',
  ]);
  await poll(() => /^\d+$/.test(String(statusOf(stateDir, job).pid)), 'the run');
  const { pid, cron_job_id: id } = statusOf(stateDir, job);
  going.child.kill('SIGKILL');
  await going.exited;
  process.kill(-Number(pid), 'SIGKILL');
  await poll(() => statusOf(stateDir, job).status === 'interrupted', 'the loss');
  return String(id).slice('cron:'.length);
}

describe('a run that was found lost', () => {
  it('is told after the fact, with its own run id, before the start of the one that found it', async () => {
    const lost = await loseRun('job');
    const result = await run(['exec', '--ping', checks.url(), 'job', '--', 'true']);
    expect(said(result)).toContain('INTERRUPTED');
    expect(checks.words()).toEqual(['fail', 'start', '0']);
    const [late, ...own] = checks.pings;
    expect(late?.rid).toBe(lost);
    expect(new Set(own.map(({ rid }) => rid)).size).toBe(1);
    expect(own[0]?.rid).not.toBe(lost);
    expect(late?.body.toString()).toMatch(/^job on \S+: INTERRUPTED, its wrapper vanished while it ran\n$/);
    // Once.
    await run(['exec', '--ping', checks.url(), 'job', '--', 'true']);
    expect(checks.words()).toEqual(['fail', 'start', '0', 'start', '0']);
  });

  it('is told with what it printed, as far as that was kept', async () => {
    await loseRun('job', '--output', 'on-failure');
    await run(['exec', '--ping', checks.url(), 'job', '--', 'true']);
    expect(checks.pings[0]?.body.toString()).toMatch(/while it ran\n\nout\nready\n$/);
  });

  it('is told by the options of the one that finds it', async () => {
    await loseRun('job', '--ping', checks.url(OTHER_CHECK), '--ping-retries', '0');
    await run(['exec', '--ping', checks.url(), '--ping-on-failure', 'log', 'job', '--', 'true']);
    expect(checks.words()).toEqual(['log', 'start', '0']);
    expect(checks.words(OTHER_CHECK)).toEqual(['start']);
  });

  it('because the machine restarted is told so', async () => {
    plantStartRecord(stateDir, 'job', { wrapper: { boot_id: '00000000-0000-4000-8000-000000000000' } });
    await run(['exec', '--ping', checks.url(), 'job', '--', 'true']);
    expect(checks.words()[0]).toBe('fail');
    expect(checks.pings[0]?.body.toString()).toContain('INTERRUPTED, the machine restarted while it ran');
  });

  it('waits like any other where it cannot be told', async () => {
    const lost = await loseRun('job');
    checks.always = { kind: 'status', status: 500 };
    const result = await exec('job', 'exit 0');
    expect(said(result)).toMatch(
      new RegExp(`the end was not told at once: .* \\(run ${lost.slice(0, 13)}\\)\n`),
    );
    expect(said(result).match(new RegExp(lost.slice(0, 13), 'g'))).toHaveLength(2);
    checks.always = null;
    checks.pings.splice(0);
    expect(await run(['pings', '--send'])).toMatchObject({ status: 0, stdout: '2 pings sent\n' });
    expect(checks.pings.map(({ word }) => word)).toEqual(['fail', '0']);
    expect(checks.pings[0]?.rid).toBe(lost);
  });
});

describe('many at once', () => {
  it('deliver each ping once, and of one URL in the order of their ends', async () => {
    const runs = Array.from({ length: 24 }, (_, n) =>
      exec(
        `job-${n}`,
        `exit ${n}`,
        '--ping-timeout',
        '30s',
        ...(n % 2 === 0 ? [] : ['--ping', checks.url(OTHER_CHECK)]),
      ),
    );
    const results = await Promise.all(runs);
    expect(results.map(({ status }) => status)).toEqual(results.map((_, n) => n));
    expect(results.map(({ stderr }) => stderr).join('')).toBe('');
    const told = [...checks.words(), ...checks.words(OTHER_CHECK)].map(Number);
    expect(told.sort((a, b) => a - b)).toEqual(results.map((_, n) => n));
    expect(new Set(checks.pings.map(({ rid }) => rid)).size).toBe(24);
    expect(existsSync(`${stateDir}/pings`)).toBe(false);
  });

  it('leave an end to its own run while its start is being told', async () => {
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    checks.mishaps.push({ kind: 'after', when: opened });
    const first = start(stateDir, [
      'exec',
      '--ping',
      checks.url(),
      '--ping-timeout',
      '40s',
      'job',
      '--',
      'sh',
      '-c',
      'exit 7',
    ]);
    await checks.has(1);
    await poll(() => spooled().length === 1, 'the end in the spool');
    expect(await plain()).toMatchObject({ status: 0, stderr: '' });
    const second = exec('other', 'exit 9', '--ping-timeout', '30s');
    await poll(() => spooled().length === 2, 'the other end in the spool');
    expect(checks.pings).toHaveLength(1);
    open();
    expect(await first.ended).toMatchObject({ status: 7, stderr: '' });
    expect(await second).toMatchObject({ status: 9, stderr: '' });
    expect(checks.words()).toEqual(['start', '7', '9']);
  });

  it('send what waits once, whoever comes first', async () => {
    const ids = await leave(5);
    forgetPauses();
    const results = await Promise.all(Array.from({ length: 12 }, (_, n) => plain(`plain-${n}`)));
    expect(results.map(({ status, stderr }) => `${status}${stderr}`)).toEqual(results.map(() => '0'));
    expect(checks.pings.map(({ rid }) => rid)).toEqual(ids);
    expect(spooled()).toEqual([]);
  });

  it('do not wait for a sender that is stopped, if they have nothing to send', async () => {
    await leave(1);
    forgetPauses();
    checks.mishaps.push({ kind: 'stall' });
    const sender = start(stateDir, ['pings', '--send', '--ping-timeout', '0']);
    await checks.has(1);
    expect(await plain()).toMatchObject({ status: 0, stderr: '' });
    expect(checks.pings).toHaveLength(1);
    sender.child.kill('SIGKILL');
    await sender.exited;
    // The lock died with it.
    expect(await plain()).toMatchObject({ status: 0, stderr: '' });
    expect(checks.words()).toEqual(['1']);
  });
});

describe('a place where nothing can be kept', () => {
  it('is said where the ping cannot be delivered, either', async () => {
    mkdirSync(stateDir, { mode: 0o700 });
    writeFileSync(`${stateDir}/pings`, 'no directory');
    afterwards(() => undefined);
    expect(await exec('job', 'exit 3')).toMatchObject({ status: 3 });
    expect(checks.words()).toEqual(['3']);
    checks.always = { kind: 'status', status: 500 };
    const result = await exec('job', 'exit 4');
    expect(result.status).toBe(4);
    expect(said(result)).toContain('the end is not told: the server answers 500; it cannot be kept (');
    expect(said(result)).not.toContain(CHECK);
  });
});
