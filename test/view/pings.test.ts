import { describe, expect, it } from 'vitest';
import type { EndedRecord } from '../../src/model/record.js';
import { endHeadline } from '../../src/view/end-headline.js';
import { lostText, sentText, waitingText } from '../../src/view/pings.js';
import { at, completed, failed, lost, runId } from '../helpers/records.js';

const NOW = Date.parse(at(120));

describe('cronrun pings', () => {
  it('lists what waits', () => {
    const text = waitingText(
      [
        { job: 'backup', run: runId(0), word: 23, at: at(0), why: 'no answer in 5s, tried 3 times' },
        { job: 'db-dump', run: runId(60), word: 'fail', at: at(60), why: '' },
        { job: null, run: runId(90), word: null, at: null, why: 'damaged' },
      ],
      NOW,
    );
    expect(text).toBe(`\
JOB      RUN            PING     WAITS  WHY
backup   ${runId(0).slice(0, 13)}  exit 23  2h     no answer in 5s, tried 3 times
db-dump  ${runId(60).slice(0, 13)}  fail     1h     -
?        ${runId(90).slice(0, 13)}  ?        ?      damaged
`);
  });

  it.each([
    ['backup', 80],
    ['a-job-with-a-name-that-is-longer-than-most', 96],
  ])('cuts the reason to the room that is left: %s', (job, columns) => {
    const why = '/etc/cronrun/backup.url: its first line is no http or https URL';
    const text = waitingText([{ job, run: runId(0), word: 143, at: at(0), why }], NOW);
    const [, line = ''] = text.split('\n');
    expect(line).toHaveLength(columns);
    expect(line).toMatch(/ exit 143 {2}2h {5}\/etc\/cronrun\/b.*\.\.\.$/);
  });

  it('says that nothing waits', () => {
    expect(waitingText([], NOW)).toBe('no pings wait\n');
    expect(sentText({ sent: 0, waiting: 0, whys: [] })).toBe('no pings wait\n');
  });

  it.each([
    [{ sent: 1, waiting: 0, whys: [] }, '1 ping sent\n'],
    [{ sent: 2, waiting: 1, whys: ['no answer in 5s'] }, '2 pings sent, 1 ping waits: no answer in 5s\n'],
    [{ sent: 0, waiting: 2, whys: ['a', 'b\u001b[1m'] }, '0 pings sent, 2 pings wait: a; b\n'],
  ])('says what was sent: %j', (sent, expected) => {
    expect(sentText(sent)).toBe(expected);
  });

  it('says what was lost', () => {
    expect(lostText('backup, run x: it\u001b[1m')).toBe('cronrun: pings: backup, run x: it\n');
  });
});

describe('the first line of a failure', () => {
  const like = (over: Record<string, unknown>): EndedRecord =>
    ({ ...failed(1), ...over }) as unknown as EndedRecord;
  const timeout = { status: 'timeout', reason: 'timed-out', timeout_ms: 600_000 };
  const cut = { status: 'interrupted', exit_code: null, signal: 'SIGKILL' };

  it.each([
    ['backup on db1: FAILED, exit code 23, after 30s', failed(1)],
    ['backup on db1: completed, exit code 0, after 30s', completed(1)],
    ['backup: FAILED, exit code 23, after 30s', like({ host: null })],
    [
      'backup on db1: FAILED, exit code 0 without the checkpoint that was required, after 30s',
      like({ reason: 'incomplete', exit_code: 0 }),
    ],
    [
      'backup on db1: FAILED, the command or its interpreter was not found (127), after 30s',
      like({ reason: 'not-started', exit_code: 127 }),
    ],
    [
      'backup on db1: FAILED, the command could not be run (126, EACCES), after 30s',
      like({ reason: 'not-started', exit_code: 126, error: 'EACCES' }),
    ],
    ['backup on db1: TIMEOUT, its limit of 10m ended it, after 30s', like(timeout)],
    [
      'backup on db1: TIMEOUT, its limit of 10m and SIGKILL ended it, after 30s',
      like({ ...timeout, killed: true }),
    ],
    ['backup on db1: INTERRUPTED, killed by SIGKILL, after 30s', like({ ...cut, reason: 'signaled' })],
    ['backup on db1: INTERRUPTED, stopped by SIGKILL, after 30s', like({ ...cut, reason: 'stopped' })],
    ['backup on db1: INTERRUPTED, its wrapper vanished while it ran', lost(1)],
    [
      'backup on db1: INTERRUPTED, the machine restarted while it ran',
      { ...lost(1), reason: 'rebooted' } as EndedRecord,
    ],
  ])('%s', (expected, record) => {
    expect(endHeadline(record)).toBe(expected);
  });

  it('has nothing of the command, nor what moves a cursor', () => {
    const record = like({ command: ['secret'], host: 'db\u001b[2J1', checkpoint: 'private' });
    expect(endHeadline(record)).toBe('backup on db1: FAILED, exit code 23, after 30s');
  });
});
