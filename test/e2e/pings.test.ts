import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHECK, type Checks, deadPort, OTHER_CHECK, PING_KEY, startChecks } from '../helpers/checks.js';
import {
  BIN,
  cronEnvironment,
  cronrun,
  Going,
  lastOf,
  poll,
  type Result,
  runProgram,
  said,
  scratch,
  start,
  startProgram,
} from '../helpers/cronrun.js';
import { describeUnless, firstObstacle, needsProgram, needsRoot, needsUnshare } from '../helpers/needs.js';
import { type Call, traceCalls } from '../helpers/strace.js';

let stateDir: string;
let checks: Checks;

beforeEach(async () => {
  stateDir = `${scratch()}/state`;
  checks = await startChecks();
});

/** Not cronrun(): that holds the event loop, in which the server is. */
function run(args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  return start(stateDir, args, { env: cronEnvironment(env) }).ended;
}

/** With no retries unless a test wants them: they wait for seconds. */
function exec(script: string, ...options: string[]): Promise<Result> {
  return run([
    'exec',
    '--ping',
    checks.url(),
    '--ping-retries',
    '0',
    ...options,
    'job',
    '--',
    'sh',
    '-c',
    script,
  ]);
}

function ridOfLast(): string {
  return String(lastOf(stateDir, 'job').cron_job_id).slice('cron:'.length);
}

function pingsThatWait(): string {
  return cronrun(stateDir, ['pings']).stdout;
}

afterEach(() => {
  // The URL is a secret wherever it goes to.
  const told = checks.pings.map(({ body }) => body.toString()).join('');
  expect(told).not.toContain(CHECK);
});

describe('a run that pings', () => {
  it('tells its start and its exit status, with its run id', async () => {
    expect(await exec('exit 0')).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(checks.words()).toEqual(['start', '0']);
    const rids = new Set(checks.pings.map(({ rid }) => rid));
    expect([...rids]).toEqual([ridOfLast()]);
    for (const ping of checks.pings) {
      expect(ping.method).toBe('POST');
      expect(ping.headers['user-agent']).toMatch(/^cronrun\/\d+\.\d+\.\d+$/);
      expect(ping.headers['content-type']).toBe('text/plain');
      expect(ping.create).toBeNull();
      expect(ping.body.toString()).toBe('');
    }
    expect(pingsThatWait()).toBe('no pings wait\n');
  });

  it('takes the URL from a file, which nobody else sees', async () => {
    const file = `${scratch()}/url`;
    writeFileSync(file, `\n  ${checks.url()}  \n`);
    const result = await run(['exec', '--ping', `file:${file}`, 'job', '--', 'sh', '-c', 'env']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).not.toContain('CRONRUN_PING');
    expect(checks.words()).toEqual(['start', '0']);
  });

  it('takes it from the environment, and the command does not find it there', async () => {
    const env = { CRONRUN_PING: checks.url(), CRONRUN_PING_CREATE: '1', CRONRUN_PING_RETRIES: '0' };
    const { stdout } = await run(['exec', 'job', '--', 'env'], env);
    expect(stdout).not.toContain('CRONRUN_PING');
    expect(stdout).not.toContain(CHECK);
    expect(checks.words()).toEqual(['start', '0']);
  });

  it.each([
    ['a failure', 'exit 23', [], '23', 'FAILED, exit code 23'],
    ['a timeout', 'sleep 60', ['-t', '200ms'], '124', 'TIMEOUT, its limit of 200ms ended it'],
    ['a death', 'kill -9 $$', [], '137', 'INTERRUPTED, killed by SIGKILL'],
    [
      'no work',
      'exit 0',
      ['--require-checkpoint', 'done'],
      '198',
      'FAILED, exit code 0 without the checkpoint',
    ],
  ] as const)('tells %s, and how it was', async (_, script, options, word, headline) => {
    await exec(script, ...options);
    expect(checks.words()).toEqual(['start', word]);
    const body = checks.pings[1]?.body.toString() ?? '';
    expect(body).toMatch(/^job on \S+: [^\n]+, after \S+\n$/);
    expect(body).toContain(headline);
    expect(body).not.toContain(script);
  });

  it('tells a stop before it dies by it', async () => {
    const going = start(stateDir, ['exec', '--ping', checks.url(), 'job', '--', 'sleep', '60']);
    await checks.has(1);
    going.child.kill('SIGTERM');
    expect(await going.ended).toMatchObject({ signal: 'SIGTERM' });
    expect(checks.words()).toEqual(['start', '143']);
    expect(checks.pings[1]?.body.toString()).toContain('INTERRUPTED, stopped by SIGTERM');
  });

  it('tells that the command could not be started, and does not name it', async () => {
    const result = await run(['exec', '--ping', checks.url(), 'job', '--', '/no/such/s3cret', 'argument']);
    expect(result.status).toBe(127);
    expect(checks.words()).toEqual(['fail']);
    expect(checks.pings[0]?.body.toString()).toMatch(/FAILED, the command or its interpreter was not found/);
    expect(checks.pings[0]?.body.toString()).not.toContain('s3cret');
  });

  it('tells nothing of what is skipped', async () => {
    const going = start(stateDir, [
      'exec',
      '--overlap',
      'skip',
      'job',
      '--',
      'sh',
      '-c',
      'echo ready; sleep 60',
    ]);
    await going.says('ready');
    const result = await exec('exit 0', '--overlap', 'skip');
    expect(result.status).toBe(75);
    expect(checks.pings).toEqual([]);
    going.child.kill('SIGTERM');
    await going.ended;
  });

  it('is told when it cannot be recorded, too', async () => {
    writeFileSync(stateDir, 'no directory');
    const result = await exec('exit 3');
    expect(result.status).toBe(3);
    expect(said(result)).toContain('NOT RECORDED');
    expect(checks.words()).toEqual(['start', '3']);
  });
});

describe('which ping is sent', () => {
  it.each([
    [['--ping-on-success', 'success'], 'exit 0', 'success'],
    [['--ping-on-success', 'log'], 'exit 0', 'log'],
    [['--ping-on-success', 'fail'], 'exit 0', 'fail'],
    [['--ping-on-failure', 'fail'], 'exit 3', 'fail'],
    [['--ping-on-failure', 'log'], 'exit 3', 'log'],
    [['--ping-on-failure', 'success'], 'exit 3', 'success'],
    [['--success-codes', '24'], 'exit 24', '0'],
  ])('%s: %s', async (options, script, word) => {
    await exec(script, ...options);
    expect(checks.words()).toEqual(['start', word]);
  });

  it.each([
    ['exit-code', '127'],
    ['log', 'log'],
  ])('where nothing could be started: %s', async (kind, word) => {
    await run(['exec', '--ping', checks.url(), '--ping-on-not-started', kind, 'job', '--', '/no/such']);
    expect(checks.words()).toEqual([word]);
  });

  it('leaves out what is not wanted', async () => {
    await exec('echo output; exit 3', '--ping-without', 'start,rid', '--output', 'on-failure');
    expect(checks.words()).toEqual(['3']);
    expect(checks.pings[0]).toMatchObject({ rid: null });
    expect(checks.pings[0]?.body.toString()).toContain('output\n');
    await exec('echo output; exit 3', '--ping-without', 'body', '--output', 'on-failure');
    expect(checks.pings.at(-1)?.body.toString()).toMatch(/^job on [^\n]*exit code 3[^\n]*\n$/);
  });

  it('has a check made for a slug', async () => {
    const slug = `${PING_KEY}/backup`;
    await run(['exec', '--ping', checks.url(slug), '--ping-create', 'job', '--', 'true']);
    expect(checks.pings.map(({ status, create }) => [status, create])).toEqual([
      [201, '1'],
      [200, '1'],
    ]);
    const result = await run(['exec', '--ping', checks.url(`${PING_KEY}/other`), 'job', '--', 'true']);
    expect(result.status).toBe(0);
    expect(said(result)).toContain(
      'ping: the start is not told: the server answers 404, there is no such check',
    );
  });

  it('has the headers that are given, from a file as well', async () => {
    await exec('exit 0', '--ping-header', 'X-Team: ops');
    expect(checks.pings.map(({ headers }) => headers['x-team'])).toEqual(['ops', 'ops']);
    const file = `${scratch()}/headers`;
    writeFileSync(file, '# for the proxy\nAuthorization: Basic eDp5\nX-Team: db\n');
    await exec('exit 0', '--ping-header', `file:${file}`);
    expect(checks.pings.at(-1)?.headers).toMatchObject({ authorization: 'Basic eDp5', 'x-team': 'db' });
  });
});

describe('the body', () => {
  const KEEP = ['--output', 'on-failure'];

  it('has the output of a run that completed, and nothing else', async () => {
    await exec('echo one; echo two >&2', ...KEEP);
    expect(checks.pings[1]?.body.toString()).toBe('one\ntwo\n');
  });

  it('has the headline and the output of one that failed', async () => {
    await exec('printf "a\\033[1mb\\n"; exit 3', ...KEEP);
    const body = checks.pings[1]?.body.toString() ?? '';
    expect(body).toMatch(/^job on \S+: FAILED, exit code 3, after \S+\n\na/);
    expect(body.endsWith('\n\na\u001b[1mb\n')).toBe(true);
  });

  it.each([
    ['ten thousand bytes, unless told', null, 10_000],
    ['as much as the server keeps', 100, 100],
    ['also where that is more', 50_000, 50_000],
    ['nothing where it keeps nothing', 0, 0],
  ])('is cut to %s', async (_, limit, most) => {
    checks.bodyLimit = limit;
    // The end is told when the answer to the start is there: that has the limit.
    await exec('seq 1 20000; exit 3', ...KEEP);
    const body = checks.pings[1]?.body.toString() ?? '';
    expect(body.length).toBeLessThanOrEqual(most);
    expect(body.length).toBeGreaterThan(most - 10);
    if (most > 100) expect(body).toMatch(/^job on [^\n]+\n\n\[the last \d+ of 108894 bytes\]\n/);
    if (most > 0) expect(body.endsWith('\n19999\n20000\n')).toBe(true);
  });

  it('never has the command, whatever becomes of it', async () => {
    await run(['exec', '--ping', checks.url(), ...KEEP, 'job', '--', 'sh', '-c', 'exit 3', 's3cret']);
    await run(['exec', '--ping', checks.url(), ...KEEP, 'job', '--', '/no/s3cret']);
    for (const { body, headers } of checks.pings) {
      expect(body.toString()).not.toContain('s3cret');
      expect(JSON.stringify(headers)).not.toContain('s3cret');
    }
  });
});

describe('the start', () => {
  it('is told while the command runs, and does not hold it', async () => {
    // The server does not answer before the command has run to its end: had it been waited for, it never would.
    const touched = `${scratch()}/touched`;
    let open = () => {};
    checks.mishaps.push({
      kind: 'after',
      when: new Promise<void>((resolve) => {
        open = resolve;
      }),
    });
    const going = start(stateDir, [
      'exec',
      '--ping',
      checks.url(),
      '--ping-timeout',
      '40s',
      'job',
      '--',
      'touch',
      touched,
    ]);
    await poll(() => readsAs(touched, ''), 'the command');
    await poll(() => lastOf(stateDir, 'job').status === 'completed', 'the end on record');
    await checks.has(1);
    expect(checks.pings).toHaveLength(1);
    open();
    expect(await going.ended).toMatchObject({ status: 0, stderr: '' });
    expect(checks.words()).toEqual(['start', '0']);
  });

  it('is not even thought of before the command is started', () => {
    const { calls } = traceCalls(stateDir, 'file,process,network', [
      'exec',
      '--ping',
      'http://127.0.0.1:9/x',
      '--ping-retries',
      '0',
      'job',
      '--',
      '/bin/true',
    ]);
    const at = (look: (call: Call) => boolean): number => calls.findIndex(look);
    const began = at(({ name, args }) => name === 'execve' && args.startsWith('"/bin/true"'));
    expect(began).toBeGreaterThan(0);
    for (const bundle of ['report', 'ping', 'delivery'])
      expect(
        at(({ args }) => args.includes(`/${bundle}.cjs"`)),
        bundle,
      ).toBeGreaterThan(0);
    const early = calls
      .slice(
        0,
        at(({ name, args }) => /^v?fork|^clone/.test(name) && !args.includes('CLONE_THREAD')),
      )
      .filter(({ name, args }) => name === 'connect' || /(report|ping|delivery)\.cjs/.test(args));
    expect(early).toEqual([]);
  });

  it('does not hold the end longer than its own time', async () => {
    checks.mishaps.push({ kind: 'stall' });
    const result = await exec('exit 0', '--ping-timeout', '500ms');
    expect(result.status).toBe(0);
    expect(checks.pings.map(({ word }) => word)).toEqual(['start', '0']);
    expect(said(result)).toBe('cronrun: job: ping: the start is not told: no answer in 500ms\n');
  });

  it('is tried once, and not again, when the run is over', async () => {
    checks.mishaps.push({ kind: 'status', status: 500 });
    const result = await exec('exit 0', '--ping-retries', '2');
    expect(checks.pings.map(({ word }) => word)).toEqual(['start', '0']);
    expect(said(result)).toBe('cronrun: job: ping: the start is not told: the server answers 500\n');
  });

  it('is tried again while the run goes on, and comes before the end', async () => {
    checks.mishaps.push({ kind: 'drop' });
    const fifo = `${scratch()}/go`;
    const going = start(stateDir, [
      'exec',
      '--ping',
      checks.url(),
      'job',
      '--',
      'sh',
      '-c',
      `until [ -e ${fifo} ]; do sleep 0.05; done`,
    ]);
    await checks.has(2);
    writeFileSync(fifo, '');
    expect(await going.ended).toMatchObject({ status: 0, stderr: '' });
    expect(checks.words()).toEqual(['start', '0']);
  });
});

function readsAs(path: string, text: string): boolean {
  try {
    return readFileSync(path, 'utf8') === text;
  } catch {
    return false;
  }
}

describe('a server that misbehaves', () => {
  it.each([
    [
      'drops the connection',
      { kind: 'drop' },
      'the connection was closed before an answer came (ECONNRESET)',
    ],
    ['closes half way', { kind: 'half' }, ''],
    ['stalls', { kind: 'stall' }, 'no answer in 1s'],
    ['answers 500', { kind: 'status', status: 500 }, 'the server answers 500'],
    ['answers 503', { kind: 'status', status: 503 }, 'the server answers 503'],
    ['answers 408', { kind: 'status', status: 408 }, 'the server answers 408'],
    ['answers 429', { kind: 'status', status: 429 }, 'the server answers 429, too many pings'],
  ] as const)('is asked again: %s', async (_, mishap, why) => {
    const wait = { kind: 'status', status: 200 } as const;
    checks.mishaps.push(wait, mishap, mishap, 'well');
    const ok = await exec('exit 3', '--ping-retries', '2', '--ping-timeout', '1s');
    expect(ok).toMatchObject({ status: 3, stderr: '' });
    expect(checks.pings.map(({ word }) => word)).toEqual(['start', '3', '3', '3']);
    expect(pingsThatWait()).toBe('no pings wait\n');

    checks.mishaps.push(wait, mishap, mishap);
    const result = await exec('exit 3', '--ping-retries', '1', '--ping-timeout', '1s');
    expect(result.status).toBe(3);
    expect(said(result)).toMatch(
      /^cronrun: job: ping: the end was not told at once: .*, tried 2 times; it is kept for a later run\n$/,
    );
    expect(said(result)).toContain(why);
    expect(pingsThatWait()).toContain(why.slice(0, 20));
    expect(lastOf(stateDir, 'job').report_failures ?? []).toBeInstanceOf(Array);
  });

  it('that asks for a pause of seconds gets it', async () => {
    const wait = { kind: 'status', status: 200 } as const;
    checks.mishaps.push(wait, { kind: 'status', status: 429, headers: { 'Retry-After': '2' } }, 'well');
    const begun = performance.now();
    expect(await exec('exit 0', '--ping-retries', '1')).toMatchObject({ status: 0, stderr: '' });
    expect(performance.now() - begun).toBeGreaterThan(2000);
    expect(checks.words()).toEqual(['start', '0']);
  });

  it('that asks for a longer one is left alone, also by the next run', async () => {
    const wait = { kind: 'status', status: 200 } as const;
    checks.mishaps.push(wait, { kind: 'status', status: 503, headers: { 'Retry-After': '300' } });
    const first = await exec('exit 0', '--ping-retries', '2');
    expect(said(first)).toContain(
      'the end was not told at once: the server answers 503; it is kept for a later run',
    );
    expect(checks.pings).toHaveLength(2);
    const second = await exec('exit 0', '--ping-without', 'start');
    expect(said(second)).toContain('the end was not told at once');
    expect(checks.pings).toHaveLength(2);
    expect(cronrunPingsSendLater()).toHaveLength(3);
    // Somebody who asks for it is served.
    expect(await run(['pings', '--send'])).toMatchObject({ status: 0, stdout: '2 pings sent\n', stderr: '' });
  });

  function cronrunPingsSendLater(): string[] {
    return pingsThatWait().trimEnd().split('\n');
  }

  it.each([404, 400, 403, 409])(
    'that refuses is not asked again, and that is said once for each ping: %d',
    async (status) => {
      checks.always = { kind: 'status', status };
      const result = await exec('exit 0', '--ping-retries', '2');
      expect(result.status).toBe(0);
      expect(checks.pings.map(({ word }) => word)).toEqual(['start', '0']);
      for (const what of ['start', 'end'])
        expect(said(result).split(`the ${what} is not told: the server answers ${status}`)).toHaveLength(2);
      const { report_failures: failures } = lastOf(stateDir, 'job');
      expect(failures).toHaveLength(2);
      expect(pingsThatWait()).toBe('no pings wait\n');
      expect(await run(['exec', 'other', '--', 'true'])).toMatchObject({ stderr: '' });
    },
  );

  it('that leads elsewhere is not followed', async () => {
    checks.always = {
      kind: 'status',
      status: 301,
      headers: { Location: checks.url(OTHER_CHECK) },
    };
    const result = await exec('exit 0', '--ping-without', 'start');
    expect(said(result)).toContain('the server answers 301, redirections are not followed');
    expect(checks.pings.map(({ check }) => check)).toEqual([CHECK]);
  });

  it('that is not there fails no run', async () => {
    const url = `http://127.0.0.1:${await deadPort()}/${CHECK}`;
    const result = await run([
      'exec',
      '--ping',
      url,
      '--ping-retries',
      '0',
      'job',
      '--',
      'sh',
      '-c',
      'exit 3',
    ]);
    expect(result.status).toBe(3);
    expect(said(result)).toContain('connection refused (ECONNREFUSED)');
    expect(said(result)).not.toContain(CHECK);
    expect(said(result)).not.toContain('127.0.0.1');
  });

  it('is given up at once when cronrun is told to stop meanwhile', async () => {
    checks.mishaps.push('well', { kind: 'stall' });
    const going = start(stateDir, [
      'exec',
      '--ping',
      checks.url(),
      '--ping-timeout',
      '0',
      'job',
      '--',
      'true',
    ]);
    await checks.has(2);
    going.child.kill('SIGTERM');
    const result = await going.ended;
    expect(result.status).toBe(0);
    expect(said(result)).toContain(
      'the end was not told at once: cronrun was told to stop; it is kept for a later run',
    );
    expect(pingsThatWait()).toContain('job');
  });
});

describe('what is wrong with a ping', () => {
  it.each([
    ['is missing', () => undefined, 'ENOENT: no such file or directory'],
    [
      'has no URL',
      (path: string) => writeFileSync(path, 's3cret\n'),
      'its first line is no http or https URL',
    ],
    ['is empty', (path: string) => writeFileSync(path, ''), 'its first line is no http or https URL'],
  ])('fails no run, and shows nothing of the file: it %s', async (_, make, why) => {
    const path = `${scratch()}/url`;
    make(path);
    const result = await run(['exec', '--ping', `file:${path}`, 'job', '--', 'sh', '-c', 'exit 3']);
    expect(result.status).toBe(3);
    expect(said(result)).toContain(`ping: the start is not told: ${path}: ${why}`);
    expect(said(result)).not.toContain('s3cret');
    expect(readFileSync(`${stateDir}/jobs/job/report-failures.jsonl`, 'utf8')).not.toContain('s3cret');
  });

  it('is sent later, from what the file has then', async () => {
    const path = `${scratch()}/url`;
    await run(['exec', '--ping', `file:${path}`, 'job', '--', 'sh', '-c', 'exit 3']);
    writeFileSync(path, checks.url(OTHER_CHECK));
    expect(await run(['pings', '--send'])).toMatchObject({ status: 0, stdout: '1 ping sent\n' });
    expect(checks.words(OTHER_CHECK)).toEqual(['3']);
  });

  it.each([
    [['--ping', 'hc-ping.com/s3cret']],
    [['--ping', 'ftp://s3cret']],
    [['--ping', '']],
    [['--ping-header', 'no s3cret header']],
  ])('is a usage error that does not repeat it: %j', async (options) => {
    const result = await run(['exec', ...options, 'job', '--', 'true']);
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(result.stderr).not.toContain('s3cret');
    expect(result.stderr).toContain(options[0]);
  });
});

describe('the URL', () => {
  it('stands in no record, no output and no argument of what is started', async () => {
    checks.always = { kind: 'status', status: 500 };
    const log = `${scratch()}/args`;
    const going = new Going(
      'strace',
      [
        '-f',
        '-s',
        '4096',
        '-v',
        '-e',
        'trace=execve',
        '-o',
        log,
        BIN,
        'exec',
        '--output',
        'on-failure',
        'job',
        '--',
        'env',
      ],
      {
        env: cronEnvironment({
          CRONRUN_STATE_DIR: stateDir,
          CRONRUN_PING: checks.url(),
          CRONRUN_PING_RETRIES: '0',
        }),
      },
    );
    const { stderr } = await going.ended;
    expect(stderr).not.toContain(CHECK);
    expect(stderr).toContain('the end was not told at once');
    for (const args of [['pings'], ['status', 'job'], ['last', '--json', 'job'], ['output', 'job'], ['ls']])
      expect(cronrun(stateDir, args).stdout).not.toContain(CHECK);
    const calls = readFileSync(log, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const [, program = '', args = '', env = ''] =
          /execve\("([^"]+)", \[(.*?)\], \[(.*)\]/.exec(line) ?? [];
        return program === '' ? [] : [{ program: basename(program), args, env }];
      });
    expect(calls.filter(({ args }) => args.includes(CHECK))).toEqual([]);
    // The launcher and its node have it in their environment, where it was given.
    expect(calls.filter(({ env }) => env.includes(CHECK)).map(({ program }) => program)).toEqual([
      'cronrun',
      'node',
    ]);
    expect(calls.map(({ program }) => program)).toEqual(expect.arrayContaining(['env', 'flock']));
  });
});

describeUnless(needsProgram('openssl', ['version']), 'a server with a certificate of its own', () => {
  it('is told if its authority is known, by the variable that node has for that', async () => {
    const directory = scratch();
    const [key, cert] = [`${directory}/key.pem`, `${directory}/cert.pem`];
    const request = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost';
    const made = runProgram('openssl', [
      ...request.split(' '),
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      cert,
    ]);
    expect(made.status).toBe(0);
    const secure = await startChecks({ key: readFileSync(key), cert: readFileSync(cert) });
    const args = ['exec', '--ping', secure.url(), '--ping-retries', '0', 'job', '--', 'true'];
    const result = await run(args);
    expect(said(result)).toMatch(
      /the end was not told at once: its certificate is not trusted \(\w+\); it is kept for a later run/,
    );
    expect(secure.pings).toEqual([]);
    expect(await run(args, { NODE_EXTRA_CA_CERTS: cert })).toMatchObject({ status: 0, stderr: '' });
    expect(secure.words()).toEqual(['start', '0', '0']);
  });
});

describeUnless(
  firstObstacle(
    needsRoot,
    () => needsUnshare('--mount'),
    () => needsProgram('python3'),
  ),
  'a name server that does not answer',
  () => {
    it.each([
      ['shorter', '500ms', 2],
      ['longer', '5s', 1],
    ])(
      'holds a run for seconds, not longer, where a ping may take %s than a look-up',
      async (_, timeout, lookUps) => {
        const silent = `${scratch()}/silent.py`;
        writeFileSync(
          silent,
          'import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(("127.0.0.77", 53))\nprint("ready", flush=True)\nwhile True:\n    s.recv(512)\n    print("asked", flush=True)\n',
        );
        const server = new Going('python3', [silent]);
        await server.says('ready');
        const conf = `${scratch()}/resolv.conf`;
        writeFileSync(conf, 'nameserver 127.0.0.77\n');
        const script = `mount --bind ${conf} /etc/resolv.conf && exec "$@"`;
        const exec = [
          'exec',
          '--ping',
          'http://hc.example/x',
          '--ping-timeout',
          timeout,
          '--ping-retries',
          '0',
        ];
        const begun = performance.now();
        const going = startProgram(stateDir, 'unshare', [
          '--mount',
          'sh',
          '-c',
          script,
          'sh',
          BIN,
          ...exec,
          'job',
          '--',
          'true',
        ]);
        const result = await going.ended;
        expect(result.status).toBe(0);
        expect(said(result)).toContain('the end was not told at once: ');
        // Without a limit of ours glibc takes ten seconds and more, and the process cannot leave it behind.
        expect(performance.now() - begun).toBeLessThan(6000);
        // For both kinds of address each time. Once nobody answered, the host is not looked up again.
        expect(server.stdout.match(/asked/g)).toHaveLength(2 * lookUps);
      },
    );
  },
);
