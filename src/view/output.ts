// What is said around the kept output of a run. Every text ends with a newline, but for those that stand for a line of it.

import type { EndedRecord, RunRecord } from '../model/record.js';
import { idOf } from '../model/record.js';
import { shortRunId } from '../model/run-id.js';
import { formatSize } from '../model/size.js';
import { sanitize } from './sanitize.js';
import { paragraph, tied } from './text.js';
import { age, localTime, localZone, type Zone } from './time.js';

/** Runs since the last one that completed. */
export interface Since {
  readonly statuses: readonly EndedRecord['status'][];
  /** True where counting stopped early. */
  readonly more: boolean;
}

export interface OutputHeader {
  readonly record: EndedRecord;
  /** As exec says it elsewhere: "FAILED: exit code 23, after 4m 16s". */
  readonly how: string;
  /** A remark that stands below; null: none. */
  readonly remark: string | null;
  /** Null where nobody could count them. */
  readonly since: Since | null;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly zone?: Zone;
}

/** What stands above the output of a run that did not complete. */
export function outputHeader({ record, how, remark, since, now, zone = localZone }: OutputHeader): string {
  const on = record.host === null ? '' : ` on ${sanitize(record.host)}`;
  const started = `started ${localTime(record.started_at, zone)}`;
  const lines = [
    `cronrun: ${sanitize(record.job)}${on}: ${how.replace(': ', ', ')}`,
    ...(remark === null ? [] : [`  ${remark}`]),
    `  ${started}, ${completedWords(record.previous_completed_at, since, now)}`,
    `  cronrun status ${shortRunId(idOf(record))}`,
  ];
  return `${lines.map(paragraph).join('\n')}\n`;
}

/** "last completed 1d ago, 1 failed since", the run itself counted. */
function completedWords(lastCompletedAt: string | null, since: Since | null, now: number): string {
  if (lastCompletedAt === null) return 'never completed';
  const completed = `last completed ${age(lastCompletedAt, now)} ago`;
  return since === null || since.statuses.length === 0 ? completed : `${completed}, ${sinceWords(since)}`;
}

const SINCE: Readonly<Record<EndedRecord['status'], string>> = {
  completed: 'completed since',
  failed: 'failed since',
  timeout: 'timed out since',
  interrupted: 'interrupted since',
};

function sinceWords({ statuses, more }: Since): string {
  const [first] = statuses;
  const alike = first !== undefined && statuses.every((status) => status === first);
  return `${more ? 'more than ' : ''}${statuses.length} ${alike ? SINCE[first] : 'runs since'}`;
}

/** "1,102 lines", or "12 MiB" of something without lines. */
function amount(lines: number, bytes: number): string {
  if (lines === 0) return formatSize(bytes);
  return `${String(lines).replace(/\B(?=(\d{3})+$)/g, ',')} ${lines === 1 ? 'line' : 'lines'}`;
}

/** Stands in cron's mail for what is too long for it. */
export function leftOutLine(record: EndedRecord, lines: number, bytes: number): string {
  return `  ... ${amount(lines, bytes)} left out: cronrun output ${shortRunId(idOf(record))}`;
}

/** Stands in a log for what is not kept of it. */
export function cutLine(lines: number, bytes: number, limitBytes: number): string {
  const size = lines === 0 ? '' : `, ${formatSize(bytes)},`;
  return `  ... ${amount(lines, bytes)}${size} not kept: more than ${formatSize(limitBytes)} (--output-limit)`;
}

/** Why there is no output to show. */
export type NoLog =
  | { readonly kind: 'no-run-has-one'; readonly job: string; readonly other: boolean }
  | { readonly kind: 'inherited'; readonly record: RunRecord }
  | { readonly kind: 'gone'; readonly record: RunRecord };

/** The one line of exit status 193, and what may be done. */
export function noLogText(why: NoLog): string {
  return `${paragraph(`cronrun: ${noLogWords(why)}`)}\n`;
}

function noLogWords(why: NoLog): string {
  switch (why.kind) {
    case 'no-run-has-one': {
      const runs = why.other ? 'no other run' : 'no run';
      return `${runs} of ${sanitize(why.job)} has its output kept; ${KEEPS_IT}`;
    }
    case 'inherited':
      return `the output of run ${runOf(why.record)} was not kept; ${KEEPS_IT}`;
    case 'gone':
      return `there is no log of run ${runOf(why.record)}: it could not be made, or newer ones took its place (--keep-output)`;
  }
}

const KEEPS_IT = `this keeps it: ${tied('cronrun exec --output on-failure')}`;

function runOf(record: RunRecord): string {
  return tied(`${shortRunId(idOf(record))} of ${sanitize(record.job)}`);
}

/** Said while an unverifiable run is followed. */
export function followingText(record: RunRecord): string {
  const text = `whether run ${runOf(record)} goes on cannot be judged from here; following it until this is ended`;
  return `${paragraph(`cronrun: ${text}`)}\n`;
}
