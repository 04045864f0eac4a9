import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatRunId, makeRunId } from '../../src/model/run-id.js';
import {
  BIN,
  cronEnvironment,
  cronrun,
  journalOf,
  runProgram,
  said,
  scratch,
  start,
  statusOf,
} from '../helpers/cronrun.js';
import { describeUnless, needsStrace } from '../helpers/needs.js';
import { completed } from '../helpers/records.js';
import { putJournal } from '../helpers/state.js';

const BERLIN = { schedule: '30 2 * * *', schedule_zone: 'Europe/Berlin', grace_ms: 600_000 };

describe('exec --schedule', () => {
  it('records the schedule, the time zone and the grace', () => {
    const state = scratch();
    const env = cronEnvironment({ TZ: 'Europe/Berlin' });
    expect(cronrun(state, ['exec', '--schedule', ' 30  2 * * *', 'j', '--', 'true'], { env }).status).toBe(0);
    expect(journalOf(state, 'j')[0]).toMatchObject(BERLIN);
    const options = ['--schedule', 'TZ=Asia/Tokyo @daily', '--grace', '1h'];
    cronrun(state, ['exec', ...options, 'k', '--', 'true'], { env });
    expect(journalOf(state, 'k')[0]).toMatchObject({
      schedule: '@daily',
      schedule_zone: 'Asia/Tokyo',
      grace_ms: 3_600_000,
    });
    expect(statusOf(state, 'j')).toMatchObject({ ...BERLIN, late: false, missed: 0 });
    expect(Date.parse(String(statusOf(state, 'j').next_due_at))).toBeGreaterThan(Date.now());
  });

  it('has twins, which the command does not see', () => {
    const state = scratch();
    const env = cronEnvironment({ CRONRUN_SCHEDULE: '@hourly', CRONRUN_GRACE: '5m', TZ: ':UTC' });
    const { stdout } = cronrun(state, ['exec', 'j', '--', 'env'], { env });
    expect(stdout).not.toMatch(/CRONRUN_SCHEDULE|CRONRUN_GRACE/);
    expect(journalOf(state, 'j')[0]).toMatchObject({
      schedule: '@hourly',
      schedule_zone: 'UTC',
      grace_ms: 300_000,
    });
  });

  it('stands in the record of a run that is skipped, too', async () => {
    const state = scratch();
    const options = ['--schedule', '@daily', '--overlap', 'skip'];
    const first = start(state, ['exec', ...options, 'j', '--', 'sh', '-c', 'echo ready $$; exec sleep 60']);
    await first.ready();
    cronrun(state, ['exec', ...options, 'j', '--', 'true']);
    expect(journalOf(state, 'j')[0]).toMatchObject({ status: 'skipped', schedule: '@daily' });
    expect(statusOf(state, 'j')).toMatchObject({ status: 'running', schedule: '@daily', missed: 0 });
  });

  it.each([
    ['60 2 * * *', 'exec: --schedule "60 2 * * *" has the minute 60. Write 0 to 59'],
    ['@reboot', 'exec: --schedule @reboot is no time'],
    ['0 0 2 * * *', 'exec: --schedule "0 0 2 * * *" has 6 fields. Write five'],
    ['TZ=Mars/Olympus @daily', 'exec: --schedule: there is no time zone Mars/Olympus'],
  ])('%s is refused, and nothing is run or made', (text, words) => {
    const state = `${scratch()}/state`;
    const result = cronrun(state, ['exec', '--schedule', text, 'j', '--', 'echo', 'ran']);
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(said(result)).toContain(words);
    expect(cronrun(state, ['ls', '-q']).stdout).toBe('');
  });
});

const DAY = 86_400_000;

/** A run of three days ago; `over`: what it declared. */
function ended(job: string, over: object) {
  const started = Date.now() - 3 * DAY;
  const [started_at, ended_at] = [started, started + 1000].map((ms) => new Date(ms).toISOString());
  const id = formatRunId(makeRunId(started, new Uint8Array(10)));
  const facts = { job, cron_job_id: id, started_at, ended_at, completed_at: ended_at };
  return { ...completed(0), ...facts, ...over } as ReturnType<typeof completed>;
}

describe('a job that did not come', () => {
  const daily = { schedule: '@daily', schedule_zone: 'UTC', grace_ms: 600_000 };
  const MISSED = /^[23]$/; // the last one may be in its grace, where the test runs at midnight

  it('is missed, whomever one asks', () => {
    const state = scratch();
    putJournal(state, [ended('gone', daily)], 'gone');
    putJournal(state, [ended('plain', {})], 'plain');
    const { stdout } = cronrun(state, ['ls']);
    expect(stdout).toMatch(/^gone +completed, MISSED [23] /m);
    expect(stdout).toMatch(/^plain +completed {2}/m);
    expect(cronrun(state, ['status', 'gone']).stdout).toMatch(
      /^gone: completed [23]d ago, .*; MISSED [23] since then\n/,
    );
    const get = ['status', '--get', 'next_due_at,late,missed'];
    const [next, late, missed] = cronrun(state, [...get, 'gone'])
      .stdout.trim()
      .split(' ');
    expect(next).toMatch(/^20\d\d-\d\d-\d\dT00:00:00\.000Z$/);
    expect(Date.parse(next ?? '') - Date.now()).toBeLessThan(DAY);
    expect(late).toMatch(/^(?:true|false)$/);
    expect(missed).toMatch(MISSED);
    expect(cronrun(state, [...get, 'plain']).stdout).toBe('- - -\n');
    const lines = cronrun(state, ['ls', '--json', '--sort', 'name']).stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).missed)).toEqual([Number(missed), null]);
    expect(cronrun(state, ['check', 'gone'])).toMatchObject({ status: 2 });
  });

  it('is missed for a program that asks, too', () => {
    const state = scratch();
    putJournal(state, [ended('gone', daily)], 'gone');
    const program = `const { openRegistry } = require(process.argv[1]);
      const { nextDueAt, late, missed } = openRegistry({ stateDir: process.argv[2] }).status('gone');
      console.log(nextDueAt, late, missed);`;
    const { stdout } = runProgram(process.execPath, ['-e', program, resolve('dist/index.cjs'), state]);
    expect(stdout).toMatch(/^20\d\d-\d\d-\d\dT00:00:00\.000Z (?:true|false) [23]\n$/);
  });

  it('is missed no more once it has come', () => {
    const state = scratch();
    putJournal(state, [ended('gone', daily)], 'gone');
    cronrun(state, ['exec', '--schedule', '@daily', 'gone', '--', 'false']);
    expect(statusOf(state, 'gone')).toMatchObject({ status: 'failed', late: false, missed: 0 });
    cronrun(state, ['exec', 'gone', '--', 'true']);
    expect(statusOf(state, 'gone')).toMatchObject({ next_due_at: null, late: null, missed: null });
  });
});

describeUnless(needsStrace(), 'the calendar', () => {
  /** How often a file of it is opened. */
  function opened(state: string, args: readonly string[]): number {
    const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: state };
    const trace = ['-f', '-e', 'trace=openat', BIN, ...args];
    const { stderr } = runProgram('strace', trace, { env });
    expect(stderr).toContain('journal.jsonl');
    return stderr.match(/croner|schedule\.cjs/g)?.length ?? 0;
  }

  it('is loaded by who judges a job with a schedule, and by nobody else', () => {
    const state = scratch();
    expect(opened(state, ['exec', 'plain', '--', 'true'])).toBe(0);
    expect(opened(state, ['ls'])).toBe(0);
    expect(opened(state, ['check'])).toBe(0);
    expect(opened(state, ['exec', '--schedule', '@daily', 'daily', '--', 'true'])).toBe(0);
    expect(opened(state, ['last', '--exit-code', 'daily'])).toBe(0);
    expect(opened(state, ['status', 'plain'])).toBe(0);
    expect(opened(state, ['ls'])).toBeGreaterThan(0);
  });
});
