import { formatLimit } from '../model/duration.js';
import type { GoingRun } from '../model/job-runs.js';
import {
  BY_PERSON,
  type EndedRecord,
  idOf,
  type RunningRecord,
  type RunRecord,
  SCHEMA,
  type SkippedRecord,
  type TimeoutRecord,
} from '../model/record.js';
import type { ReportFailure } from '../model/report.js';
import { shortRunId } from '../model/run-id.js';
import { formatSize } from '../model/size.js';
import { commandLines } from './command.js';
import type { Line, StatusFacts, Viewing } from './facts.js';
import { failureLines } from './report-failures.js';
import { sanitize } from './sanitize.js';
import { pidList, tied, VALUE_COLUMNS, wrapWords } from './text.js';
import { clockTime, localTime, type Zone } from './time.js';

/** What the record itself says. */
export function runLines(facts: StatusFacts, viewing: Viewing): Line[] {
  const { record, runs, keptBytes, here } = facts;
  if (record.status === 'skipped') return skippedLines(record, viewing);
  return [
    ['started', startedWords(record, viewing.zone)],
    record.status === 'running' ? limitLine(record, viewing) : null,
    record.reason === 'orphaned' ? aliveLine(record, runs.going) : null,
    record.reason === 'unverifiable' ? ['because', unverifiableWords(record, here)] : null,
    record.status === 'timeout' ? ['signals', timeoutSignals(record)] : null,
    record.status === 'running' ? null : ['ended', endedWords(record, viewing.zone)],
    reachedLine(record, viewing),
    keptBytes === null ? null : ['output', outputWords(record, keptBytes)],
    record.report_failures === null ? null : ['reports', reportLines(record.report_failures)],
    ['command', commandLines(record.command, record.command_cut, VALUE_COLUMNS)],
    ['run', record.cron_job_id],
  ];
}

/** Nothing was started, so nothing of a run is told of it. */
function skippedLines(record: SkippedRecord, viewing: Viewing): Line[] {
  return [
    ['asked', startedWords(record, viewing.zone)],
    record.duration_ms < 1000 ? null : ['gave up', localTime(record.ended_at, viewing.zone)],
    record.blocked_by === null ? null : ['blocked', `by run ${record.blocked_by}`],
    ['command', commandLines(record.command, record.command_cut, VALUE_COLUMNS)],
    ['run', record.cron_job_id],
  ];
}

/** How far the run says it got, and when it said so. */
function reachedLine({ checkpoint, checkpoint_at, started_at }: RunRecord, { zone }: Viewing): Line {
  if (checkpoint === null) return null;
  const when =
    checkpoint_at === null ? '' : ` (at ${withoutOffset(clockTime(checkpoint_at, started_at, zone))})`;
  return ['reached', `${sanitize(checkpoint)}${when}`];
}

/** What could not be told of it to others. */
function reportLines(failures: readonly ReportFailure[]): string[] {
  return failureLines(failures).flatMap((line) => wrapWords(line, VALUE_COLUMNS));
}

/** How much the run wrote, how much of it is kept, and what shows that. */
function outputWords(record: RunRecord, keptBytes: number): string {
  const written = record.output?.bytes ?? keptBytes;
  const cut = written > keptBytes ? `, of which ${formatSize(keptBytes)} are kept` : '';
  return `${formatSize(written)}${cut}: ${tied(`cronrun output ${shortRunId(idOf(record))}`)}`;
}

function startedWords(record: RunRecord, zone: Zone): string {
  const { user, host, pid } = record;
  const by = user === null ? '' : ` by ${sanitize(user)}`;
  const on = host === null ? '' : ` on ${sanitize(host)}`;
  const process = record.reason === 'running' && pid !== null ? `, pid ${pid}` : '';
  return `${localTime(record.started_at, zone)}${by || on ? ',' : ''}${by}${on}${process}`;
}

function limitLine(record: RunningRecord, { now, zone }: Viewing): Line {
  if (record.timeout_ms === null || record.reason !== 'running') return null;
  const due = Date.parse(record.started_at) + record.timeout_ms;
  const source = record.timeout_source === null ? '' : ` (${sanitize(record.timeout_source)})`;
  const when = withoutOffset(dueTime(due, record.started_at, zone));
  return [
    'limit',
    `${formatLimit(record.timeout_ms)}${source}, ${due < now ? 'was over at' : 'until'} ${when}`,
  ];
}

/** A limit of a century may end beyond what a Date can hold. */
function dueTime(due: number, startedAt: string, zone: Zone): string {
  const date = new Date(due);
  return Number.isNaN(date.getTime()) ? 'the end of time' : clockTime(date.toISOString(), startedAt, zone);
}

function withoutOffset(time: string): string {
  return time.replace(/ [+-]\d\d:\d\d$/, '');
}

function aliveLine(record: RunningRecord, going: readonly GoingRun[]): Line {
  const pids = going.find((run) => run.record.cron_job_id === record.cron_job_id)?.alivePids ?? [];
  const group = record.pid === null ? [] : [`process group ${record.pid}`];
  const listed = pids.length === 0 ? [] : [`${pids.length === 1 ? 'pid' : 'pids'} ${pidList(pids)}`];
  const words = [...listed, ...group].join(', ');
  return words === '' ? null : ['alive', words];
}

/** Why nobody can judge it from here. */
export function unverifiableWords(record: RunRecord, here: string | null): string {
  if (record.schema > SCHEMA) return `a newer cronrun wrote its record (schema ${record.schema})`;
  if (record.host !== null && here !== null && record.host !== here) {
    return `it was started on ${sanitize(record.host)}, and this is ${sanitize(here)}`;
  }
  return 'its processes cannot be seen, or be told from others: another container, a hidden /proc, or no CRONRUN_ID';
}

function timeoutSignals(record: TimeoutRecord): string {
  const first = sanitize(record.timeout_signal);
  const limit = record.timeout_ms === null ? '' : ` after ${formatLimit(record.timeout_ms)}`;
  const killed = record.killed ? `, SIGKILL after ${formatLimit(record.kill_after_ms)} more` : '';
  return `${first}${limit}${killed}`;
}

function endedWords(record: EndedRecord, zone: Zone): string {
  if (record.ended_at === null) return unseenEndWords(record, zone);
  const time = localTime(record.ended_at, zone);
  switch (record.status) {
    case 'completed':
      return `${time}, exit code ${record.exit_code}`;
    case 'failed':
      return time;
    default:
      return record.exit_code === null ? time : `${time}, exit code ${record.exit_code}`;
  }
}

function unseenEndWords(record: EndedRecord, zone: Zone): string {
  if (record.booted_at !== null) {
    return `nobody saw it; this machine came up at ${clockTime(record.booted_at, record.started_at, zone)}`;
  }
  const how = record.settled_by === BY_PERSON ? 'somebody said that it is over' : 'found gone';
  const found = record.settled_at === null ? '' : `; ${how} on ${localTime(record.settled_at, zone)}`;
  return `nobody saw it${found}`;
}
