// What makes a list of ten thousand jobs quick: most journals end in lines that cronrun wrote in one piece, and of those
// the status stands at a known place. Whoever finds anything else there asks state/journal.ts.
import {
  type CompletedGist,
  decodeRecord,
  type EndedGist,
  type EndedRecord,
  isEnded,
  time,
} from '../model/record.js';
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

/** A dozen lines, and less than two blocks more. */
const TAIL_BYTES = 8192;

const NEWLINE = 10;
const QUOTE = 34;
const BRACE = 123;
const ZERO = 48;

/** "2026-11-22T02:30:01.204Z" */
const TIME_LENGTH = 24;

const BEGINNING = Buffer.from('{"schema":1,');
/** Where the id stands and the job begins, if the line begins as cronrun writes it. */
const ID_AT = '{"schema":1,"cron_job_id":"'.length;
const ID_END = ID_AT + 'cron:'.length + 36;
const JOB = '","job":"';
/** The last field of a line that no settler wrote; nothing but the end of the line may follow. */
const UNSETTLED = Buffer.from('"journal":null}');
const STATUS = '","status":"';
/** What follows the job's name, by the first letter of the status. */
const WORDS = new Map(
  (['completed', 'failed', 'timeout', 'interrupted'] as const).map((status) => [
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
  const start = Math.max(0, journal.size - TAIL_BYTES);
  tail ??= Buffer.allocUnsafeSlow(TAIL_BYTES);
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
    const status = statusOfLine(bytes, from, to);
    const print = status === null ? 0 : fingerprint(bytes, from);
    if (status === null || seen.includes(print)) return null;
    if (records.length === 0 || (records.length === 1 && records[0]?.status !== 'completed')) {
      const record = readLine(bytes, from, to);
      if (record === null) return null;
      records.push(record);
    }
    seen.push(print);
    statuses.push(status);
    to = newline;
  }
  return { records, statuses };
}

/** The status of a whole line that its own wrapper wrote, from its place in the bytes; null for any other line. */
export function statusOfLine(bytes: Buffer, from: number, to: number): EndedRecord['status'] | null {
  if (!standsAt(bytes, BEGINNING, from) || !standsAt(bytes, UNSETTLED, to - UNSETTLED.length)) return null;
  const brace = bytes.indexOf(BRACE, from + 1);
  if (brace !== -1 && brace < to) return null; // perhaps torn, and the next line glued to it
  const at = bytes.indexOf(QUOTE, from + ID_END + JOB.length);
  const word = WORDS.get(bytes[at + STATUS.length] ?? 0);
  return word !== undefined && standsAt(bytes, word.bytes, at) ? word.status : null;
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
  return completedGist(bytes, from, to) ?? readWhole(bytes, from, to);
}

const COMPLETED = Buffer.from('","status":"completed","reason":"exited","exit_code":');
const STARTED_AT = Buffer.from(',"signal":null,"started_at":"');
const COMPLETED_AT = Buffer.from('","completed_at":"');
const ENDED_AT = Buffer.from('","ended_at":"');
const DURATION = Buffer.from('","duration_ms":');
const TIMEOUT = Buffer.from(',"timeout_ms":');
const PREVIOUS = Buffer.from('"previous_completed_at":"');
const NO_PREVIOUS = Buffer.from('"previous_completed_at":null');
const SETTLED_AT = Buffer.from(',"settled_at":null,"booted_at":null,"journal":null}');

/** Null where a field stands elsewhere than cronrun writes it, or a hole of zeros is in the line. */
function completedGist(bytes: Buffer, from: number, to: number): CompletedGist | null {
  const hole = bytes.indexOf(0, from);
  if (hole !== -1 && hole < to) return null;
  const line = new Cursor(bytes, bytes.indexOf(QUOTE, from + ID_END + JOB.length));
  const exitCode = line.pass(COMPLETED) ? line.number() : null;
  const started = line.pass(STARTED_AT) ? line.time() : null;
  const completed = line.pass(COMPLETED_AT) ? line.time() : null;
  const ended = line.pass(ENDED_AT) ? line.time() : null;
  const duration = line.pass(DURATION) ? line.number() : null;
  const isWhole = line.pass(TIMEOUT) && standsAt(bytes, SETTLED_AT, to - SETTLED_AT.length);
  if (!isWhole || exitCode === null || exitCode > 255 || duration === null) return null;
  if (started === null || completed === null || ended === null) return null;
  const previous = previousCompletion(bytes, to - SETTLED_AT.length);
  if (previous === undefined) return null;
  return {
    cron_job_id: bytes.toString('latin1', from + ID_AT, from + ID_END),
    status: 'completed',
    reason: 'exited',
    started_at: started,
    completed_at: completed,
    ended_at: ended,
    duration_ms: duration,
    previous_completed_at: previous,
    settled_at: null,
  };
}

/** The field that ends at `end`; undefined where it is neither a time nor null. */
function previousCompletion(bytes: Buffer, end: number): string | null | undefined {
  if (standsAt(bytes, NO_PREVIOUS, end - NO_PREVIOUS.length)) return null;
  const field = new Cursor(bytes, end - 1 - TIME_LENGTH - PREVIOUS.length);
  const previous = field.pass(PREVIOUS) ? field.time() : null;
  return previous === null || bytes[end - 1] !== QUOTE ? undefined : previous;
}

/** Goes through a line that is as cronrun writes it. */
class Cursor {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Steps over `piece`; false where something else stands. */
  pass(piece: Buffer): boolean {
    const stands = standsAt(this.#bytes, piece, this.#at);
    if (stands) this.#at += piece.length;
    return stands;
  }

  /** Steps over a whole number; null where none stands. */
  number(): number | null {
    const from = this.#at;
    let value = 0;
    for (; ; this.#at++) {
      const digit = (this.#bytes[this.#at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    return this.#at > from && value <= Number.MAX_SAFE_INTEGER ? value : null;
  }

  /** Steps over a time; null where none stands. */
  time(): string | null {
    const from = this.#at;
    this.#at += TIME_LENGTH;
    return time(this.#bytes.toString('latin1', from, this.#at));
  }
}
