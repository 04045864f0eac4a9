import { chmodSync, closeSync, copyFileSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  BIN,
  cronEnvironment,
  cronrun,
  journalOf,
  type Result,
  runProgram,
  said,
  scratch,
} from '../helpers/cronrun.js';

/** A command that cannot be started, and what is to be said of it. */
interface Row {
  readonly why: string;
  /** Prepares `directory`, the working directory, and names the command. */
  readonly command: (directory: string) => string;
  readonly path?: string;
  readonly status: 126 | 127;
  readonly error: string;
  readonly says: RegExp;
}

const ROWS: readonly Row[] = [
  {
    why: 'is nowhere along PATH',
    command: () => 'rsnc',
    path: '/usr/bin:/bin',
    status: 127,
    error: 'ENOENT',
    says: /^cronrun: tries: FAILED: rsnc: not found in PATH=\/usr\/bin:\/bin\n$/,
  },
  {
    why: 'is a path that is not there',
    command: (directory) => `${directory}/backup`,
    status: 127,
    error: 'ENOENT',
    says: /^cronrun: tries: FAILED: .*backup: not found\n$/,
  },
  {
    why: 'is below something that is no directory',
    command: () => '/etc/passwd/backup',
    status: 127,
    error: 'ENOTDIR',
    says: /FAILED: \/etc\/passwd\/backup: not found/,
  },
  { why: 'is empty', command: () => '', status: 127, error: 'ENOENT', says: /FAILED: "": not found/ },
  {
    why: 'is a directory',
    command: (directory) => directory,
    status: 126,
    error: 'EACCES',
    says: /cannot be run \(EACCES: it is a directory\)/,
  },
  {
    why: 'is a directory along PATH',
    command: (directory) => {
      mkdirSync(`${directory}/backup`);
      return 'backup';
    },
    path: '.',
    status: 126,
    error: 'EACCES',
    says: /FAILED: backup: cannot be run/,
  },
  {
    why: 'is not executable',
    command: (directory) => script(directory, 'backup', '#!/bin/sh\n', 0o644),
    status: 126,
    error: 'EACCES',
    says: /cannot be run \(EACCES: it is not executable; chmod \+x/,
  },
  {
    why: 'is not executable along PATH',
    command: (directory) => {
      script(directory, 'backup', '#!/bin/sh\n', 0o644);
      return 'backup';
    },
    path: `.:/usr/bin`,
    status: 126,
    error: 'EACCES',
    says: /FAILED: backup: cannot be run/,
  },
  {
    why: 'has an interpreter that is not there',
    command: (directory) => script(directory, 'backup', '#!/opt/pyton/bin/pyton3 -u\n', 0o755),
    status: 127,
    error: 'ENOENT',
    says: /\/opt\/pyton\/bin\/pyton3/,
  },
  {
    why: 'was saved with CRLF line ends',
    command: (directory) => script(directory, 'backup', '#!/bin/sh\r\necho hi\r\n', 0o755),
    status: 127,
    error: 'ENOENT',
    says: /its first line ends in CR LF, so its interpreter is \/bin\/sh\\r \(ENOENT\)/,
  },
  {
    why: 'is no program and no script',
    command: (directory) => script(directory, 'backup', 'PK\u0003\u0004\0\0\u0001\n', 0o755),
    status: 126,
    error: 'ENOEXEC',
    says: /cannot be run \(ENOEXEC/,
  },
];

function script(directory: string, name: string, text: string, mode: number): string {
  const path = `${directory}/${name}`;
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

/** Where node changed the limit of open files a shell stands between, and must not be the one that says it. */
const WAYS: readonly { name: string; run: (stateDir: string, args: string[], options: object) => Result }[] =
  [
    { name: 'directly', run: cronrun },
    {
      name: 'through the shell that puts limits back',
      run: (stateDir, args, options) => {
        const lowered = ['-c', 'ulimit -S -n 256; exec "$0" --state-dir "$@"', BIN, stateDir, ...args];
        return runProgram('/bin/sh', lowered, options);
      },
    },
  ];

describe.each(WAYS)('a command that cannot be started, $name', ({ run }) => {
  it.each(ROWS)('because it $why: $status, on record and in one line', (row) => {
    const stateDir = scratch();
    const cwd = scratch();
    const command = row.command(cwd);
    const env = cronEnvironment(row.path === undefined ? {} : { PATH: row.path });
    const result = run(stateDir, ['exec', 'tries', '--', command], { cwd, env });
    expect(journalOf(stateDir, 'tries')).toMatchObject([
      {
        status: 'failed',
        reason: 'not-started',
        exit_code: row.status,
        signal: null,
        error: row.error,
        pid: null,
      },
    ]);
    expect(result).toMatchObject({ status: row.status, signal: null, stdout: '' });
    expect(said(result)).toMatch(row.says);
    expect(cronrun(stateDir, ['last', '--exit-code', 'tries']).status).toBe(row.status);
  });
});

describe('without PATH', () => {
  const { PATH: _, ...env } = cronEnvironment();

  it('finds what execvp(3) finds', () => {
    const stateDir = scratch();
    expect(cronrun(stateDir, ['exec', 'bare', '--', 'echo', 'hi'], { env })).toMatchObject({
      status: 0,
      stdout: 'hi\n',
      stderr: '',
    });
  });

  it('exits 127 for what is not there', () => {
    const stateDir = scratch();
    const result = cronrun(stateDir, ['exec', 'bare', '--', 'rsnc'], { env });
    expect(result.status).toBe(127);
    expect(said(result)).toMatch(/^cronrun: bare: FAILED: rsnc: not found/);
  });
});

it('runs a script without a #! line, as execvp(3) does', () => {
  const [stateDir, cwd] = [scratch(), scratch()];
  const command = script(cwd, 'old-style', 'echo hi\nexit 7\n', 0o755);
  expect(cronrun(stateDir, ['exec', 'old', '--', command])).toMatchObject({
    status: 7,
    stdout: 'hi\n',
    stderr: '',
  });
});

it('exits 126 for a program that is being written', () => {
  const [stateDir, cwd] = [scratch(), scratch()];
  copyFileSync('/bin/true', `${cwd}/busy`);
  chmodSync(`${cwd}/busy`, 0o755);
  const writer = openSync(`${cwd}/busy`, 'r+');
  const result = cronrun(stateDir, ['exec', 'busy', '--', `${cwd}/busy`]);
  closeSync(writer);
  expect(result).toMatchObject({ status: 126, stdout: '' });
  expect(said(result)).toMatch(/ETXTBSY/);
  expect(journalOf(stateDir, 'busy')).toMatchObject([
    { status: 'failed', reason: 'not-started', exit_code: 126, error: 'ETXTBSY' },
  ]);
});

it('exits 126 where the variables of the run make argv and environment too long', () => {
  const stateDir = scratch();
  // A small stack makes the limit a quarter megabyte; a long state directory is told to the command once more.
  const attempt = (bytes: number) => {
    const filling = Array.from({ length: Math.ceil(bytes / 1000) }, () => 'x'.repeat(999));
    const last = 'x'.repeat(bytes % 1000);
    const run = [
      '-c',
      'ulimit -S -s 1024; exec "$@"',
      'sh',
      BIN,
      'exec',
      'long',
      '--',
      'true',
      ...filling,
      last,
    ];
    return runProgram('/bin/sh', run, { env: { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir } });
  };
  let [fits, tooLong] = [200_000, 262_144];
  while (tooLong - fits > 16) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (attempt(middle).status === 0) fits = middle;
    else tooLong = middle;
  }
  // What a run is told of the one before takes some bytes more or less.
  const result = attempt(tooLong + 16);
  expect(result).toMatchObject({ status: 126, stdout: '' });
  expect(said(result)).toMatch(/^cronrun: long: FAILED: true: cannot be run \(E2BIG/);
  expect(journalOf(stateDir, 'long').at(-1)).toMatchObject({
    status: 'failed',
    reason: 'not-started',
    exit_code: 126,
    error: 'E2BIG',
    command_cut: true,
  });
});
