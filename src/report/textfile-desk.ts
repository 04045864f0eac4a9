// What the state directory knows of a file of metrics: who writes it just now, what was written, and whose ends are not in it.
import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync } from 'node:fs';
import { isJobName } from '../model/job.js';
import { parseObject } from '../model/record.js';
import { isRunId, type RunId } from '../model/run-id.js';
import {
  createUnlessThere,
  createWhole,
  type Modes,
  makeDirectories,
  PRIVATE,
  readRange,
  removeIfThere,
} from '../platform/durable.js';
import { listDirectory } from '../platform/list-directory.js';
import { O_NOFOLLOW, openFile } from '../platform/open-file.js';
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

/** Notes that the file is as we wrote it. @param id nobody else has it. */
export function noteWritten({ path, modes, directory }: Desk, file: string, id: RunId): void {
  const { fd } = openFile(file, O_NOFOLLOW);
  try {
    const bytes = Buffer.from(`${JSON.stringify({ directory, print: printOf(fd) })}\n`);
    closeSync(createWhole(path, 'written.json', `.${id}.tmp`, bytes, modes.file).fd);
  } finally {
    closeSync(fd);
  }
}

/** All of the file, if it is as we wrote it last; null where somebody has touched it, or nobody knows. */
export function readWritten({ path }: Desk, file: string): Buffer | null {
  try {
    const note = readAll(writtenPath(path), () => true)?.toString('utf8') ?? '';
    const print = parseObject(note)?.print;
    return readAll(file, (fd) => printOf(fd) === print);
  } catch {
    return null;
  }
}

function readAll(path: string, isRight: (fd: number) => boolean): Buffer | null {
  const { fd, size } = openFile(path, O_NOFOLLOW);
  try {
    return isRight(fd) ? readRange(fd, 0, size) : null;
  } finally {
    closeSync(fd);
  }
}

/** Whoever refreshes a file of metrics next makes all of it anew: a job is gone. */
export function forgetWritten(stateDir: string): void {
  const desks = textfilesDirectory(stateDir);
  for (const name of listDirectory(desks)) removeIfThere(writtenPath(`${desks}/${name}`));
}
