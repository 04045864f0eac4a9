import { existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BIN, cronEnvironment, cronrun, runProgram, said, scratch } from '../helpers/cronrun.js';

/** Command lines that cronrun refuses; %m is a file that the command would make. */
const REFUSED: readonly (readonly string[])[] = [
  ['exec'],
  ['exec', 'backup'],
  ['exec', 'backup', 'touch', '%m'],
  ['exec', 'backup', '--'],
  ['exec', '--', 'touch', '%m'],
  ['exec', 'my backup', '--', 'touch', '%m'],
  ['exec', '../backup', '--', 'touch', '%m'],
  ['exec', '-backup', '--', 'touch', '%m'],
  ['exec', '', '--', 'touch', '%m'],
  ['exec', 'x'.repeat(65), '--', 'touch', '%m'],
  ['exec', '--timeout', '5min', 'backup', '--', 'touch', '%m'],
  ['exec', '--kill-after', '-1', 'backup', '--', 'touch', '%m'],
  ['exec', '--signal', 'RTMIN', 'backup', '--', 'touch', '%m'],
  ['exec', '--success-codes', '256', 'backup', '--', 'touch', '%m'],
  ['exec', '--record-command', 'none', 'backup', '--', 'touch', '%m'],
  ['exec', '--overlap', 'never', 'backup', '--', 'touch', '%m'],
  ['exec', '--overlaps', 'skip', 'backup', '--', 'touch', '%m'],
];

describe('125 is cronrun’s own failure', () => {
  it.each(REFUSED.map((args) => ({ args })))('for $args: nothing is run and nothing created', ({ args }) => {
    const directory = scratch();
    const marker = `${directory}/ran`;
    const result = cronrun(
      `${directory}/state`,
      args.map((arg) => arg.replace('%m', marker)),
    );
    expect(result).toMatchObject({ status: 125, signal: null, stdout: '' });
    expect(said(result)).toMatch(/^cronrun: /);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('for an argument that is not UTF-8, which node would alter', () => {
    const directory = scratch();
    const line = 'exec "$0" exec backup -- touch "$(printf "%s/caf\\351" "$1")"';
    const result = runProgram('/bin/sh', ['-c', line, BIN, directory], {
      env: cronEnvironment({ CRONRUN_STATE_DIR: `${directory}/state` }),
    });
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(said(result)).toMatch(/^cronrun: .*UTF-8/);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('a state directory that cannot be written', () => {
  const unwritable = () => {
    const directory = scratch();
    writeFileSync(`${directory}/file`, '');
    return { stateDir: `${directory}/file/state`, marker: `${directory}/ran` };
  };

  it('with --require-record: 125, one message, and nothing is run', () => {
    const { stateDir, marker } = unwritable();
    const result = cronrun(stateDir, ['exec', '--require-record', 'backup', '--', 'touch', marker]);
    expect(result).toMatchObject({ status: 125, signal: null, stdout: '' });
    expect(said(result)).toMatch(/^cronrun: backup: NOT STARTED: .*ENOTDIR.*\n$/);
    expect(existsSync(marker)).toBe(false);
  });

  it('with its twin: the same, and --no-require-record undoes it', () => {
    const { stateDir, marker } = unwritable();
    const env = cronEnvironment({ CRONRUN_REQUIRE_RECORD: '1' });
    expect(cronrun(stateDir, ['exec', 'backup', '--', 'touch', marker], { env }).status).toBe(125);
    expect(existsSync(marker)).toBe(false);
    const line = ['exec', '--no-require-record', 'backup', '--', 'touch', marker];
    expect(cronrun(stateDir, line, { env }).status).toBe(0);
    expect(existsSync(marker)).toBe(true);
  });

  it('without: the command runs, its exit status counts, and it is said that nothing is on record', () => {
    const { stateDir } = unwritable();
    const result = cronrun(stateDir, ['exec', 'backup', '--', 'sh', '-c', 'echo "[$CRONRUN_ID]"; exit 7']);
    expect(result).toMatchObject({ status: 7, stdout: '[]\n' });
    expect(said(result)).toMatch(/^cronrun: backup: NOT RECORDED, running it all the same: .*ENOTDIR/);
  });

  it('and is a link to nowhere: the same', () => {
    const stateDir = `${scratch()}/link`;
    symlinkSync('/nowhere/state', stateDir);
    const result = cronrun(stateDir, ['exec', 'backup', '--', 'sh', '-c', 'exit 7']);
    expect(result.status).toBe(7);
    expect(said(result)).toMatch(/^cronrun: backup: NOT RECORDED, running it all the same: .*\(ENOENT: /);
  });

  it('is no reason to miss a timeout', () => {
    const { stateDir } = unwritable();
    expect(cronrun(stateDir, ['exec', '-t', '100ms', 'backup', '--', 'sleep', '1000']).status).toBe(124);
  });
});

it('with --require-record runs what it can record', () => {
  const stateDir = scratch();
  const result = cronrun(stateDir, ['exec', '--require-record', 'backup', '--', 'true']);
  expect(result).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
});
