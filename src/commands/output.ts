import { closeSync, fstatSync } from 'node:fs';
import { CronrunError, errnoOf, explainErrno } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import { isJobName } from '../model/job.js';
import { idOf, isEnded, type RunRecord } from '../model/record.js';
import { formatRunId, type RunId, shortRunId } from '../model/run-id.js';
import { lastLines } from '../platform/lines.js';
import { O_NOFOLLOW, type OpenFile, openFile } from '../platform/open-file.js';
import { pour, pourOut } from '../platform/pour.js';
import { isOfGroup } from '../run/members.js';
import { logPath } from '../state/directory.js';
import { loggedRuns } from '../state/output-log.js';
import { findUnsettled } from '../state/runs.js';
import { followingText, type NoLog, noLogText } from '../view/output.js';
import { Strainer } from '../view/strain.js';
import { follow } from './follow.js';
import { lastOfAll } from './last-of-all.js';
import { answerMissing } from './missing.js';
import { statePlace } from './state-place.js';
import { findRun, type Place, resolveTarget, type Target } from './target.js';
import { stdoutIsTerminal } from './terminal.js';
import type { OutputOptions, Surroundings } from './types.js';

/**
 * `cronrun output [job | run-id]`: what a run wrote, if that was kept; of a job its newest run that has a log. Resolves with
 * the exit status. CronrunError 'usage', 'ambiguous-run', 'unreadable', 'unwritable', 'no-state-directory'.
 */
export async function output(
  options: OutputOptions,
  argument: string | undefined,
  io: Surroundings,
): Promise<number> {
  const stateDir = statePlace(options.stateDir, io.env);
  const place = { stateDir, isExclusive: options.exclusiveState };
  const target = resolveTarget('output', place, argument, io.env);
  if (target.kind === 'missing') return missing(stateDir, target, io);
  const subject = subjectOf(place, target);
  if (subject === null) {
    const asked = target.kind === 'job' ? target.runs.job : null;
    return missing(stateDir, { asked, job: asked, mayBeRun: false }, io);
  }
  if ('kind' in subject) {
    io.err(noLogText(subject));
    return EXIT.noSuchRun;
  }
  return show(options, place, subject, io);
}

function missing(
  stateDir: string,
  what: { readonly asked: string | null; readonly job: string | null; readonly mayBeRun: boolean },
  io: Surroundings,
): number {
  const manner = { get: null, json: false, exitCode: false, noRun: () => '' };
  const { asked, job, mayBeRun } = what;
  return answerMissing({ command: 'output', stateDir, asked, job, mayBeRun }, manner, io);
}

/** The run whose output is meant, or why there is none; null: no run is on record. */
function subjectOf(place: Place, target: Exclude<Target, { kind: 'missing' }>): RunRecord | NoLog | null {
  switch (target.kind) {
    case 'any':
      return lastOfAll(place).last;
    case 'run':
      return target.record;
    case 'job': {
      const { runs, self } = target;
      // Inside a run it is not the run itself: what it reads it would write again.
      const newest = loggedRuns(place.stateDir, runs.job).filter((id) => id !== self);
      return newestRecord(place, newest) ?? { kind: 'no-run-has-one', job: runs.job, other: self !== null };
    }
  }
}

/** A log may have outlived the record of its run. */
function newestRecord(place: Place, ids: readonly RunId[]): RunRecord | null {
  for (const id of ids) {
    const reference = { hex: id.replaceAll('-', ''), forced: true };
    const record = findRun('output', place, formatRunId(id), reference);
    if (record !== null) return record;
  }
  return null;
}

async function show(
  options: OutputOptions,
  place: Place,
  record: RunRecord,
  io: Surroundings,
): Promise<number> {
  if (options.follow) refuseOwnRun(place, record);
  const path = isJobName(record.job) ? logPath(place.stateDir, record.job, idOf(record)) : null;
  let log = path === null ? null : open(path);
  if (log === null && path !== null && options.follow && !isEnded(record) && record.output !== null) {
    // It is made a moment after the start record.
    log = (await follow(place, record, () => open(path))) ?? open(path);
  }
  if (log === null) {
    io.err(noLogText({ kind: record.output === null ? 'inherited' : 'gone', record }));
    return EXIT.noSuchRun;
  }
  try {
    refuseOwnTail(log);
    await showLog(options, place, record, log, io);
  } finally {
    closeSync(log.fd);
  }
  return EXIT.ok;
}

/** Null where there is none. CronrunError 'unreadable'. */
function open(path: string): OpenFile | null {
  try {
    return openFile(path, O_NOFOLLOW);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return null;
    throw new CronrunError('unreadable', `cannot read ${path} (${explainErrno(error)})`, { cause: error });
  }
}

/** It would not end before this does, nor this before it. CronrunError 'usage'. */
function refuseOwnRun({ stateDir, isExclusive }: Place, record: RunRecord): void {
  if (isEnded(record)) return;
  const child = findUnsettled(stateDir, idOf(record), isExclusive)?.start.child ?? null;
  if (child === null || !isOfGroup(process.pid, child)) return;
  const run = shortRunId(idOf(record));
  throw new CronrunError(
    'usage',
    `output: run ${run} goes on around this command and cannot be followed here`,
    {
      hint: `what it wrote so far: cronrun output ${run}`,
    },
  );
}

const STDOUT = 1;

/** Whoever reads what he writes never comes to an end. CronrunError 'usage'. */
function refuseOwnTail({ fd }: OpenFile): void {
  const [from, to] = [fstatSync(fd), fstatSync(STDOUT)];
  if (from.ino !== to.ino || from.dev !== to.dev) return;
  throw new CronrunError('usage', 'output: stdout is the very log that is to be shown; write it elsewhere');
}

async function showLog(
  { follow: follows, lines }: OutputOptions,
  place: Place,
  record: RunRecord,
  { fd, size }: OpenFile,
  io: Surroundings,
): Promise<void> {
  const screen = openScreen();
  let at = lines === null ? 0 : lastLines(fd, size, lines);
  /** True once the reader has gone. */
  const drain = () => {
    at = pourOut(fd, at, fstatSync(fd).size, screen.take);
    screen.pause();
    return screen.isGone();
  };
  const gone = drain();
  if (follows && !gone && !isEnded(record)) {
    if (record.reason === 'unverifiable') io.err(followingText(record));
    await follow(place, record, () => (drain() ? true : null));
    drain(); // what came between the last look and the end
  }
  screen.end();
}

/** Bytes to a pipe or file, as they are; to a terminal without what could move its cursor. A reader may go at any time. */
function openScreen() {
  const strainer = stdoutIsTerminal() ? new Strainer() : null;
  let gone = false;
  const write = (bytes: Uint8Array) => {
    try {
      if (!gone) pour(STDOUT, bytes);
    } catch (error) {
      if (errnoOf(error) !== 'EPIPE') throw unwritable(error);
      gone = true;
    }
  };
  return {
    take: (bytes: Buffer) => write(strainer === null ? bytes : Buffer.from(strainer.strain(bytes))),
    pause: () => {
      if (strainer !== null) write(Buffer.from(strainer.pause()));
    },
    end: () => write(strainer === null ? Buffer.alloc(0) : Buffer.from(strainer.end())),
    isGone: () => gone,
  };
}

function unwritable(error: unknown): CronrunError {
  return new CronrunError('unwritable', `cannot write the answer to stdout: ${explainErrno(error)}`);
}
