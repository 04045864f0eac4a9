import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { JobRuns } from '../../src/model/job-runs.js';
import { goingRecord } from '../../src/model/record.js';
import type { ReportFailure } from '../../src/model/report.js';
import { GROUP_READABLE, PRIVATE } from '../../src/platform/durable.js';
import { jobDirectory } from '../../src/state/directory.js';
import {
  appendReportFailures,
  failuresPath,
  olderFailuresPath,
  readReportFailures,
  runsWithFailures,
  withFailures,
} from '../../src/state/report-failures.js';
import { scratch } from '../helpers/cronrun.js';
import { at, beginning, completed, failed, runId } from '../helpers/records.js';
import { JOB } from '../helpers/state.js';

let stateDir: string;
let path: string;

beforeEach(() => {
  stateDir = scratch();
  path = failuresPath(stateDir, JOB);
  mkdirSync(jobDirectory(stateDir, JOB), { recursive: true });
});

const failure = (n: number, over: Partial<ReportFailure> = {}): ReportFailure => ({
  reporter: 'ping',
  why: 'HTTP 500',
  at: at(n),
  ...over,
});

function note(n: number, ...failures: ReportFailure[]): void {
  appendReportFailures(stateDir, JOB, runId(n), failures, PRIVATE);
}

const read = () => readReportFailures(stateDir, JOB);

describe('what could not be told', () => {
  it('is read back by run, in the order in which it failed', () => {
    const hook = failure(2, { reporter: 'on-failure', why: 'exit code 3' });
    note(1, failure(1));
    note(2, failure(2), hook);
    note(1, failure(3));
    expect([...read()]).toEqual([
      [runId(1), [failure(1), failure(3)]],
      [runId(2), [failure(2), hook]],
    ]);
  });

  it('is nothing where nothing failed, and where there is no such job', () => {
    expect(read().size).toBe(0);
    expect(readReportFailures(stateDir, 'other').size).toBe(0);
    expect(readReportFailures('/nowhere', JOB).size).toBe(0);
  });

  it.each(['../backup', '..', '', 'a/b'])('is nothing of a job called %j, which is a path', (job) => {
    note(1, failure(1));
    mkdirSync(`${stateDir}/jobs/x`);
    expect(readReportFailures(`${stateDir}`, job).size).toBe(0);
  });

  it.each([
    ['the group that may read', GROUP_READABLE, 0o640],
    ['nobody else', PRIVATE, 0o600],
  ])('is for %s', (_, modes, mode) => {
    const before = process.umask(0o077);
    appendReportFailures(stateDir, JOB, runId(1), [failure(1)], modes);
    process.umask(before);
    expect(statSync(path).mode & 0o777).toBe(mode);
  });

  it('makes no directory', () => {
    expect(() => appendReportFailures(stateDir, 'other', runId(1), [failure(1)], PRIVATE)).toThrow(/ENOENT/);
    expect(existsSync(jobDirectory(stateDir, 'other'))).toBe(false);
  });
});

describe('a damaged line', () => {
  const whole = { cron_job_id: `cron:${runId(1)}`, ...failure(1) };

  it.each([
    ['torn', JSON.stringify(whole).slice(0, 40)],
    ['of NULs', '\0'.repeat(100)],
    ['that is no object', '[]'],
    ['without a run', JSON.stringify({ ...whole, cron_job_id: undefined })],
    ['of what is no run', JSON.stringify({ ...whole, cron_job_id: 'cron:1' })],
    ['of a reporter that nobody knows', JSON.stringify({ ...whole, reporter: 'pager' })],
    ['without a reason', JSON.stringify({ ...whole, why: 7 })],
    ['without a time', JSON.stringify({ ...whole, at: 'yesterday' })],
    ['with what an object has by itself', JSON.stringify({ ...whole, reporter: 'constructor' })],
  ])('%s is passed over, and the others count', (_, line) => {
    note(1, failure(1));
    appendFileSync(path, `${line}\n`);
    note(2, failure(2));
    expect([...read()]).toEqual([
      [runId(1), [failure(1)]],
      [runId(2), [failure(2)]],
    ]);
  });

  it('without its newline is closed off by the next', () => {
    writeFileSync(path, '{"cron_job_id":"cron:');
    note(1, failure(1));
    expect([...read()]).toEqual([[runId(1), [failure(1)]]]);
  });

  it('may have fields of later versions', () => {
    writeFileSync(path, `${JSON.stringify({ ...whole, tries: 3 })}\n`);
    expect([...read()]).toEqual([[runId(1), [failure(1)]]]);
  });
});

describe('a file that is not what it should be', () => {
  it('is not written or read through where it is a link', () => {
    const elsewhere = `${scratch()}/elsewhere`;
    writeFileSync(elsewhere, `${JSON.stringify({ cron_job_id: `cron:${runId(1)}`, ...failure(1) })}\n`);
    symlinkSync(elsewhere, path);
    const before = readFileSync(elsewhere, 'utf8');
    expect(read().size).toBe(0);
    expect(() => note(2, failure(2))).toThrow(/ELOOP/);
    expect(readFileSync(elsewhere, 'utf8')).toBe(before);
  });

  it('is nothing where it is a directory, or leads nowhere', () => {
    mkdirSync(path);
    expect(read().size).toBe(0);
    symlinkSync('/nowhere', olderFailuresPath(stateDir, JOB));
    expect(read().size).toBe(0);
  });

  it('is read from its end where it is far too long', () => {
    writeFileSync(path, 'x'.repeat(1_000_000));
    appendFileSync(path, `\n${JSON.stringify({ cron_job_id: `cron:${runId(1)}`, ...failure(1) })}\n`);
    expect([...read()]).toEqual([[runId(1), [failure(1)]]]);
  });
});

describe('more than anybody reads', () => {
  it('is moved away once, and what is older is gone', () => {
    const long = failure(1, { why: 'x'.repeat(1000) });
    for (let n = 1; n <= 200; n++) note(n, { ...long, at: at(n) });
    const older = olderFailuresPath(stateDir, JOB);
    expect(statSync(path).size).toBeLessThan(67_000);
    expect(statSync(older).size).toBeLessThan(67_000);
    const runs = [...read().keys()];
    expect(runs.at(-1)).toBe(runId(200));
    expect(runs.length).toBeGreaterThan(60);
    expect(runs).toEqual(Array.from({ length: runs.length }, (_, i) => runId(201 - runs.length + i)));
  });

  it('never leaves older ones alone', () => {
    writeFileSync(path, `${'x'.repeat(70_000)}\n`);
    note(1, failure(1));
    expect(existsSync(olderFailuresPath(stateDir, JOB))).toBe(true);
    expect([...read()]).toEqual([[runId(1), [failure(1)]]]);
  });
});

describe('a record', () => {
  it('has what could not be told of it, and null where all could', () => {
    note(1, failure(1));
    expect(withFailures(failed(1), read()).report_failures).toEqual([failure(1)]);
    expect(withFailures(failed(2), read()).report_failures).toBeNull();
  });

  it('of a job has so, be it the last one or one that goes on', () => {
    note(1, failure(1));
    note(2, failure(2));
    const going = [{ record: goingRecord(beginning(2), 'running', 1), alivePids: [] }];
    const runs = { job: JOB, going, last: completed(1) } as unknown as JobRuns;
    const known = runsWithFailures(runs, read());
    expect(known.last?.report_failures).toEqual([failure(1)]);
    expect(known.going[0]?.record.report_failures).toEqual([failure(2)]);
    expect(runsWithFailures({ ...runs, last: null }, read()).last).toBeNull();
    expect(runsWithFailures(runs, new Map())).toBe(runs);
  });
});
