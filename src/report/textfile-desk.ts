// What the state directory knows of a file of metrics: who writes it just now, what was written, and whose ends are not in it.
import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, lstatSync, openSync } from 'node:fs';
import { isJobName } from '../model/job.js';
import { parseObject } from '../model/record.js';
import { isRunId, type RunId } from '../model/run-id.js';
import {
  createUnlessThere,
  type Modes,
  makeDirectories,
  PRIVATE,
  readRange,
  removeIfThere,
} from '../platform/durable.js';
import { listDirectory } from '../platform/list-directory.js';
import { O_NOFOLLOW, type OpenFile, openFile } from '../platform/open-file.js';
import { textfilesDirectory } from '../state/directory.js';

/** Where that stands for the files of metrics in one directory. */
export interface Desk {
  /** The directory of the file, absolute. */
  readonly directory: string;
  readonly path: string;
  readonly modes: Modes;
}

/** Makes what is missing. @param directory absolute. Throws what the file system says. */
export function openDesk(stateDir: string, directory: string, modes: Modes): Desk {
  const key = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  const path = `${textfilesDirectory(stateDir)}/${key}`;
  makeDirectories(path, modes.directory);
  return { directory, path, modes };
}

/** The file whose lock lets one write at a time; the caller closes it. */
export function openDeskLock({ path }: Desk): number {
  return openSync(`${path}/lock`, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, PRIVATE.file);
}

/**
 * Says that a run has ended which the file does not tell of yet. Older notes of the job go where nobody waits for them any
 * more: who strikes out this one has read the records of those runs as well. @param id nobody else has it. @returns the
 * note's path.
 */
export function noteEnd(desk: Desk, job: string, id: RunId): string {
  const note = `${desk.path}/ended-${job}-${id}`;
  createUnlessThere(note, () => new Uint8Array(), desk.modes.file);
  const madeMs = madeAt(note) ?? 0;
  for (const other of othersOf(desk, job, note))
    if (madeMs - (madeAt(other) ?? madeMs) > LONGEST_WAIT_MS) removeIfThere(other);
  return note;
}

/** Well above the longest that a run waits for others to write. */
const LONGEST_WAIT_MS = 60_000;

function madeAt(note: string): number | undefined {
  return lstatSync(note, { throwIfNoEntry: false })?.mtimeMs;
}

/**
 * Takes the note back of a run that could not write, where another one says as much; else the notes of a file that cannot be
 * written would grow in number with each run. Only for who has the lock: without it the other note may be of one that is just
 * being struck out.
 */
export function keepOneNote(desk: Desk, job: string, note: string): void {
  if (othersOf(desk, job, note).length > 0) removeIfThere(note);
}

function othersOf(desk: Desk, job: string, note: string): string[] {
  return listNotes(desk)
    .filter((one) => one.job === job && one.note !== note)
    .map((one) => one.note);
}

/** Ends that were noted and are not in the file. */
export interface Noted {
  readonly notes: readonly string[];
  readonly jobs: ReadonlySet<string>;
}

const NOTE = /^ended-(.+)-([0-9a-f-]{36})$/;

export function notedEnds(desk: Desk): Noted {
  const all = listNotes(desk);
  return { notes: all.map(({ note }) => note), jobs: new Set(all.map(({ job }) => job)) };
}

function listNotes({ path }: Desk): { note: string; job: string }[] {
  return listDirectory(path).flatMap((name) => {
    const [, job = '', id = ''] = NOTE.exec(name) ?? [];
    return isJobName(job) && isRunId(id) ? [{ note: `${path}/${name}`, job }] : [];
  });
}

export function isNoted(note: string): boolean {
  return existsSync(note);
}

/** They are in the file now. */
export function strikeOut({ notes }: Noted): void {
  for (const note of notes) removeIfThere(note);
}

/** What tells a file from any that somebody else wrote, or wrote in. */
function printOf(fd: number): string {
  const { ino, size, mtimeNs, ctimeNs } = fstatSync(fd, { bigint: true });
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function writtenPath(path: string): string {
  return `${path}/written.json`;
}

/**
 * Notes that the file is as we wrote it. Half a note, or one that a power cut took, is none. A new one each time: what stands
 * under its name may be a link to what is precious. @param heads see Exposition.
 */
export function noteWritten({ path, modes, directory }: Desk, file: string, heads: readonly number[]): void {
  const { fd } = openFile(file, O_NOFOLLOW);
  try {
    const note = `${JSON.stringify({ directory, print: printOf(fd), heads })}\n`;
    removeIfThere(writtenPath(path));
    createUnlessThere(writtenPath(path), () => Buffer.from(note), modes.file);
  } finally {
    closeSync(fd);
  }
}

/** The file as we wrote it last. */
export interface Written extends OpenFile {
  readonly heads: readonly number[];
}

/** Opens it; the caller closes it. Null where somebody has touched it, or nobody knows. */
export function openWritten({ path }: Desk, file: string): Written | null {
  try {
    const note = parseObject(readNote(writtenPath(path)));
    const heads: unknown[] = Array.isArray(note?.heads) ? note.heads : [];
    const open = openFile(file, O_NOFOLLOW);
    if (printOf(open.fd) === note?.print) return { ...open, heads: heads.map(Number) };
    closeSync(open.fd);
    return null;
  } catch {
    return null;
  }
}

function readNote(path: string): string {
  const { fd, size } = openFile(path, O_NOFOLLOW);
  try {
    return readRange(fd, 0, size).toString('utf8');
  } finally {
    closeSync(fd);
  }
}

/** Whoever refreshes a file of metrics next makes all of it anew: a job is gone. */
export function forgetWritten(stateDir: string): void {
  const desks = textfilesDirectory(stateDir);
  for (const name of listDirectory(desks)) removeIfThere(writtenPath(`${desks}/${name}`));
}
