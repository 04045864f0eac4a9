import { closeSync } from 'node:fs';
import { resumeAfter } from '../model/checkpoint.js';
import { RECENT } from '../model/job-runs.js';
import {
  decodeRecord,
  type EndedGist,
  type EndedRecord,
  endOf,
  idOf,
  isEnded,
  isInferred,
  type JournalMark,
  type JournalRecord,
  type RunRecord,
  SCHEMA,
  type SkippedRecord,
} from '../model/record.js';
import { ID_PREFIX, isRunId, type RunId } from '../model/run-id.js';
import { CLOSING, closingOf, readRange } from '../platform/durable.js';
import type { OpenFile } from '../platform/open-file.js';
import { completedGist, quickLook, type ReadLine, type Recent } from './quick-look.js';
import { type Journal, openNewest, withOlder } from './segments.js';

/** How often a reader begins anew whose journal was written anew under him. */
const BEGINNINGS = 10;

class Gone extends Error {}

/**
 * Opens a journal, hands it to `read` and closes it; `absent` where no run has ended. Where the file is replaced before
 * what is older could be found, `read` is called once more, with what is there now.
 */
export function withJournal<T>(path: string, absent: T, read: (journal: Journal) => T): T {
  for (let left = BEGINNINGS; ; left--) {
    const newest = openNewest(path);
    if (newest === null) return absent;
    try {
      return withOlder(path, newest, read, () => {
        if (left > 1) throw new Gone();
      });
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
    } finally {
      closeSync(newest.fd);
    }
  }
}

/** Read at once from the end: a dozen lines at first, then more; a line that is longer makes it grow. */
const FIRST_WINDOW_BYTES = 8192;
const WINDOW_BYTES = 65_536;
/** Read at once where only newlines are looked for. */
const SCAN_BYTES = 1 << 20;
const NEWLINE = 10;

export interface Line {
  readonly text: string;
  /** Its first byte's place in the file. */
  readonly at: number;
}

/** Ten times as long as any record, whose command is cut at 32 KiB; whatever somebody put there is not taken into memory. */
const LONGEST_LINE_BYTES = 1 << 22;
const TOO_LONG = '(too long for a line)';

/**
 * The lines of one file from the last to the first, blank ones included. One of more than 4 MiB is there, and its
 * text is not. What stands behind a closing is left out: its writer has appended it anew.
 */
export function* linesFromEnd(file: OpenFile): Generator<Line> {
  for (const lines of windowsFromEnd(file)) {
    for (const line of lines) if (line.text.charCodeAt(0) !== CLOSING) yield line;
  }
}

/** A journal and all that is older, the newest first. */
function* filesFromEnd(journal: Journal): Generator<Journal> {
  for (let file: Journal | null = journal; file !== null; file = file.older()) yield file;
}

/** The same, as many at a time as were read at once. */
function* windowsFromEnd(journal: OpenFile): Generator<Line[]> {
  let end = journal.size;
  let window = FIRST_WINDOW_BYTES;
  while (end > 0) {
    const start = Math.max(0, end - window);
    const bytes = readWindow(journal.fd, start, end);
    // Whole lines only: the first one may have begun before the window.
    const first = start === 0 ? 0 : bytes.indexOf(NEWLINE) + 1;
    if (start > 0 && (first === 0 || first === bytes.length)) {
      window *= 2;
      if (window <= LONGEST_LINE_BYTES) continue;
      end = lineStart(journal.fd, start);
      yield [{ text: TOO_LONG, at: end }];
    } else {
      yield linesOf(bytes, first, start);
      end = start + first;
    }
    window = WINDOW_BYTES;
  }
}

/** Where the line begins that goes on at `before`. */
function lineStart(fd: number, before: number): number {
  const buffer = Buffer.allocUnsafeSlow(SCAN_BYTES); // one for all: freed late, those of a long way back would add up
  for (let end = before; end > 0; end -= SCAN_BYTES) {
    const start = Math.max(0, end - SCAN_BYTES);
    const newline = readRange(fd, start, end, buffer).lastIndexOf(NEWLINE);
    if (newline !== -1) return start + newline + 1;
  }
  return 0;
}

let shared: Buffer | null = null;

/** One buffer serves every window of usual size; whoever reads it is done before anybody reads the next. */
function readWindow(fd: number, start: number, end: number): Buffer {
  const length = end - start;
  if (length > FIRST_WINDOW_BYTES) return readRange(fd, start, end);
  shared ??= Buffer.allocUnsafeSlow(FIRST_WINDOW_BYTES);
  return readRange(fd, start, end, shared);
}

/** All at once, so that the buffer may be used again while somebody still goes through the lines. */
function linesOf(bytes: Buffer, first: number, offset: number): Line[] {
  const text = bytes.toString('utf8', first);
  // Where every character is a byte, and nearly everywhere it is, places in the text are places in the file.
  return text.length === bytes.length - first
    ? linesOfText(text, offset + first)
    : linesOfBytes(bytes, first, offset);
}

/** Forwards, because the engine looks for one character forwards ten times as fast, then turned round. */
function linesOfText(text: string, offset: number): Line[] {
  const lines: Line[] = [];
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    lines.push({ text: text.slice(start, end), at: offset + start });
    start = end + 1;
  }
  return lines.reverse();
}

function linesOfBytes(bytes: Buffer, first: number, offset: number): Line[] {
  const lines: Line[] = [];
  let end = bytes.length;
  while (end > first) {
    const textEnd = bytes[end - 1] === NEWLINE ? end - 1 : end;
    const start = textEnd === first ? first : Math.max(first, bytes.lastIndexOf(NEWLINE, textEnd - 1) + 1);
    lines.push({ text: bytes.toString('utf8', start, textEnd), at: offset + start });
    end = start;
  }
  return lines;
}

/** Counts what a reader had to pass over. */
export interface Skipped {
  count: number;
}

/**
 * The runs of a journal, last ended first, each once. What does not parse is counted and passed over. Of two
 * lines of one run the wrapper's own word counts, and of two settled ones the first: a settler that stalled
 * between its look and its write must not make an old run the last one. With a `status` only those that have it,
 * and of those that completed no more than a glance is taken where others are asked for.
 */
export function runsFromEnd(
  journal: Journal,
  skipped: Skipped,
  status: EndedRecord['status'] | null = null,
): Generator<EndedRecord> {
  return placed(journal, skipped, status, false) as Generator<EndedRecord>;
}

/** The same with what was not begun because another run went on. */
export function recordsFromEnd(
  journal: Journal,
  skipped: Skipped,
  status: JournalRecord['status'] | null = null,
): Generator<JournalRecord> {
  return placed(journal, skipped, status, true);
}

function* placed(
  journal: Journal,
  skipped: Skipped,
  status: JournalRecord['status'] | null,
  all: boolean,
): Generator<JournalRecord> {
  const held: JournalRecord[] = [];
  for (const record of linesThatCount(journal, skipped, status)) {
    if (all || record.status !== 'skipped') yield* inPlace(record, held);
  }
  yield* held;
}

/**
 * A run whose end its wrapper could only keep in the start record was moved into the journal later, behind runs that
 * ended after it. It is held until `record`, going back in time, is one that ended before it.
 *
 * @returns `record` and those held that come before it, last ended first.
 */
function inPlace(record: JournalRecord, held: JournalRecord[]): JournalRecord[] {
  const at = held.findIndex((other) => endOf(other) < endOf(record));
  const before = at === -1 ? held.length : at;
  if (record.settled_at === null || isInferred(record)) return [...held.splice(0, before), record];
  held.splice(before, 0, record);
  return [];
}

function* linesThatCount(
  journal: Journal,
  skipped: Skipped,
  status: JournalRecord['status'] | null,
): Generator<JournalRecord> {
  const seen = new Set<string>();
  for (const file of filesFromEnd(journal)) {
    for (const line of linesFromEnd(file)) {
      const isOther = status !== null && status !== 'completed' && completedGist(line.text) !== null;
      const id = isOther ? glimpseId(line.text) : null;
      if (id !== null) {
        seen.add(apart(id));
        continue;
      }
      const record = countingRecord(file, line, (other) => seen.has(other), skipped);
      if (record === null) continue;
      seen.add(idOf(record));
      if (status === null || record.status === status) yield record;
    }
  }
}

/** The same text with bytes of its own: a piece of a line would keep the whole block that it was read with. */
function apart(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** The last `count` runs; unless `all` are wanted whole, of most no more than the status. */
export function recentRuns<Ended extends EndedGist>(
  journal: Journal,
  count: number,
  all: boolean,
  skipped: Skipped,
  readLine: ReadLine<Ended>,
): Recent<Ended | EndedRecord> {
  const quick = all ? null : quickLook(journal, count, readLine);
  // A young journal goes on in the one before.
  if (quick !== null && (quick.statuses.length === count || journal.older() === null)) return quick;
  const records: EndedRecord[] = [];
  for (const record of runsFromEnd(journal, skipped)) {
    if (records.push(record) === count) break;
  }
  return { records, statuses: records.map((record) => record.status) };
}

/** The record of a line if it counts; see runsFromEnd. */
function countingRecord(
  journal: Journal,
  line: Line,
  isSeen: (id: string) => boolean,
  skipped: Skipped,
): JournalRecord | null {
  if (line.text.trim() === '') return null;
  const record = decodeRecord(line.text);
  if (record === null || record.status === 'running') {
    skipped.count++;
    return null;
  }
  return isSeen(idOf(record)) || standsBefore(journal, record, line.at) ? null : record;
}

/**
 * Whether a line of the same run that counts for as much stands between the run's start and `at`. What a wrapper
 * said counts for more than any inference, also where a settler moved it behind one.
 */
function standsBefore(journal: Journal, record: RunRecord, at: number): boolean {
  if (record.settled_at === null) return false;
  const id = idOf(record);
  for (const line of linesSince(journal, record.journal, at)) {
    const other = line.includes(id) ? decodeRecord(line) : null;
    if (other !== null && idOf(other) === id && (isInferred(record) || !isInferred(other))) return true;
  }
  return false;
}

/** Whether `mark` was taken in this file, which was the journal then. */
function isMarked(file: OpenFile, mark: JournalMark | null): mark is JournalMark {
  if (mark === null || mark.ino !== file.ino || mark.size > file.size) return false;
  return mark.born === undefined || mark.born === file.born;
}

/** Where in this file the first line of a run can stand that began when `mark` was taken, or later. */
function searchFrom(file: OpenFile, mark: JournalMark | null): number {
  return isMarked(file, mark) ? mark.size : 0;
}

/** Whether lines may have been appended since `mark` was taken. */
export function hasGrown(journal: OpenFile, mark: JournalMark | null): boolean {
  return !isMarked(journal, mark) || mark.size !== journal.size;
}

/**
 * The lines between a mark and `end` in `journal`, from the last to the first. Where the journal of the mark is gone,
 * all that is there counts.
 */
function* linesSince(journal: Journal, mark: JournalMark | null, end = journal.size): Generator<string> {
  for (const file of filesFromEnd(journal)) {
    const from = searchFrom(file, mark);
    for (const line of linesFromEnd(file === journal ? { ...file, size: end } : file)) {
      if (line.at < from) break;
      yield line.text;
    }
    if (isMarked(file, mark)) return;
  }
}

/** Whether the file in which `mark` was taken is still there. Where there was none then, all that is there is new. */
export function hasMark(journal: Journal, mark: JournalMark): boolean {
  if (mark.ino === null) return true;
  for (const file of filesFromEnd(journal)) if (isMarked(file, mark)) return true;
  return false;
}

/** So many lines before a mark are asked whether they are of a run that stands after it once more. */
const DOUBLES_WITHIN = 100;

/**
 * The runs whose lines were appended after `mark`, the last appended first, each once. A run that has a line shortly before
 * the mark is left out: what stands after it is a double. Null: all that there are.
 */
export function* runsSince(journal: Journal, mark: JournalMark | null): Generator<EndedRecord> {
  const seen = idsBefore(journal, mark);
  for (const file of filesFromEnd(journal)) {
    const from = searchFrom(file, mark);
    for (const line of linesFromEnd(file)) {
      if (line.at < from) break;
      const record = countingRecord(file, line, (id) => seen.has(id), { count: 0 });
      if (record === null) continue;
      seen.add(apart(idOf(record)));
      if (isEnded(record)) yield record;
    }
    if (isMarked(file, mark)) return;
  }
}

function idsBefore(journal: Journal, mark: JournalMark | null): Set<RunId> {
  const ids = new Set<RunId>();
  for (const file of filesFromEnd(journal)) {
    if (!isMarked(file, mark)) continue;
    let looked = 0;
    for (const line of linesFromEnd({ ...file, size: mark.size })) {
      const id = glimpseId(line.text);
      if (id !== null) ids.add(apart(id));
      if (++looked === DOUBLES_WITHIN) break;
    }
    break;
  }
  return ids;
}

/**
 * @see markOf: after the last whole line. What stands behind that may be a line of which only a part can be seen yet.
 */
export function markOfWhole(journal: OpenFile): JournalMark {
  if (closingOf(journal.fd, journal.size) === '') return markOf(journal);
  for (const line of linesFromEnd(journal)) return markOf({ ...journal, size: line.at });
  return markOf({ ...journal, size: 0 });
}

/** A run that somebody looks for, and where the journal stood when it began. */
export interface Sought {
  readonly id: RunId;
  readonly journal: JournalMark;
}

/** Which of the runs have a whole line in the journal. Only what was appended since they began is read. */
export function findInJournal(journal: Journal, sought: readonly Sought[]): Set<RunId> {
  const found = new Set<RunId>();
  let open = sought;
  for (let file: Journal | null = journal; file !== null; file = file.older()) {
    findIn(file, open, found);
    const here: OpenFile = file;
    open = open.filter((run) => !found.has(run.id) && !isMarked(here, run.journal));
    if (open.length === 0) break;
  }
  return found;
}

function findIn(file: OpenFile, sought: readonly Sought[], found: Set<RunId>): void {
  const from = sought.reduce((least, run) => Math.min(least, searchFrom(file, run.journal)), file.size);
  if (from >= file.size) return;
  const wanted = new Set(sought.map((run) => run.id));
  for (const line of linesFromEnd(file)) {
    if (line.at < from) break;
    const id = glimpseId(line.text);
    if (id !== null && wanted.has(id) && decodeRecord(line.text) !== null) found.add(id);
  }
}

const ID_FIELD = `"cron_job_id":"${ID_PREFIX}`;

/** The id that a line seems to be of, without parsing it. */
function glimpseId(line: string): RunId | null {
  const at = line.indexOf(ID_FIELD);
  if (at === -1) return null;
  const id = line.slice(at + ID_FIELD.length, at + ID_FIELD.length + 36);
  return isRunId(id) ? id : null;
}

/** The latest of the completions that were appended after `mark`, or `known`. */
export function latestCompletion(journal: Journal, mark: JournalMark, known: string | null): string | null {
  if (!hasGrown(journal, mark)) return known;
  let latest = known;
  for (const line of linesSince(journal, mark)) {
    latest = laterTime(latest, decodeRecord(line)?.completed_at ?? null);
  }
  return latest;
}

/** What a run could go on from, once what was appended after `mark` is known, or `known`. */
export function latestResume(journal: Journal, mark: JournalMark, known: string | null): string | null {
  if (!hasGrown(journal, mark)) return known;
  for (const line of linesSince(journal, mark)) {
    const record = decodeRecord(line);
    if (record !== null && record.status !== 'skipped') return resumeAfter(record);
  }
  return known;
}

/** The same by the last line of the journal. */
export function lastResume(journal: Journal): string | null {
  for (const record of runsFromEnd(journal, { count: 0 })) return resumeAfter(record);
  return null;
}

/** When a run of the job last completed, by the last lines of its journal: each carries what stood before it. */
export function lastCompletion(journal: Journal): string | null {
  let latest: string | null = null;
  let looked = 0;
  for (const record of runsFromEnd(journal, { count: 0 })) {
    latest = laterTime(latest, laterTime(record.completed_at, record.previous_completed_at));
    if (++looked === RECENT) break;
  }
  return latest;
}

/**
 * Both, for a line that is to be appended. A job that is blocked for long has thousands of lines of what was skipped, and
 * each has both from the one before it.
 */
export function knownBefore(
  journal: Journal,
): Pick<SkippedRecord, 'previous_checkpoint' | 'previous_completed_at'> {
  const skip = lastOfSkips(journal);
  if (skip === null) {
    return { previous_checkpoint: lastResume(journal), previous_completed_at: lastCompletion(journal) };
  }
  const { previous_checkpoint, previous_completed_at } = skip;
  return { previous_checkpoint, previous_completed_at };
}

/**
 * The last line, where all of the last few are of what was skipped: before a single one the end of a run may stand that it
 * did not see, because both were appended at the same moment.
 */
function lastOfSkips(journal: Journal): SkippedRecord | null {
  let last: SkippedRecord | null = null;
  let looked = 0;
  for (const file of filesFromEnd(journal)) {
    for (const line of linesFromEnd(file)) {
      if (line.text.trim() === '') continue;
      const record = decodeRecord(line.text);
      if (record?.status !== 'skipped' || record.schema !== SCHEMA) return null;
      last ??= record;
      if (++looked === RECENT) return last;
    }
  }
  return null;
}

/** The statuses of the runs since the last completed one, last ended first; at most `most`. */
export function statusesSinceCompletion(journal: Journal, most: number): EndedRecord['status'][] {
  const statuses: EndedRecord['status'][] = [];
  for (const { status } of runsFromEnd(journal, { count: 0 })) {
    if (status === 'completed' || statuses.length === most) break;
    statuses.push(status);
  }
  return statuses;
}

/** The later of two ISO 8601 times in UTC; null is earlier than any. */
export function laterTime(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? b : a;
}

/** How the journal stands now, for a start record. */
export function markOf(journal: OpenFile | null): JournalMark {
  if (journal === null) return { ino: null, size: 0 };
  const { ino, size, born } = journal;
  return born > 0 ? { ino, size, born } : { ino, size };
}

/** How many lines a journal has, and its first line. Counted bytewise: a million lines take a tenth of a second. */
export function measure(journal: Journal): { lines: number; first: string | null } {
  const buffer = Buffer.allocUnsafeSlow(SCAN_BYTES);
  let lines = 0;
  let first: string | null = null;
  for (const file of filesFromEnd(journal)) {
    const size = measureFile(file, buffer);
    lines += size.lines;
    if (size.lines > 0) first = size.first;
  }
  return { lines, first };
}

function measureFile(file: OpenFile, buffer: Buffer): { lines: number; first: string | null } {
  let lines = 0;
  let first: string | null = null;
  let last = NEWLINE;
  for (let at = 0; at < file.size; at += SCAN_BYTES) {
    const bytes = readRange(file.fd, at, Math.min(file.size, at + SCAN_BYTES), buffer);
    if (bytes.length === 0) break;
    if (at === 0) first = bytes.toString('utf8', 0, Math.max(0, bytes.indexOf(NEWLINE)));
    for (let i = bytes.indexOf(NEWLINE); i !== -1; i = bytes.indexOf(NEWLINE, i + 1)) lines++;
    last = bytes[bytes.length - 1] ?? NEWLINE;
  }
  return { lines: last === NEWLINE || last === CLOSING ? lines : lines + 1, first };
}

/** The runs whose id `fits`, last ended first. Only lines of such runs are parsed. */
export function searchJournal(journal: Journal, fits: (id: RunId) => boolean): RunRecord[] {
  const records: RunRecord[] = [];
  const seen = new Set<RunId>();
  for (const file of filesFromEnd(journal)) {
    for (const line of linesFromEnd(file)) {
      const id = glimpseId(line.text);
      if (id === null || seen.has(id) || !fits(id)) continue;
      const record = decodeRecord(line.text);
      if (record === null || standsBefore(file, record, line.at)) continue;
      seen.add(id);
      records.push(record);
    }
  }
  return records;
}
