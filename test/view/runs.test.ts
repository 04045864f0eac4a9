import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../src/model/record.js';
import { runsFooter, runsText } from '../../src/view/runs.js';
import * as sample from './samples.js';

function start(id: string, startedAt: string, fields = {}) {
  return sample.beginning('backup', startedAt, {
    cron_job_id: `cron:${id}-7000-8000-000000000000`,
    ...fields,
  });
}

const records: RunRecord[] = [
  sample.failed(start('01a200df-de74', '2026-11-22 02:30:01'), { ended: '2026-11-22 02:34:17' }, 23),
  sample.completed(start('01a1fbb9-8203', '2026-11-21 02:30:01'), { ended: '2026-11-21 02:51:16' }),
  sample.completed(start('01a1f693-2b2f', '2026-11-20 02:30:02'), { ended: '2026-11-20 02:51:00' }),
  sample.rebooted(start('01a1f16c-ca00', '2026-11-19 02:30:01'), '2026-11-19 02:40:00'),
  sample.completed(start('01a1eec5-6002', '2026-11-18 14:07:55'), { ended: '2026-11-18 14:29:58' }),
  sample.timedOut(
    start('01a1ec46-6ed4', '2026-11-18 02:30:01', { timeout_ms: 1_800_000 }),
    { ended: '2026-11-18 03:00:11' },
    true,
  ),
  sample.interrupted(
    start('01a1e720-11f5', '2026-11-17 02:30:01'),
    { ended: '2026-11-17 02:42:41' },
    'stopped',
    'SIGTERM',
  ),
];
const extent = { total: 213, since: sample.at('2026-04-24 02:30:00') };

describe('the table of runs', () => {
  it('is as drawn', () => {
    expect(runsText(records, sample.viewing) + runsFooter(records, extent, sample.cet)).toBe(`\
RUN            STARTED                     TOOK     STATUS
01a200df-de74  2026-11-22 02:30:01 +01:00  4m 16s   FAILED (23)
01a1fbb9-8203  2026-11-21 02:30:01 +01:00  21m 15s  completed
01a1f693-2b2f  2026-11-20 02:30:02 +01:00  20m 58s  completed
01a1f16c-ca00  2026-11-19 02:30:01 +01:00  ?        INTERRUPTED (rebooted)
01a1eec5-6002  2026-11-18 14:07:55 +01:00  22m 3s   completed
01a1ec46-6ed4  2026-11-18 02:30:01 +01:00  30m 10s  TIMEOUT (30m), SIGKILL
01a1e720-11f5  2026-11-17 02:30:01 +01:00  12m 40s  INTERRUPTED (SIGTERM)

7 of 213 runs since 2026-04-24.  One of them: cronrun status 01a200df-de74
`);
  });

  it('cuts a long checkpoint to the room that is left in 80 columns', () => {
    const reached = (run: RunRecord, checkpoint: string) => ({ ...run, checkpoint }) as RunRecord;
    const long = 'a long text by which a run says how far it got, and more';
    const shown = [reached(records[0] as RunRecord, long), reached(records[3] as RunRecord, long)];
    const lines = runsText(shown, sample.viewing).trimEnd().split('\n');
    expect(lines[1]).toMatch(/ FAILED \(23\) at 'a long \w+\.\.\.'$/);
    expect(lines[2]).toMatch(/ INTERRUPTED \(rebooted\) at 'a long \.\.\.'$/);
    expect(lines[1]?.length).toBe(80);
    expect(lines[2]?.length).toBeLessThan(90);
  });

  it('shows more digits of runs that started in one millisecond', () => {
    const twins = ['7aaa', '7bbb'].map(
      (digits) =>
        sample.going(
          sample.beginning('backup', '2026-11-22 02:30:01', {
            cron_job_id: `cron:01a200df-de74-${digits}-8000-000000000000`,
          }),
          'running',
        ).record,
    );
    const text = runsText([...twins, ...records.slice(1)], sample.viewing);
    expect(text).toContain('\n01a200df-de74-7aaa  2026-11-22 02:30:01 +01:00  35m 11s  running\n');
    expect(text).toContain('\n01a200df-de74-7bbb  ');
    expect(text).toContain('\n01a1fbb9-8203       2026-11-21');
    expect(sample.widest(text)).toBeLessThanOrEqual(80);
  });

  it('does not say "of" where all are shown', () => {
    expect(runsFooter(records, { ...extent, total: 7 }, sample.cet)).toMatch(
      /^\n7 runs since 2026-04-24\. {2}One/,
    );
    expect(runsFooter([records[0] as RunRecord], { total: 1, since: null }, sample.cet)).toMatch(
      /^\n1 run\. {2}One/,
    );
  });
});
