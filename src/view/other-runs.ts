import { formatDuration } from '../model/duration.js';
import { idOf, type RunningRecord } from '../model/record.js';
import { shortRunId } from '../model/run-id.js';
import type { Line, StatusFacts, Viewing } from './facts.js';
import { sanitize } from './sanitize.js';
import { age, since } from './time.js';

/** At most so many other runs are listed. */
const OTHERS = 3;

/** Other runs of the job that go on. */
export function otherRunLines({ record, runs }: StatusFacts, { now }: Viewing): Line[] {
  const others = runs.going.filter((run) => run.record.cron_job_id !== record.cron_job_id);
  const lines: Line[] = others.slice(0, OTHERS).map((run) => ['also', alsoWords(run.record, now)]);
  if (others.length > OTHERS) {
    lines.push(['', `and ${others.length - OTHERS} more: cronrun ls ${sanitize(runs.job)}`]);
  }
  return lines;
}

function alsoWords(record: RunningRecord, now: number): string {
  const run = `run ${shortRunId(idOf(record))}`;
  switch (record.reason) {
    case 'running':
      return `${run} goes on, for ${formatDuration(since(record.started_at, now))}`;
    case 'orphaned':
      return `${run} (${age(record.started_at, now)} ago) has lost its wrapper and goes on`;
    case 'unverifiable':
      return `${run} (${age(record.started_at, now)} ago) cannot be judged from here`;
  }
}
