import type { JobRuns } from '../model/job-runs.js';
import type { EndedRecord, RunningRecord, RunRecord } from '../model/record.js';
import type { Viewing } from './facts.js';
import { lastHeadline, runMark } from './headline.js';
import { failureLines } from './report-failures.js';
import { sanitize } from './sanitize.js';
import { paragraph } from './text.js';
import { GOING_WORDS } from './words.js';

/** The answer of `last` for people: the last run that ended and, where the story goes on, one line for each newer run. */
export function lastText(last: EndedRecord, going: JobRuns['going'], viewing: Viewing): string {
  const newer = going.map((run) => run.record).filter((record) => record.started_at > last.started_at);
  const lines = newer
    .slice(0, NEWER)
    .map((record) => paragraph(`  ${newerWords(record, last)} ${runMark(record)}`));
  if (newer.length > NEWER)
    lines.push(`  and ${newer.length - NEWER} more: cronrun ls ${sanitize(last.job)}`);
  const head = lastHeadline(last, viewing.now, viewing.style);
  return `${[head, ...reportLines(last), ...lines].join('\n')}\n`;
}

/** At most so many newer runs are listed. */
const NEWER = 3;

/** The answer of `last` for one run that was named by its id. */
export function oneRunText(record: RunRecord, viewing: Viewing): string {
  return `${[lastHeadline(record, viewing.now, viewing.style), ...reportLines(record)].join('\n')}\n`;
}

/** What could not be told of it to others. */
function reportLines({ report_failures }: RunRecord): string[] {
  return failureLines(report_failures ?? []).map((line) => paragraph(`  ${line}`));
}

function newerWords(record: RunningRecord, last: EndedRecord): string {
  const whose = record.job === last.job ? '' : ` of ${sanitize(record.job)}`;
  return `a newer run${whose} ${GOING_WORDS[record.reason]}`;
}
