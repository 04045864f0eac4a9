// What the state directory knows of a file of metrics: who writes it just now, what was written, and whose ends are not in it.
import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { isJobName } from '../model/job.js';
import { parseObject } from '../model/record.js';
import { isRunId, type RunId } from '../model/run-id.js';
import {
  createUnlessThere,
  type Modes,
  makeDirectories,
  PRIVATE,
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

/** Says that a run has ended which the file does not tell of yet. @param id nobody else has it. @returns the note's path. */
export function noteEnd({ path, modes }: Desk, job: string, id: RunId): string {
  const note = `${path}/ended-${job}-${id}`;
  createUnlessThere(note, () => new Uint8Array(), modes.file);
  return note;
}

/** Ends that were noted and are not in the file. */
export interface Noted {
  readonly notes: readonly string[];
  readonly jobs: ReadonlySet<string>;
}

const NOTE = /^ended-(.+)-([0-9a-f-]{36})$/;

export function notedEnds({ path }: Desk): Noted {
  const notes: string[] = [];
  const jobs = new Set<string>();
  for (const name of listDirectory(path)) {
    const [, job = '', id = ''] = NOTE.exec(name) ?? [];
    if (!isJobName(job) || !isRunId(id)) continue;
    notes.push(`${path}/${name}`);
    jobs.add(job);
  }
  return { notes, jobs };
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

/** Notes that the file is as we wrote it. Half a note, or one that a power cut took, is none. @param heads see Exposition. */
export function noteWritten({ path, modes, directory }: Desk, file: string, heads: readonly number[]): void {
  const { fd } = openFile(file, O_NOFOLLOW);
  try {
    const note = `${JSON.stringify({ directory, print: printOf(fd), heads })}\n`;
    writeFileSync(writtenPath(path), note, { mode: modes.file });
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
    const note = parseObject(readFileSync(writtenPath(path), 'utf8'));
    const heads: unknown[] = Array.isArray(note?.heads) ? note.heads : [];
    const open = openFile(file, O_NOFOLLOW);
    if (printOf(open.fd) === note?.print) return { ...open, heads: heads.map(Number) };
    closeSync(open.fd);
    return null;
  } catch {
    return null;
  }
}

/** Whoever refreshes a file of metrics next makes all of it anew: a job is gone. */
export function forgetWritten(stateDir: string): void {
  const desks = textfilesDirectory(stateDir);
  for (const name of listDirectory(desks)) removeIfThere(writtenPath(`${desks}/${name}`));
}
