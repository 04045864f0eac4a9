import { closeSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import type { Identity, ProcessId } from '../model/liveness.js';
import type { KeptOutput } from '../model/output.js';
import {
  type Beginning,
  beginningFrom,
  type End,
  endFrom,
  idOf,
  integer,
  type JournalMark,
  markFrom,
  parseObject,
  time,
} from '../model/record.js';
import { isRunId, type RunId } from '../model/run-id.js';
import { readRange } from '../platform/durable.js';
import { O_NOFOLLOW, openFile } from '../platform/open-file.js';

/** The lines of a start record have fixed places, so that 2 and 3 can be overwritten on a full disk. */
const BLOCK_BYTES = 4096;
const CHILD_BYTES = 256;
const END_BYTES = 8192;

/** What line 1 says: the run as it began, who supervises it, and where the journal stood. */
export interface StartLine {
  readonly beginning: Beginning;
  readonly wrapper: Identity;
  readonly journal: JournalMark;
}

/** A start record as a reader finds it. */
export interface StartRecord extends StartLine {
  readonly id: RunId;
  /** Line 2; null while the command is being started, or where it never was. */
  readonly child: ProcessId | null;
  /** Line 3, or the file's name; null while nobody has said how the run ended. */
  readonly end: End | null;
}

/** The bytes of a start record, and where its second and third line begin. */
export interface StartRecordBytes {
  readonly bytes: Buffer;
  readonly childAt: number;
  readonly endAt: number;
}

/** Line 1 is as long as it needs to be; it is padded so that line 3 begins with a block, whose write is never torn. */
export function encodeStartRecord(start: StartLine): StartRecordBytes {
  const line = JSON.stringify({ ...start.beginning, wrapper: start.wrapper, journal: start.journal });
  const length = Buffer.byteLength(line);
  const endAt = Math.ceil((length + 1 + CHILD_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
  const childAt = endAt - CHILD_BYTES;
  // Padded as text: each method of Buffer is compiled when it is first called, in every run.
  const text = line + emptyLine(childAt - length) + emptyLine(CHILD_BYTES) + emptyLine(END_BYTES);
  return { bytes: Buffer.from(text), childAt, endAt };
}

function emptyLine(bytes: number): string {
  return `${' '.repeat(bytes - 1)}\n`;
}

/** What is written over line 2. */
export function encodeChild(child: ProcessId): Buffer {
  return Buffer.from(JSON.stringify(child));
}

/** What is written over line 3. `output`: as it is known at the end; its path stands in line 1. */
export function encodeEnd(
  end: End,
  previousCompletedAt: string | null,
  output: KeptOutput | null = null,
): Buffer {
  const kept = output === null ? null : { bytes: output.bytes };
  return Buffer.from(JSON.stringify({ ...end, previous_completed_at: previousCompletedAt, output: kept }));
}

/** The name that carries an end where not even line 3 could be written. */
export function endedFileName(id: RunId, end: End): string {
  const endedMs = Date.parse(end.ended_at);
  const parts = [end.status, end.reason, end.exit_code ?? 'x', end.signal ?? 'x', endedMs, end.duration_ms];
  return `${id}.end-${parts.join('-')}.jsonl`;
}

const FILE_NAME =
  /^([0-9a-f-]{36})(?:\.end-([a-z]+)-([a-z-]+)-(\d+|x)-(SIG[A-Z0-9]+|x)-(\d+)-(\d+))?\.jsonl$/;

/** The run id in the name of a start record, and the end if it carries one; null for any other file. */
export function readFileName(name: string): { id: RunId; end: End | null } | null {
  const match = FILE_NAME.exec(name);
  if (match === null || !isRunId(match[1] ?? '')) return null;
  const [, id = '', status, reason, code, signal, endedMs, durationMs] = match;
  if (status === undefined) return { id, end: null };
  const time = new Date(Number(endedMs));
  const endedAt = Number.isNaN(time.getTime()) ? null : time.toISOString();
  const end = endFrom({
    status,
    reason,
    exit_code: code === 'x' ? null : Number(code),
    signal: signal === 'x' ? null : signal,
    ended_at: endedAt,
    completed_at: status === 'completed' ? endedAt : null,
    duration_ms: Number(durationMs),
    killed: false,
    error: null,
  });
  return end === null ? null : { id, end };
}

/** The pieces of a start record's text. `torn`: its third line is there and does not parse (yet). */
export interface ParsedStart {
  readonly start: StartRecord;
  readonly torn: boolean;
}

/** Null where line 1 is not whole: then nothing was started. */
export function parseStartRecord(text: string, id: RunId, endInName: End | null): ParsedStart | null {
  const [first = '', second = '', third = ''] = text.split('\n', 3);
  const line1 = parseObject(first);
  const beginning = line1 === null ? null : beginningFrom(line1);
  const wrapper = line1 === null ? null : identityFrom(line1.wrapper);
  if (line1 === null || beginning === null || wrapper === null) return null;
  // A file that was copied or renamed by hand would stand for a run that has a record of its own.
  if (idOf(beginning) !== id) return null;
  const line3 = parseObject(third);
  const end = (line3 === null ? null : endFrom(line3)) ?? endInName;
  const start = {
    id,
    beginning: end === null || line3 === null ? beginning : knownAtEnd(beginning, line3),
    wrapper,
    journal: markFrom(line1.journal) ?? { ino: null, size: 0 },
    child: childFrom(second),
    end,
  };
  return { start, torn: line3 === null && end === null && /\S/.test(third) };
}

/** What the wrapper knew of the beginning only when the run was over. */
function knownAtEnd(beginning: Beginning, line3: Readonly<Record<string, unknown>>): Beginning {
  const { output } = beginning;
  return {
    ...beginning,
    previous_completed_at: time(line3.previous_completed_at) ?? beginning.previous_completed_at,
    // Null in there: the log could not be made after all.
    output: output === null || line3.output === null ? null : { ...output, bytes: bytesIn(line3.output) },
  };
}

function bytesIn(output: unknown): number | null {
  return integer((output as { bytes?: unknown } | undefined)?.bytes);
}

function childFrom(line: string): ProcessId | null {
  const json = parseObject(line);
  const pid = json === null ? null : integer(json.pid);
  return json === null || pid === null ? null : { pid, start_ticks: integer(json.start_ticks) };
}

function identityFrom(value: unknown): Identity | null {
  if (typeof value !== 'object' || value === null) return null;
  const json = value as Record<string, unknown>;
  const pid = integer(json.pid);
  if (pid === null) return null;
  return {
    machine_id: string(json.machine_id),
    host_name: string(json.host_name),
    boot_id: string(json.boot_id),
    pid_ns: string(json.pid_ns),
    time_ns: string(json.time_ns),
    pid,
    start_ticks: integer(json.start_ticks),
  };
}

function string(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** How often a third line that does not parse is looked at again, and how long apart: a write may be under way. */
const LOOKS = 3;
const LOOK_AGAIN_MS = 5;

/**
 * A file of `running/`: a start record, gone meanwhile, torn before anything was started (garbage), or whole and
 * not understood (strange: a newer version may know what it is, so it stays).
 */
export type Found = StartRecord | 'gone' | 'garbage' | 'strange';

/** Errno words of what stands where a start record should and is no file. */
const NO_FILE: readonly (string | null)[] = ['EINVAL', 'ELOOP', 'ENXIO'];

/** Reads one start record. `pause` holds the reader between two looks at a torn third line. */
export function readStartRecord(
  path: string,
  id: RunId,
  endInName: End | null,
  pause: (ms: number) => void,
): Found {
  for (let look = 0; ; look++) {
    let text: string;
    try {
      text = readText(path);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ENOENT') return 'gone';
      if (NO_FILE.includes(errno)) return 'strange';
      throw error;
    }
    const parsed = parseStartRecord(text, id, endInName);
    if (parsed === null) return parseObject(firstLine(text)) === null ? 'garbage' : 'strange';
    if (!parsed.torn || look === LOOKS) return parsed.start;
    pause(LOOK_AGAIN_MS);
  }
}

function firstLine(text: string): string {
  const end = text.indexOf('\n');
  return end === -1 ? text : text.slice(0, end);
}

/** Far beyond any start record: what is longer is none, and nobody waits until it is read. */
const LONGEST_BYTES = 1 << 20;

/** Nearly every start record fits; those of ten thousand runs, each in a buffer of its own, would be 120 MB. */
const USUAL_BYTES = BLOCK_BYTES + END_BYTES;
let shared: Buffer | null = null;

/**
 * Whether a usual start record has an empty third line. As text that would be eight thousand blanks for each run that goes
 * on, of which there may be hundreds.
 */
function isGoing(bytes: Buffer): boolean {
  blank ??= Buffer.from(emptyLine(END_BYTES));
  return bytes.length === USUAL_BYTES && bytes.subarray(BLOCK_BYTES).equals(blank);
}

let blank: Buffer | null = null;

/** Without the third line where that is empty. */
function readText(path: string): string {
  const { fd, size } = openFile(path, O_NOFOLLOW);
  try {
    if (size > USUAL_BYTES) return readRange(fd, 0, Math.min(size, LONGEST_BYTES)).toString('utf8');
    shared ??= Buffer.allocUnsafeSlow(USUAL_BYTES);
    const bytes = readRange(fd, 0, size, shared);
    return bytes.toString('utf8', 0, isGoing(bytes) ? BLOCK_BYTES : bytes.length);
  } finally {
    closeSync(fd);
  }
}
