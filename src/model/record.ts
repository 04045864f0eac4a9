import { NOTHING_REACHED, type Reached } from './checkpoint.js';
import { isoMs } from './iso-time.js';
import type { KeptOutput } from './output.js';
import type { ReportFailure } from './report.js';
import { formatRunId, type RunId, readRunId } from './run-id.js';
import { spanId, traceId } from './trace.js';

/** The version of the format on disk and of --json. It is raised only where an old reader would be misled. */
export const SCHEMA = 1;

/** Longest argv kept in a record, bytes of its JSON; the rest is cut and `command_cut` says so. */
export const LONGEST_COMMAND_BYTES = 32_768;

export type Status = 'running' | 'completed' | 'failed' | 'timeout' | 'interrupted' | 'skipped';

/** The status of what is a run: nothing was to be started for what was skipped. */
export type RunStatus = Exclude<Status, 'skipped'>;

export type Reason =
  | 'running'
  | 'orphaned'
  | 'unverifiable'
  | 'exited'
  | 'incomplete'
  | 'not-started'
  | 'timed-out'
  | 'signaled'
  | 'stopped'
  | 'lost'
  | 'rebooted'
  | 'overlap';

/** What was known when the run began, and stays true whatever happens to it. */
export interface Beginning {
  readonly schema: number;
  /** "cron:" and a UUID of version 7. */
  readonly cron_job_id: string;
  readonly job: string;
  /** Wall clock, ISO 8601, UTC, milliseconds. */
  readonly started_at: string;
  /** The time limit in milliseconds; null without one. */
  readonly timeout_ms: number | null;
  /** Where the limit was said: "--timeout" or "CRONRUN_TIMEOUT"; null without one. */
  readonly timeout_source: string | null;
  /** The first signal of a timeout, "SIGTERM". */
  readonly timeout_signal: string;
  /** The grace period in milliseconds; 0: SIGKILL is never sent. */
  readonly kill_after_ms: number;
  /** argv, or the program's name alone. */
  readonly command: readonly string[];
  /** True where argv was longer than 32 KiB and is cut. */
  readonly command_cut: boolean;
  readonly cwd: string | null;
  readonly host: string | null;
  readonly user: string | null;
  /** The newest checkpoint of the runs since the last completed one, this one excepted; null if there is none. */
  readonly previous_checkpoint: string | null;
  /** When a run of this job last completed before this one ended; null if none ever did. */
  readonly previous_completed_at: string | null;
  /** The log of what the command wrote; null where that went to where cronrun's own output goes. */
  readonly output: KeptOutput | null;
  /** W3C Trace Context: 32 and 16 hex digits, and the span that the run was started in; null in records of older versions. */
  readonly trace_id: string | null;
  readonly span_id: string | null;
  readonly parent_span_id: string | null;
  /** When the job is due, as a crontab says it: "30 2 * * *"; null where nobody declared that. */
  readonly schedule: string | null;
  /** The time zone of the schedule, "Europe/Berlin"; null without a schedule. */
  readonly schedule_zone: string | null;
  /** How late a run may begin, milliseconds; null without a schedule. */
  readonly grace_ms: number | null;
}

interface Facts extends Beginning, Reached {
  /** The child's process id; null if there was no child, or nobody wrote it down. */
  readonly pid: number | null;
  /** True where the grace period ran out and SIGKILL was sent. */
  readonly killed: boolean;
  /** Why the command could not be started, an errno word such as "ENOENT"; null otherwise. */
  readonly error: string | null;
  /** For a skipped run: the id of the run that went on, as far as it was known; null otherwise. */
  readonly blocked_by: string | null;
  /** For a skipped run: the exit status that was asked for in that case; null otherwise. */
  readonly overlap_exit_code: number | null;
  /** "person": somebody said with `cronrun settle` that the run is over, and nothing proves it; null otherwise. */
  readonly settled_by: string | null;
  /** When somebody else moved this record into the journal, ISO 8601; null if its own wrapper did. */
  readonly settled_at: string | null;
  /** For a rebooted run: when the machine that settled or reads it came up, ISO 8601; null otherwise. */
  readonly booted_at: string | null;
  /** Settled records only: the journal as it was when the run started; see JournalMark. */
  readonly journal: JournalMark | null;
  /** What could not be told of this run to others; null if nothing failed. It stands beside the journal, not in it. */
  readonly report_failures: readonly ReportFailure[] | null;
}

/** Where the journal stood when a run began: no line of that run can stand before `size` in the file `ino`. */
export interface JournalMark {
  readonly ino: number | null;
  readonly size: number;
  /**
   * When that file was made, milliseconds since 1970: its inode number is given out again once it is removed. Missing where
   * the file system does not keep it, and in records of older versions.
   */
  readonly born?: number;
}

export interface RunningRecord extends Facts {
  readonly status: 'running';
  readonly reason: 'running' | 'orphaned' | 'unverifiable';
  readonly exit_code: null;
  readonly signal: null;
  readonly completed_at: null;
  readonly ended_at: null;
  readonly duration_ms: null;
}

export interface CompletedRecord extends Facts {
  readonly status: 'completed';
  readonly reason: 'exited';
  readonly exit_code: number;
  readonly signal: null;
  readonly completed_at: string;
  readonly ended_at: string;
  readonly duration_ms: number;
}

export interface FailedRecord extends Facts {
  readonly status: 'failed';
  /** incomplete: it exited with success, and without the checkpoint that was required of it. */
  readonly reason: 'exited' | 'incomplete' | 'not-started';
  readonly exit_code: number;
  readonly signal: null;
  readonly completed_at: null;
  readonly ended_at: string;
  readonly duration_ms: number;
}

export interface TimeoutRecord extends Facts {
  readonly status: 'timeout';
  readonly reason: 'timed-out';
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly completed_at: null;
  readonly ended_at: string;
  readonly duration_ms: number;
}

/** Cut short, and its wrapper saw how. */
export interface SeenInterruptedRecord extends Facts {
  readonly status: 'interrupted';
  readonly reason: 'signaled' | 'stopped';
  readonly exit_code: number | null;
  readonly signal: string;
  readonly completed_at: null;
  readonly ended_at: string;
  readonly duration_ms: number;
}

/** Cut short, and nobody saw how: inferred by a reader or a settler, never by the run's own wrapper. */
export interface InferredRecord extends Facts {
  readonly status: 'interrupted';
  readonly reason: 'lost' | 'rebooted';
  readonly exit_code: null;
  readonly signal: null;
  readonly completed_at: null;
  readonly ended_at: null;
  readonly duration_ms: null;
}

/** Not begun at all, because another run of the job went on. It is no run that ended, and none that is the last. */
export interface SkippedRecord extends Facts {
  readonly status: 'skipped';
  readonly reason: 'overlap';
  readonly exit_code: null;
  /** By which it was told to stop while it waited for its turn; null: it was over with waiting, or did not wait. */
  readonly signal: string | null;
  readonly completed_at: null;
  /** When it gave up. */
  readonly ended_at: string;
  /** How long it waited. */
  readonly duration_ms: number;
}

export type EndedRecord =
  | CompletedRecord
  | FailedRecord
  | TimeoutRecord
  | SeenInterruptedRecord
  | InferredRecord;

/** As much of a completed run as a list of jobs shows. */
export type CompletedGist = Pick<
  CompletedRecord,
  | 'cron_job_id'
  | 'status'
  | 'reason'
  | 'started_at'
  | 'completed_at'
  | 'ended_at'
  | 'duration_ms'
  | 'previous_completed_at'
  | 'settled_at'
  | 'schedule'
  | 'schedule_zone'
  | 'grace_ms'
>;

/** A run that ended: whole or, where it completed, as much of it as a list of jobs shows. */
export type EndedGist = CompletedGist | Exclude<EndedRecord, CompletedRecord>;

/** A run as a list of jobs shows it. */
export type RunGist = RunningRecord | EndedGist;

/** Whatever a line of a journal may say. */
export type JournalRecord = EndedRecord | SkippedRecord;

/** What is known of a run. A combination that cronrun-journal(5) does not list cannot be built. */
export type RunRecord = RunningRecord | JournalRecord;

/** How a run ended, as its wrapper saw it: the part of the record that the third line of a start record holds. */
export type End = Pick<
  CompletedRecord | FailedRecord | TimeoutRecord | SeenInterruptedRecord,
  'exit_code' | 'signal' | 'completed_at' | 'ended_at' | 'duration_ms' | 'killed' | 'error'
> & { readonly status: Exclude<RunStatus, 'running'>; readonly reason: Reason };

/** Every field of a record, in the order in which it is written. */
export const RECORD_FIELDS = [
  'schema',
  'cron_job_id',
  'job',
  'status',
  'reason',
  'exit_code',
  'signal',
  'started_at',
  'completed_at',
  'ended_at',
  'duration_ms',
  'timeout_ms',
  'command',
  'cwd',
  'host',
  'user',
  'pid',
  'timeout_source',
  'timeout_signal',
  'kill_after_ms',
  'killed',
  'error',
  'command_cut',
  'checkpoint',
  'checkpoint_at',
  'previous_checkpoint',
  'blocked_by',
  'overlap_exit_code',
  'settled_by',
  'previous_completed_at',
  'settled_at',
  'booted_at',
  'journal',
  'output',
  'trace_id',
  'span_id',
  'parent_span_id',
  'schedule',
  'schedule_zone',
  'grace_ms',
  'report_failures',
] as const satisfies readonly (keyof RunRecord)[];

/** Fields that a line of the journal always has, whatever their value. */
const ALWAYS = RECORD_FIELDS.indexOf('pid') + 1;

/** What ends a line: state/quick-look.ts tells by it that a line is whole. */
const LAST_FIELD = 'previous_completed_at';

/** What a line of the journal may have beyond these; null and false are left out, and decoded as what they are. */
const SELDOM = RECORD_FIELDS.slice(ALWAYS).filter(
  (field) => field !== LAST_FIELD && field !== 'report_failures',
);

/** The bare id of a record. */
export function idOf(record: Pick<Beginning, 'cron_job_id'>): RunId {
  return record.cron_job_id.slice('cron:'.length);
}

/** Inferred is exactly lost or rebooted; every other reason is the word of the run's own wrapper. */
export function isInferred(record: RunGist | SkippedRecord): record is InferredRecord {
  return record.reason === 'lost' || record.reason === 'rebooted';
}

/** When a run ended as far as anybody knows, for its place among others. ISO 8601. */
export function endOf(record: Pick<EndedGist, 'ended_at' | 'settled_at' | 'started_at'>): string {
  return record.ended_at ?? record.settled_at ?? record.started_at;
}

export function isEnded(record: RunRecord): record is EndedRecord {
  return record.status !== 'running' && record.status !== 'skipped';
}

/** The record as --json prints it: one line without its newline, all fields in order, null where there is nothing. */
export function encodeRecord(record: RunRecord): string {
  const ordered: Record<string, unknown> = {};
  for (const field of RECORD_FIELDS) ordered[field] = record[field];
  return JSON.stringify(ordered);
}

/** The record as a line of the journal, without its newline: what is as usual does not take room in each. */
export function encodeLine(record: RunRecord): string {
  const ordered: Record<string, unknown> = {};
  for (let i = 0; i < ALWAYS; i++) {
    const field = RECORD_FIELDS[i] as keyof RunRecord;
    ordered[field] = record[field];
  }
  for (const field of SELDOM) {
    const value = record[field];
    if (value !== null && value !== false) ordered[field] = value;
  }
  ordered[LAST_FIELD] = record[LAST_FIELD];
  return JSON.stringify(ordered);
}

/** What a record has beyond its beginning and its end. */
type Rest = Pick<
  Facts,
  | 'pid'
  | 'checkpoint'
  | 'checkpoint_at'
  | 'blocked_by'
  | 'overlap_exit_code'
  | 'settled_by'
  | 'settled_at'
  | 'booted_at'
  | 'journal'
>;

/** An end, or that there is none yet. */
type Ending = Pick<
  RunRecord,
  | 'status'
  | 'reason'
  | 'exit_code'
  | 'signal'
  | 'completed_at'
  | 'ended_at'
  | 'duration_ms'
  | 'killed'
  | 'error'
>;

/** All fields by name and in order: spreading three objects into one costs ten times as much. */
function assemble(beginning: Beginning, end: Ending, rest: Rest): RunRecord {
  return {
    schema: beginning.schema,
    cron_job_id: beginning.cron_job_id,
    job: beginning.job,
    status: end.status,
    reason: end.reason,
    exit_code: end.exit_code,
    signal: end.signal,
    started_at: beginning.started_at,
    completed_at: end.completed_at,
    ended_at: end.ended_at,
    duration_ms: end.duration_ms,
    timeout_ms: beginning.timeout_ms,
    command: beginning.command,
    cwd: beginning.cwd,
    host: beginning.host,
    user: beginning.user,
    pid: rest.pid,
    timeout_source: beginning.timeout_source,
    timeout_signal: beginning.timeout_signal,
    kill_after_ms: beginning.kill_after_ms,
    killed: end.killed,
    error: end.error,
    command_cut: beginning.command_cut,
    checkpoint: rest.checkpoint,
    checkpoint_at: rest.checkpoint_at,
    previous_checkpoint: beginning.previous_checkpoint,
    blocked_by: rest.blocked_by,
    overlap_exit_code: rest.overlap_exit_code,
    settled_by: rest.settled_by,
    previous_completed_at: beginning.previous_completed_at,
    settled_at: rest.settled_at,
    booted_at: rest.booted_at,
    journal: rest.journal,
    output: beginning.output,
    trace_id: beginning.trace_id,
    span_id: beginning.span_id,
    parent_span_id: beginning.parent_span_id,
    schedule: beginning.schedule,
    schedule_zone: beginning.schedule_zone,
    grace_ms: beginning.grace_ms,
    report_failures: null,
  } as RunRecord;
}

const NOT_SETTLED = { settled_by: null, settled_at: null, journal: null } as const;
const ITS_TURN = { blocked_by: null, overlap_exit_code: null, ...NOT_SETTLED } as const;

const NO_END = {
  exit_code: null,
  signal: null,
  completed_at: null,
  ended_at: null,
  duration_ms: null,
  killed: false,
  error: null,
} as const;

/** Makes the record of a run that goes on, or of which that is all that can be said. */
export function goingRecord(
  beginning: Beginning,
  reason: RunningRecord['reason'],
  pid: number | null,
  reached = NOTHING_REACHED,
): RunningRecord {
  const rest = { pid, booted_at: null, ...reached, ...ITS_TURN };
  return assemble(beginning, { status: 'running', reason, ...NO_END }, rest) as RunningRecord;
}

/** Makes the record of a run whose end its wrapper saw. */
export function endedRecord(
  beginning: Beginning,
  end: End,
  pid: number | null,
  reached = NOTHING_REACHED,
): EndedRecord {
  return assemble(beginning, end, { pid, booted_at: null, ...reached, ...ITS_TURN }) as EndedRecord;
}

/** Makes the record of a run whose end nobody saw. `bootedAt`: when this machine came up, for a rebooted one. */
export function inferredRecord(
  beginning: Beginning,
  reason: InferredRecord['reason'],
  pid: number | null,
  bootedAt: string | null,
  reached = NOTHING_REACHED,
): InferredRecord {
  const rest = { pid, booted_at: reason === 'rebooted' ? bootedAt : null, ...reached, ...ITS_TURN };
  return assemble(beginning, { status: 'interrupted', reason, ...NO_END }, rest) as InferredRecord;
}

/** Makes the record of a run of which a person says that it is over. */
export function recordBySay(
  beginning: Beginning,
  pid: number | null,
  reached = NOTHING_REACHED,
): InferredRecord {
  return { ...inferredRecord(beginning, 'lost', pid, null, reached), settled_by: BY_PERSON };
}

/** What is known of a run that was not begun, beyond its beginning. */
export type Skip = Pick<
  SkippedRecord,
  'signal' | 'ended_at' | 'duration_ms' | 'blocked_by' | 'overlap_exit_code'
>;

/** Makes the record of a run that was not begun because another one went on. */
export function skippedRecord(beginning: Beginning, skip: Skip): SkippedRecord {
  const end: Ending = { ...NO_END, ...skip, status: 'skipped', reason: 'overlap' };
  const rest = { pid: null, booted_at: null, ...NOTHING_REACHED, ...NOT_SETTLED, ...skip };
  return assemble(beginning, end, rest) as SkippedRecord;
}

/** `settled_by` where the kernel had nothing to say. */
export const BY_PERSON = 'person';

/** The same beginning of a run that nobody keeps the output of, or whose output was counted. */
export function withOutput(beginning: Beginning, output: KeptOutput | null): Beginning {
  return { ...beginning, output };
}

/** The same record with what could not be told of it. */
export function withReportFailures<R extends RunRecord>(record: R, failures: readonly ReportFailure[]): R {
  return failures.length === 0 ? record : { ...record, report_failures: failures };
}

/** The same record as another run moves it into the journal at `settledAt`. */
export function settledRecord(record: EndedRecord, settledAt: string, journal: JournalMark): EndedRecord {
  return { ...record, settled_at: settledAt, journal };
}

type Json = Readonly<Record<string, unknown>>;

/** Reasons that a record of each status may carry; what is not here is not a record. */
const REASONS: Readonly<Record<RunStatus, readonly string[]>> = {
  running: ['running', 'orphaned', 'unverifiable'],
  completed: ['exited'],
  failed: ['exited', 'incomplete', 'not-started'],
  timeout: ['timed-out'],
  interrupted: ['signaled', 'stopped', 'lost', 'rebooted'],
};

/**
 * The record that a journal line holds, or null for anything that is none: torn, foreign, impossible.
 * Fields that are unknown are ignored and fields that are missing are null, so that lines of other versions are
 * read as far as they are understood. A line of a newer schema with a status that this version has no word for
 * is a run that cannot be judged: running, unverifiable.
 */
export function decodeRecord(line: string): RunRecord | null {
  const json = parseObject(line);
  if (json === null) return null;
  return recordFrom(json);
}

/** @see decodeRecord */
export function recordFrom(json: Json): RunRecord | null {
  const beginning = beginningFrom(json);
  if (beginning === null) return null;
  const pid = integer(json.pid);
  const end = json.status === 'skipped' ? skipFrom(json) : endFrom(json);
  if (end === null) return beginning.schema > SCHEMA ? goingRecord(beginning, 'unverifiable', pid) : null;
  return assemble(beginning, end, {
    pid,
    checkpoint: string(json.checkpoint),
    checkpoint_at: time(json.checkpoint_at),
    blocked_by: runId(json.blocked_by),
    overlap_exit_code: exitCode(json.overlap_exit_code),
    settled_by: string(json.settled_by),
    settled_at: time(json.settled_at),
    booted_at: time(json.booted_at),
    journal: markFrom(json.journal),
  });
}

/** What a run began with, from line 1 of a start record or from a journal line; null if that is not in it. */
export function beginningFrom(json: Json): Beginning | null {
  const { schema, cron_job_id, job } = json;
  if (typeof schema !== 'number' || !Number.isInteger(schema) || schema < 1) return null;
  if (typeof cron_job_id !== 'string' || typeof job !== 'string') return null;
  const id = readRunId(cron_job_id);
  const startedAt = time(json.started_at);
  if (id === null || startedAt === null) return null;
  return {
    schema,
    cron_job_id: formatRunId(id),
    job,
    started_at: startedAt,
    timeout_ms: integer(json.timeout_ms),
    timeout_source: string(json.timeout_source),
    timeout_signal: string(json.timeout_signal) ?? 'SIGTERM',
    kill_after_ms: integer(json.kill_after_ms) ?? 0,
    command: strings(json.command),
    command_cut: json.command_cut === true,
    cwd: string(json.cwd),
    host: string(json.host),
    user: string(json.user),
    previous_checkpoint: string(json.previous_checkpoint),
    previous_completed_at: time(json.previous_completed_at),
    output: outputFrom(json.output),
    trace_id: traceId(json.trace_id),
    span_id: spanId(json.span_id),
    parent_span_id: spanId(json.parent_span_id),
    schedule: string(json.schedule),
    schedule_zone: string(json.schedule_zone),
    grace_ms: integer(json.grace_ms),
  };
}

/** How a run ended, from line 3 of a start record or from a journal line; null if that is not in it. */
export function endFrom(json: Json): End | null {
  const { status, reason } = json;
  if (typeof status !== 'string' || typeof reason !== 'string') return null;
  if (status === 'running' || !Object.hasOwn(REASONS, status)) return null;
  if (!REASONS[status as RunStatus].includes(reason)) return null;
  const end = {
    status,
    reason,
    exit_code: exitCode(json.exit_code),
    signal: string(json.signal),
    completed_at: time(json.completed_at),
    ended_at: time(json.ended_at),
    duration_ms: integer(json.duration_ms),
    killed: json.killed === true,
    error: string(json.error),
  };
  return isPossibleEnd(end) ? (end as End) : null;
}

/** The same of a journal line about a run that was not begun. */
function skipFrom(json: Json): Ending | null {
  const { ended_at, duration_ms, exit_code, completed_at } = json;
  const end = { ended_at: time(ended_at), duration_ms: integer(duration_ms), signal: string(json.signal) };
  if (json.reason !== 'overlap' || end.ended_at === null || end.duration_ms === null) return null;
  if ((exit_code ?? null) !== null || (completed_at ?? null) !== null) return null;
  return { ...NO_END, ...end, status: 'skipped', reason: 'overlap' };
}

/** What may stand beside a reason, see cronrun-journal(5). A damaged line must not pass for an end that never was. */
function isPossibleEnd(end: Record<keyof End, unknown>): boolean {
  const { status, reason, exit_code, signal, completed_at, ended_at, duration_ms } = end;
  if (reason === 'lost' || reason === 'rebooted') {
    return [exit_code, signal, completed_at, ended_at, duration_ms].every((fact) => fact === null);
  }
  if (ended_at === null || duration_ms === null) return false;
  if ((status === 'completed') !== (completed_at !== null)) return false;
  if (status === 'completed') return exit_code !== null && signal === null;
  if (status === 'failed')
    return exit_code !== null && signal === null && (exit_code !== 0 || reason === 'incomplete');
  if (reason === 'signaled') return exit_code === null && signal !== null;
  return reason === 'timed-out' || signal !== null;
}

/** The object that `text` is, or null. */
export function parseObject(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
  } catch {
    return null;
  }
}

export function markFrom(value: unknown): JournalMark | null {
  if (typeof value !== 'object' || value === null) return null;
  const { ino, size, born } = value as Record<string, unknown>;
  const bytes = integer(size);
  const bornMs = integer(born);
  return bytes === null
    ? null
    : { ino: integer(ino), size: bytes, ...(bornMs === null ? {} : { born: bornMs }) };
}

function outputFrom(value: unknown): KeptOutput | null {
  if (typeof value !== 'object' || value === null) return null;
  const { path, bytes } = value as Record<string, unknown>;
  return typeof path === 'string' ? { path, bytes: integer(bytes) } : null;
}

function string(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function runId(value: unknown): string | null {
  const id = typeof value === 'string' ? readRunId(value) : null;
  return id === null ? null : formatRunId(id);
}

/** Not `map(String)`: what a line holds may have a `toString` of its own, which is no function. */
function strings(value: unknown): readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : [];
}

/** A whole number that is not negative, as sizes, times and pids are. */
export function integer(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function exitCode(value: unknown): number | null {
  const code = integer(value);
  return code !== null && code <= 255 ? code : null;
}

/** A time that a Date can be made of; anything else would be shown as "Invalid Date". */
export function time(value: unknown): string | null {
  return typeof value === 'string' && value.length <= 40 && !Number.isNaN(isoMs(value)) ? value : null;
}

/** argv cut so that its JSON takes at most LONGEST_COMMAND_BYTES, and whether it was. */
export function cutCommand(argv: readonly string[]): { command: string[]; cut: boolean } {
  const command: string[] = [];
  let left = LONGEST_COMMAND_BYTES - 1; // each argument brings a bracket or comma; one bracket is over
  for (const argument of argv) {
    const bytes = Buffer.byteLength(JSON.stringify(argument)) + 1;
    if (bytes > left) {
      const piece = cutText(argument, left - 1);
      if (piece !== '') command.push(piece);
      return { command, cut: true };
    }
    command.push(argument);
    left -= bytes;
  }
  return { command, cut: false };
}

/** The longest beginning of `text` (found by halving) whose JSON takes at most `bytes`. */
function cutText(text: string, bytes: number): string {
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (Buffer.byteLength(JSON.stringify(text.slice(0, middle))) <= bytes) low = middle;
    else high = middle - 1;
  }
  return text.slice(0, low);
}
