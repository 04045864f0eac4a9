import { describe, expect, it } from 'vitest';
import { isJobName } from '../../src/model/job.js';
import type { EndedRecord } from '../../src/model/record.js';
import { NO_TOTALS } from '../../src/model/totals.js';
import { exposition, type JobLines, jobLines, withJobs } from '../../src/report/exposition.js';
import type { JobFacts } from '../../src/report/job-facts.js';
import { at, completed, failed, lost } from '../helpers/records.js';

function facts(over: Partial<JobFacts> = {}): JobFacts {
  return {
    job: 'backup',
    last: null,
    lastCompletedAt: null,
    running: 0,
    totals: NO_TOTALS,
    due: null,
    read: 0,
    ...over,
  };
}

/** The samples of one job by their names, without the job in their labels. */
function samples(of: JobFacts): Record<string, string> {
  const pairs = jobLines(of)
    .join('')
    .trim()
    .split('\n')
    .map((line) => line.replace('job_name="backup"', '').replace('cronrun_job_', '').split(' '));
  return Object.fromEntries(pairs) as Record<string, string>;
}

const STATUSES = ['completed', 'failed', 'timeout', 'interrupted'];

function statesOf(status: string): Record<string, string> {
  return Object.fromEntries(
    STATUSES.map((one) => [`last_status{,status="${one}"}`, one === status ? '1' : '0']),
  );
}

const seconds = (iso: string) => String(Date.parse(iso) / 1000);

describe('the metrics of a job', () => {
  const none = Object.fromEntries(STATUSES.map((one) => [`runs_total{,status="${one}"}`, '0']));

  it('that completed', () => {
    const last = completed(3);
    const totals = { ...NO_TOTALS, completed: 7, interrupted: 2 };
    expect(samples(facts({ last, lastCompletedAt: at(3.5), totals }))).toEqual({
      'last_run_timestamp_seconds{}': seconds(at(3)),
      'last_success_timestamp_seconds{}': seconds(at(3.5)),
      'last_duration_seconds{}': '30',
      'last_exit_code{}': '0',
      ...statesOf('completed'),
      'running{}': '0',
      ...none,
      'runs_total{,status="completed"}': '7',
      'runs_total{,status="interrupted"}': '2',
      'interrupted{}': '0',
    });
  });

  it('of which nobody saw the end has no duration, and no success that never was', () => {
    expect(samples(facts({ last: lost(3), running: 2 }))).toEqual({
      'last_run_timestamp_seconds{}': seconds(at(3)),
      'last_exit_code{}': '195',
      ...statesOf('interrupted'),
      'running{}': '2',
      ...none,
      'interrupted{}': '1',
    });
  });

  it('of which no run has ended yet says nothing of a last one', () => {
    expect(samples(facts({ running: 1 }))).toEqual({ 'running{}': '1', ...none, 'interrupted{}': '0' });
  });

  const ended = (over: Partial<Record<keyof EndedRecord, unknown>>) =>
    ({ ...failed(1), ...over }) as EndedRecord;

  it.each<[string, EndedRecord, string, string]>([
    ['failed', failed(1, 23), '23', '0'],
    ['timeout', ended({ status: 'timeout', reason: 'timed-out', exit_code: 0 }), '124', '0'],
    [
      'interrupted',
      ended({ status: 'interrupted', reason: 'signaled', exit_code: null, signal: 'SIGKILL' }),
      '137',
      '1',
    ],
    [
      'interrupted',
      ended({ status: 'interrupted', reason: 'stopped', exit_code: 0, signal: 'SIGTERM' }),
      '143',
      '1',
    ],
    ['failed', ended({ reason: 'incomplete', exit_code: 0 }), '198', '0'],
    ['completed', { ...completed(1), exit_code: 24 } as EndedRecord, '0', '0'],
  ])('%s: the exit status is that of exec', (status, last, exitStatus, interrupted) => {
    expect(samples(facts({ last }))).toMatchObject({
      'last_exit_code{}': exitStatus,
      'interrupted{}': interrupted,
      ...statesOf(status),
    });
  });

  it('tells of a schedule where there is one', () => {
    const due = { nextMs: Date.parse(at(60)), lateSinceMs: null, missed: 3, more: false, missedSinceMs: 0 };
    expect(samples(facts({ due }))).toMatchObject({
      'next_due_timestamp_seconds{}': seconds(at(60)),
      'late{}': '0',
      'missed{}': '3',
    });
    const late = samples(facts({ due: { ...due, nextMs: null, lateSinceMs: 0, missed: 0 } }));
    expect(late).toMatchObject({ 'late{}': '1', 'missed{}': '0' });
    expect(late).not.toHaveProperty('next_due_timestamp_seconds{}');
  });

  it('has a moment with its fraction', () => {
    const last = { ...completed(1), started_at: '2026-11-22T02:30:01.204Z' } as EndedRecord;
    expect(samples(facts({ last }))['last_run_timestamp_seconds{}']).toBe('1795314601.204');
  });
});

/** A job with so many runs that failed. */
const job = (name: string, failures = 0): JobLines =>
  jobLines(facts({ job: name, last: failed(1), totals: { ...NO_TOTALS, failed: failures } }));

describe('exposition', () => {
  it('has the lines of a metric together, below what it is', () => {
    const { text } = exposition([job('a'), job('b')]);
    const names = text
      .trim()
      .split('\n')
      .map((line) => /^(?:# \w+ )?(\w+)/.exec(line)?.[1] ?? '');
    const runs = names.filter((name, index) => name !== names[index - 1]);
    expect(new Set(runs).size).toBe(runs.length);
    for (const name of runs) {
      const [help, type] = text.split('\n').slice(names.indexOf(name));
      expect(help).toMatch(new RegExp(`^# HELP ${name} .+\\.$`));
      expect(type).toMatch(new RegExp(`^# TYPE ${name} (gauge|counter)$`));
    }
  });

  it('says where each metric begins', () => {
    const { text, heads } = exposition([job('a'), job('b')], 100);
    expect(heads).toEqual([...text.matchAll(/^# HELP/gm)].map(({ index }) => 100 + index));
  });

  it('never has a label called job, which is that of the scrape', () => {
    expect(exposition([job('a')]).text).not.toMatch(/[{,]job=/);
  });

  it('needs no escapes: what a label would have to have escaped is in no name of a job', () => {
    for (const character of ['"', '\\', '\n', '{', '}', '\u00e9'])
      expect(isJobName(`a${character}b`)).toBe(false);
  });
});

describe('withJobs', () => {
  const HEAD = '# head\n';
  const names = ['Z', 'a', 'a-1', 'a.b', 'ab', 'b', 'x'.repeat(64)];
  const made = (failures: Readonly<Record<string, number>>) => {
    const jobs = Object.keys(failures).sort();
    const { text, heads } = exposition(
      jobs.map((name) => job(name, failures[name])),
      HEAD.length,
    );
    return { text: HEAD + text, heads };
  };
  const counts = (list: readonly string[]) => Object.fromEntries(list.map((name) => [name, 0]));
  /** The text that comes of it; null: none of ours. */
  function change(
    { text, heads }: { readonly text: string; readonly heads: readonly number[] },
    jobs: ReadonlyMap<string, JobLines | null>,
  ) {
    const bytes = Buffer.from(text);
    const source = { size: bytes.length, read: (from: number, to: number) => bytes.subarray(from, to) };
    const changed = withJobs(source, heads, jobs);
    const textOf = (piece: string | { from: number; to: number }) =>
      typeof piece === 'string' ? piece : bytes.toString('latin1', piece.from, piece.to);
    return changed === null ? null : { text: changed.pieces.map(textOf).join(''), heads: changed.heads };
  }

  const update = (old: ReturnType<typeof made>, changes: Readonly<Record<string, number>>) =>
    change(old, new Map(Object.entries(changes).map(([name, failures]) => [name, job(name, failures)])));

  it.each(names)('puts the lines of %s in the place of those it had', (name) => {
    expect(update(made(counts(names)), { [name]: 5 })).toEqual(made({ ...counts(names), [name]: 5 }));
  });

  it.each(names)('puts the lines of %s where they would stand', (name) => {
    const others = names.filter((other) => other !== name);
    expect(update(made(counts(others)), { [name]: 5 })).toEqual(made({ ...counts(others), [name]: 5 }));
  });

  it('several at once, into nothing as well', () => {
    expect(update(made({}), { b: 1, a: 2 })).toEqual(made({ a: 2, b: 1 }));
    expect(update(made(counts(names)), { Z: 1, ab: 2, new: 3 })).toEqual(
      made({ ...counts(names), Z: 1, ab: 2, new: 3 }),
    );
  });

  it('takes the lines of a job away that has none any more', () => {
    const changed = change(made(counts(names)), new Map([['ab', null]]));
    expect(changed).toEqual(made(counts(names.filter((name) => name !== 'ab'))));
  });

  it('among a thousand jobs', () => {
    const thousand = counts(Array.from({ length: 1000 }, (_, n) => `job-${n}`));
    for (const name of ['job-0', 'job-500', 'job-999', 'job-10', 'zzz'])
      expect(update(made(thousand), { [name]: 7 })).toEqual(made({ ...thousand, [name]: 7 }));
  });

  const { text, heads } = made(counts(names));

  it.each<[string, string]>([
    ['empty', ''],
    ['cut', text.slice(0, -5)],
    ['cut at a line in the middle', text.slice(0, text.indexOf('# HELP cronrun_job_running'))],
    ['of another version: another help', text.replace('Runs that have ended', 'Runs')],
    ['of another version: a metric less', text.replace(/# HELP cronrun_job_running.*?(?=# HELP)/s, '')],
    ['somebody else’s lines', text.replaceAll(/cronrun_job_running\{/g, 'mine{')],
  ])('has nothing to do with what is %s', (_, other) => {
    expect(change({ text: other, heads }, new Map([['a', job('a')]]))).toBeNull();
  });

  it.each<[string, readonly unknown[]]>([
    ['none', []],
    ['one too few', heads.slice(1)],
    ['one too many', [...heads, text.length]],
    ['none at all among them', heads.with(2, Number.NaN)],
    ['one that is elsewhere', heads.with(2, (heads[2] ?? 0) + 1)],
    ['in another order', [...heads].reverse()],
  ])('believes no places of heads that are %s', (_, places) => {
    expect(change({ text, heads: places as number[] }, new Map([['a', job('a')]]))).toBeNull();
  });
});
