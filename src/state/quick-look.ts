// What makes a list of ten thousand jobs quick: most journals end in lines that cronrun wrote in one piece, and of those
// the status stands at a known place. Whoever finds anything else there asks state/journal.ts.
import {
  type CompletedGist,
  decodeRecord,
  type EndedGist,
  type EndedRecord,
  integer,
  isEnded,
  type JournalRecord,
  time,
} from '../model/record.js';
import { readRunId } from '../model/run-id.js';
import { readInto } from '../platform/durable.js';

/** A job's last runs, as a list of jobs shows them. */
export interface Recent<Ended extends EndedGist> {
  /** The last ones. */
  readonly records: readonly Ended[];
  /** Of these and the ones before, last ended first. */
  readonly statuses: readonly EndedRecord['status'][];
}

/** Reads the line that stands between two places; null for one that it does not take. */
export type ReadLine<Ended extends EndedGist> = (bytes: Buffer, from: number, to: number) => Ended | null;

/** So much is read for each line: enough for all but the longest commands. */
const LINE_BYTES = 1024;
const TAIL_BYTES = 12_288;

const NEWLINE = 10;
const QUOTE = 34;
const BRACE = 123;

const BEGINNING = Buffer.from('{"schema":1,');
/** Where the id stands and the job begins, if the line begins as cronrun writes it. */
const ID_AT = '{"schema":1,"cron_job_id":"'.length;
const ID_END = ID_AT + 'cron:'.length + 36;
const JOB = '","job":"';
/** How a line ends: what is there always stands last. A line of version 0.1 does not, and is decoded. */
const END = Buffer.from('"previous_completed_at":');
const NEVER = Buffer.from('null}');
const TIME_END = Buffer.from('"}');
const TIME_BYTES = '"2026-11-22T01:30:01.204Z"}'.length;
/** What alone may have a brace of its own in a line that no settler wrote, up to where another line cannot begin. */
const OUTPUT = Buffer.from('"output":{"path":');
const OUTPUT_BRACE = OUTPUT.indexOf(BRACE);
const STATUS = '","status":"';
/** What follows the job's name, by the first letter of the status. */
const WORDS = new Map(
  (['completed', 'failed', 'timeout', 'interrupted', 'skipped'] as const).map((status) => [
    status.charCodeAt(0),
    { status, bytes: Buffer.from(`${STATUS}${status}"`) },
  ]),
);

let tail: Buffer | null = null;

/**
 * The last `count` runs of a journal, of which only the last is parsed, and one more where the last did not complete (of
 * two runs that ended in one moment either may stand last). Null where a line is not as a wrapper writes it, a run
 * stands twice, or `count` runs take more than the tail.
 */
export function quickLook<Ended extends EndedGist>(
  journal: { readonly fd: number; readonly size: number },
  count: number,
  readLine: ReadLine<Ended>,
): Recent<Ended> | null {
  const length = Math.min(TAIL_BYTES, count * LINE_BYTES);
  const start = Math.max(0, journal.size - length);
  if (tail === null || tail.length < length) tail = Buffer.allocUnsafeSlow(length);
  const bytes = tail;
  const records: Ended[] = [];
  const statuses: EndedRecord['status'][] = [];
  const seen: number[] = [];
  let to = readInto(journal.fd, bytes, start, journal.size - start) - 1;
  if (to >= 0 && bytes[to] !== NEWLINE) return null;
  while (to > 0 && statuses.length < count) {
    // Not -1: that would be counted from the end.
    const newline = bytes.lastIndexOf(NEWLINE, to - 1);
    if (newline === -1 && start > 0) return null;
    const from = newline + 1;
    const end = to;
    const status = statusOfLine(bytes, from, end);
    const print = status === null ? 0 : fingerprint(bytes, from);
    if (status === null || seen.includes(print)) return null;
    seen.push(print);
    to = newline;
    if (status === 'skipped') continue;
    if (records.length === 0 || (records.length === 1 && records[0]?.status !== 'completed')) {
      const record = readLine(bytes, from, end);
      if (record === null) return null;
      records.push(record);
    }
    statuses.push(status);
  }
  return { records, statuses };
}

/** The status of a whole line that its own wrapper wrote, from its place in the bytes; null for any other line. */
export function statusOfLine(bytes: Buffer, from: number, to: number): JournalRecord['status'] | null {
  if (!standsAt(bytes, BEGINNING, from)) return null;
  if (!isWhole(bytes, to) || hasBraces(bytes, from + 1, to)) return null;
  let at = from + ID_END + JOB.length;
  while (at < to && bytes[at] !== QUOTE) at++; // of so few bytes faster than indexOf
  const word = WORDS.get(bytes[at + STATUS.length] ?? 0);
  return word !== undefined && standsAt(bytes, word.bytes, at) ? word.status : null;
}

function isWhole(bytes: Buffer, to: number): boolean {
  if (standsAt(bytes, NEVER, to - NEVER.length)) return standsAt(bytes, END, to - NEVER.length - END.length);
  return (
    standsAt(bytes, TIME_END, to - TIME_END.length) && standsAt(bytes, END, to - TIME_BYTES - END.length)
  );
}

/** Any brace but that of kept output: perhaps the line is torn, and the next one glued to it; or a settler wrote it. */
function hasBraces(bytes: Buffer, from: number, to: number): boolean {
  const brace = bytes.indexOf(BRACE, from);
  if (brace === -1 || brace >= to) return false;
  if (!standsAt(bytes, OUTPUT, brace - OUTPUT_BRACE)) return true;
  const next = bytes.indexOf(BRACE, brace + 1);
  return next !== -1 && next < to;
}

/** Not `Buffer.compare`: of so few bytes the call would take longer than the comparison. */
function standsAt(bytes: Buffer, piece: Buffer, at: number): boolean {
  for (let index = 0; index < piece.length; index++) {
    if (bytes[at + index] !== piece[index]) return false;
  }
  return true;
}

/** The engine keeps numbers up to this one without an object for each. */
const SMALL = 0x3fffffff;

/** The random end of a run's id as a number: two that differ are two runs. */
function fingerprint(bytes: Buffer, from: number): number {
  let print = 0;
  for (let at = from + ID_END - 8; at < from + ID_END; at++) print = (print * 31 + (bytes[at] ?? 0)) & SMALL;
  return print;
}

/** All of a line. */
export function readWhole(bytes: Buffer, from: number, to: number): EndedRecord | null {
  const record = decodeRecord(bytes.toString('utf8', from, to));
  return record !== null && isEnded(record) ? record : null;
}

/** Of a completed run what a list of jobs shows, which is most of the time saved; of any other all. */
export function readGist(bytes: Buffer, from: number, to: number): EndedGist | null {
  return completedGist(bytes.toString('latin1', from, to)) ?? readWhole(bytes, from, to);
}

const TEXT = String.raw`"[^"\\\x00-\x1f]*"`;
const TIME = '"([0-9TZ:.-]{24})"';
const NUMBER = '(?:0|[1-9][0-9]*)';

/** What is read out of a line has to be the same in every encoding. */
const PLAIN_TEXT = String.raw`"([ !#-\[\]-~]*)"`;

const HEX = '"[0-9a-f]+"';

/** What stands behind the job's name, field by field; a text with a backslash in it is left to the parser. */
const ALWAYS: readonly Field[] = [
  ['status', '"completed"'],
  ['reason', '"exited"'],
  ['exit_code', `(${NUMBER})`],
  ['signal', 'null'],
  ['started_at', TIME],
  ['completed_at', TIME],
  ['ended_at', TIME],
  ['duration_ms', `(${NUMBER})`],
  ['timeout_ms', `(?:null|${NUMBER})`],
  ['command', String.raw`\[(?:${TEXT}(?:,${TEXT})*)?\]`],
  ['cwd', `(?:null|${TEXT})`],
  ['host', `(?:null|${TEXT})`],
  ['user', `(?:null|${TEXT})`],
  ['pid', `(?:null|${NUMBER})`],
];

type Field = readonly [name: string, value: string];

/** The same of what is left out where there is nothing to say. */
const SELDOM: readonly Field[] = [
  ['timeout_source', TEXT],
  ['timeout_signal', TEXT],
  ['kill_after_ms', NUMBER],
  ['command_cut', 'true'],
  ['checkpoint', TEXT],
  ['checkpoint_at', TEXT],
  ['previous_checkpoint', TEXT],
  ['output', `{"path":${TEXT},"bytes":(?:null|${NUMBER})}`],
  ['trace_id', HEX],
  ['span_id', HEX],
  ['parent_span_id', HEX],
  ['schedule', PLAIN_TEXT],
  ['schedule_zone', PLAIN_TEXT],
  ['grace_ms', `(${NUMBER})`],
];

const LAST: Field = ['previous_completed_at', `(?:null|${TIME})`];

function field([name, value]: Field): string {
  return `,"${name}":${value}`;
}

/**
 * All of the line, so that nothing is taken for a record that a parser would not take for the same one: a field that
 * stands twice, a hole of zeros.
 */
const COMPLETED = new RegExp(
  `^{"schema":1,"cron_job_id":"(cron:[0-9a-f-]{36})","job":"[A-Za-z0-9._-]+"${ALWAYS.map(field).join('')}${SELDOM.map(
    (one) => `(?:${field(one)})?`,
  ).join('')}${field(LAST)}}$`,
);

/** Null for any line but that of a completed run as its wrapper writes it. */
export function completedGist(line: string): CompletedGist | null {
  const match = COMPLETED.exec(line);
  if (match === null) return null;
  const [, id = '', exitCode, started, completed, ended, durationMs, ...more] = match;
  const [schedule = null, schedule_zone = null, graceMs, previous] = more;
  const [started_at, completed_at, ended_at] = [time(started), time(completed), time(ended)];
  const duration_ms = integer(Number(durationMs));
  if (readRunId(id) === null || Number(exitCode) > 255 || duration_ms === null) return null;
  if (started_at === null || completed_at === null || ended_at === null) return null;
  return {
    cron_job_id: id,
    status: 'completed',
    reason: 'exited',
    started_at,
    completed_at,
    ended_at,
    duration_ms,
    previous_completed_at: time(previous),
    settled_at: null,
    schedule,
    schedule_zone,
    grace_ms: graceMs === undefined ? null : integer(Number(graceMs)),
  };
}
