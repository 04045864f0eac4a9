import { chmodSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  BIN,
  cronEnvironment,
  journalOf,
  type Result,
  runProgram,
  said,
  scratch,
} from '../helpers/cronrun.js';

/** Runs a command with cronrun and without it, after the same preparation by the same shell. */
function bothWays(prepare: string, command: readonly string[], cwd = scratch()) {
  const stateDir = scratch();
  const env = cronEnvironment({ CRONRUN_STATE_DIR: stateDir, NODE_OPTIONS: '--max-old-space-size=64' });
  const line = `${prepare}; exec "$@"`;
  const run = (before: readonly string[]): Result =>
    runProgram('/bin/sh', ['-c', line, 'sh', ...before, ...command], { env, cwd });
  return { without: run([]), within: run([BIN, 'exec', 'job', '--']), stateDir, cwd };
}

describe('the command finds what it would find without cronrun', () => {
  it.each(['umask 077', 'umask 0', 'umask 027', 'umask 0777'])('the file mode mask: %s', (prepare) => {
    const { within, without, stateDir } = bothWays(prepare, [
      'sh',
      '-c',
      'umask; touch made; stat -c %a made',
    ]);
    expect(within).toEqual(without);
    const modes = runProgram('/bin/sh', ['-c', 'find "$0" -printf "%y %m\\n" | sort -u', stateDir]);
    expect(modes.stdout).toBe('d 700\nf 600\n');
  });

  it('the working directory', () => {
    const { within, without, stateDir, cwd } = bothWays(':', ['pwd', '-P']);
    expect(within).toEqual(without);
    expect(within.stdout).toBe(`${realpathSync(cwd)}\n`);
    expect(journalOf(stateDir, 'job')).toMatchObject([{ cwd: realpathSync(cwd) }]);
  });

  it.each([
    ['as they are', ':'],
    ['soft limit of open files below the hard one', 'ulimit -S -n 256'],
    ['soft limit of open files at the hard one', 'ulimit -n 512'],
    ['others', 'ulimit -c 0; ulimit -S -s 4096; ulimit -S -f 100000; ulimit -S -u 5000; ulimit -S -t 600'],
  ])('all limits: %s', (_, prepare) => {
    const { within, without } = bothWays(prepare, ['cat', '/proc/self/limits']);
    expect(within).toEqual(without);
    expect(without.stdout).toMatch(/^Max open files/m);
  });

  it('priority, and the descriptors 0, 1 and 2 and no others', () => {
    const look = 'nice; ls /proc/self/fd; cut -d" " -f19 /proc/self/stat';
    const { within, without } = bothWays('renice -n 5 $$ >/dev/null', ['sh', '-c', look]);
    expect(within).toEqual(without);
    expect(without.stdout).toMatch(/^5\n0\n1\n2\n/);
  });

  it('NODE_OPTIONS and NODE_EXTRA_CA_CERTS, which cronrun itself does not obey', () => {
    const stateDir = scratch();
    const given = { NODE_OPTIONS: '--require /nowhere/preload.js', NODE_EXTRA_CA_CERTS: '/nowhere/ca.pem' };
    const env = cronEnvironment({ CRONRUN_STATE_DIR: stateDir, ...given });
    const look = ['sh', '-c', 'echo "$NODE_OPTIONS|$NODE_EXTRA_CA_CERTS"'];
    expect(runProgram(BIN, ['exec', 'job', '--', ...look], { env })).toEqual({
      status: 0,
      signal: null,
      stdout: '--require /nowhere/preload.js|/nowhere/ca.pem\n',
      stderr: '',
    });
  });

  it.each([undefined, '', '--v8-pool-size=1', '--v8-pool-size=2'])(
    'NODE_OPTIONS=%s, whatever the launcher puts there for its own node',
    (value) => {
      const given: Record<string, string> = value === undefined ? {} : { NODE_OPTIONS: value };
      const env = cronEnvironment({ CRONRUN_STATE_DIR: scratch(), ...given });
      const { stdout } = runProgram(BIN, ['exec', 'job', '--', 'printenv', 'NODE_OPTIONS'], { env });
      expect(stdout).toBe(value === undefined ? '' : `${value}\n`);
    },
  );

  it('the whole environment, but for what is said of the run', () => {
    const odd = {
      EMPTY: '',
      LINES: 'a\nb',
      EQUALS: 'a=b=c',
      UNICODE: 'naïve 🦊',
      PS4: '+',
      ENV: '/nowhere',
    };
    const stateDir = scratch();
    const env = cronEnvironment({ CRONRUN_STATE_DIR: stateDir, ...odd });
    const within = runProgram(BIN, ['exec', 'job', '--', 'env', '-0'], { env }).stdout.split('\0');
    const without = runProgram('env', ['-0'], { env }).stdout.split('\0');
    const own =
      /^(CRONRUN_(ID|JOB|RUNNING|UNSURE|LAST_[A-Z_]+|RESUME_CHECKPOINT|CHECKPOINT_FILE)|TRACEPARENT)=/;
    // The launcher is a script of sh, and every sh exports PWD. (It also sets IFS anew: a known limit.)
    const others = within.filter((entry) => !own.test(entry) && !entry.startsWith('PWD='));
    expect(others.sort()).toEqual(without.sort());
  });
});

it('a state directory that a group may read is filled so that it can, whatever the umask', () => {
  const stateDir = scratch();
  chmodSync(stateDir, 0o2750);
  const line = 'umask 077; exec "$0" exec job -- true';
  const env = cronEnvironment({ CRONRUN_STATE_DIR: stateDir });
  expect(runProgram('/bin/sh', ['-c', line, BIN], { env })).toMatchObject({ status: 0, stderr: '' });
  const modes = runProgram('/bin/sh', ['-c', 'find "$0" -printf "%y %m\\n" | sort -u', stateDir]);
  expect(modes.stdout).toBe('d 2750\nf 640\n');
});

describe('a working directory that was removed', () => {
  it('is no obstacle, and unknown to the record', () => {
    const stateDir = scratch();
    const gone = `${scratch()}/gone`;
    mkdirSync(gone);
    const line = 'cd "$1" && rmdir "$1" && exec "$0" exec job -- sh -c "exit 7"';
    const result = runProgram('/bin/sh', ['-c', line, BIN, gone], {
      env: cronEnvironment({ CRONRUN_STATE_DIR: stateDir }),
    });
    expect(result.status).toBe(7);
    expect(result.stderr).not.toMatch(/cronrun/);
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'failed', exit_code: 7, cwd: null }]);
  });

  it('makes a relative state directory no place for records: it is said, and the command runs', () => {
    const gone = `${scratch()}/gone`;
    mkdirSync(gone);
    const line = 'cd "$1" && rmdir "$1" && exec "$0" exec --state-dir state job -- sh -c "exit 7"';
    const result = runProgram('/bin/sh', ['-c', line, BIN, gone]);
    rmSync(gone, { recursive: true, force: true });
    expect(result.status).toBe(7);
    expect(said(result)).toMatch(/^cronrun: job: NOT RECORDED, running it all the same: /m);
  });
});
