import { describe, expect, it } from 'vitest';
import { decodeRecord } from '../../src/model/record.js';
import * as notices from '../../src/view/notices.js';
import * as sample from './samples.js';

const report = sample.beginning('report', '2026-11-22 00:10:01', {
  cron_job_id: 'cron:01a2005f-b131-7d02-8c11-90aa31f0c2d7',
  timeout_ms: 600_000,
});
const reindex = sample.beginning('reindex', '2026-11-22 02:00:00');
const sync = sample.beginning('sync', '2026-11-22 02:00:00');

/** Each notice as it is drawn. */
const DRAWN: [string, string, string][] = [
  [
    'the start cannot be recorded',
    notices.notRecorded({
      job: 'backup',
      why: 'EACCES: permission denied',
      path: '/var/lib/cronrun/jobs/backup',
    }),
    `\
cronrun: backup: NOT RECORDED, running it all the same: cannot write in
  /var/lib/cronrun/jobs/backup (EACCES: permission denied)
`,
  ],
  [
    'the command is not there',
    notices.notStarted({
      job: 'backup',
      command: 'rsnc',
      errno: 'ENOENT',
      path: '/usr/bin:/bin',
      exitStatus: 127,
    }),
    'cronrun: backup: FAILED: rsnc: not found in PATH=/usr/bin:/bin\n',
  ],
  [
    'the time limit, in a mail too',
    notices.timedOut({
      record: sample.timedOut(report, { ended: '2026-11-22 00:20:11' }, true),
      lastCompletedAt: sample.at('2026-11-14 00:14:40'),
      now: Date.parse(sample.at('2026-11-22 00:20:11')),
    }),
    `\
cronrun: report: TIMEOUT: ended after 10m; SIGKILL was needed 10s later
  last completed 8d ago; cronrun status 01a2005f-b131
`,
  ],
  [
    'others could not be told',
    notices.notTold({ job: 'backup', reporter: 'ping', why: 'HTTP 500 (2 tries)' }),
    'cronrun: backup: ping: HTTP 500 (2 tries)\n',
  ],
  [
    'a hook failed, and wrote what cannot be trusted',
    notices.notTold({
      job: 'backup',
      reporter: 'on-failure',
      why: 'exit code 3',
      output: '\x1b[31msendmail:\tno such host\r\n\nbye\u202e\x07',
    }),
    `\
cronrun: backup: on-failure: exit code 3
  sendmail:\tno such host

  bye
`,
  ],
  [
    'killed from outside',
    notices.signaled({
      record: sample.interrupted(reindex, { ended: '2026-11-22 02:41:02' }, 'signaled', 'SIGKILL'),
    }),
    `\
cronrun: reindex: INTERRUPTED: killed by SIGKILL after 41m 2s, not by cronrun
  (the kernel does that when memory runs out: dmesg | grep -i oom)
`,
  ],
  [
    'the journal cannot take the end',
    notices.keptInStartRecord({ job: 'backup', status: 'completed', errno: 'ENOSPC' }),
    `\
cronrun: backup: completed, but its journal cannot be written (ENOSPC); kept
  in the start record, the next run of backup moves it
`,
  ],
  [
    'an earlier run was cut short',
    notices.foundCutShort({
      job: 'backup',
      newest: sample.rebooted(
        sample.beginning('backup', '2026-11-21 02:30:01', {
          cron_job_id: 'cron:01a1fbb9-8203-7000-8000-000000000000',
        }),
        '2026-11-21 03:00:00',
      ),
      more: 0,
      zone: sample.cet,
    }),
    `\
cronrun: backup: the run before, of 2026-11-21 02:30:01 +01:00, was
  INTERRUPTED: the machine restarted while it ran (run 01a1fbb9-8203)
`,
  ],
  [
    'told to stop',
    notices.passedOn({ job: 'sync', signal: 'SIGINT', pid: 6120 }),
    'cronrun: sync: passed SIGINT on, waiting for pid 6120 (kill -9 -6120 forces)\n',
  ],
  [
    'stopped',
    notices.stopped({
      record: sample.interrupted(sync, { ended: '2026-11-22 02:03:02' }, 'stopped', 'SIGINT'),
    }),
    'cronrun: sync: INTERRUPTED: stopped by SIGINT after 3m 2s\n',
  ],
];

/** Those that are not drawn. */
const OTHERS: [string, string, string][] = [
  [
    'no home',
    notices.notRecorded({ job: 'backup', why: 'there is no home directory to keep records in', path: null }),
    `\
cronrun: backup: NOT RECORDED, running it all the same: there is no home
  directory to keep records in
`,
  ],
  [
    'not durable',
    notices.notDurable({
      job: 'backup',
      why: 'EIO: i/o error',
      path: '/var/lib/cronrun/jobs/backup/running',
    }),
    `\
cronrun: backup: its start is on record, but a power cut may undo that: cannot
  sync /var/lib/cronrun/jobs/backup/running (EIO: i/o error)
`,
  ],
  [
    'not executable',
    notices.notStarted({ job: 'backup', command: '/srv/x', errno: 'EACCES', path: null, exitStatus: 126 }),
    'cronrun: backup: FAILED: /srv/x: cannot be run (EACCES: permission denied)\n',
  ],
  [
    'never made executable',
    notices.notStarted({
      job: 'backup',
      command: '/srv/x',
      errno: 'EACCES',
      path: null,
      exitStatus: 126,
      denied: 'not-executable',
    }),
    `\
cronrun: backup: FAILED: /srv/x: cannot be run (EACCES: it is not executable;
  chmod +x makes it so)
`,
  ],
  [
    'a directory',
    notices.notStarted({
      job: 'backup',
      command: '/srv/x',
      errno: 'EACCES',
      path: null,
      exitStatus: 126,
      denied: 'directory',
    }),
    'cronrun: backup: FAILED: /srv/x: cannot be run (EACCES: it is a directory)\n',
  ],
  [
    'an errno without words',
    notices.notStarted({ job: 'backup', command: '/srv/x', errno: 'ELOOP', path: null, exitStatus: 126 }),
    'cronrun: backup: FAILED: /srv/x: cannot be run (ELOOP)\n',
  ],
  [
    'not found at its path',
    notices.notStarted({ job: 'backup', command: '/srv/x', errno: 'ENOENT', path: null, exitStatus: 127 }),
    'cronrun: backup: FAILED: /srv/x: not found\n',
  ],
  [
    'something else is to blame',
    notices.notStarted({
      job: 'backup',
      command: 'x',
      errno: 'ENOENT',
      path: '/bin',
      exitStatus: 127,
      because: 'its interpreter /usr/bin/pyton is not there',
    }),
    'cronrun: backup: FAILED: x was not started: its interpreter /usr/bin/pyton is\n  not there\n',
  ],
  [
    'a time limit that needed no SIGKILL, and a job that never completed',
    notices.timedOut({
      record: sample.timedOut(report, { ended: '2026-11-22 00:20:02' }, false),
      lastCompletedAt: null,
      now: sample.NOW,
    }),
    'cronrun: report: TIMEOUT: ended after 10m\n  never completed; cronrun status 01a2005f-b131\n',
  ],
  [
    'a crash',
    notices.signaled({
      record: sample.interrupted(reindex, { ended: '2026-11-22 02:41:02' }, 'signaled', 'SIGSEGV'),
    }),
    'cronrun: reindex: INTERRUPTED: killed by SIGSEGV after 41m 2s, not by cronrun\n',
  ],
  [
    'a signal that may have come through cronrun',
    notices.signaled({
      record: sample.interrupted(reindex, { ended: '2026-11-22 02:41:02' }, 'signaled', 'SIGUSR1'),
    }),
    'cronrun: reindex: INTERRUPTED: killed by SIGUSR1 after 41m 2s\n',
  ],
  [
    'kept in a name',
    notices.keptInName({ job: 'backup', status: 'failed', errno: null }),
    `\
cronrun: backup: FAILED, but its journal cannot be written; kept
  in the name of its start record, the next run of backup moves it
`,
  ],
  [
    'several cut short',
    notices.foundCutShort({ job: 'backup', newest: sample.lost(sync), more: 7, zone: sample.cet }),
    `\
cronrun: backup: the run before, of 2026-11-22 02:00:00 +01:00, was
  INTERRUPTED: its wrapper vanished while it ran (run 01a200df-de74) and 7 more
`,
  ],
  [
    'left behind',
    notices.leftBehind({ job: 'sync', pids: [5120, 5133], killed: true }),
    'cronrun: sync: still there 5s after SIGKILL: pids 5120 5133\n',
  ],
  [
    'left behind, and nobody wanted it killed',
    notices.leftBehind({ job: 'sync', pids: [5120], killed: false }),
    'cronrun: sync: still there, as --kill-after 0 kills nobody: pid 5120\n',
  ],
];

describe.each([['drawn', DRAWN] as const, ['not drawn', OTHERS] as const])(
  'notices that are %s',
  (_, cases) => {
    it.each(cases.map(([name, text, expected]) => ({ name, text, expected })))(
      '$name',
      ({ text, expected }) => {
        expect(text).toBe(expected);
        expect(sample.widest(text)).toBeLessThanOrEqual(80);
      },
    );
  },
);

describe('a record that can only be said', () => {
  it('stands whole in a line of its own', () => {
    const record = sample.completed({ ...sync, cwd: '/srv/\u009b1m' }, { ended: '2026-11-22 02:03:02' });
    const [first, second, end] = notices.saidOnly({ record }).split('\n');
    expect(first).toBe('cronrun: sync: completed, and that could not be recorded anywhere; its record:');
    expect(second).not.toContain('\u009b');
    expect(decodeRecord(second ?? '')).toEqual(record);
    expect(end).toBe('');
  });
});

describe('what a job is called or wrote', () => {
  it('cannot reach the terminal', () => {
    const text = notices.notStarted({
      job: 'backup',
      command: 'a\u001b]0;title\u0007b\u202e',
      errno: 'ENOENT',
      path: '/bin\n\u001b[2J',
      exitStatus: 127,
    });
    expect(text).toBe('cronrun: backup: FAILED: ab: not found in PATH=/bin \n');
  });
});

describe('what is in the way of a run', () => {
  const { record } = sample.going(sample.beginning('feeds', '2026-11-22 00:05:00'), 'unverifiable');

  it.each([
    [false, 'SKIPPED'],
    [true, 'WAITING'],
  ] as const)('perhaps for ever is said, with the remedy: %s', (waits, word) => {
    const text = notices.inTheWay({ job: 'feeds', record, waits });
    expect(text.replace(/\n +/g, ' ')).toBe(
      `cronrun: feeds: ${word}: run 01a200df-de74 cannot be judged from here and is in the way; if it is over: cronrun settle 01a200df-de74\n`,
    );
    expect(sample.widest(text)).toBeLessThanOrEqual(80);
  });

  it('is said where it cannot be recorded that nothing was started', () => {
    expect(notices.skippedUnrecorded({ job: 'feeds', why: 'EROFS: read-only file system' })).toBe(
      'cronrun: feeds: SKIPPED, as another run goes on; that cannot be recorded\n  (EROFS: read-only file system)\n',
    );
  });
});
