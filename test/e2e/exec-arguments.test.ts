import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  BIN,
  cronEnvironment,
  cronrun,
  fixture,
  journalOf,
  runProgram,
  said,
  scratch,
} from '../helpers/cronrun.js';

const AWKWARD = [
  '',
  '',
  ' ',
  'two words',
  'line one\nline two\n',
  '\ttab',
  `'single' "double" \\back $HOME \`id\` $(id) *`,
  '--',
  '-h',
  '--help',
  '--version',
  '--timeout',
  '1ms',
  '--state-dir=/nowhere',
  '-t',
  'naïve café',
  'Ελλάδα 日本語 🦊',
  'e\u0301 combined',
  '\u202etxt.exe',
  '\u001b[31mred',
  '#',
  ';',
  '&&',
  '\ufeffbom',
];

it.each([
  ['directly', 'exec "$@"'],
  ['through the shell that puts limits back', 'ulimit -S -n 256; exec "$@"'],
])('everything behind -- reaches the command byte for byte, %s', (_, launch) => {
  const stateDir = scratch();
  const command = [fixture('shows-arguments'), ...AWKWARD];
  const run = ['-c', launch, 'sh', BIN, 'exec', 'job', '--', ...command];
  const { stdout, stderr, status } = runProgram('/bin/sh', run, {
    env: cronEnvironment({ CRONRUN_STATE_DIR: stateDir }),
  });
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout.split('\0').slice(2, -1)).toEqual(AWKWARD);
  expect(journalOf(stateDir, 'job')).toMatchObject([{ command, command_cut: false }]);
});

it('a command whose name looks like an option is a command', () => {
  const stateDir = scratch();
  for (const name of ['-h', '--help', '--timeout', '--']) {
    const result = cronrun(stateDir, ['exec', 'job', '--', name, '1s']);
    expect([result.status, said(result)]).toEqual([
      127,
      `cronrun: job: FAILED: ${name}: not found in PATH=${cronEnvironment().PATH}\n`,
    ]);
  }
});

it('an argument that is U+FFFD itself is none of those that node altered', () => {
  const stateDir = scratch();
  expect(cronrun(stateDir, ['exec', 'job', '--', 'printf', '%s', '\ufffd']).stdout).toBe('\ufffd');
});

it('one that is not UTF-8 is refused, and nothing is run', () => {
  const directory = scratch();
  const line = 'exec "$0" exec job -- touch "$1" "$(printf "caf\\351")"';
  const result = runProgram('/bin/sh', ['-c', line, BIN, `${directory}/ran`], {
    env: cronEnvironment({ CRONRUN_STATE_DIR: `${directory}/state` }),
  });
  expect(result).toMatchObject({ status: 125, stdout: '' });
  expect(said(result)).toMatch(/UTF-8/);
  expect(readdirSync(directory)).toEqual([]);
});

it('an argument of 128 KiB arrives whole, and the record says that it is cut there', () => {
  const stateDir = scratch();
  const long = 'x'.repeat(131_071);
  const { stdout, status } = cronrun(stateDir, [
    'exec',
    'job',
    '--',
    'sh',
    '-c',
    'printf %s "$1" | wc -c',
    'sh',
    long,
  ]);
  expect([status, stdout]).toEqual([0, '131071\n']);
  expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'completed', command_cut: true }]);
});

it('--record-command name keeps arguments out of the record, not from the command', () => {
  const stateDir = scratch();
  const result = cronrun(stateDir, ['exec', '--record-command', 'name', 'job', '--', 'echo', 'secret']);
  expect(result.stdout).toBe('secret\n');
  expect(journalOf(stateDir, 'job')).toMatchObject([{ command: ['echo'] }]);
  expect(JSON.stringify(journalOf(stateDir, 'job'))).not.toContain('secret');
});
