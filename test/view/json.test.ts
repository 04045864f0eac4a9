import { describe, expect, it } from 'vitest';
import { decodeRecord, RECORD_FIELDS } from '../../src/model/record.js';
import { bareValue, getLine } from '../../src/view/get.js';
import {
  fieldsOf,
  JOB_FIELDS,
  jobJson,
  noRunFields,
  noRunJson,
  noRunStatusJson,
  recordJson,
  STATUS_FIELDS,
  statusJson,
} from '../../src/view/json.js';
import * as sample from './samples.js';

const backup = sample.beginning('backup', '2026-11-22 02:30:01', {
  command: ['/usr/local/bin/backup', '--full', '/srv'],
});
const last = sample.failed(backup, { ended: '2026-11-22 02:34:17' }, 23);
const again = sample.going(
  sample.beginning('backup', '2026-11-22 03:00:00', {
    cron_job_id: 'cron:01a200fb-0000-7000-8000-000000000001',
  }),
  'running',
);
const runs = sample.job('backup', '.!.x>', last, '2026-11-22 01:40:22', [again]);

describe('--json', () => {
  it('of last begins as drawn', () => {
    expect(recordJson(last)).toMatch(
      /^\{"schema":1,"cron_job_id":"cron:01a200df-de74-7c3e-9b1d-2f6f0c5a9e11","job":"backup","status":"failed","reason":"exited","exit_code":23,"signal":null,"started_at":"2026-11-22T01:30:01\.000Z","completed_at":null,"ended_at":"2026-11-22T01:34:17\.000Z","duration_ms":256000,"timeout_ms":null,"command":\["\/usr\/local\/bin\/backup","--full","\/srv"\],"cwd":"\/root","host":"db1","user":"root","pid":4711,/,
    );
    expect(Object.keys(JSON.parse(recordJson(last)))).toEqual([...RECORD_FIELDS]);
  });

  it('of status adds the last run, when one last completed, and what runs', () => {
    const json = JSON.parse(statusJson(again.record, runs));
    expect(json).toMatchObject({
      status: 'running',
      reason: 'running',
      ended_at: null,
      last: { status: 'failed', exit_code: 23 },
      last_completed_at: '2026-11-22T00:40:22.000Z',
      running: ['cron:01a200fb-0000-7000-8000-000000000001'],
    });
    expect(Object.keys(json)).toEqual([...RECORD_FIELDS, ...STATUS_FIELDS]);
    expect(json.last).toEqual(JSON.parse(recordJson(last)));
  });

  it('of status says whether the job comes when it is due', () => {
    const due = { nextMs: sample.NOW, lateSinceMs: 1, missed: 2, more: false, missedSinceMs: 0 };
    const told = { next_due_at: '2026-11-22T02:05:12.000Z', late: true, missed: 2 };
    expect(JSON.parse(statusJson(again.record, runs, due))).toMatchObject(told);
    expect(fieldsOf(last, runs, due)).toMatchObject(told);
    expect(
      JSON.parse(jobJson(again.record, runs, { ...due, nextMs: null, lateSinceMs: null })),
    ).toMatchObject({
      next_due_at: null,
      late: false,
    });
    expect(JSON.parse(statusJson(again.record, runs))).toMatchObject({
      next_due_at: null,
      late: null,
      missed: null,
    });
  });

  it('of status has explicit nulls', () => {
    const first = sample.job('backup', '>', null, null, [again]);
    expect(JSON.parse(statusJson(again.record, first))).toMatchObject({
      last: null,
      last_completed_at: null,
    });
  });

  it('of ls adds the statuses of the last runs', () => {
    const json = JSON.parse(jobJson(again.record, runs));
    expect(Object.keys(json)).toEqual([...RECORD_FIELDS, ...JOB_FIELDS]);
    expect(json.recent).toEqual(['completed', 'interrupted', 'completed', 'failed', 'running']);
  });

  it('of nothing begins as drawn and has every field', () => {
    expect(noRunStatusJson('bakcup')).toMatch(
      /^\{"schema":1,"cron_job_id":null,"job":"bakcup","status":"none","reason":null,/,
    );
    expect(Object.keys(JSON.parse(noRunStatusJson('bakcup')))).toEqual([...RECORD_FIELDS, ...STATUS_FIELDS]);
    expect(Object.keys(JSON.parse(noRunJson(null)))).toEqual([...RECORD_FIELDS]);
    expect(JSON.parse(noRunStatusJson(null))).toMatchObject({ job: null, last: null, running: [] });
  });

  it('is one line of harmless characters, and loses none of the others', () => {
    const harmful = { ...last, cwd: '/\u001b[31m\u009b\u202e\u2028\n\u{e0041}"\\é漢' };
    const text = recordJson(harmful);
    expect(text).not.toMatch(/[\p{Cc}\u2028\u202e\u{e0041}]/u);
    expect(text).toContain('é漢');
    expect(decodeRecord(text)).toEqual(harmful);
  });
});

describe('--get', () => {
  it('prints bare values in one line', () => {
    expect(getLine(['status', 'reason'], fieldsOf(last, null))).toBe('failed exited\n');
    expect(getLine(['status', 'exit_code', 'signal', 'killed', 'running'], fieldsOf(last, runs))).toBe(
      'failed 23 - false ["cron:01a200fb-0000-7000-8000-000000000001"]\n',
    );
    expect(getLine(['recent'], fieldsOf(last, runs))).toBe(
      '["completed","interrupted","completed","failed","running"]\n',
    );
  });

  it('prints "none" for the status of a job that never ran', () => {
    expect(getLine(['status', 'job', 'reason'], noRunFields('bakcup'))).toBe('none bakcup -\n');
  });

  const cases: [unknown, string][] = [
    [null, '-'],
    [undefined, '-'],
    [0, '0'],
    [true, 'true'],
    ['', '""'],
    ['-', '\\u002d'],
    ['--', '--'],
    ['two words', 'two\\u0020words'],
    ['tab\tnewline\n', 'tab\\tnewline\\n'],
    ['"\\', '\\"\\\\'],
    ['\u001b\u007f\u009b\u00a0\u3000\u202e', '\\u001b\\u007f\\u009b\\u00a0\\u3000\\u202e'],
    [['a b', 'c'], '["a\\u0020b","c"]'],
    [{ ino: 1, size: 2 }, '{"ino":1,"size":2}'],
  ];
  it.each(cases)('%j is %s', (value, text) => {
    expect(bareValue(value)).toBe(text);
    expect(bareValue(value)).not.toMatch(/\s/);
  });

  it('writes texts so that they can be read back', () => {
    const text = 'a "quoted" \\ word\u001b[0m and\u{e0041} more\n';
    expect(JSON.parse(`"${bareValue(text)}"`)).toBe(text);
    expect(JSON.parse(bareValue([text]))).toEqual([text]);
  });
});
