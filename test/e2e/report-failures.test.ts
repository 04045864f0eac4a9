import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { openRegistry } from '../../src/index.js';
import { BIN, cronEnvironment, cronrun, lastOf, runProgram, scratch, statusOf } from '../helpers/cronrun.js';
import {
  asAnotherUser,
  describeUnless,
  firstObstacle,
  needsReachableBin,
  needsRoot,
  needsStrace,
} from '../helpers/needs.js';
import { putStart } from '../helpers/state.js';
import { traceCalls } from '../helpers/strace.js';

let stateDir: string;
let path: string;

beforeEach(() => {
  stateDir = scratch();
  path = `${stateDir}/jobs/job/report-failures.jsonl`;
});

const say = (...args: string[]) => cronrun(stateDir, args).stdout;
const getOne = (...args: string[]) => JSON.parse(say(...args, '--get', 'report_failures')) as unknown;

const FAILURE = { reporter: 'on-failure', why: 'exit code 3', at: expect.stringMatching(/^\d{4}-.*Z$/) };

/** A run whose hook fails. */
function fails(...options: string[]): void {
  cronrun(stateDir, ['exec', '--on-failure', 'exit 3', ...options, 'job', '--', 'false']);
}

describe('what could not be told of a run', () => {
  it('is in its record, whoever asks', () => {
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    fails();
    const id = String(lastOf(stateDir, 'job').cron_job_id);
    expect(lastOf(stateDir, 'job').report_failures).toEqual([FAILURE]);
    expect(statusOf(stateDir, 'job')).toMatchObject({
      report_failures: [FAILURE],
      last: { report_failures: [FAILURE] },
    });
    expect(statusOf(stateDir, id).report_failures).toEqual([FAILURE]);
    expect(JSON.parse(say('last', '--json', id))).toMatchObject({ report_failures: [FAILURE] });
    expect(JSON.parse(say('last', '--json'))).toMatchObject({ report_failures: [FAILURE] });
    const runs = say('ls', '--json', 'job')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(runs).toMatchObject([{ report_failures: [FAILURE] }, { report_failures: null }]);
    expect(JSON.parse(say('ls', '--json'))).toMatchObject({
      report_failures: [FAILURE],
      last: { report_failures: [FAILURE] },
    });
    for (const command of ['last', 'status', 'ls'])
      expect(getOne(command, ...(command === 'ls' ? [] : ['job']))).toEqual([FAILURE]);
    expect(say('ls', 'job', '--get', 'report_failures').split('\n')[1]).toBe('-');
  });

  it('is what people are told, and not in a table', () => {
    fails();
    expect(say('status', 'job')).toMatch(/^ {2}reports {4}on-failure failed: exit code 3$/m);
    expect(say('last', 'job')).toMatch(/^job: FAILED .*\n {2}on-failure failed: exit code 3\n$/);
    expect(say('ls') + say('ls', 'job')).not.toContain('on-failure');
  });

  it('is in the library', () => {
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    fails();
    const registry = openRegistry({ stateDir });
    const last = registry.last('job');
    expect(last?.report_failures).toEqual([FAILURE]);
    expect(registry.status('job')).toMatchObject({ newest: last, last });
    expect(registry.runs('job').map((run) => run.report_failures)).toEqual([[FAILURE], null]);
    expect(registry.find(last?.cron_job_id ?? '')).toEqual(last);
  });

  it('of one that was found cut short is in the record of that one', () => {
    putStart(stateDir, 1, {}, 'job');
    cronrun(stateDir, ['exec', '--on-failure', 'exit 3', 'job', '--', 'true']);
    const runs = openRegistry({ stateDir }).runs('job');
    expect(runs.map((run) => [run.status, run.report_failures])).toEqual([
      ['completed', null],
      ['interrupted', [FAILURE]],
    ]);
  });

  it('is nothing where it is a link to what somebody else says', () => {
    fails();
    const elsewhere = scratch();
    cpSync(path, `${elsewhere}/planted`);
    rmSync(path);
    symlinkSync(`${elsewhere}/planted`, path);
    expect(lastOf(stateDir, 'job').report_failures).toBeNull();
    fails();
    expect(readdirSync(elsewhere)).toEqual(['planted']);
    expect(lastOf(stateDir, 'job').report_failures).toBeNull();
  });

  it('is passed over where it is damaged', () => {
    fails();
    writeFileSync(path, 'garbage\n{"cron_job_id":', { flag: 'a' });
    const { stdout, stderr } = cronrun(stateDir, ['status', '--json', 'job']);
    expect(JSON.parse(stdout)).toMatchObject({ report_failures: [FAILURE] });
    expect(stderr).toBe('');
  });

  it('goes with the job, and outlives what prune removes without harm', () => {
    for (let n = 0; n < 3; n++) fails();
    expect(cronrun(stateDir, ['prune', '--keep-runs', '1', 'job']).status).toBe(0);
    expect(
      openRegistry({ stateDir })
        .runs('job')
        .map((run) => run.report_failures),
    ).toEqual([[FAILURE]]);
    expect(cronrun(stateDir, ['forget', 'job']).status).toBe(0);
    expect(existsSync(`${stateDir}/jobs/job`)).toBe(false);
    fails();
    expect(openRegistry({ stateDir }).runs('job').length).toBe(1);
  });
});

describeUnless(needsStrace(), 'an exit status', () => {
  it('takes no look at it', () => {
    fails();
    const opened = (...args: string[]) =>
      traceCalls(stateDir, 'openat,access,stat,statx,newfstatat', args)
        .calls.map((call) => call.args)
        .join('\n');
    const calls = opened('last', '--exit-code', 'job');
    expect(calls).toContain('journal.jsonl');
    expect(calls).not.toContain('report-failures');
    expect(opened('last', 'job')).toContain('report-failures');
  });
});

describeUnless(firstObstacle(needsRoot, needsReachableBin), 'a reader who may not read it', () => {
  it('is answered without it', () => {
    const group = 4242;
    chownSync(stateDir, 0, group);
    chmodSync(stateDir, 0o2750);
    fails();
    const asReader = () => {
      const env = cronEnvironment({ CRONRUN_STATE_DIR: stateDir });
      const args = [...asAnotherUser(group), BIN, 'status', '--json', 'job'];
      const { stdout, stderr } = runProgram('setpriv', args, { env });
      return { ...(JSON.parse(stdout) as object), stderr };
    };
    expect(asReader()).toMatchObject({ report_failures: [FAILURE], stderr: '' });
    chmodSync(path, 0o600);
    expect(asReader()).toMatchObject({ status: 'failed', report_failures: null, stderr: '' });
  });
});
