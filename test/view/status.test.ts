import { describe, expect, it } from 'vitest';
import type { Due } from '../../src/model/due.js';
import type { JobRuns } from '../../src/model/job-runs.js';
import type { RunRecord } from '../../src/model/record.js';
import type { CompletedStreak, SkipsOnTop } from '../../src/view/facts.js';
import { oneRunText } from '../../src/view/last.js';
import { runsText } from '../../src/view/runs.js';
import { statusText } from '../../src/view/status.js';
import * as sample from './samples.js';

function show(
  record: RunRecord,
  runs: JobRuns,
  streak: Partial<CompletedStreak> = {},
  now = sample.NOW,
  skips: SkipsOnTop = { last: null, count: 0, more: false },
  due: Due | null = null,
): string {
  const facts = {
    record,
    runs,
    streak: { count: 0, more: false, ...streak },
    skips,
    due,
    keptBytes: null,
    here: 'db1',
  };
  return statusText(facts, { ...sample.viewing, now });
}

const backup = sample.beginning('backup', '2026-11-22 02:30:01', {
  command: ['/usr/local/bin/backup', '--full', '/srv'],
  previous_completed_at: sample.at('2026-11-21 02:51:16'),
});
const feeds = sample.beginning('feeds', '2026-11-22 00:05:00', {
  cron_job_id: 'cron:01a2005b-1c3d-7e66-b5f9-0c4d8e2f6a91',
});
const reindex = sample.beginning('reindex', '2026-11-22 02:53:00', {
  cron_job_id: 'cron:01a200f4-ea60-71bb-9e0f-7d2b4a6c8e10',
  command: ['/srv/app/bin/reindex'],
  user: 'www-data',
  timeout_ms: 3_600_000,
  timeout_source: 'CRONRUN_TIMEOUT',
});

describe('a run that ended', () => {
  it('completed', () => {
    const record = sample.completed(backup, { ended: '2026-11-22 02:51:16' });
    expect(
      show(record, sample.job('backup', '............', record, '2026-11-22 02:51:16'), { count: 13 }),
    ).toBe(`\
backup: completed 14m ago, after 21m 15s

  started    2026-11-22 02:30:01 +01:00, by root on db1
  ended      2026-11-22 02:51:16 +01:00, exit code 0
  command    /usr/local/bin/backup --full /srv
  run        cron:01a200df-de74-7c3e-9b1d-2f6f0c5a9e11
  before     12 runs completed in a row
`);
  });

  it('of which others could not be told', () => {
    const at = sample.at('2026-11-22 02:51:17');
    const record = {
      ...sample.completed(backup, { ended: '2026-11-22 02:51:16' }),
      report_failures: [
        { reporter: 'ping' as const, why: 'HTTP 500 (2 tries)', at },
        {
          reporter: 'on-end' as const,
          why: 'no end after 1m, so it was ended by SIGKILL, which took long',
          at,
        },
      ],
    };
    expect(
      show(record, sample.job('backup', '............', record, '2026-11-22 02:51:16'), { count: 13 }),
    ).toContain(`
  ended      2026-11-22 02:51:16 +01:00, exit code 0
  reports    ping failed: HTTP 500 (2 tries)
             on-end failed: no end after 1m, so it was ended by SIGKILL, which
             took long
  command    /usr/local/bin/backup --full /srv
`);
  });

  it('failed', () => {
    const record = sample.failed(backup, { ended: '2026-11-22 02:34:17' }, 23);
    expect(
      show(record, sample.job('backup', '...........x', record, '2026-11-21 02:51:16'), { count: 12 }),
    ).toBe(`\
backup: FAILED 31m ago: exit code 23, after 4m 16s

  started    2026-11-22 02:30:01 +01:00, by root on db1
  ended      2026-11-22 02:34:17 +01:00
  command    /usr/local/bin/backup --full /srv
  run        cron:01a200df-de74-7c3e-9b1d-2f6f0c5a9e11
  completed  last on 2026-11-21 02:51:16 +01:00 (1d ago), 12 in a row
  see        cronrun ls backup
`);
  });

  it('ran into its time limit', () => {
    const start = sample.beginning('report', '2026-11-22 00:10:01', {
      cron_job_id: 'cron:01a2005f-b131-7d02-8c11-90aa31f0c2d7',
      timeout_ms: 600_000,
    });
    const record = sample.timedOut(start, { ended: '2026-11-22 00:20:11' }, true);
    expect(
      show(record, sample.job('report', '..........t', record, '2026-11-14 00:14:40'), { count: 1 }),
    ).toBe(`\
report: TIMEOUT 2h ago: ended after its limit of 10m; SIGTERM did not end it

  started    2026-11-22 00:10:01 +01:00, by root on db1
  signals    SIGTERM after 10m, SIGKILL after 10s more
  ended      2026-11-22 00:20:11 +01:00
  command    /usr/local/bin/report
  run        cron:01a2005f-b131-7d02-8c11-90aa31f0c2d7
  completed  last on 2026-11-14 00:14:40 +01:00 (8d ago)
`);
  });

  it('ran into its time limit and took the first signal', () => {
    const start = sample.beginning('report', '2026-11-22 00:10:01', { timeout_ms: 600_000 });
    const record = sample.timedOut(start, { ended: '2026-11-22 00:20:02' }, false, 0);
    const text = show(record, sample.job('report', 't', record, null));
    expect(text).toContain('report: TIMEOUT 2h ago: ended after its limit of 10m\n');
    expect(text).toContain('  signals    SIGTERM after 10m\n');
    expect(text).toContain('  ended      2026-11-22 00:20:02 +01:00, exit code 0\n');
    expect(text).toContain('  completed  never\n');
  });

  it('was interrupted by a restart', () => {
    const start = sample.beginning('certs', '2026-11-22 02:24:00', {
      cron_job_id: 'cron:01a200da-5be5-7a90-a4b7-51f3be0d7c42',
      command: ['/usr/local/bin/renew-certs'],
    });
    const record = sample.rebooted(start, '2026-11-22 02:31:40');
    expect(
      show(record, sample.job('certs', '...........!', record, '2026-11-21 02:24:19'), { count: 1 }),
    ).toBe(`\
certs: INTERRUPTED: the machine restarted while it ran (started 41m ago)

  started    2026-11-22 02:24:00 +01:00, by root on db1
  ended      nobody saw it; this machine came up at 02:31:40 +01:00
  command    /usr/local/bin/renew-certs
  run        cron:01a200da-5be5-7a90-a4b7-51f3be0d7c42
  completed  last on 2026-11-21 02:24:19 +01:00 (1d ago)
  unknown    how far it got. The next run will be told (CRONRUN_LAST_STATUS).
`);
  });

  it('says the date where the machine came up on another day', () => {
    const record = sample.rebooted(sample.beginning('certs', '2026-11-20 02:24:00'), '2026-11-21 08:00:00');
    const text = show(record, sample.job('certs', '!', record, null));
    expect(text).toContain(
      '  ended      nobody saw it; this machine came up at 2026-11-21 08:00:00 +01:00\n',
    );
  });

  it('was lost, several times in a row', () => {
    const start = sample.beginning('sync', '2026-11-21 19:05:12');
    const record = { ...sample.lost(start), settled_at: sample.at('2026-11-21 20:00:00') };
    expect(
      show(record, sample.job('sync', '..........!!', record, '2026-11-20 19:06:00'), { count: 10 }),
    ).toBe(`\
sync: INTERRUPTED: its wrapper vanished while it ran (started 8h ago)

  started    2026-11-21 19:05:12 +01:00, by root on db1
  ended      nobody saw it; found gone on 2026-11-21 20:00:00 +01:00
  command    /usr/local/bin/sync
  run        cron:01a200df-de74-7c3e-9b1d-2f6f0c5a9e11
  completed  last on 2026-11-20 19:06:00 +01:00 (1d ago), 10 in a row
  since      2 runs, none of them completed
  unknown    how far it got. The next run will be told (CRONRUN_LAST_STATUS).
`);
  });

  it('was killed by a signal from outside, or stopped', () => {
    const killed = sample.interrupted(reindex, { ended: '2026-11-22 03:00:00' }, 'signaled', 'SIGKILL');
    expect(show(killed, sample.job('reindex', '!', killed, null))).toMatch(
      /^reindex: INTERRUPTED 5m ago: killed by SIGKILL after 7m, not by cronrun\n/,
    );
    const passedOn = sample.interrupted(reindex, { ended: '2026-11-22 03:00:00' }, 'signaled', 'SIGUSR1');
    expect(show(passedOn, sample.job('reindex', '!', passedOn, null))).toMatch(
      /killed by SIGUSR1 after 7m\n/,
    );
    const stopped = sample.interrupted(reindex, { ended: '2026-11-22 03:00:00' }, 'stopped', 'SIGTERM');
    expect(show(stopped, sample.job('reindex', '!', stopped, null))).toMatch(
      /^reindex: INTERRUPTED 5m ago: stopped by SIGTERM after 7m\n/,
    );
  });

  it('could not be started', () => {
    const missing = sample.notStarted(backup, { ended: '2026-11-22 02:30:01' }, 127, 'ENOENT');
    expect(show(missing, sample.job('backup', 'x', missing, null))).toMatch(
      /^backup: FAILED 35m ago: the command or its interpreter was not found \(127\)\n/,
    );
    const unrecorded = sample.notStarted(backup, { ended: '2026-11-22 02:30:01' }, 125, null);
    expect(show(unrecorded, sample.job('backup', 'x', unrecorded, null))).toMatch(
      /^backup: FAILED 35m ago: not started for want of a durable record \(125\)\n/,
    );
    const denied = sample.notStarted(backup, { ended: '2026-11-22 02:30:01' }, 126, 'EACCES');
    expect(show(denied, sample.job('backup', 'x', denied, null))).toMatch(
      /^backup: FAILED 35m ago: the command could not be run \(126, EACCES\)\n/,
    );
  });
});

describe('the line about the runs before a completed one', () => {
  const record = sample.completed(backup, { ended: '2026-11-22 02:51:16' });
  const cases: [string, JobRuns, Partial<CompletedStreak>, typeof record, string][] = [
    [
      'nothing before',
      sample.job('backup', '.', record, null),
      { count: 1 },
      record,
      'no other run is on record',
    ],
    [
      'nothing before that ended, and one that goes on',
      sample.job('backup', '>.', record, null, [
        sample.going(sample.beginning('backup', '2026-11-22 01:00:00'), 'orphaned'),
      ]),
      { count: 1 },
      record,
      'no other run has ended',
    ],
    [
      'one before',
      sample.job('backup', 'x..', record, null),
      { count: 2 },
      record,
      'completed on 2026-11-21 02:51:16 +01:00 (1d ago)',
    ],
    [
      'too many to count',
      sample.job('backup', '............', record, null),
      { count: 1001, more: true },
      record,
      'more than 1000 runs completed in a row',
    ],
    [
      'a bad one before',
      sample.job('backup', '.x.', record, null),
      { count: 1 },
      record,
      'FAILED; completed last on 2026-11-21 02:51:16 +01:00 (1d ago)',
    ],
    [
      'only bad ones before',
      sample.job('backup', '!.', record, null),
      { count: 1 },
      { ...record, previous_completed_at: null },
      'INTERRUPTED; no run had ever completed',
    ],
  ];
  it.each(cases)('%s', (_, runs, streak, shown, line) => {
    expect(show(shown, runs, streak)).toContain(`  before     ${line}\n`);
  });
});

describe('a run that goes on', () => {
  it('running', () => {
    const run = sample.going(reindex, 'running');
    const last = sample.completed(sample.beginning('reindex', '2026-11-22 01:30:00'), {
      ended: '2026-11-22 01:40:22',
    });
    const runs = sample.job('reindex', '.....!.....>', last, '2026-11-22 01:40:22', [run]);
    expect(show(run.record, runs, { count: 6 })).toBe(`\
reindex: running for 12m 12s

  started    2026-11-22 02:53:00 +01:00, by www-data on db1, pid 4711
  limit      1h (CRONRUN_TIMEOUT), until 03:53:00
  command    /srv/app/bin/reindex
  run        cron:01a200f4-ea60-71bb-9e0f-7d2b4a6c8e10
  before     completed on 2026-11-22 01:40:22 +01:00 (1h ago), 6 in a row
`);
  });

  it('running after bad runs, with two more beside it, beyond its limit', () => {
    const run = sample.going({ ...reindex, timeout_ms: 600_000 }, 'running');
    const beside = sample.beginning('reindex', '2026-11-22 02:00:00', {
      cron_job_id: 'cron:01a200c0-0000-7000-8000-000000000001',
    });
    const old = sample.beginning('reindex', '2026-11-21 02:00:00', {
      cron_job_id: 'cron:01a1fb00-0000-7000-8000-000000000002',
    });
    const last = sample.failed(
      sample.beginning('reindex', '2026-11-22 01:30:00'),
      { ended: '2026-11-22 01:40:22' },
      3,
    );
    const runs = sample.job('reindex', '..tx>>>', last, '2026-11-20 01:40:22', [
      run,
      sample.going(beside, 'running'),
      sample.going(old, 'orphaned'),
    ]);
    expect(show(run.record, runs, { count: 2 })).toBe(`\
reindex: running for 12m 12s; the run before FAILED

  started    2026-11-22 02:53:00 +01:00, by www-data on db1, pid 4711
  limit      10m (CRONRUN_TIMEOUT), was over at 03:03:00
  command    /srv/app/bin/reindex
  run        cron:01a200f4-ea60-71bb-9e0f-7d2b4a6c8e10
  before     FAILED (3) on 2026-11-22 01:40:22 +01:00 (1h ago)
  completed  last on 2026-11-20 01:40:22 +01:00 (2d ago), 2 in a row
  since      2 runs, none of them completed
  also       run 01a200c0-0000 goes on, for 1h 5m
  also       run 01a1fb00-0000 (1d ago) has lost its wrapper and goes on
`);
  });

  it('running after one that was cut short, and for the first time', () => {
    const run = sample.going(reindex, 'running');
    const last = sample.lost(sample.beginning('reindex', '2026-11-22 01:30:00'));
    const text = show(run.record, sample.job('reindex', '!>', last, null, [run]));
    expect(text).toMatch(/^reindex: running for 12m 12s; the run before was INTERRUPTED\n/);
    expect(text).toContain(
      '  before     INTERRUPTED (lost), started on 2026-11-22 01:30:00 +01:00 (1h ago)\n  completed  never\n',
    );
    const first = show(run.record, sample.job('reindex', '>', null, null, [run]));
    expect(first).toMatch(/^reindex: running for 12m 12s\n/);
    expect(first).toContain('  before     nothing: no run has ended yet\n');
  });

  it('orphaned', () => {
    const run = sample.going(feeds, 'orphaned', 5120, [5120, 5133]);
    const runs = sample.job('feeds', '...........>', null, null, [run]);
    const now = Date.parse(sample.at('2026-11-22 03:00:12'));
    expect(show(run.record, runs, {}, now)).toBe(`\
feeds: RUNNING WITHOUT ITS WRAPPER for 2h 55m (orphaned)

  started    2026-11-22 00:05:00 +01:00, by root on db1
  alive      pids 5120 5133, process group 5120
  command    /usr/local/bin/feeds
  run        cron:01a2005b-1c3d-7e66-b5f9-0c4d8e2f6a91
  means      its exit code will never be known. When these processes are gone
             it counts as INTERRUPTED (lost). To end it: cronrun stop feeds
`);
  });

  it('orphaned before its child was written down', () => {
    const run = sample.going(feeds, 'orphaned', null, [5133]);
    const text = show(run.record, sample.job('feeds', '>', null, null, [run]));
    expect(text).toContain('  alive      pid 5133\n');
    expect(text).toContain('To end it: cronrun stop feeds\n');
  });

  it('unverifiable: another host', () => {
    const run = sample.going({ ...feeds, host: 'web2' }, 'unverifiable');
    const last = sample.completed(sample.beginning('feeds', '2026-11-21 00:05:00'), {
      ended: '2026-11-21 00:06:00',
    });
    expect(
      show(run.record, sample.job('feeds', '.>', last, '2026-11-21 00:06:00', [run]), { count: 1 }),
    ).toBe(`\
feeds: RUNNING OR OVER: that cannot be judged from here (unverifiable)

  started    2026-11-22 00:05:00 +01:00, by root on web2
  because    it was started on web2, and this is db1
  command    /usr/local/bin/feeds
  run        cron:01a2005b-1c3d-7e66-b5f9-0c4d8e2f6a91
  before     completed on 2026-11-21 00:06:00 +01:00 (1d ago)
  means      it may go on, and it may have been cut short. If it ends in good
             order, its end comes on record here. On web2 this tells:
             cronrun status feeds; if you know that it is over:
             cronrun settle 01a2005b-1c3d
`);
  });

  it('unverifiable: another namespace, a newer format', () => {
    const run = sample.going(feeds, 'unverifiable');
    expect(show(run.record, sample.job('feeds', '>', null, null, [run]))).toContain(
      `  because    its processes cannot be seen, or be told from others: another
             container, a hidden /proc, or no CRONRUN_ID
`,
    );
    const newer = sample.going({ ...feeds, schema: 2 }, 'unverifiable');
    expect(show(newer.record, sample.job('feeds', '>', null, null, [newer]))).toContain(
      '  because    a newer cronrun wrote its record (schema 2)\n',
    );
  });
});

describe('a run that is not the newest', () => {
  const newest = sample.completed(
    sample.beginning('backup', '2026-11-22 02:59:00', {
      cron_job_id: 'cron:01a200fa-0000-7000-8000-000000000003',
    }),
    { ended: '2026-11-22 03:00:00' },
  );
  const runs = sample.job('backup', 'x.', newest, '2026-11-22 03:00:00');

  it('says what completed before it, and what the newest is', () => {
    const record = sample.failed(backup, { ended: '2026-11-22 02:34:17' }, 23);
    expect(show(record, runs, { count: 1 })).toBe(`\
backup: FAILED 31m ago: exit code 23, after 4m 16s

  started    2026-11-22 02:30:01 +01:00, by root on db1
  ended      2026-11-22 02:34:17 +01:00
  command    /usr/local/bin/backup --full /srv
  run        cron:01a200df-de74-7c3e-9b1d-2f6f0c5a9e11
  before     completed last on 2026-11-21 02:51:16 +01:00 (1d ago)
  newest     completed 5m ago: cronrun status backup
`);
  });

  it('names the newest once, where that goes on', () => {
    const record = sample.failed(backup, { ended: '2026-11-22 02:34:17' }, 23);
    const id = 'cron:01a200fa-0000-7000-8000-000000000004';
    const again = sample.going(
      sample.beginning('backup', '2026-11-22 03:00:00', { cron_job_id: id }),
      'running',
    );
    const text = show(record, sample.job('backup', 'x>', record, null, [again]));
    expect(text).toContain('  newest     running, started 5m ago: cronrun status backup\n');
    expect(text).not.toContain('  also ');
  });

  it('does not promise that a next run will be told', () => {
    expect(show(sample.lost(backup), runs)).toContain('  unknown    how far it got\n');
  });
});

describe('a record that means harm', () => {
  const evil = '\u001b[31m\u009b2J\u202ebackup\u0007';
  const start = sample.beginning('backup', '2026-11-22 02:30:01', {
    command: ['/bin/sh', '-c', `echo ${evil}\nsecond line`, 'x'.repeat(500)],
    user: evil,
    host: evil,
    timeout_source: evil,
    timeout_ms: 8.64e15,
  });

  it('reaches no terminal, and no line beyond 80 columns', () => {
    const run = sample.going(start, 'running');
    const text = show(run.record, sample.job('backup', '>', null, null, [run]));
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(sample.widest(text)).toBeLessThanOrEqual(80);
    expect(text).toContain("$'echo \\u001b[31m");
  });

  it('does not break times that no Date can hold', () => {
    const record = sample.completed(
      { ...start, started_at: '+275760-09-13T00:00:00.000Z' },
      { ended: '2026-11-22 02:51:16', duration: 1 },
    );
    expect(show(record, sample.job('backup', '.', record, null))).toContain(
      '  started    +275760-09-13T00:00:00.000Z',
    );
  });
});

describe('what was skipped', () => {
  const blocker = 'cron:01a2005b-1c3d-7e66-b5f9-0c4d8e2f6a91';
  const record = sample.skipped(backup, blocker, '2026-11-22 02:30:01');
  const last = sample.completed(feeds, { ended: '2026-11-22 02:51:16' });
  const runs = sample.job('backup', '.', last, '2026-11-22 02:51:16');

  it('is told by who asks for it', () => {
    expect(show(record, runs)).toBe(`\
backup: skipped 35m ago: run 01a2005b-1c3d went on

  asked      2026-11-22 02:30:01 +01:00, by root on db1
  blocked    by run cron:01a2005b-1c3d-7e66-b5f9-0c4d8e2f6a91
  command    /usr/local/bin/backup --full /srv
  run        cron:01a200df-de74-7c3e-9b1d-2f6f0c5a9e11
  before     completed last on 2026-11-21 02:51:16 +01:00 (1d ago)
  newest     completed 14m ago: cronrun status backup
`);
    expect(oneRunText(record, sample.viewing)).toBe(
      'backup: skipped 35m ago: run 01a2005b-1c3d went on (run 01a200df-de74)\n',
    );
  });

  it('says how long it waited, and what ended that', () => {
    const waited = sample.skipped(backup, null, '2026-11-22 02:40:01', 600_000);
    const text = show(waited, runs);
    expect(text).toMatch(/^backup: skipped 25m ago: another run went on, after waiting for 10m\n/);
    expect(text).toContain('  gave up    2026-11-22 02:40:01 +01:00\n');
    expect(text).not.toContain('blocked');
    expect(show({ ...waited, signal: 'SIGTERM' }, runs).replace(/\n +/g, ' ')).toMatch(
      /^backup: skipped 25m ago: another run went on, stopped by SIGTERM while it waited/,
    );
  });

  it('is one line in a list', () => {
    const lines = runsText(
      [record, { ...record, signal: 'SIGINT' }, { ...record, blocked_by: null }],
      sample.viewing,
    );
    expect(lines.match(/skipped.*$/gm)).toEqual(['skipped (01a2005b-1c3d)', 'skipped (SIGINT)', 'skipped']);
    expect(sample.widest(lines)).toBeLessThanOrEqual(80);
  });

  it.each([
    [{ last: record, count: 1, more: false }, 'once since, 35m ago: blocked by 01a2005b-1c3d'],
    [{ last: record, count: 7, more: false }, '7 times since, last 35m ago: blocked by 01a2005b-1c3d'],
    [
      { last: { ...record, blocked_by: null }, count: 1000, more: true },
      'more than 1000 times since, last 35m ago',
    ],
  ])('is counted where nothing newer happened', (skips, words) => {
    expect(show(last, runs, {}, sample.NOW, skips)).toContain(`  skipped    ${words}\n`);
  });

  it('is not said of an older run', () => {
    const older = sample.completed(backup, { ended: '2026-11-22 02:31:16' });
    expect(show(older, runs, {}, sample.NOW, { last: record, count: 1, more: false })).not.toContain(
      'skipped',
    );
  });
});

describe('a job with a schedule', () => {
  const nightly = sample.beginning('backup', '2026-11-21 02:30:01', {
    command: ['/usr/local/bin/backup'],
    schedule: '30 2 * * *',
    schedule_zone: 'Europe/Berlin',
    grace_ms: 600_000,
  });
  const done = sample.completed(nightly, { ended: '2026-11-21 02:51:16' });
  const runs = sample.job('backup', '..', done, '2026-11-21 02:51:16');
  const NONE: Due = {
    nextMs: Date.parse(sample.at('2026-11-23 02:30:00')),
    lateSinceMs: null,
    missed: 0,
    more: false,
    missedSinceMs: null,
  };
  const due = (facts: Partial<Due> | null) =>
    show(done, runs, {}, sample.NOW, undefined, facts === null ? null : { ...NONE, ...facts });
  const missedSinceMs = Date.parse(sample.at('2026-11-22 02:30:00'));

  it('says when it is due next', () => {
    expect(due({})).toContain(
      '\n  schedule   30 2 * * * (Europe/Berlin), next due 2026-11-23 02:30:00 +01:00\n',
    );
    expect(due({ nextMs: null })).toContain('30 2 * * * (Europe/Berlin), never due again\n');
    expect(due({})).not.toMatch(/late|missed/i);
  });

  it('says that it was missed, first of all', () => {
    expect(due({ missed: 1, missedSinceMs })).toMatch(
      /^backup: completed 1d ago, after 21m 15s; MISSED 1 since then\n/,
    );
    expect(due({ missed: 1, missedSinceMs })).toContain(`
  missed     no run began when it was due, 2026-11-22 02:30:00 +01:00 (35m
             ago), nor in the 10m after it
`);
    expect(due({ missed: 1000, more: true, missedSinceMs })).toContain('MISSED more than 1000 since then');
    expect(due({ missed: 3, missedSinceMs })).toContain(
      'missed     3 times no run began when it was due, at',
    );
  });

  it('says that it is late', () => {
    const text = due({ lateSinceMs: missedSinceMs });
    expect(text).toMatch(/^backup: completed 1d ago, after 21m 15s; LATE\n/);
    expect(text).toContain('\n  late       no run yet that was due 2026-11-22 02:30:00 +01:00 (35m ago)\n');
  });

  it('says where nobody can tell', () => {
    expect(due(null)).toContain('30 2 * * * (Europe/Berlin); when that is cannot be told here\n');
  });

  it('says nothing of it of an older run', () => {
    const older = { ...done, cron_job_id: 'cron:01a200fb-0000-7000-8000-000000000009' };
    expect(show(older, runs, {}, sample.NOW, undefined, { ...NONE, missed: 1, missedSinceMs })).not.toMatch(
      /missed|schedule/i,
    );
  });

  it('never has a line of more than 80 columns', () => {
    const text = due({ missed: 1000, more: true, missedSinceMs, lateSinceMs: missedSinceMs });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});
