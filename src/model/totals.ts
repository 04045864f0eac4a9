import type { EndedRecord } from './record.js';

/** How a run can have ended. */
export const ENDED_STATUSES = ['completed', 'failed', 'timeout', 'interrupted'] as const;

/** How many runs have ended, and how. What was skipped is no run. */
export type Totals = Readonly<Record<EndedRecord['status'], number>>;

export const NO_TOTALS: Totals = { completed: 0, failed: 0, timeout: 0, interrupted: 0 };

/** The same and these runs. */
export function withRuns(totals: Totals, runs: Iterable<Pick<EndedRecord, 'status'>>): Totals {
  const sum = { ...totals };
  for (const { status } of runs) sum[status]++;
  return sum;
}
