import { formatDuration } from '../model/duration.js';
import { newestRun } from '../model/job-runs.js';
import { idOf, type RunningRecord } from '../model/record.js';
import { shortRunId } from '../model/run-id.js';
import type { Line, StatusFacts, Viewing } from './facts.js';
import { sanitize } from './sanitize.js';
import { age, since } from './time.js';
import { GOING_WORDS } from './words.js';

/** At most so many other runs are listed. */
const OTHERS = 3;

/** Other runs of the job that go on; its newest run has a line of its own where another one is shown. */
export function otherRunLines({ record, runs }: StatusFacts, { now }: Viewing): Line[] {
  const named = [record.cron_job_id, newestRun(runs)?.cron_job_id];
  const others = runs.going.filter((run) => !named.includes(run.record.cron_job_id));
  const lines: Line[] = others.slice(0, OTHERS).map((run) => ['also', alsoWords(run.record, now)]);
  if (others.length > OTHERS) {
    lines.push(['', `and ${others.length - OTHERS} more: cronrun ls ${sanitize(runs.job)}`]);
  }
  return lines;
}

function alsoWords(record: RunningRecord, now: number): string {
  const run = `run ${shortRunId(idOf(record))}`;
  const words = GOING_WORDS[record.reason];
  if (record.reason === 'running') {
    return `${run} ${words}, for ${formatDuration(since(record.started_at, now))}`;
  }
  return `${run} (${age(record.started_at, now)} ago) ${words}`;
}
