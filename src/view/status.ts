import { newestRun } from '../model/job-runs.js';
import { dueLines, dueMark } from './due.js';
import type { Line, StatusFacts, Viewing } from './facts.js';
import { afterBadRun, statusHeadline } from './headline.js';
import { jobLines, olderRunLines, skipsLine } from './job-lines.js';
import { meaningLines } from './meaning.js';
import { otherRunLines } from './other-runs.js';
import { runLines } from './run-lines.js';
import { labelled, VALUE_COLUMNS, wrapWords } from './text.js';

/** The answer of `status` for people, ended by a newline. */
export function statusText(facts: StatusFacts, viewing: Viewing): string {
  const { record, runs } = facts;
  const isNewest = record.cron_job_id === newestRun(runs)?.cron_job_id;
  const bad = isNewest && record.status === 'running' ? afterBadRun(runs.last) : '';
  const more = isNewest ? bad + dueMark(facts.due) : '';
  const lines = [
    ...runLines(facts, viewing),
    ...(isNewest ? jobLines(facts, viewing) : olderRunLines(facts, viewing)),
    isNewest ? skipsLine(facts.skips, viewing) : null,
    ...(isNewest ? dueLines(facts, viewing) : []),
    ...meaningLines(facts),
    ...otherRunLines(facts, viewing),
  ];
  const head = statusHeadline(record, viewing.now, more, viewing.style);
  return `${[head, '', ...lines.flatMap(show)].join('\n')}\n`;
}

function show(line: Line): string[] {
  if (line === null) return [];
  const [label, value] = line;
  return [labelled(label, typeof value === 'string' ? wrapWords(value, VALUE_COLUMNS) : value)];
}
