import { chmodSync, existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatRunId, makeRunId } from '../../src/model/run-id.js';
import {
  BIN,
  cronEnvironment,
  cronrun,
  isAlive,
  poll,
  runProgram,
  scratch,
  start,
} from '../helpers/cronrun.js';
import {
  asAnotherUser,
  describeUnless,
  firstObstacle,
  needsProgram,
  needsReachableBin,
  needsRoot,
} from '../helpers/needs.js';
import { completed, ELSEWHERE } from '../helpers/records.js';
import { putJournal, putStart } from '../helpers/state.js';

const NEGATE = '/usr/lib/nagios/plugins/negate';

/** What a monitoring system sees of it: stderr has to be empty, for some take it for a part of the answer. */
function check(stateDir: string, ...args: string[]): string {
  const { status, stdout, stderr } = cronrun(stateDir, ['check', ...args]);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^[^\n]*\n$/);
  return `${status} ${stdout.split(' | ')[0]?.trim()}`;
}

function exec(stateDir: string, job: string, command: readonly string[], ...options: string[]) {
  return cronrun(stateDir, ['exec', ...options, job, '--', ...command]);
}

/** A run of long ago, by the clock of this machine. */
function old(job: string, ageMs: number) {
  const started = Date.now() - ageMs;
  const id = formatRunId(makeRunId(started, new Uint8Array(10)));
  const [started_at, ended_at] = [started, started + 1000].map((ms) => new Date(ms).toISOString());
  return {
    ...completed(0),
    job,
    cron_job_id: id,
    started_at,
    ended_at,
    completed_at: ended_at,
  } as ReturnType<typeof completed>;
}

const DAY = 86_400_000;

describe('cronrun check', () => {
  it('has one line and one status for each state of a job', async () => {
    const state = scratch();
    expect(check(state)).toBe(`3 CRONRUN UNKNOWN: no run is on record in ${state}`);
    expect(check(state, 'a')).toBe(`3 CRONRUN UNKNOWN: a has no run on record in ${state}`);
    exec(state, 'a', ['true']);
    expect(check(state, 'a')).toMatch(/^0 CRONRUN OK: a completed \d+s ago, after \d+m?s$/);
    expect(check(state)).toBe('0 CRONRUN OK: 1 job');
    exec(state, 'a', ['sh', '-c', 'exit 23']);
    expect(check(state, 'a')).toMatch(/^2 CRONRUN CRITICAL: a FAILED \(23\) \d+s ago, after /);
    const again = start(state, ['exec', 'a', '--', 'sh', '-c', 'echo ready $$; exec sleep 60']);
    await again.ready();
    expect(check(state, 'a')).toMatch(/^2 CRONRUN CRITICAL: a FAILED \(23\) .*, running again$/);
    again.child.kill('SIGTERM');
    await again.ended;
    expect(check(state, 'a')).toMatch(/^2 CRONRUN CRITICAL: a INTERRUPTED \(SIGTERM\) /);
    exec(state, 'a', ['sleep', '60'], '-t', '50ms');
    expect(check(state, 'a')).toMatch(/^2 CRONRUN CRITICAL: a TIMEOUT \(50ms\) /);
    exec(state, 'a', ['/nonexistent']);
    expect(check(state, 'a')).toMatch(/^2 CRONRUN CRITICAL: a FAILED \(127 not found\) /);
    exec(state, 'a', ['true']);
    expect(check(state, 'a')).toMatch(/^0 /);
  });

  it('sees a wrapper that was killed, first with its command and then without', async () => {
    const state = scratch();
    exec(state, 'b', ['true']);
    const run = start(state, ['exec', 'b', '--', 'sh', '-c', 'echo ready $$; exec sleep 60']);
    const child = await run.ready();
    expect(check(state, 'b')).toMatch(/^0 CRONRUN OK: b running for .*, completed last \d+s ago$/);
    expect(check(state, '--max-duration', '1ms', 'b')).toMatch(
      /^1 CRONRUN WARNING: b running for .*, more than 1ms$/,
    );
    expect(check(state, '--max-duration', '1ms', '-c', 'duration', 'b')).toMatch(
      /^2 CRONRUN CRITICAL: b running /,
    );
    run.child.kill('SIGKILL');
    await run.exited;
    expect(check(state, 'b')).toMatch(/^2 CRONRUN CRITICAL: b RUNNING \(orphaned\), started \d+s ago$/);
    expect(check(state, '-w', 'orphaned', 'b')).toMatch(/^1 CRONRUN WARNING: b RUNNING \(orphaned\)/);
    process.kill(child, 'SIGKILL');
    await poll(() => !isAlive(child), 'the command to be gone');
    expect(check(state, 'b')).toMatch(/^2 CRONRUN CRITICAL: b INTERRUPTED \(lost\), started \d+s ago$/);
  });

  it('sees what nobody can judge, what is too old, and what was missed', () => {
    const state = scratch();
    putJournal(state, [old('old', 2 * DAY)], 'old');
    expect(check(state, '--max-age', '3d', 'old')).toMatch(/^0 /);
    expect(check(state, '--max-age', '26h', 'old')).toMatch(
      /^2 CRONRUN CRITICAL: old completed last [12]d ago, more than 1d2h$/,
    );
    putStart(state, 0, { wrapper: ELSEWHERE, over: { started_at: new Date().toISOString() } }, 'far');
    expect(check(state, 'far')).toMatch(
      /^1 CRONRUN WARNING: far RUNNING \(unverifiable\), started \d+s ago$/,
    );
    const daily = { schedule: '@daily', schedule_zone: 'UTC', grace_ms: 0 };
    putJournal(state, [{ ...old('missed', 5 * DAY), ...daily }], 'missed');
    expect(check(state, 'missed')).toMatch(
      /^2 CRONRUN CRITICAL: missed MISSED 5, due [45]d ago, completed [45]d ago, after 30s$/,
    );
    expect(check(state)).toMatch(
      /^2 CRONRUN CRITICAL: 2 of 3 jobs: missed MISSED 5, .*; far RUNNING \(unverifiable\)/,
    );
    expect(check(state, 'old', 'nope')).toMatch(
      /^3 CRONRUN UNKNOWN: 1 of 2 jobs: nope has no run on record in /,
    );
  });

  it('says on stdout and with 3 what is wrong with the question', () => {
    const state = scratch();
    expect(check(state, '--max-age', '5min')).toMatch(
      /^3 CRONRUN UNKNOWN: --max-age 5min is not a duration. Write 5m /,
    );
    expect(check(state, '-w', 'broken')).toMatch(
      /^3 CRONRUN UNKNOWN: --warning broken is not failed, timeout, /,
    );
    expect(check(state, '-w', '3600')).toMatch(/\(limits are --max-age and --max-duration\)$/);
    expect(check(state, '--bogus')).toMatch(/^3 CRONRUN UNKNOWN: no option "--bogus"/);
    expect(check(state, 'my|job')).toMatch(/^3 CRONRUN UNKNOWN: "my\/job" is not a job name/);
    expect(check(state, 'cron:01a200df-de74')).toMatch(/^3 CRONRUN UNKNOWN: .* is a run. Name jobs/);
    const before = runProgram(BIN, ['--state-dir', state, 'check', '--bogus']);
    expect(before).toMatchObject({ status: 3, stderr: '' });
    const homeless = { ...cronEnvironment(), CRONRUN_STATE_DIR: '' };
    const nowhere = runProgram(BIN, ['check', '--state-dir', ''], { env: homeless });
    expect(nowhere).toMatchObject({ status: 3, stderr: '' });
  });

  it('has a line for each job for Checkmk, and exits with 0', () => {
    const state = scratch();
    exec(state, 'good', ['true']);
    exec(state, 'bad', ['false']);
    const { status, stdout } = cronrun(state, ['check', '--checkmk', 'good', 'bad', 'none']);
    expect(status).toBe(0);
    // As the agent's format wants it: status, item, metrics or -, text.
    const lines = stdout.trimEnd().split('\n');
    const parts = lines.map((line) => /^([0-3]) (\S+) (\S+) (.+)$/.exec(line)?.slice(1, 3).join(' '));
    expect(parts).toEqual(['2 cronrun_bad', '3 cronrun_none', '0 cronrun_good']);
    const metrics = lines.map((line) => line.split(' ')[2] ?? '');
    for (const one of metrics) expect(one).toMatch(/^(?:-|(?:[a-z]+=[\d.]+(?:;[\d.]*){3}\|?)+)$/);
    expect(cronrun(scratch(), ['check', '--checkmk'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^3 cronrun - no run is on record in /),
    });
  });

  it('has perfdata as the guidelines for plugins have it', () => {
    const state = scratch();
    exec(state, 'a', ['true']);
    for (const args of [['a'], [], ['--max-age', '26h', '--max-duration', '90m', 'a']]) {
      const [, data = ''] = cronrun(state, ['check', ...args])
        .stdout.trimEnd()
        .split(' | ');
      for (const one of data.split(' ')) expect(one).toMatch(/^[a-z]+=(?:U|[\d.]+s?);[\d.]*;[\d.]*;0$/);
    }
  });
});

describeUnless(
  firstObstacle(needsRoot, () => needsProgram('setpriv'), needsReachableBin),
  'check as a user who may not read the records',
  () => {
    it('does not know', () => {
      const state = scratch();
      exec(state, 'a', ['true']);
      chmodSync(state, 0o700);
      const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: state };
      const { status, stdout, stderr } = runProgram('setpriv', [...asAnotherUser(), BIN, 'check'], { env });
      expect(`${status} ${stdout}${stderr}`).toMatch(
        /^3 CRONRUN UNKNOWN: cannot read .* \(EACCES: permission denied\) .*\n$/,
      );
    });
  },
);

describeUnless(
  existsSync(NEGATE) ? null : 'it takes the package monitoring-plugins-basic',
  'a plugin that runs plugins',
  () => {
    /** It takes the status of what it runs, and changes the word in the line with it. */
    const negate = (state: string, ...args: string[]) => {
      const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: state };
      const { status, stdout } = runProgram(NEGATE, ['-s', BIN, 'check', ...args], { env });
      return `${status} ${stdout}`;
    };

    it('understands the answer', () => {
      const state = scratch();
      exec(state, 'a', ['true']);
      expect(negate(state, 'a')).toMatch(/^2 CRONRUN CRITICAL: a completed /);
      exec(state, 'a', ['false']);
      expect(negate(state, 'a')).toMatch(/^0 CRONRUN OK: a FAILED \(1\) /);
      expect(negate(state, 'nope')).toMatch(/^3 CRONRUN UNKNOWN: nope /);
    });
  },
);
