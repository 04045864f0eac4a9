import { closeSync, existsSync, fstatSync } from 'node:fs';
import { NOTHING_REACHED } from '../model/checkpoint.js';
import { type End, type EndedRecord, encodeLine, endedRecord, withOutput } from '../model/record.js';
import {
  createUnlessThere,
  freeBytes,
  type Modes,
  overwriteDurably,
  removeIfThere,
  renameDurably,
} from '../platform/durable.js';
import { randomBytes } from '../platform/random.js';
import { appendToJournal } from '../state/append.js';
import { readCheckpoint } from '../state/checkpoint.js';
import { reservePath } from '../state/directory.js';
import { latestCompletion, latestResume } from '../state/journal.js';
import { NotOurs, requireOwn } from '../state/ownership.js';
import { rotateLong } from '../state/rotation.js';
import type { Journal } from '../state/segments.js';
import { encodeEnd, endedFileName } from '../state/start-record.js';
import type { Past } from './look-back.js';
import type { Tell } from './notice.js';
import type { OutputLog } from './output.js';
import type { Plan } from './plan.js';
import type { Begun, StartFile } from './record-start.js';

/**
 * Steps 8 to 10 of the protocol: the journal line, synced; only then the start record goes. Where the journal
 * does not take the line, the end goes into the start record, then into its name, then to stderr.
 */
export function recordEnd(
  { stateDir, journalLimit, reporter }: Pick<Plan, 'stateDir' | 'journalLimit' | 'reporter'>,
  begun: Begun,
  past: Past,
  end: End,
  pid: number | null,
  log: OutputLog | null,
  tell: Tell,
): EndedRecord {
  const reached = begun.file === null ? NOTHING_REACHED : readCheckpoint(begun.file.checkpoints);
  const record = endedRecord(knownNow(begun, log), end, pid, reached);
  if (stateDir === null || begun.isRefused) return record;
  try {
    requireOwn(stateDir, record.job); // it may have been hours
    const { written, size } = appendEnd(stateDir, record, past);
    reporter?.recorded([written]);
    forget(begun.file);
    refillReserve(stateDir, past.modes);
    rotateLong(stateDir, record.job, size, journalLimit);
    return written;
  } catch (error) {
    keepElsewhere(begun, end, record, error, tell);
    return record;
  }
}

/** Where a log could not be made there is none; one that is there is on disk before anything speaks of it. */
function knownNow({ beginning }: Begun, log: OutputLog | null): Begun['beginning'] {
  if (beginning.output === null) return beginning;
  return withOutput(beginning, log === null ? null : { path: log.path, bytes: log.sync() });
}

interface Appended {
  readonly written: EndedRecord;
  /** How long the journal is with it. */
  readonly size: number;
}

function appendEnd(stateDir: string, record: EndedRecord, past: Past): Appended {
  let written = record;
  // Runs that ended while this one went on stand in the journal now; the line must not hide their completion.
  const compose = (journal: Journal) => {
    written = informed(record, journal, past);
    return `${encodeLine(written)}\n`;
  };
  return { size: appendToJournal(stateDir, record.job, past.modes, compose), written };
}

function informed(record: EndedRecord, journal: Journal, { mark }: Past): EndedRecord {
  const previous_checkpoint = latestResume(journal, mark, record.previous_checkpoint);
  const previous_completed_at = latestCompletion(journal, mark, record.previous_completed_at);
  return { ...record, previous_checkpoint, previous_completed_at };
}

/** The journal has the line, so a start record that cannot be removed is overruled by it. */
function forget(file: StartFile | null): void {
  if (file === null) return;
  release(file);
  try {
    removeIfThere(`${file.directory}/${file.name}`);
    removeIfThere(file.checkpoints);
  } catch {
    // a later run removes it
  }
}

function keepElsewhere(begun: Begun, end: End, record: EndedRecord, error: unknown, tell: Tell): void {
  const { file } = begun;
  if (file !== null && keepInLine(file, end, record)) {
    tell({ kind: 'kept', where: 'start-record', record, error });
  } else if (file !== null && !(error instanceof NotOurs) && keepInName(file, begun, end)) {
    tell({ kind: 'kept', where: 'file-name', record, error });
  } else {
    tell({ kind: 'said-only', record, error });
  }
  release(file);
}

/** Who has the start record open for writing counts as the run: see state/survey.ts. */
function release(file: StartFile | null): void {
  if (file === null) return;
  try {
    closeSync(file.fd);
  } catch {
    // closed it is, whatever close(2) says of what was written before
  }
}

/** Overwrites the third line, which needs no space on most file systems. A file nobody can find keeps nothing. */
function keepInLine(file: StartFile, end: End, record: EndedRecord): boolean {
  try {
    if (fstatSync(file.fd).nlink === 0) return false;
    overwriteDurably(file.fd, encodeEnd(end, record.previous_completed_at, record.output), file.endAt);
    return true;
  } catch {
    return false;
  }
}

/** The way that works on a full btrfs, which copies what is overwritten. */
function keepInName(file: StartFile, begun: Begun, end: End): boolean {
  try {
    renameDurably(file.directory, file.name, endedFileName(begun.id, end));
    return true;
  } catch {
    return false;
  }
}

/** Given up when a start record does not fit on a full disk. */
const RESERVE_BYTES = 262_144;

/** The reserve is taken from plenty only. */
const PLENTY_BYTES = 16 * 1024 * 1024;

/** After the command, never before it; of random bytes, because zeros take no room on a file system that packs. */
function refillReserve(stateDir: string, modes: Modes): void {
  const path = reservePath(stateDir);
  try {
    if (existsSync(path) || freeBytes(stateDir) < PLENTY_BYTES) return;
    createUnlessThere(path, () => randomBytes(RESERVE_BYTES), modes.file);
  } catch {
    // without a reserve a full disk is met as without cronrun
  }
}
