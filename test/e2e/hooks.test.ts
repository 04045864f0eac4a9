import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  BIN,
  cronEnvironment,
  cronrun,
  fixture,
  isAlive,
  journalOf,
  lastOf,
  poll,
  type Result,
  runProgram,
  said,
  scratch,
  start,
  startProgram,
} from '../helpers/cronrun.js';
import { describeUnless, needsProgram, needsUnshare } from '../helpers/needs.js';
import { childrenOf } from '../helpers/processes.js';
import { runId } from '../helpers/records.js';
import { deadChild, deadHere, otherBoot, putStart, type StartParts } from '../helpers/state.js';

let stateDir: string;
/** Where hooks write to. */
let at: string;

beforeEach(() => {
  stateDir = scratch();
  at = scratch();
});

const env = (extra: Record<string, string> = {}) => cronEnvironment({ AT: at, BIN, ...extra });

/** A hook that writes down what it is told, and what `last --exit-code` says meanwhile of that run. */
const tells = (name: string) =>
  `"$BIN" last --exit-code "$CRONRUN_LAST_ID"
   echo "${name}: $CRONRUN_LAST_STATUS $CRONRUN_LAST_REASON [$CRONRUN_LAST_EXIT_CODE|$CRONRUN_LAST_SIGNAL] last $? [$CRONRUN_SETTLED]" >>"$AT/log"`;

const ALL = ['--on-success', tells('good'), '--on-failure', tells('bad'), '--on-end', tells('end')];

const read = (name: string) => readFileSync(`${at}/${name}`, 'utf8');
const log = () => (existsSync(`${at}/log`) ? read('log').trimEnd().split('\n') : []);

function exec(args: readonly string[], extra: Record<string, string> = {}): Result {
  return cronrun(stateDir, ['exec', ...args], { env: env(extra) });
}

describe('the hooks of a run', () => {
  it.each([
    ['completed', [], ['true'], 0, 'good', 'completed exited [0|]'],
    [
      'completed with another code',
      ['--success-codes', '24'],
      ['sh', '-c', 'exit 24'],
      0,
      'good',
      'completed exited [24|]',
    ],
    ['failed', [], ['sh', '-c', 'exit 23'], 23, 'bad', 'failed exited [23|]'],
    ['was not there', [], ['/nowhere/job'], 127, 'bad', 'failed not-started [127|]'],
    ['could not be run', [], ['/'], 126, 'bad', 'failed not-started [126|]'],
    ['did not do its work', ['--require-checkpoint', 'done'], ['true'], 198, 'bad', 'failed incomplete [0|]'],
    [
      'ran into its time limit',
      ['-t', '200ms'],
      ['sleep', '1000'],
      124,
      'bad',
      'timeout timed-out [|SIGTERM]',
    ],
    ['was killed', [], ['sh', '-c', 'kill -9 $$'], 137, 'bad', 'interrupted signaled [|SIGKILL]'],
  ] as const)('that %s', (_, options, command, status, name, words) => {
    const result = exec([...ALL, ...options, 'job', '--', ...command]);
    expect([result.status, result.stdout]).toEqual([status, '']);
    expect(log()).toEqual([`${name}: ${words} last ${status} []`, `end: ${words} last ${status} []`]);
    expect(result.stderr).not.toMatch(/on-(failure|success|end)/);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(status);
    expect(existsSync(`${stateDir}/jobs/job/report-failures.jsonl`)).toBe(false);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('that was stopped by %s, before cronrun dies of it', async (signal, status) => {
    const command = ['sh', '-c', 'echo "ready $$"; exec sleep 1000'];
    const run = start(stateDir, ['exec', ...ALL, 'job', '--', ...command], { env: env() });
    await run.ready();
    run.child.kill(signal);
    expect(await run.ended).toMatchObject({ status, signal });
    const words = `interrupted stopped [|${signal}] last ${status} []`;
    expect(log()).toEqual([`bad: ${words}`, `end: ${words}`]);
  });

  it('are those of the crontab as well', () => {
    exec(['job', '--', 'false'], { CRONRUN_ON_FAILURE: tells('bad'), CRONRUN_ON_END: tells('end') });
    expect(log().map((line) => line.split(':')[0])).toEqual(['bad', 'end']);
  });

  it('are none for what was skipped', async () => {
    const holds = ['sh', '-c', 'echo "ready $$"; read line'];
    const run = start(stateDir, ['exec', '--overlap', 'skip', 'job', '--', ...holds]);
    await run.ready();
    expect(exec([...ALL, '--overlap', 'skip', 'job', '--', 'true']).status).toBe(75);
    expect(log()).toEqual([]);
    run.child.stdin?.end('go\n');
    await run.ended;
  });

  it('are run for one that is not recorded, too', () => {
    const loop = `${scratch()}/loop`;
    symlinkSync('loop', loop);
    const hook = 'cat >"$AT/read"; echo "$CRONRUN_LAST_STATUS" >"$AT/log"';
    const result = cronrun(loop, ['exec', '--on-failure', hook, 'job', '--', 'false'], { env: env() });
    expect(result.status).toBe(1);
    expect(log()).toEqual(['failed']);
    expect(JSON.parse(read('read'))).toMatchObject({ job: 'job', status: 'failed', exit_code: 1 });
  });

  it('are none where a record was required and could not be had', () => {
    const loop = `${scratch()}/loop`;
    symlinkSync('loop', loop);
    const line = ['exec', '--require-record', ...ALL, 'job', '--', 'true'];
    expect(cronrun(loop, line, { env: env() }).status).toBe(125);
    expect(log()).toEqual([]);
  });

  it('do not hold the lock of the job', () => {
    const again = `"$BIN" exec --overlap skip job -- true; echo "$?" >"$AT/log"`;
    exec(['--overlap', 'skip', '--on-end', again, 'job', '--', 'true']);
    expect(log()).toEqual(['0']);
    expect(journalOf(stateDir, 'job').map((one) => one.status)).toEqual(['completed', 'completed']);
  });
});

describe('a hook', () => {
  it('reads the record as last --json prints it, but for the command', () => {
    exec(['--on-end', 'cat >"$AT/read"', 'job', '--', 'echo', 'a secret']);
    expect(read('read')).not.toContain('secret');
    expect(JSON.parse(read('read'))).toEqual({ ...lastOf(stateDir, 'job'), command: [] });
  });

  it('finds the run that ended in its environment, and nothing that configured or surrounded it', () => {
    const twins = { CRONRUN_TIMEOUT: '1h', CRONRUN_ON_FAILURE: 'env >"$AT/env"', CRONRUN_OUTPUT: 'inherit' };
    exec(['job', '--', 'sh', '-c', 'exit 3'], { ...twins, MAILTO: 'ops', NODE_OPTIONS: '--no-warnings' });
    const found = Object.fromEntries(
      read('env')
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    const record = lastOf(stateDir, 'job');
    const ours = Object.entries(found).filter(([name]) => name.startsWith('CRONRUN_'));
    expect(Object.fromEntries(ours)).toEqual({
      CRONRUN_NODE: process.execPath,
      CRONRUN_ID: '',
      CRONRUN_JOB: 'job',
      CRONRUN_STATE_DIR: stateDir,
      CRONRUN_LAST_ID: record.cron_job_id,
      CRONRUN_LAST_STATUS: 'failed',
      CRONRUN_LAST_REASON: 'exited',
      CRONRUN_LAST_EXIT_CODE: '3',
      CRONRUN_LAST_SIGNAL: '',
      CRONRUN_LAST_STARTED_AT: record.started_at,
      CRONRUN_LAST_ENDED_AT: record.ended_at,
      CRONRUN_LAST_CHECKPOINT: '',
      CRONRUN_LAST_COMPLETED_AT: '',
    });
    expect(found).toMatchObject({ MAILTO: 'ops', NODE_OPTIONS: '--no-warnings' });
    expect(found.TRACEPARENT).toBe(`00-${record.trace_id}-${record.span_id}-01`);
  });

  it('that asks without an argument is answered about the job, whose run is over', () => {
    const hook = `{ "$BIN" last --get status,exit_code; "$BIN" status --get status,running
      "$BIN" last --get status "$CRONRUN_JOB"; "$BIN" checkpoint x; echo "$?"; } >"$AT/log" 2>/dev/null`;
    exec(['--on-failure', hook, 'job', '--', 'sh', '-c', 'exit 3']);
    expect(log()).toEqual(['failed 3', 'failed []', 'failed', '125']);
  });

  it('in which cronrun runs something has no hooks in there, and goes on in its trace', () => {
    const inner = `echo hook >>"$AT/log"; "$BIN" exec inner -- sh -c 'env >"$AT/env"; exit 1'`;
    exec(['job', '--', 'false'], { CRONRUN_ON_FAILURE: inner, CRONRUN_ON_END: 'echo end >>"$AT/log"' });
    expect(log()).toEqual(['hook', 'end']);
    expect(read('env')).not.toMatch(/CRONRUN_(ON_|SETTLED)/);
    const outer = lastOf(stateDir, 'job');
    expect(lastOf(stateDir, 'inner')).toMatchObject({
      status: 'failed',
      trace_id: outer.trace_id,
      parent_span_id: outer.span_id,
    });
  });

  it('that fails says so and what it wrote, and changes nothing else', () => {
    const result = exec(['--on-success', `echo out; printf '\\033[31mred'; exit 3`, 'job', '--', 'true']);
    expect(result).toMatchObject({ status: 0, stdout: '' });
    expect(result.stderr).toBe('cronrun: job: on-success: exit code 3\n  out\n  red\n');
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(0);
  });

  it('that is not there, and one that is killed, say so', () => {
    const { status, stderr } = exec([
      '--on-failure',
      '/nowhere/hook',
      '--on-end',
      'kill -9 $$',
      'job',
      '--',
      'false',
    ]);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^cronrun: job: on-failure: exit code 127\n {2}.*\/nowhere\/hook.*\ncronrun: job: on-end: killed by SIGKILL\n$/,
    );
  });

  it('that writes without end keeps nobody waiting, and is not shown whole', () => {
    const hook = 'yes 0123456789abcde | head -c 3000000; exit 1';
    const { stderr } = exec(['--on-end', hook, 'job', '--', 'true']);
    expect(stderr).toMatch(
      /^cronrun: job: on-end: exit code 1\n {2}\.\.\. 29\d{5} bytes before this are left out\n/,
    );
    expect(stderr.length).toBeLessThan(100_000);
  });

  it('that leaves a process behind keeps nobody waiting', async () => {
    const hook = 'sleep 1000 & echo $! >"$AT/pid"; exit 1';
    const { stderr } = exec(['--on-end', hook, 'job', '--', 'true']);
    expect(stderr).toBe('cronrun: job: on-end: exit code 1\n');
    const pid = Number(read('pid'));
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
  });

  it('has the output of the command above what it has to say', () => {
    const line = ['--output', 'on-failure', '--on-failure', 'echo from the hook; exit 1', 'job', '--'];
    const { stderr } = exec([...line, 'sh', '-c', 'echo from the command; exit 3']);
    expect(stderr).toMatch(/from the command\ncronrun: job: on-failure: exit code 1\n {2}from the hook\n$/);
  });
});

describe('told to stop while a hook is running', () => {
  const DEAF = `${fixture('deaf-with-deaf-grandchild')} >"$AT/ready"`;

  async function whileDeaf(...command: string[]) {
    const line = ['exec', '--on-end', DEAF, 'job', '--', ...command];
    const run = start(stateDir, line, { env: env() });
    const grandchild = await poll(
      () => existsSync(`${at}/ready`) && /^ready (\d+)$/m.exec(read('ready'))?.[1],
      'the hook',
    );
    return { run, grandchild: Number(grandchild) };
  }

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)(
    'by %s, exec ends the hook and exits as the run did',
    async (signal) => {
      const { run, grandchild } = await whileDeaf('sh', '-c', 'exit 7');
      expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(7);
      run.child.kill(signal);
      expect(await run.ended).toMatchObject({
        status: 7,
        signal: null,
        stderr: expect.stringMatching(/^cronrun: job: on-end: cronrun was told to stop, .*SIGKILL.*\n$/),
      });
      await poll(() => !isAlive(grandchild), 'the end of the grandchild');
    },
  );

  it('by what was ignored when it was started, as under nohup, it goes on', async () => {
    const hook = 'echo "ready $$"  >"$AT/ready"; while ! [ -e "$AT/go" ]; do sleep 0.05; done';
    const line = ['-c', 'trap "" HUP; exec "$@"', 'sh', BIN, 'exec', '--on-end', hook, 'job', '--', 'true'];
    const run = startProgram(stateDir, '/bin/sh', line, { env: env() });
    await poll(() => existsSync(`${at}/ready`), 'the hook');
    run.child.kill('SIGHUP');
    run.child.kill('SIGUSR1');
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(0);
    writeFileSync(`${at}/go`, '');
    expect(await run.ended).toMatchObject({ status: 0, signal: null, stderr: '' });
  });
});

describe('a run that was found cut short', () => {
  it.each([
    ['lost', { wrapper: deadHere(), child: deadChild() }],
    ['rebooted', { wrapper: otherBoot(), child: deadChild() }],
  ] as const)(
    '%s: has the hooks of the exec that settles it, which are told so',
    (reason, parts: StartParts) => {
      putStart(stateDir, 1, parts, 'job');
      const result = exec([...ALL, 'job', '--', 'true']);
      expect(result.status).toBe(0);
      const words = `interrupted ${reason} [|] last 195 [1]`;
      expect(log()).toEqual([
        `bad: ${words}`,
        `end: ${words}`,
        'good: completed exited [0|] last 0 []',
        'end: completed exited [0|] last 0 []',
      ]);
      rmSync(`${at}/log`);
      exec([...ALL, 'job', '--', 'true']);
      expect(log()).toEqual([
        'good: completed exited [0|] last 0 []',
        'end: completed exited [0|] last 0 []',
      ]);
    },
  );

  it('is told of as last --json prints it', () => {
    exec(['job', '--', 'true']);
    putStart(stateDir, 1, { wrapper: otherBoot(), over: { command: ['sh', '-c', 'a secret'] } }, 'job');
    exec(['--on-failure', 'cat >"$AT/read"', 'job', '--', 'true']);
    const shown = cronrun(stateDir, ['last', '--json', runId(1)]).stdout;
    expect(JSON.parse(read('read'))).toEqual({ ...(JSON.parse(shown) as object), command: [] });
    expect(JSON.parse(read('read'))).toMatchObject({ settled_at: expect.any(String) });
  });

  it('is told of while the command runs', async () => {
    putStart(stateDir, 1, {}, 'job');
    const holds = ['sh', '-c', 'echo "ready $$"; read line'];
    const run = start(stateDir, ['exec', ...ALL, 'job', '--', ...holds], { env: env() });
    await poll(() => log().length === 2, 'the hooks');
    run.child.stdin?.end('go\n');
    expect(await run.ended).toMatchObject({ status: 0 });
    expect(log().length).toBe(4);
  });

  it('is told of also where nothing may be started then', () => {
    putStart(stateDir, 1, {}, 'job');
    // Enough for a line of the journal, and not for a start record.
    const line = [
      '-c',
      'ulimit -f 4; exec "$@"',
      'sh',
      BIN,
      'exec',
      '--require-record',
      ...ALL,
      'job',
      '--',
      'true',
    ];
    const result = runProgram('/bin/sh', line, { env: env({ CRONRUN_STATE_DIR: stateDir }) });
    expect(result.status).toBe(125);
    expect(result.stderr).toContain('NOT STARTED: its start cannot be recorded');
    expect(log()).toEqual([
      'bad: interrupted rebooted [|] last 195 [1]',
      'end: interrupted rebooted [|] last 195 [1]',
    ]);
  });

  it('is told of also where the command is not there', () => {
    putStart(stateDir, 1, {}, 'job');
    const result = exec([...ALL, 'job', '--', '/nowhere/job']);
    expect(result.status).toBe(127);
    expect(log().map((line) => line.split(' ', 2).join(' '))).toEqual([
      'bad: interrupted',
      'end: interrupted',
      'bad: failed',
      'end: failed',
    ]);
  });

  it('is told of with its id where its hook fails', () => {
    putStart(stateDir, 1, {}, 'job');
    const { stderr } = exec(['--on-failure', 'exit 4', 'job', '--', 'true']);
    expect(said({ stderr })).toContain(`on-failure: exit code 4 (run ${runId(1).slice(0, 13)})\n`);
  });

  it('and many of them: the newest', () => {
    for (let n = 1; n <= 8; n++) putStart(stateDir, n, {}, 'job');
    const { stderr } = exec(['--on-end', 'echo "$CRONRUN_LAST_ID" >>"$AT/log"', 'job', '--', 'true']);
    expect(log().slice(0, -1)).toEqual([4, 5, 6, 7, 8].map((n) => `cron:${runId(n)}`));
    expect(said({ stderr })).toContain('not run for 3 older runs found cut short');
  });

  it('has nothing executed that its record says', () => {
    mkdirSync(`${stateDir}/jobs`, { recursive: true });
    const planted = { on_failure: 'touch "$AT/planted"', onFailure: 'touch "$AT/planted"' };
    putStart(stateDir, 1, { over: planted as StartParts['over'] & object }, 'job');
    exec(['job', '--', 'true']);
    exec(['--on-success', 'true', 'job', '--', 'true']);
    expect(existsSync(`${at}/planted`)).toBe(false);
  });
});

describeUnless(needsProgram('jq'), 'the recipes of the README', () => {
  const readme = readFileSync(resolve(BIN, '../../README.md'), 'utf8');

  /** Programs that write down what they are called with and what they read. */
  function stubs(...names: readonly string[]): string {
    const bin = scratch();
    for (const name of names) {
      writeFileSync(`${bin}/${name}`, `#!/bin/sh\nprintf '%s\\n' "$@" >"$AT/arguments"; cat >"$AT/input"\n`);
      chmodSync(`${bin}/${name}`, 0o755);
    }
    return `${bin}:/usr/bin:/bin`;
  }

  it('send a mail', () => {
    const [, hook = ''] = /^CRONRUN_ON_FAILURE='(.*)'$/m.exec(readme) ?? [];
    exec(['job', '--', 'false'], { CRONRUN_ON_FAILURE: hook, PATH: stubs('mail') });
    expect(read('arguments')).toBe('-s\njob: failed\nops@example.com\n');
    expect(JSON.parse(read('input'))).toMatchObject({ job: 'job', exit_code: 1 });
  });

  it('tell a chat', () => {
    const [, hook = ''] = /^```sh\n(jq [\s\S]*?CHAT_URL"\n)```$/m.exec(readme) ?? [];
    const result = exec(['--on-failure', hook, 'job', '--', 'false'], {
      CHAT_URL: 'https://chat.example.com/x',
      PATH: stubs('curl'),
    });
    expect(result.stderr).toBe('');
    expect(read('arguments')).toContain('https://chat.example.com/x');
    expect(JSON.parse(read('input'))).toEqual({
      text: expect.stringMatching(/^job on \S+: failed, exited$/),
    });
  });
});

const UNSHARE = ['--pid', '--fork', '--mount-proc', '--kill-child'];

describeUnless(needsUnshare(...UNSHARE), 'as pid 1', () => {
  it('hooks are run, and the stop is told by the exit status', async () => {
    const command = ['sh', '-c', 'echo "ready $$"; exec sleep 1000'];
    const line = [...UNSHARE, BIN, 'exec', ...ALL, 'job', '--', ...command];
    const run = startProgram(stateDir, 'unshare', line, { env: env() });
    await run.ready();
    const [pid] = await poll(() => childrenOf(run.pid), 'the child of unshare');
    process.kill(pid ?? -1, 'SIGTERM');
    expect(await run.ended).toMatchObject({ status: 143, signal: null });
    expect(log().map((line) => line.split(' ', 3).join(' '))).toEqual([
      'bad: interrupted stopped',
      'end: interrupted stopped',
    ]);
  });
});

describe('what is not used', () => {
  const PACKAGE = resolve(BIN, '../..');

  /** A copy of the package without what npm installs beside it, and without these files. */
  function without(...names: readonly string[]): string {
    const home = scratch();
    for (const part of ['bin', 'dist', 'package.json'])
      cpSync(`${PACKAGE}/${part}`, `${home}/${part}`, { recursive: true });
    for (const name of names) rmSync(`${home}/dist/${name}`);
    return home;
  }

  const run = (home: string, ...args: string[]) =>
    runProgram(`${home}/bin/cronrun`, ['exec', ...args], { env: env({ CRONRUN_STATE_DIR: stateDir }) });

  it('is not loaded: nothing that tells others in a plain run', () => {
    const home = without('report.cjs', 'hooks.cjs', 'ping.cjs', 'textfile.cjs', 'words.cjs');
    expect(run(home, 'job', '--', 'true')).toMatchObject({ status: 0, stderr: '' });
  });

  it('is not loaded: only hooks where there are hooks, and execa only where one is due', () => {
    const home = without('ping.cjs', 'textfile.cjs', 'words.cjs');
    expect(run(home, '--on-failure', 'true', 'job', '--', 'true')).toMatchObject({ status: 0, stderr: '' });
    expect(run(home, '--on-success', 'true', 'job', '--', 'true').stderr).toContain("'execa'");
  });

  it('and is gone costs a line, and the record has who did not tell: what tells others', () => {
    const home = without('report.cjs');
    const hooks = ['--on-failure', 'touch "$AT/hook"', '--on-success', 'true', '--on-end', 'true'];
    const result = run(home, ...hooks, 'job', '--', 'sh', '-c', 'exit 5');
    expect(result.status).toBe(5);
    expect(said(result)).toMatch(/^cronrun: job: report: Cannot find module .*report\.cjs.*\n$/s);
    expect(lastOf(stateDir, 'job')).toMatchObject({ exit_code: 5 });
    const { report_failures } = JSON.parse(cronrun(stateDir, ['last', '--json', 'job']).stdout);
    const why = expect.stringMatching(/^cannot be loaded \(Cannot find module .*\)$/);
    expect(report_failures).toMatchObject([
      { reporter: 'on-failure', why },
      { reporter: 'on-end', why },
    ]);
  });

  it('and is gone costs a line: one of those that do', () => {
    const home = without('hooks.cjs');
    const result = run(home, '--on-failure', 'touch "$AT/hook"', 'job', '--', 'sh', '-c', 'exit 5');
    expect(result.status).toBe(5);
    expect(said(result)).toMatch(/^cronrun: job: on-failure: cannot be loaded \(Cannot find module /);
  });

  it('and is removed while the command runs costs a line, without the words for it as well', async () => {
    const home = without();
    const holds = ['sh', '-c', 'echo "ready $$"; read line; exit 5'];
    const going = startProgram(
      stateDir,
      `${home}/bin/cronrun`,
      ['exec', '--on-failure', 'true', 'job', '--', ...holds],
      { env: env() },
    );
    await going.ready();
    rmSync(`${home}/dist`, { recursive: true });
    going.child.stdin?.end('go\n');
    const result = await going.ended;
    expect(result.status).toBe(5);
    // Which piece is the first that is missing depends on how far the wrapper had come.
    expect(result.stderr).toMatch(
      /^cronrun: job: not-told: [a-z-]+: .*Cannot find (module|package) .*\)?\n$/s,
    );
    expect(journalOf(stateDir, 'job')).toMatchObject([{ exit_code: 5 }]);
  });
});
