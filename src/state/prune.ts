import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  statSync,
} from 'node:fs';
import { errnoOf } from '../errors.js';
import { decodeRecord, idOf, isEnded, SCHEMA, type SkippedRecord } from '../model/record.js';
import { type Prunable, skipsThatMayGo, type Unwanted, whatMayGo } from '../model/retention.js';
import { isRunId, type RunId } from '../model/run-id.js';
import {
  appendDurably,
  CLOSING,
  closingOf,
  type Modes,
  readRange,
  removeIfThere,
  syncDirectory,
  writeWhole,
} from '../platform/durable.js';
import { listDirectory } from '../platform/list-directory.js';
import { jobDirectory, journalPath, outputDirectory, runningDirectory } from './directory.js';
import { recordsFromEnd, withJournal } from './journal.js';
import { numberSegments, rotateJournal } from './rotate.js';
import { listSegments } from './segments.js';
import { readFileName } from './start-record.js';
import { keepTally } from './tally.js';

/** What pruning a job removes, and what is left of it. */
export interface Pruned {
  readonly job: string;
  /** How many runs go. */
  readonly removed: number;
  /** How many records go of what was not begun because another run went on. */
  readonly skipped: number;
  readonly bytes: number;
  /** How many runs that ended stay. */
  readonly kept: number;
  /** When the oldest of these started, ISO 8601; null if there is none. */
  readonly since: string | null;
}

/** @see Pruned: with the ids of the runs that go. */
export interface PrunePlan extends Pruned {
  readonly ids: ReadonlySet<RunId>;
}

/**
 * What may go of a job whose runs are settled. A run that has a start record is not over for all that is known: one that
 * a power cut brings back would stand alone, and call a completed run lost. So the names in `running/` are listed after
 * the journal was read.
 *
 * @param waiting runs that are over and not settled: newer than all others.
 */
export function planPruning(
  stateDir: string,
  job: string,
  unwanted: Unwanted,
  waiting: readonly Prunable[] = [],
): PrunePlan {
  const { ended, skips } = recordsOf(stateDir, job);
  const runs = [...waiting, ...ended];
  const unsettled = new Set(
    listDirectory(runningDirectory(stateDir, job)).map((name) => readFileName(name)?.id),
  );
  const gone = whatMayGo(runs, unwanted).filter((run) => !unsettled.has(idOf(run)));
  const goneSkips = skipsThatMayGo(skips, runs, unwanted);
  const ids = new Set([...gone, ...goneSkips].map(idOf));
  const kept = runs.filter((run) => !ids.has(idOf(run)));
  const since = kept.reduce<string | null>(earlier, null);
  const bytes = bytesOf(stateDir, job, ids);
  return { job, removed: gone.length, skipped: goneSkips.length, bytes, kept: kept.length, since, ids };
}

interface OverRecords {
  readonly ended: readonly Prunable[];
  readonly skips: readonly Skip[];
}

/** All that is over, last ended first. */
function recordsOf(stateDir: string, job: string): OverRecords {
  return withJournal(journalPath(stateDir, job), { ended: [], skips: [] }, (journal) => {
    const ended: Prunable[] = [];
    const skips: Skip[] = [];
    for (const record of recordsFromEnd(journal, { count: 0 })) {
      if (isEnded(record)) ended.push(partOf(record));
      else skips.push(skipOf(record));
    }
    return { ended, skips };
  });
}

type Skip = Pick<SkippedRecord, 'schema' | 'cron_job_id' | 'started_at' | 'ended_at' | 'settled_at'>;

function skipOf({ schema, cron_job_id, started_at, ended_at, settled_at }: Skip): Skip {
  return { schema, cron_job_id, started_at, ended_at, settled_at };
}

function partOf(record: Prunable): Prunable {
  const { schema, cron_job_id, status, started_at, ended_at, settled_at } = record;
  const { completed_at, previous_completed_at, checkpoint, previous_checkpoint } = record;
  const times = { started_at, ended_at, settled_at, completed_at, previous_completed_at };
  return { schema, cron_job_id, status, ...times, checkpoint, previous_checkpoint };
}

function earlier(first: string | null, { started_at }: Prunable): string | null {
  return first === null || started_at < first ? started_at : first;
}

/**
 * Removes the lines of these runs and what is kept of their output. Nothing that stays is out of the readers' sight at any
 * moment, and whoever is about to append is not lost: see closeSegment. Throws what the file system says.
 *
 * @param unique names that nobody else has.
 */
export function prune(
  stateDir: string,
  job: string,
  { ids }: PrunePlan,
  modes: Modes,
  unique: () => RunId,
): void {
  const directory = jobDirectory(stateDir, job);
  removeTemporary(directory);
  if (ids.size === 0) return;
  // Start records that were removed and not synced would come back in a power cut.
  syncDirectory(runningDirectory(stateDir, job));
  keepTally(directory, modes.file, unique());
  if (bytesIn(journalPath(stateDir, job), ids) > 0) rotateJournal(directory, unique(), 0, 0);
  // What a run is moving away just now may get its number at any moment; what has one keeps its name.
  numberSegments(directory);
  for (const { name } of listSegments(directory).filter(({ number }) => number !== null)) {
    const path = `${directory}/${name}`;
    if (bytesIn(path, ids) === 0) continue;
    const late = rewrite(path, `${directory}/.journal-${unique()}.tmp`, ids);
    syncDirectory(directory);
    if (late !== '') appendDurably(journalPath(stateDir, job), modes, () => late);
  }
  // Its mark was taken in a file that has been written anew.
  keepTally(directory, modes.file, unique());
  for (const path of outputsOf(stateDir, job, ids)) removeIfThere(path);
}

/** What a prune left that was killed, or who else kept a tally. */
function removeTemporary(directory: string): void {
  for (const name of listDirectory(directory)) {
    if (/^\.(?:journal|tally)-[0-9a-f-]{36}\.tmp$/.test(name)) removeIfThere(`${directory}/${name}`);
  }
}

/**
 * Writes the file anew without the lines that go, or removes it where none is left. A run may have removed it meanwhile, as
 * the oldest. @returns lines that came too late.
 */
function rewrite(path: string, temporary: string, ids: ReadonlySet<RunId>): string {
  const fd = openIfThere(path, constants.O_RDWR | constants.O_APPEND);
  if (fd === null) return '';
  try {
    const size = closeSegment(fd);
    if (copyWithout(fd, size, temporary, ids)) renameSync(temporary, path);
    else {
      removeIfThere(path);
      removeIfThere(temporary);
    }
    return linesBehind(fd, size);
  } finally {
    closeSync(fd);
  }
}

/**
 * A run that had the journal open when it was moved away may still append to it. Behind a closing its line does not read
 * back, so it is appended anew where the journal is now. What stands before the closing is copied.
 *
 * @returns how long the file is.
 */
function closeSegment(fd: number): number {
  const closing = `${closingOf(fd, fstatSync(fd).size)}${String.fromCharCode(CLOSING)}`;
  writeWhole(fd, Buffer.from(closing));
  return fstatSync(fd).size;
}

/** False where no line is left. */
function copyWithout(fd: number, size: number, temporary: string, ids: ReadonlySet<RunId>): boolean {
  const { mode } = fstatSync(fd);
  const copy = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    fchmodSync(copy, mode & 0o7777);
    let written = 0;
    for (const lines of linesForwards(fd, size)) {
      const kept = Buffer.concat(lines.filter((line) => line[0] !== CLOSING && !goes(line, ids)));
      if (kept.length > 0) writeWhole(copy, kept);
      written += kept.length;
    }
    fsyncSync(copy);
    return written > 0;
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  } finally {
    closeSync(copy);
  }
}

/** The line that stands directly behind the closing was appended anew; others may have been taken for whole. */
function linesBehind(fd: number, size: number): string {
  const text = readRange(fd, size, fstatSync(fd).size).toString('utf8');
  const lines = text.split('\n').slice(1);
  return lines.flatMap((line) => (decodeRecord(line) === null ? [] : `${line}\n`)).join('');
}

const WINDOW_BYTES = 1 << 20;
const NEWLINE = 10;

/** The lines of a file from the first to the last, newlines included, as many at a time as were read at once. */
function* linesForwards(fd: number, size: number): Generator<Buffer[]> {
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; at < size; at += WINDOW_BYTES) {
    const bytes = Buffer.concat([rest, readRange(fd, at, Math.min(size, at + WINDOW_BYTES))]);
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      lines.push(bytes.subarray(start, end + 1));
      start = end + 1;
    }
    rest = bytes.subarray(start);
    yield lines;
  }
  if (rest.length > 0) yield [rest];
}

/** Lines that are no record of ours stay. */
function goes(line: Buffer, ids: ReadonlySet<RunId>): boolean {
  const record = decodeRecord(line.toString('utf8'));
  return record !== null && record.status !== 'running' && record.schema <= SCHEMA && ids.has(idOf(record));
}

/** How many bytes of the lines of a file go. */
function bytesIn(path: string, ids: ReadonlySet<RunId>): number {
  const fd = openIfThere(path, constants.O_RDONLY);
  if (fd === null) return 0;
  try {
    let bytes = 0;
    for (const lines of linesForwards(fd, fstatSync(fd).size)) {
      for (const line of lines) if (goes(line, ids)) bytes += line.length;
    }
    return bytes;
  } finally {
    closeSync(fd);
  }
}

function openIfThere(path: string, flags: number): number | null {
  try {
    return openSync(path, flags | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

function bytesOf(stateDir: string, job: string, ids: ReadonlySet<RunId>): number {
  if (ids.size === 0) return 0;
  const directory = jobDirectory(stateDir, job);
  const journals = [...listSegments(directory).map(({ name }) => name), 'journal.jsonl'];
  const lines = journals.reduce((sum, name) => sum + bytesIn(`${directory}/${name}`, ids), 0);
  const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return outputsOf(stateDir, job, ids).reduce((sum, path) => sum + sizeOf(path), lines);
}

/** What is kept of the output of these runs. */
function outputsOf(stateDir: string, job: string, ids: ReadonlySet<RunId>): string[] {
  const directory = outputDirectory(stateDir, job);
  const runOf = (name: string) => name.slice(0, 36);
  return listDirectory(directory)
    .filter((name) => isRunId(runOf(name)) && ids.has(runOf(name)))
    .map((name) => `${directory}/${name}`);
}
