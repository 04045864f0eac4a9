import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cronEnvironment, cronrun, journalOf, said, scratch } from '../helpers/cronrun.js';

/** What a crontab sets above its lines. */
const CRONTAB = {
  CRONRUN_TIMEOUT: '1h',
  CRONRUN_KILL_AFTER: '3s',
  CRONRUN_SIGNAL: 'int',
  CRONRUN_SUCCESS_CODES: '24',
  CRONRUN_REQUIRE_RECORD: '0',
  CRONRUN_RECORD_COMMAND: 'name',
  CRONRUN_JOURNAL_LIMIT: '40M',
  CRONRUN_OVERLAP: 'skip',
  CRONRUN_OVERLAP_WAIT: '1m',
  CRONRUN_OVERLAP_EXIT_CODE: '0',
  CRONRUN_OUTPUT: 'inherit',
  CRONRUN_OUTPUT_LIMIT: '1M',
  CRONRUN_KEEP_OUTPUT: '3',
  CRONRUN_EXCLUSIVE_STATE: '0',
  CRONRUN_COLOR: 'never',
};

describe('environment twins of the options', () => {
  it('are the defaults of every line below them', () => {
    const stateDir = scratch();
    const result = cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 24'], {
      env: cronEnvironment(CRONTAB),
    });
    expect(result).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
    expect(journalOf(stateDir, 'job')).toMatchObject([
      {
        status: 'completed',
        exit_code: 24,
        timeout_ms: 3_600_000,
        timeout_source: 'CRONRUN_TIMEOUT',
        kill_after_ms: 3000,
        timeout_signal: 'SIGINT',
        command: ['sh'],
      },
    ]);
  });

  it('end a run', () => {
    const stateDir = scratch();
    const env = cronEnvironment({ CRONRUN_TIMEOUT: '300ms', CRONRUN_SIGNAL: 'USR1' });
    expect(cronrun(stateDir, ['exec', 'job', '--', 'sleep', '1000'], { env }).status).toBe(124);
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'timeout', signal: 'SIGUSR1' }]);
  });

  it('give way to the option, and so does a bad one', () => {
    const stateDir = scratch();
    const env = cronEnvironment({ ...CRONTAB, CRONRUN_TIMEOUT: 'soon', CRONRUN_KILL_AFTER: '1s' });
    const line = [
      'exec',
      '-t',
      '2h',
      '--kill-after=5s',
      '--success-codes=7',
      'job',
      '--',
      'sh',
      '-c',
      'exit 7',
    ];
    expect(cronrun(stateDir, line, { env }).status).toBe(0);
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { timeout_ms: 7_200_000, timeout_source: '--timeout', kill_after_ms: 5000 },
    ]);
  });

  it('count as unset where they are empty', () => {
    const stateDir = scratch();
    const empty = Object.fromEntries(Object.keys(CRONTAB).map((name) => [name, '']));
    const result = cronrun(stateDir, ['exec', 'job', '--', 'true'], { env: cronEnvironment(empty) });
    expect(result).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
    expect(journalOf(stateDir, 'job')).toMatchObject([{ timeout_ms: null, kill_after_ms: 10_000 }]);
  });

  it('do not reach the command: they are for this run, not for runs inside it', () => {
    const stateDir = scratch();
    const { stdout } = cronrun(stateDir, ['exec', 'job', '--', 'env'], { env: cronEnvironment(CRONTAB) });
    for (const name of Object.keys(CRONTAB)) expect(stdout).not.toContain(`${name}=`);
    expect(stdout).toContain(`CRONRUN_STATE_DIR=${stateDir}\n`);
  });

  it.each([
    ['CRONRUN_TIMEOUT', 'soon'],
    ['CRONRUN_KILL_AFTER', '-1s'],
    ['CRONRUN_SIGNAL', 'NOPE'],
    ['CRONRUN_SUCCESS_CODES', '1,999'],
    ['CRONRUN_REQUIRE_RECORD', 'yes'],
    ['CRONRUN_RECORD_COMMAND', 'some'],
    ['CRONRUN_JOURNAL_LIMIT', 'much'],
    ['CRONRUN_OVERLAP', 'never'],
    ['CRONRUN_OVERLAP_WAIT', 'soon'],
    ['CRONRUN_OVERLAP_EXIT_CODE', '256'],
    ['CRONRUN_OUTPUT', 'never'],
    ['CRONRUN_OUTPUT_LIMIT', 'much'],
    ['CRONRUN_KEEP_OUTPUT', '0'],
    ['CRONRUN_EXCLUSIVE_STATE', 'yes'],
    ['CRONRUN_COLOR', 'sometimes'],
  ])('that are bad are refused by name: %s=%s', (name, value) => {
    const directory = scratch();
    const line = ['exec', 'job', '--', 'touch', `${directory}/ran`];
    const result = cronrun(`${directory}/state`, line, { env: cronEnvironment({ [name]: value }) });
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(said(result)).toMatch(new RegExp(`^cronrun: exec: ${name} \\(environment\\): "${value}" is not`));
    expect(existsSync(`${directory}/ran`)).toBe(false);
    expect(existsSync(`${directory}/state`)).toBe(false);
  });
});
