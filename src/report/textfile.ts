// The file of metrics that the node exporter reads: all of it, or the lines of the jobs of which a run has just ended.
import { closeSync, existsSync, realpathSync } from 'node:fs';
import { makeRunId, type RunId } from '../model/run-id.js';
import { monotonicMs, wallMs } from '../platform/clock.js';
import { type Modes, readRange } from '../platform/durable.js';
import { O_NOFOLLOW, openFile } from '../platform/open-file.js';
import { pourOut } from '../platform/pour.js';
import { randomBytes } from '../platform/random.js';
import { jobDirectory } from '../state/directory.js';
import { inspectOwnership, NotOurs } from '../state/ownership.js';
import { listJobs } from '../state/runs.js';
import { KEPT_FROM, keepTally } from '../state/tally.js';
import { exposition, type JobLines, jobLines, withJobs } from './exposition.js';
import { type JobFacts, type Place, readJobFacts, readOrRefuse } from './job-facts.js';
import { type Guard, type Pour, promPath, publish, sweepLeftovers } from './publish.js';
import {
  type Desk,
  isNoted,
  keepOneNote,
  notedEnds,
  noteEnd,
  noteWritten,
  openDesk,
  openDeskLock,
  openWritten,
  strikeOut,
} from './textfile-desk.js';
import { takeLock } from './textfile-lock.js';

/** What is written, where, and for how long. */
export interface Textfile extends Place {
  /** Absolute. */
  readonly directory: string;
  /** Where flock(1) may be. */
  readonly path: string | undefined;
  /** When to give up, by the monotonic clock. */
  readonly untilMs: number;
  readonly stop: AbortSignal;
  readonly guard: Guard;
}

/** Says in the file that a run of this job has ended; who writes it just now does it with his. Throws. */
export async function refreshJob(textfile: Textfile, job: string): Promise<void> {
  const { breach, modes } = inspectOwnership(textfile.stateDir, job);
  if (breach !== null) throw new NotOurs(breach);
  const desk = openDesk(textfile.stateDir, textfile.directory, modes);
  const note = noteEnd(desk, job, newId());
  await underLock(textfile, desk, note, async () => {
    try {
      await writeEnds(textfile, desk);
    } catch (error) {
      keepOneNote(desk, job, note);
      throw error;
    }
  });
}

/**
 * Makes all of the file. Throws what the file system says. @returns for each job that could not be read, why.
 */
export async function refreshAll(textfile: Textfile, modes: Modes): Promise<readonly string[]> {
  const desk = openDesk(textfile.stateDir, textfile.directory, modes);
  let refused: readonly string[] = [];
  await underLock(textfile, desk, null, async () => {
    refused = await writeAll(textfile, desk);
  });
  return refused;
}

/** @param note once it is struck out somebody else has done what we are here for. */
async function underLock(
  textfile: Textfile,
  desk: Desk,
  note: string | null,
  write: () => Promise<void>,
): Promise<void> {
  const isDone = () => note !== null && !isNoted(note);
  const fd = openDeskLock(desk);
  try {
    if (await takeLock(fd, textfile, isDone)) if (!isDone()) await write();
  } finally {
    closeSync(fd);
  }
}

/** The lines of those jobs whose ends were noted; all of the file where that is not as it was left. */
async function writeEnds(textfile: Textfile, desk: Desk): Promise<void> {
  const noted = notedEnds(desk);
  if (await writeChange(textfile, desk, noted.jobs)) return strikeOut(noted);
  const [refused] = await writeAll(textfile, desk);
  if (refused !== undefined) throw new Error(refused);
}

/** False where the file is not as it was left. */
async function writeChange(textfile: Textfile, desk: Desk, jobs: Iterable<string>): Promise<boolean> {
  const old = openWritten(desk, promPath(textfile.directory));
  if (old === null) return false;
  const { fd, size } = old;
  try {
    const head = headOf(textfile.stateDir);
    const read = (from: number, to: number) => readRange(fd, from, to);
    if (!read(0, head.length).equals(head)) return false;
    const change = withJobs({ size, read }, old.heads, readLines(textfile, desk, jobs));
    if (change === null) return false;
    const pour: Pour = (write) => {
      for (const piece of change.pieces) {
        if (typeof piece === 'string') write(Buffer.from(piece));
        else pourOut(fd, piece.from, piece.to, write);
      }
    };
    await write(textfile, desk, pour, change.heads);
    return true;
  } finally {
    closeSync(fd);
  }
}

function readLines(
  { stateDir, isExclusive }: Textfile,
  { modes }: Desk,
  jobs: Iterable<string>,
): Map<string, JobLines | null> {
  const lines = new Map<string, JobLines | null>();
  for (const job of jobs) {
    const facts = readJobFacts(stateDir, job, isExclusive);
    if (facts !== null) keepCounting(stateDir, facts, modes);
    lines.set(job, facts === null ? null : jobLines(facts));
  }
  return lines;
}

function keepCounting(stateDir: string, { job, read }: JobFacts, modes: Modes): void {
  if (read >= KEPT_FROM) keepTally(jobDirectory(stateDir, job), modes.file, newId());
}

/** So many jobs are read before whoever else has something to do has his turn. */
const JOBS_AT_ONCE = 50;

async function writeAll(textfile: Textfile, desk: Desk): Promise<readonly string[]> {
  refuseForeign(textfile);
  const noted = notedEnds(desk);
  const jobs: JobLines[] = [];
  const refused: string[] = [];
  for (const [index, job] of listJobs(textfile.stateDir).entries()) {
    if (index % JOBS_AT_ONCE === 0) await pause(textfile);
    const facts = readOrRefuse(textfile, job, refused);
    if (facts === null) continue;
    keepCounting(textfile.stateDir, facts, desk.modes);
    jobs.push(jobLines(facts));
  }
  const head = headOf(textfile.stateDir);
  const { text, heads } = exposition(jobs, head.length);
  const pour: Pour = (into) => {
    into(head);
    into(Buffer.from(text));
  };
  await write(textfile, desk, pour, heads);
  strikeOut(noted);
  return refused;
}

async function pause({ stop, untilMs }: Textfile): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (stop.aborted) throw new Error('it was told to stop');
  if (monotonicMs() > untilMs) throw new Error('reading all jobs took too long');
}

async function write(textfile: Textfile, desk: Desk, pour: Pour, heads: readonly number[]): Promise<void> {
  sweepLeftovers(textfile.directory, wallMs());
  await publish(textfile.directory, pour, newId(), textfile.guard);
  noteWritten(desk, promPath(textfile.directory), heads);
}

const BEGINNING = '# Written by cronrun: the records of ';

/** The first line of the file: two state directories cannot share one. */
function headOf(stateDir: string): Buffer {
  return Buffer.from(`${BEGINNING}${JSON.stringify(realpathSync(stateDir))}\n`);
}

const LONGEST_HEAD = 8192;

/** Throws where the file has the metrics of another state directory: each would take those of the other away. */
function refuseForeign({ directory, stateDir }: Textfile): void {
  const path = promPath(directory);
  const line = firstLine(path);
  if (!line.startsWith(BEGINNING) || `${line}\n` === headOf(stateDir).toString()) return;
  const other = line.slice(BEGINNING.length);
  throw new Error(`${path} has the records of ${other}; name another directory, or remove it`);
}

function firstLine(path: string): string {
  if (!existsSync(path)) return '';
  try {
    const { fd } = openFile(path, O_NOFOLLOW);
    try {
      return readRange(fd, 0, LONGEST_HEAD).toString('utf8').split('\n')[0] ?? '';
    } finally {
      closeSync(fd);
    }
  } catch {
    return ''; // a link, a directory: rename(2) replaces the one and refuses the other
  }
}

function newId(): RunId {
  return makeRunId(wallMs(), randomBytes(10));
}
