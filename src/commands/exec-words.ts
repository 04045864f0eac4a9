// A bundle of its own (dist/words.cjs): exec is silent nearly always, and then nothing of this is loaded.
import { existsSync, fstatSync, statSync } from 'node:fs';
import { errnoOf, explainErrno } from '../errors.js';
import type { EndedRecord } from '../model/record.js';
import type { Notice } from '../run/notice.js';
import { endHeadline } from '../view/end-headline.js';
import {
  foundCutShort,
  incomplete,
  inTheWay,
  keptInName,
  keptInStartRecord,
  leftBehind,
  type NotStarted,
  notDurable,
  notRecorded,
  notStarted,
  notTold,
  outputNotKept,
  passedOn,
  saidOnly,
  signaled,
  skippedUnrecorded,
  stopped,
  timedOut,
} from '../view/notices.js';

/** Whose words they are. */
export interface Speaker {
  readonly job: string;
  readonly program: string;
  readonly now: () => number;
}

/** What exec writes to stderr for a notice; empty where that goes without saying. */
export function wordsFor(notice: Notice, { job, program, now }: Speaker): string {
  switch (notice.kind) {
    case 'not-recorded':
      return notRecorded({ job, path: notice.path, why: explainErrno(notice.error) });
    case 'not-durable':
      return notDurable({ job, path: notice.path, why: explainErrno(notice.error) });
    case 'output-not-kept':
      return outputNotKeptWords(notice, job);
    case 'found-cut-short': {
      const { newest, more } = notice;
      return foundCutShort({ job, newest, more, hasLog: isThere(newest.output?.path ?? null) });
    }
    case 'not-started':
      return notStarted(whyNotStarted(notice, job, program));
    case 'passed-on':
      // In cron's mail the end says it all; a person at a terminal wonders why nothing happens.
      return isTerminal(2) ? passedOn({ job, signal: notice.signal, pid: notice.pid }) : '';
    case 'ended':
      return endWords(notice.record, notice.lastCompletedAt, now());
    case 'incomplete':
      return incomplete({ record: notice.record, wanted: notice.wanted });
    case 'in-the-way':
      return inTheWay({ job, record: notice.record, waits: notice.waits });
    case 'skipped-unrecorded':
      return skippedUnrecorded({ job, why: explainErrno(notice.error) });
    case 'left-behind':
      return leftBehind({ job, pids: notice.pids, killed: notice.killed });
    case 'kept': {
      const kept = { job, status: notice.record.status, errno: errnoOf(notice.error) };
      return notice.where === 'start-record' ? keptInStartRecord(kept) : keptInName(kept);
    }
    case 'not-told':
      return notTold({ job, ...notice });
    case 'said-only':
      return saidOnly({ record: notice.record });
  }
}

/** How a run ended, in one line that does not name its command. */
export function headlineFor(record: EndedRecord): string {
  return endHeadline(record);
}

function outputNotKeptWords(
  { path, error }: Extract<Notice, { kind: 'output-not-kept' }>,
  job: string,
): string {
  // What is wrong with a directory names it.
  return outputNotKept({ job, path: errnoOf(error) === null ? null : path, why: explainErrno(error) });
}

function isThere(path: string | null): boolean {
  return path !== null && existsSync(path);
}

/** What was seen when the command was to be started, and what can be seen now. */
export function whyNotStarted(
  notice: Extract<Notice, { kind: 'not-started' }>,
  job: string,
  program: string,
): NotStarted {
  const { errno, interpreter, exitStatus } = notice;
  const because = interpreter === null ? null : interpreterWords(interpreter, errno);
  const isPath = program.includes('/');
  const path = isPath ? null : (notice.path ?? null);
  const denied = isPath && errno === 'EACCES' ? deniedBy(program) : null;
  return { job, command: program, errno, path, exitStatus, because, denied };
}

/** "Permission denied" sends people to look for the wrong user; mostly a script was never made executable. */
function deniedBy(program: string): 'directory' | 'not-executable' | null {
  try {
    const file = statSync(program);
    if (file.isDirectory()) return 'directory';
    return (file.mode & 0o111) === 0 ? 'not-executable' : null;
  } catch {
    return null;
  }
}

/** A carriage return cannot be seen, and is what makes an interpreter missing that is there. */
function interpreterWords(interpreter: string, errno: string): string {
  if (!interpreter.endsWith('\r')) return `its interpreter ${interpreter} cannot be run (${errno})`;
  return `its first line ends in CR LF, so its interpreter is ${interpreter.slice(0, -1)}\\r (${errno})`;
}

function endWords(record: EndedRecord, lastCompletedAt: string | null, now: number): string {
  if (record.status === 'timeout') return timedOut({ record, lastCompletedAt, now });
  if (record.reason === 'stopped') return stopped({ record });
  if (record.reason === 'signaled') return signaled({ record });
  return '';
}

/** Good enough to decide about one line, without loading tty: a terminal is a character device, and so is /dev/null. */
export function isTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}
