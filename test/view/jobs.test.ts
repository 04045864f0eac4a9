import { describe, expect, it } from 'vitest';
import type { Due } from '../../src/model/due.js';
import { type JobRuns, newestRun } from '../../src/model/job-runs.js';
import type { EndedRecord } from '../../src/model/record.js';
import { needsALook, orderJobs } from '../../src/view/job-order.js';
import { type JobRow, jobRow, jobsFooter, jobsText } from '../../src/view/jobs.js';
import { PLAIN, type Style } from '../../src/view/style.js';
import * as sample from './samples.js';

function entry(runs: JobRuns): JobRow {
  const record = newestRun(runs);
  if (record === null) throw new Error('a sample without a run');
  return jobRow(runs, record, sample.NOW);
}

function ended(name: string, signs: string, last: EndedRecord, completed: string | null): JobRow {
  return entry(sample.job(name, signs, last, completed));
}

const start = sample.beginning;

const certs = ended(
  'certs',
  '...........!',
  sample.rebooted(start('certs', '2026-11-22 02:24:00'), '2026-11-22 02:31:40'),
  '2026-11-21 02:24:19',
);
const dbDumpRun = sample.failed(
  start('db-dump', '2026-11-22 00:30:00'),
  { ended: '2026-11-22 00:30:04' },
  23,
);
const dbDump = ended('db-dump', '......x...xx', dbDumpRun, '2026-11-21 00:30:00');
const orphan = sample.going(start('feeds', '2026-11-22 00:05:00'), 'orphaned', 5120, [5120]);
const feeds = entry(
  sample.job(
    'feeds',
    '...........>',
    sample.completed(start('feeds', '2026-11-21 20:00:00'), { ended: '2026-11-21 22:41:00' }),
    '2026-11-21 22:41:00',
    [orphan],
  ),
);
const sync = ended(
  'sync',
  '..........!!',
  sample.lost(start('sync', '2026-11-21 19:05:00')),
  '2026-11-20 02:00:00',
);
const mailq = ended(
  'mailq',
  '.......xxxxx',
  sample.notStarted(start('mailq', '2026-11-21 18:00:00'), { ended: '2026-11-21 18:00:00' }, 127, 'ENOENT'),
  '2026-11-16 18:00:00',
);
const report = ended(
  'report',
  '...........t',
  sample.timedOut(
    start('report', '2026-11-21 00:10:01', { timeout_ms: 600_000 }),
    { ended: '2026-11-21 00:20:11' },
    true,
  ),
  '2026-11-14 00:14:40',
);
const reindexRun = sample.going(start('reindex', '2026-11-22 02:53:00'), 'running');
const reindexDone = sample.completed(start('reindex', '2026-11-22 01:30:00'), {
  ended: '2026-11-22 01:40:22',
});
const reindex = entry(
  sample.job('reindex', '.....!.....>', reindexDone, '2026-11-22 01:40:22', [reindexRun]),
);
const backup = ended(
  'backup',
  '............',
  sample.completed(start('backup', '2026-11-21 21:50:00'), {
    ended: '2026-11-21 22:11:15',
  }),
  '2026-11-21 22:11:15',
);
const all = [backup, certs, dbDump, feeds, mailq, reindex, report, sync];
const place = { stateDir: '/var/lib/cronrun', owner: 'root', here: 'db1' };

describe('the table of jobs', () => {
  it('is as drawn, trouble first', () => {
    const entries = orderJobs(all, 'trouble');
    expect(jobsText(entries, PLAIN) + jobsFooter(entries, { total: 8, trouble: 6 }, place)).toBe(`\
JOB      STATUS                  STARTED  TOOK     COMPLETED  LAST 12 RUNS
certs    INTERRUPTED (rebooted)  41m ago  ?        1d ago     ...........!
db-dump  FAILED (23)             2h ago   4s       1d ago     ......x...xx
feeds    RUNNING (orphaned)      3h ago   3h       4h ago     ...........>
sync     INTERRUPTED (lost)      8h ago   ?        2d ago     ..........!!
mailq    FAILED (127 not found)  9h ago   0s       5d ago     .......xxxxx
report   TIMEOUT (10m)           1d ago   10m 10s  8d ago     ...........t
reindex  running                 12m ago  12m      1h ago     .....!.....>
backup   completed               5h ago   21m 15s  4h ago     ............

8 jobs of root on db1 in /var/lib/cronrun; 6 need a look: cronrun status certs
runs, newest right: . completed  x failed  t timeout  ! interrupted  > running
`);
  });

  it('sorts otherwise when told to', () => {
    const names = (sort: 'recent' | 'name'): string[] => orderJobs(all, sort).map(({ job }) => job);
    expect(names('name')).toEqual([
      'backup',
      'certs',
      'db-dump',
      'feeds',
      'mailq',
      'reindex',
      'report',
      'sync',
    ]);
    expect(names('recent')).toEqual([
      'reindex',
      'certs',
      'db-dump',
      'feeds',
      'backup',
      'sync',
      'mailq',
      'report',
    ]);
  });

  it('paints without moving anything', () => {
    const mark = (text: string): string => `<${text}>`;
    const style: Style = { good: mark, bad: mark, going: mark, faint: mark };
    const entries = orderJobs(all, 'trouble');
    const painted = jobsText(entries, style);
    expect(painted).toContain('certs    <INTERRUPTED (rebooted)>  41m ago');
    expect(painted.replace(/[<]|>(?= {2})/g, '')).toBe(jobsText(entries, PLAIN));
  });

  it('says how many there are where only some are shown', () => {
    expect(jobsFooter([backup], { total: 8, trouble: 0 }, place)).toContain(
      '\n1 of 8 jobs of root on db1 in /var/lib/cronrun\n',
    );
    expect(jobsFooter([backup], { total: 8, trouble: 6 }, place)).toContain(
      '\n1 of 8 jobs of root on db1 in /var/lib/cronrun; 6 need a look: cronrun ls\n',
    );
    expect(jobsFooter([certs], { total: 1, trouble: 1 }, { ...place, owner: null, here: null })).toContain(
      '\n1 job in /var/lib/cronrun; 1 needs a look: cronrun status certs\n',
    );
  });
});

describe('long names', () => {
  const named = (length: number): JobRow => {
    const name = 'n'.repeat(length);
    const start12 = sample.rebooted(start(name, '2026-11-22 02:24:00'), '2026-11-22 02:31:40');
    return ended(name, '......x...xx', start12, '2026-11-21 02:24:19');
  };
  const cases: [length: number, title: string, width: number][] = [
    [13, 'LAST 12 RUNS', 80],
    [14, 'LAST 11', 80],
    [19, 'LAST 6', 80],
    [20, 'RUNS', 80],
    [21, 'RUNS', 81],
    [64, 'RUNS', 124],
  ];
  it.each(cases)('of %i letters leave room for "%s"', (length, title, width) => {
    const text = jobsText([named(length), report], PLAIN);
    const [header = '', first = ''] = text.split('\n');
    expect(header.endsWith(`  ${title}`)).toBe(true);
    expect(first.startsWith('n'.repeat(length))).toBe(true);
    expect(first.length).toBe(width);
  });

  it('make their own line grow, and no other', () => {
    const lines = jobsText([named(64), named(8), report], PLAIN).split('\n');
    expect(lines.map((line) => line.length)).toEqual([79, 124, 80, 80, 0]);
    expect(lines[1]).toContain(`${'n'.repeat(64)}  INTERRUPTED (rebooted)  41m ago`);
    expect(lines[2]).toContain(`${'n'.repeat(8)}${' '.repeat(14)}INTERRUPTED (rebooted)  41m ago`);
  });
});

describe('what stands in the status column of a job that runs again', () => {
  const again = (last: EndedRecord): JobRuns =>
    sample.job('reindex', '..x>', last, '2026-11-21 02:24:19', [reindexRun]);
  const older = start('reindex', '2026-11-22 01:30:00', {
    cron_job_id: 'cron:01a200ff-0000-7000-8000-000000000009',
  });
  const statusOf = (runs: JobRuns): string =>
    (jobsText([entry(runs)], PLAIN).split('\n')[1] ?? '').split(/ {2,}/)[1] ?? '';

  it('names the bad verdict, and the job stays in the first group', () => {
    const runs = again(sample.failed(older, { ended: '2026-11-22 01:40:22' }, 3));
    expect(statusOf(runs)).toBe('running, was FAILED');
    expect(needsALook(runs)).toBe(true);
    expect(orderJobs([backup, entry(runs), certs], 'trouble').map(({ job }) => job)).toEqual([
      'reindex',
      'certs',
      'backup',
    ]);
    expect(statusOf(again(sample.lost(older)))).toBe('running, was INTERRUPTED');
  });

  it('fits into 80 columns', () => {
    const text = jobsText([entry(again(sample.lost(older)))], PLAIN);
    expect(sample.widest(text)).toBeLessThanOrEqual(80);
  });

  it('tells how many run at once, and of orphans beside', () => {
    const second = sample.going(older, 'running');
    const base = sample.job('reindex', '.>>', reindexDone, '2026-11-22 01:40:22', [reindexRun, second]);
    expect(statusOf(base)).toBe('running (2 runs)');
    const orphaned = { ...base, going: [reindexRun, sample.going(older, 'orphaned')] };
    expect(statusOf(orphaned)).toBe('running, 1 orphaned');
    expect(needsALook(orphaned)).toBe(true);
    const unverifiable = { ...base, going: [reindexRun, sample.going(older, 'unverifiable')] };
    expect(statusOf(unverifiable)).toBe('running, 1 unverifiable');
  });

  it('says nothing more of an unverifiable run that is older than the last that ended', () => {
    const old = sample.going(
      start('reindex', '2026-11-01 00:00:00', { cron_job_id: older.cron_job_id }),
      'unverifiable',
    );
    const runs = sample.job('reindex', '.>', reindexDone, '2026-11-22 01:40:22', [old]);
    expect(statusOf(runs)).toBe('completed');
    expect(needsALook(runs)).toBe(false);
  });
});

describe('strip', () => {
  it('of a young job stands at the right', () => {
    const young = ended('young', '.x', dbDumpRun, null);
    const lines = jobsText([backup, young], PLAIN).split('\n');
    expect(lines[2]?.endsWith('never                .x')).toBe(true);
  });
});

describe('a job with a schedule', () => {
  const due = { nextMs: 0, lateSinceMs: null, missed: 0, more: false, missedSinceMs: null };
  const done = sample.completed(start('backup', '2026-11-21 21:50:00'), { ended: '2026-11-21 22:11:15' });
  const rowOf = (last: EndedRecord, facts: Partial<Due>): JobRow =>
    jobRow(sample.job('backup', '............', last, '2026-11-21 22:11:15'), last, sample.NOW, {
      ...due,
      ...facts,
    });

  it.each([
    ['completed', {}, false],
    ['completed, LATE', { lateSinceMs: 1 }, false],
    ['completed, MISSED 3', { missed: 3 }, true],
    ['completed, MISSED 3', { missed: 3, lateSinceMs: 1 }, true],
    ['completed, MISSED more than 1000', { missed: 1000, more: true }, true],
  ])('is "%s"', (words, facts, trouble) => {
    const row = rowOf(done, facts);
    expect([row.cells[1], row.trouble, row.tone]).toEqual([words, trouble, trouble ? 'bad' : 'good']);
  });

  it('has its trouble beside another one, within 80 columns', () => {
    const cut = sample.rebooted(start('backup', '2026-11-22 02:24:00'), '2026-11-22 02:31:40');
    const text = jobsText([rowOf(cut, { missed: 3 })], PLAIN);
    expect(text).toContain('backup  INTERRUPTED (rebooted), MISSED 3  41m ago');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});
