import { chmodSync, copyFileSync, existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Environment,
  HUP_INT_PIPE_256,
  posixShells,
  restrained,
  run,
  SHOW_STATE,
  shownState,
} from '../helpers/launched.js';
import { makeSandbox, type Sandbox } from '../helpers/launcher-sandbox.js';

const BIN = resolve(import.meta.dirname, '../../bin');
const NO_PATH: Environment = { PATH: '/nonexistent' };

/** The sandbox has no node but those that a test puts there. */
let box: Sandbox;
let launcher: string;
beforeEach(() => {
  box = makeSandbox();
  launcher = box.package('package');
});
afterEach(() => box.remove());

describe.each([{ shell: '#!/bin/sh', start: [] as string[] }, ...posixShells()])(
  'exec with $shell',
  ({ start }) => {
    const exec = (command: readonly string[], env = NO_PATH) =>
      run([...start, launcher, 'exec', 'backup', '--', ...command], env);

    test('runs the command as it is, and says so', () => {
      expect(
        exec(['/bin/sh', '-c', 'printf "[%s]" "$@"; exit 3', 'sh', '', '--', 'a\nb', '-h', '*']),
      ).toMatchObject({
        status: 3,
        stdout: '[][--][a\nb][-h][*]',
        stderr:
          'cronrun: no node of version 20.17 or newer (found none);\n' +
          '  running backup WITHOUT a record or a time limit\n',
      });
    });

    test('tells the command that it is not recorded, and hides what configures this run', () => {
      const switches = {
        CRONRUN_TIMEOUT: '1h',
        CRONRUN_KILL_AFTER: '1',
        CRONRUN_SIGNAL: 'INT',
        CRONRUN_SUCCESS_CODES: '1',
        CRONRUN_REQUIRE_RECORD: '0',
        CRONRUN_REQUIRE_CHECKPOINT: '',
        CRONRUN_RECORD_COMMAND: 'name',
        CRONRUN_JOURNAL_LIMIT: '1G',
        CRONRUN_OVERLAP: 'allow',
        CRONRUN_OVERLAP_WAIT: '1m',
        CRONRUN_OVERLAP_EXIT_CODE: '0',
        CRONRUN_OUTPUT: 'on-failure',
        CRONRUN_OUTPUT_LIMIT: '1M',
        CRONRUN_KEEP_OUTPUT: '3',
        CRONRUN_EXCLUSIVE_STATE: '0',
        CRONRUN_COLOR: 'never',
      };
      const outer = {
        CRONRUN_ID: 'cron:x',
        CRONRUN_JOB: 'x',
        CRONRUN_LAST_STATUS: 'failed',
        CRONRUN_UNSURE: 'cron:x',
        CRONRUN_LAUNCHED: '1:1',
      };
      const own = {
        CRONRUN_STATE_DIR: '/s',
        NODE_OPTIONS: '--max-old-space-size=99',
        NODE_EXTRA_CA_CERTS: '/x',
      };
      const stale = { CRONRUN_KEPT_NODE_OPTIONS: 'x', CRONRUN_KEPT_NODE_EXTRA_CA_CERTS: 'x' };
      const seen = exec(['/usr/bin/env'], {
        ...NO_PATH,
        ...switches,
        ...outer,
        ...own,
        ...stale,
      }).stdout.trim();
      const last = [
        'ID',
        'STATUS',
        'REASON',
        'EXIT_CODE',
        'SIGNAL',
        'STARTED_AT',
        'ENDED_AT',
        'CHECKPOINT',
        'COMPLETED_AT',
      ];
      const expected = [
        'CRONRUN_ID=',
        'CRONRUN_JOB=backup',
        'CRONRUN_RUNNING=',
        'CRONRUN_UNSURE=',
        ...last.map((name) => `CRONRUN_LAST_${name}=`),
        'CRONRUN_RESUME_CHECKPOINT=',
        'CRONRUN_CHECKPOINT_FILE=/dev/null',
        ...Object.entries(own).map(([name, value]) => `${name}=${value}`),
      ];
      expect(
        seen
          .split('\n')
          .filter((line) => /^(CRONRUN|NODE)_/.test(line))
          .sort(),
      ).toEqual(expected.sort());
    });

    test('leaves ignored signals and limits as they are', () => {
      const argv = [...start, launcher, 'exec', 'backup', '--', ...SHOW_STATE];
      expect(shownState(run(restrained('HUP INT PIPE', argv), NO_PATH).stdout)).toBe(HUP_INT_PIPE_256);
      expect(shownState(run(restrained('QUIT', argv), NO_PATH).stdout)).toBe('4:256');
      expect(shownState(run(restrained('', argv), NO_PATH).stdout)).toBe('0:256');
    });

    test('puts them back after a node that was too old', () => {
      const env = {
        ...NO_PATH,
        CRONRUN_NODE: box.oldNode('old/node', 'v18.20.4'),
        NODE_OPTIONS: '--require=/gone',
      };
      const argv = [...start, launcher, 'exec', 'backup', '--'];
      const state = run(restrained('HUP INT PIPE', [...argv, ...SHOW_STATE]), env);
      expect(shownState(state.stdout)).toBe(HUP_INT_PIPE_256);
      expect(state.stderr).toBe(
        `cronrun: no node of version 20.17 or newer (found ${box.root}/old/node 18.20.4);\n` +
          '  running backup WITHOUT a record or a time limit\n',
      );
      const seen = run([...argv, '/usr/bin/env'], env).stdout.split('\n');
      expect(seen).toContain('NODE_OPTIONS=--require=/gone');
      expect(seen.filter((line) => /^CRONRUN_(KEPT|TRIED|LAUNCH)/.test(line))).toEqual([]);
    });

    test('leaves nothing behind of what a node that was too old was started with', () => {
      const env = { ...NO_PATH, CRONRUN_NODE: box.oldNode('old/node', 'v18.20.4') };
      const seen = run([...start, launcher, 'exec', 'backup', '--', '/usr/bin/env'], env).stdout.split('\n');
      expect(seen).toContain('CRONRUN_JOB=backup');
      expect(seen.filter((line) => line.startsWith('NODE_'))).toEqual([]);
    });

    test.each([
      ['is not there', ['nonexistent-program'], 127],
      ['cannot be executed', ['/etc/passwd'], 126],
      ['is named like an option', ['-c', 'true'], 127],
    ])('a command that %s', (_, command, status) => {
      expect(exec(command).status).toBe(status);
    });

    test('closed standard streams do not matter', () => {
      const file = join(box.root, 'ran');
      const closing = [
        '/bin/sh',
        '-c',
        'exec "$@" <&- >&- 2>&-',
        'sh',
        ...start,
        launcher,
        'exec',
        'j',
        '--',
      ];
      expect(run([...closing, '/bin/sh', '-c', ': > "$0"; exit 4', file], NO_PATH).status).toBe(4);
      expect(existsSync(file)).toBe(true);
    });

    test('a stderr that nobody reads any more does not cost the job its run', () => {
      // The only reader, descriptor 3, is closed before the launcher starts: its message meets EPIPE.
      const script = '/usr/bin/mkfifo "$0" && exec 3<>"$0" 2>"$0" 3<&- && exec "$@"';
      const argv = [...start, launcher, 'exec', 'j', '--', '/bin/sh', '-c', 'echo ran; exit 5'];
      const outcome = run(['/bin/sh', '-c', script, join(box.root, 'fifo'), ...argv], NO_PATH);
      expect(outcome).toMatchObject({ status: 5, stdout: 'ran\n' });
    });
  },
);

describe('without any node', () => {
  const ECHO = ['--', '/bin/echo', 'ran'];

  function refused(args: readonly string[], env: Environment = {}): string {
    const outcome = run([launcher, ...args], { ...NO_PATH, ...env });
    expect(outcome).toMatchObject({ status: 125, stdout: '' });
    expect(outcome.stderr).toMatch(/^cronrun: no node of version .*;\n {2}.*\n$/);
    return outcome.stderr;
  }

  function ran(args: readonly string[], env: Environment = {}): void {
    expect(run([launcher, ...args], { ...NO_PATH, ...env })).toMatchObject({ status: 0, stdout: 'ran\n' });
  }

  test('a reader says where it looked', () => {
    const readers = [
      ['status', 'j'],
      ['last', '--exit-code', 'j'],
      ['ls'],
      ['--version'],
      [],
      ['--', 'exec', 'j'],
    ];
    for (const args of readers) {
      const said = refused(args, { CRONRUN_NODE: '/opt/my node' });
      for (const place of ['/opt/my node', '/package/bin/node', 'PATH=/nonexistent'])
        expect(said).toContain(place);
    }
  });

  test('a record that is required and cannot be had', () => {
    expect(refused(['exec', '--require-record', 'backup', ...ECHO])).toContain('backup was NOT STARTED');
    refused(['exec', 'j', '--require-record', ...ECHO]);
    refused(['exec', 'j', ...ECHO], { CRONRUN_REQUIRE_RECORD: '1' });
    refused(['exec', '--no-require-record', '--require-record', 'j', ...ECHO]);
    ran(['exec', '--no-require-record', 'j', ...ECHO], { CRONRUN_REQUIRE_RECORD: '1' });
    ran(['exec', 'j', ...ECHO], { CRONRUN_REQUIRE_RECORD: '0' });
    ran(['exec', 'j', ...ECHO], { CRONRUN_REQUIRE_RECORD: '' });
    ran(['exec', 'j', '--', '/bin/sh', '-c', 'echo ran', '--require-record']);
  });

  test('a job of which no two runs may go on at once', () => {
    const message = 'backup was NOT STARTED, nobody can see whether another run of it goes on';
    expect(refused(['exec', '--overlap', 'skip', 'backup', ...ECHO])).toContain(message);
    refused(['exec', 'j', '--overlap=wait', '--overlap-wait', '5m', ...ECHO]);
    refused(['exec', 'j', '-E', '0', ...ECHO], { CRONRUN_OVERLAP: 'skip' });
    refused(['exec', '--overlap', 'allow', 'j', '--overlap', 'skip', ...ECHO]);
    ran(['exec', '--overlap', 'allow', '-E', '0', '--overlap-exit-code', '1', 'j', ...ECHO], {
      CRONRUN_OVERLAP: 'skip',
    });
    ran(['exec', 'j', ...ECHO], { CRONRUN_OVERLAP: '', CRONRUN_OVERLAP_WAIT: '5m' });
    ran(['exec', 'j', '--', '/bin/sh', '-c', 'echo ran', '--overlap=skip']);
  });

  test('the job is told from options and their values', () => {
    ran(['exec', '-t', '5m', '-k', '1', '-s', 'INT', '--success-codes', '1,24', 'j', ...ECHO]);
    ran(['exec', '--timeout=5m', '-t5m', 'j', '--state-dir', '/tmp/x', ...ECHO]);
    ran(['--state-dir', '/tmp/x', 'exec', 'j', ...ECHO]);
    ran(['exec', '--record-command', 'name', '--color', 'never', 'a'.repeat(64), ...ECHO]);
    ran(['exec', '--journal-limit', '1G', 'j', ...ECHO]);
    ran([
      'exec',
      '--record-command',
      'name',
      '--output',
      'on-failure',
      '--keep-output=3',
      '--output-limit',
      '1M',
      '--color',
      'never',
      'a'.repeat(64),
      ...ECHO,
    ]);
    ran(['exec', 'j', '-t', ...ECHO]);
  });

  test.each([
    ['no --', ['exec', 'backup', '/bin/echo', 'ran'], 'put -- between'],
    ['no command', ['exec', 'backup', '--'], 'no command behind --'],
    ['no job', ['exec', ...ECHO], 'type cronrun exec'],
    ['two jobs', ['exec', 'a', 'b', ...ECHO], 'type cronrun exec'],
    ['an unknown option and its value', ['exec', '--tiemout', '5m', 'j', ...ECHO], 'type cronrun exec'],
    ['a question', ['exec', '--help', 'j', ...ECHO], 'type cronrun exec'],
    ['a job that is a path', ['exec', '../x', ...ECHO], 'a job name has'],
    ['a job with a blank', ['exec', 'my job', ...ECHO], 'a job name has'],
    ['a job that is empty', ['exec', '', ...ECHO], 'a job name has'],
    ['a job that is too long', ['exec', 'a'.repeat(65), ...ECHO], 'a job name has'],
    ['a job that begins with a dot', ['exec', '.a', ...ECHO], 'a job name has'],
  ])('an exec line with %s runs nothing', (_, args, message) => {
    expect(refused(args)).toContain(message);
  });
});

describe('not built', () => {
  beforeEach(() => {
    box.node('usr/bin/node');
    rmSync(join(box.root, 'package/dist'), { recursive: true });
  });

  test.each(['bin/cronrun', 'a link to it'])('%s: exec runs the command, a reader says what to do', (way) => {
    const it = way === 'bin/cronrun' ? launcher : box.link('elsewhere/it', launcher);
    const bundle = (name: string) => join(box.root, `package/dist/${name}.cjs`);
    const outcome = run(restrained('HUP INT PIPE', [it, 'exec', 'j', '--', ...SHOW_STATE]), NO_PATH);
    expect(shownState(outcome.stdout)).toBe(HUP_INT_PIPE_256);
    expect(outcome.stderr).toBe(
      `cronrun: not built, or not to be read: ${bundle('exec')};\n  running j WITHOUT a record or a time limit\n`,
    );
    const required = run([it, 'exec', '--require-record', 'j', '--', '/bin/echo', 'ran'], NO_PATH);
    expect(required).toMatchObject({ status: 125, stdout: '' });
    const reader = run([it, 'ls'], NO_PATH);
    expect(reader).toMatchObject({ status: 125, stdout: '' });
    expect(reader.stderr).toContain(`${bundle('main')};\n  run npm ci`);
  });

  test('a copy of the launcher without its package', () => {
    const alone = join(box.directory('alone'), 'cronrun');
    copyFileSync(join(BIN, 'cronrun'), alone);
    chmodSync(alone, 0o755);
    const outcome = run([alone, 'exec', 'j', '--', '/bin/echo', 'ran'], NO_PATH);
    expect(outcome).toMatchObject({ status: 0, stdout: 'ran\n' });
    expect(outcome.stderr).toContain('alone/door.cjs');
  });
});

test('check answers a monitoring system, which looks at stdout and knows no status beyond 3', () => {
  expect(run([launcher, 'check', '--max-age', '26h', 'backup'], NO_PATH)).toMatchObject({
    status: 3,
    stdout: expect.stringMatching(
      /^CRONRUN UNKNOWN: no node of version 20.17 or newer \(found none\); .*\n$/,
    ),
    stderr: '',
  });
});
