import { describe, expect, it } from 'vitest';
import type { EndedRecord } from '../../src/model/record.js';
import { lastText, oneRunText } from '../../src/view/last.js';
import * as sample from './samples.js';

const start = sample.beginning('backup', '2026-11-22 02:30:01');
const feedsDone = sample.completed(
  sample.beginning('feeds', '2026-11-21 20:00:00', {
    cron_job_id: 'cron:01a1ff7f-6104-7000-8000-000000000000',
  }),
  { ended: '2026-11-21 22:41:00' },
);
const feedsAgain = sample.beginning('feeds', '2026-11-22 00:05:00', {
  cron_job_id: 'cron:01a2005b-1c3d-7e66-b5f9-0c4d8e2f6a91',
});

describe('last for people', () => {
  it('is one line, as drawn', () => {
    const record = sample.failed(start, { ended: '2026-11-22 02:34:17' }, 23);
    expect(lastText(record, [], sample.viewing)).toBe(
      'backup: FAILED 31m ago: exit code 23, after 4m 16s (run 01a200df-de74)\n',
    );
  });

  it('says that the story goes on, as drawn', () => {
    const going = [sample.going(feedsAgain, 'orphaned', 5120, [5120])];
    expect(lastText(feedsDone, going, sample.viewing)).toBe(`\
feeds: completed 4h ago, exit code 0, after 2h 41m (run 01a1ff7f-6104)
  a newer run has lost its wrapper and goes on (run 01a2005b-1c3d)
`);
  });

  it('says what could not be told to others, the last of it', () => {
    const record = sample.failed(start, { ended: '2026-11-22 02:34:17' }, 23);
    const at = sample.at('2026-11-22 02:34:18');
    const failures = ['HTTP 500 (2 tries)', 'timed out', 'a', '\x1b[31mred'].map((why) => ({
      reporter: 'ping' as const,
      why,
      at,
    }));
    const head = lastText(record, [], sample.viewing);
    const one = { ...record, report_failures: failures.slice(0, 1) };
    expect(lastText(one, [], sample.viewing)).toBe(`${head}  ping failed: HTTP 500 (2 tries)\n`);
    expect(oneRunText(one, sample.viewing)).toBe(lastText(one, [], sample.viewing));
    const many = { ...record, report_failures: failures };
    expect(lastText(many, [], sample.viewing).slice(head.length)).toBe(`\
  ping failed: timed out
  ping failed: a
  ping failed: red
  and 1 more before: --get report_failures
`);
  });

  it('leaves out runs that are older, and names the job of another', () => {
    const older = sample.going(
      { ...feedsAgain, started_at: sample.at('2026-11-20 00:05:00') },
      'unverifiable',
    );
    const other = sample.going({ ...feedsAgain, job: 'sync' }, 'unverifiable');
    const same = sample.going(feedsAgain, 'running');
    expect(lastText(feedsDone, [same, other, older], sample.viewing).split('\n').slice(1)).toEqual([
      '  a newer run goes on (run 01a2005b-1c3d)',
      '  a newer run of sync cannot be judged from here (run 01a2005b-1c3d)',
      '',
    ]);
  });

  it('does not list a hundred', () => {
    const going = Array.from({ length: 100 }, () => sample.going(feedsAgain, 'running'));
    const lines = lastText(feedsDone, going, sample.viewing).trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[4]).toBe('  and 97 more: cronrun ls feeds');
  });

  it('speaks of a run that goes on when that was named', () => {
    expect(oneRunText(sample.going(feedsAgain, 'running').record, sample.viewing)).toBe(
      'feeds: running for 3h (run 01a2005b-1c3d)\n',
    );
  });
});

describe('each way to end', () => {
  const timed = { ...start, timeout_ms: 600_000 };
  const cases: [EndedRecord, string][] = [
    [
      sample.timedOut(timed, { ended: '2026-11-22 02:40:11' }, true),
      'backup: TIMEOUT 25m ago: ended after 10m, SIGKILL was needed (run 01a200df-de74)',
    ],
    [
      sample.timedOut(timed, { ended: '2026-11-22 02:40:01' }, false),
      'backup: TIMEOUT 25m ago: ended after 10m (run 01a200df-de74)',
    ],
    [
      sample.rebooted(start, '2026-11-22 02:40:00'),
      'backup: INTERRUPTED, started 35m ago: the machine restarted (run 01a200df-de74)',
    ],
    [sample.lost(start), 'backup: INTERRUPTED, started 35m ago: nobody saw its end (run 01a200df-de74)'],
    [
      sample.interrupted(start, { ended: '2026-11-22 03:00:00' }, 'signaled', 'SIGKILL'),
      'backup: INTERRUPTED 5m ago: killed by SIGKILL after 29m 59s (run 01a200df-de74)',
    ],
    [
      sample.interrupted(start, { ended: '2026-11-22 03:00:00' }, 'stopped', 'SIGTERM'),
      'backup: INTERRUPTED 5m ago: stopped by SIGTERM after 29m 59s (run 01a200df-de74)',
    ],
    [
      sample.notStarted(start, { ended: '2026-11-22 02:30:01' }, 127, 'ENOENT'),
      'backup: FAILED 35m ago: not found (127) (run 01a200df-de74)',
    ],
  ];
  it.each(cases)('%#', (record, line) => {
    expect(lastText(record, [], sample.viewing)).toBe(`${line}\n`);
    expect(line.length).toBeLessThanOrEqual(80);
  });

  it('breaks the line of a job with a long name', () => {
    const record = sample.lost({ ...start, job: 'n'.repeat(64) });
    const text = lastText(record, [], sample.viewing);
    expect(sample.widest(text)).toBeLessThanOrEqual(80);
    expect(text).toMatch(/^n{64}: INTERRUPTED,\n {2}started/);
  });
});
