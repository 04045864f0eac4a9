// What `exec` says on stderr (DIAGNOSTICS in cronrun(1)), a function for each occasion. Every text ends with a newline. They are
// loaded only where there is something to say, so nothing heavy may be imported here.
import { formatDuration, formatLimit } from '../model/duration.js';
import type {
  EndedRecord,
  FailedRecord,
  RunningRecord,
  RunStatus,
  SeenInterruptedRecord,
  TimeoutRecord,
} from '../model/record.js';
import { encodeLine, idOf } from '../model/record.js';
import { shortRunId } from '../model/run-id.js';
import { atCheckpoint, cutShortWords, notByCronrun, runMark } from './headline.js';
import { escapeControls, sanitize } from './sanitize.js';
import { Strainer } from './strain.js';
import { paragraph, pidList, tied } from './text.js';
import { age, localTime, localZone, type Zone } from './time.js';
import { statusName } from './words.js';

function notice(job: string, text: string, ...below: string[]): string {
  const lines = [
    paragraph(`cronrun: ${sanitize(job)}: ${text}`),
    ...below.map((line) => paragraph(`  ${line}`)),
  ];
  return `${lines.join('\n')}\n`;
}

export interface NotRecorded {
  readonly job: string;
  /** "EACCES: permission denied", or the whole story where there is no path. */
  readonly why: string;
  /** Where it could not be written; null: there is no such place. */
  readonly path: string | null;
}

/** The start record could not be made; the command runs all the same. */
export function notRecorded({ job, why, path }: NotRecorded): string {
  const reason = path === null ? sanitize(why) : `cannot write in ${sanitize(path)} (${sanitize(why)})`;
  return notice(job, `NOT RECORDED, running it all the same: ${reason}`);
}

/** The start record was written, and could not be synced. */
export function notDurable({ job, why, path }: { job: string; why: string; path: string }): string {
  const reason = `cannot sync ${sanitize(path)} (${sanitize(why)})`;
  return notice(job, `its start is on record, but a power cut may undo that: ${reason}`);
}

/** The log could not be made; the command writes to where cronrun's own output goes. */
export function outputNotKept({ job, why, path }: NotRecorded): string {
  const reason = path === null ? sanitize(why) : `cannot write in ${sanitize(path)} (${sanitize(why)})`;
  return notice(job, `OUTPUT NOT KEPT, it comes as it is written: ${reason}`);
}

export interface NotStarted {
  readonly job: string;
  /** argv[0] as given. */
  readonly command: string;
  /** Why, an errno word such as "ENOENT"; null where there is none. */
  readonly errno: string | null;
  /** The PATH that was searched; null where none was, because the command has a slash in it. */
  readonly path: string | null;
  readonly exitStatus: 126 | 127;
  /** What else is to blame than the command itself: "its interpreter /usr/bin/pyton is not there". */
  readonly because?: string | null;
  /** What EACCES comes from, where that can be seen. */
  readonly denied?: 'directory' | 'not-executable' | null;
}

/** The command could not be started: exit status 126 or 127. */
export function notStarted(facts: NotStarted): string {
  return notice(facts.job, notStartedWords(facts));
}

/** "FAILED: rsnc: not found in PATH=/usr/bin:/bin" */
export function notStartedWords({ command, errno, path, exitStatus, because, denied }: NotStarted): string {
  // A line for the shell in one word is a habit of crontabs.
  const isLine = /\s/.test(command);
  const name = isLine ? `"${sanitize(command)}"` : sanitize(command) || '""';
  if (because) return `FAILED: ${name} was not started: ${sanitize(because)}`;
  if (exitStatus === 127)
    return `FAILED: ${name}: not found${path === null ? '' : ` in PATH=${sanitize(path)}`}${isLine ? '; a line for the shell needs sh -c' : ''}`;
  const why = denied ? DENIALS[denied] : (STARTING_ERRORS[errno ?? ''] ?? errno);
  return `FAILED: ${name}: cannot be run${why === null ? '' : ` (${why})`}`;
}

const DENIALS: Readonly<Record<'directory' | 'not-executable', string>> = {
  directory: 'EACCES: it is a directory',
  'not-executable': 'EACCES: it is not executable; chmod +x makes it so',
};

const STARTING_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'EACCES: permission denied',
  EISDIR: 'EISDIR: it is a directory',
  ENOEXEC: 'ENOEXEC: it is no program, and no script with a #! line',
  E2BIG: 'E2BIG: arguments and environment are too long',
  ETXTBSY: 'ETXTBSY: it is being written to',
  EAGAIN: 'EAGAIN: too many processes',
  ENOMEM: 'ENOMEM: not enough memory',
  EMFILE: 'EMFILE: too many open files',
  ENFILE: 'ENFILE: too many open files on this machine',
};

export interface TimedOut {
  readonly record: TimeoutRecord;
  /** When a run of the job last completed; null: never. */
  readonly lastCompletedAt: string | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The run was ended by its timeout: exit status 124. */
export function timedOut({ record, lastCompletedAt, now }: TimedOut): string {
  const completed =
    lastCompletedAt === null ? 'never completed' : `last completed ${age(lastCompletedAt, now)} ago`;
  return notice(
    record.job,
    timedOutWords(record),
    `${completed}; cronrun status ${shortRunId(idOf(record))}`,
  );
}

/** "TIMEOUT: ended after 10m; SIGKILL was needed 10s later" */
export function timedOutWords(record: TimeoutRecord): string {
  const limit = record.timeout_ms === null ? 'its limit' : formatLimit(record.timeout_ms);
  const killed = record.killed ? `; SIGKILL was needed ${formatLimit(record.kill_after_ms)} later` : '';
  return `TIMEOUT: ended after ${limit}${killed}`;
}

/** It exited with success, and without the checkpoint that was required of it: exit status 198. */
export function incomplete({ record, wanted }: Incomplete): string {
  return notice(record.job, incompleteText({ record, wanted }));
}

export interface Incomplete {
  readonly record: FailedRecord;
  readonly wanted: string;
}

/** "FAILED: exit code 0 without the checkpoint 'done'; it wrote none" */
export function incompleteText({ record, wanted }: Incomplete): string {
  const reached =
    record.checkpoint === null ? 'it wrote none' : `its last one is '${sanitize(record.checkpoint)}'`;
  return `FAILED: exit code ${record.exit_code} without the checkpoint '${sanitize(wanted)}'; ${reached}`;
}

/** The child was killed by a signal that is no stop of ours. */
export function signaled({ record }: { record: SeenInterruptedRecord }): string {
  const text = signaledWords(record);
  const remark = signalRemark(record);
  return remark === null ? notice(record.job, text) : notice(record.job, text, remark);
}

/** "INTERRUPTED: killed by SIGKILL after 41m 2s, not by cronrun" */
export function signaledWords(record: SeenInterruptedRecord): string {
  const after = formatDuration(record.duration_ms);
  return `INTERRUPTED: killed by ${sanitize(record.signal)} after ${after}${notByCronrun(record)}`;
}

/** What people do not think of; null: nothing. */
export function signalRemark({ signal }: SeenInterruptedRecord): string | null {
  return signal === 'SIGKILL' ? '(the kernel does that when memory runs out: dmesg | grep -i oom)' : null;
}

export interface PassedOn {
  readonly job: string;
  /** "SIGINT" */
  readonly signal: string;
  /** The child's, which is the number of its process group too. */
  readonly pid: number;
}

/** Told to stop; waiting for the command. */
export function passedOn({ job, signal, pid }: PassedOn): string {
  return notice(job, `passed ${signal} on, waiting for pid ${pid} (kill -9 -${pid} forces)`);
}

/** Told to stop, and stopped. */
export function stopped({ record }: { record: SeenInterruptedRecord }): string {
  return notice(record.job, stoppedWords(record));
}

/** "INTERRUPTED: stopped by SIGINT after 3m 2s" */
export function stoppedWords(record: SeenInterruptedRecord): string {
  const killed = record.killed ? '; SIGKILL was needed' : '';
  return `INTERRUPTED: stopped by ${sanitize(record.signal)} after ${formatDuration(record.duration_ms)}${killed}`;
}

export interface Kept {
  readonly job: string;
  readonly status: Exclude<RunStatus, 'running'>;
  /** Why the journal would not take the line, "ENOSPC"; null where there is no such word. */
  readonly errno: string | null;
}

/** The end is in the third line of the start record. */
export function keptInStartRecord({ job, status, errno }: Kept): string {
  return notice(
    job,
    `${statusName(status)}, but its journal cannot be written${reason(errno)}; kept`,
    `in the start record, the next run of ${sanitize(job)} moves it`,
  );
}

/** The end is in the name of the start record. */
export function keptInName({ job, status, errno }: Kept): string {
  return notice(
    job,
    `${statusName(status)}, but its journal cannot be written${reason(errno)}; kept`,
    `in the name of its start record, the next run of ${sanitize(job)} moves it`,
  );
}

function reason(errno: string | null): string {
  return errno === null ? '' : ` (${sanitize(errno)})`;
}

export interface NotTold {
  readonly job: string;
  /** What should have told them. */
  readonly reporter: string;
  readonly why: string;
  /** The last of what a hook wrote. */
  readonly output?: string;
}

/** Others could not be told of the run; what a hook wrote stands below, line by line. */
export function notTold({ job, reporter, why, output = '' }: NotTold): string {
  const strainer = new Strainer();
  const text = (strainer.strain(Buffer.from(output)) + strainer.end()).trimEnd();
  const lines = text === '' ? [] : text.split('\n');
  return (
    notice(job, `${reporter}: ${sanitize(why)}`) +
    lines.map((line) => (line === '' ? '\n' : `  ${line}\n`)).join('')
  );
}

/** The end could not be written anywhere: the record itself, as the journal would have had it. */
export function saidOnly({ record }: { record: EndedRecord }): string {
  const text = `${statusName(record.status)}, and that could not be recorded anywhere; its record:`;
  return `${notice(record.job, text)}${escapeControls(encodeLine(record))}\n`;
}

export interface FoundCutShort {
  readonly job: string;
  /** The one that started last of those that were found. */
  readonly newest: EndedRecord;
  /** How many others were found with it. */
  readonly more: number;
  /** Its output was kept. */
  readonly hasLog?: boolean;
  readonly zone?: Zone;
}

/** Earlier runs turned out to have been cut short. */
export function foundCutShort({
  job,
  newest,
  more,
  hasLog = false,
  zone = localZone,
}: FoundCutShort): string {
  const others = more === 0 ? '' : ` ${tied(`and ${more} more`)}`;
  const log = hasLog ? [`what it wrote: ${tied(`cronrun output ${shortRunId(idOf(newest))}`)}`] : [];
  return notice(
    job,
    `the run before, of ${localTime(newest.started_at, zone)}, was`,
    `INTERRUPTED${atCheckpoint(newest)}: ${cutShortWords(newest)} ${runMark(newest)}${others}`,
    ...log,
  );
}

export interface InTheWay {
  readonly job: string;
  /** The run that nobody can judge. */
  readonly record: RunningRecord;
  /** True where it is waited for; else nothing is started. */
  readonly waits: boolean;
}

/** It may be for ever that nobody can judge a run: a container that is gone, another host. */
export function inTheWay({ job, record, waits }: InTheWay): string {
  const run = shortRunId(idOf(record));
  const text = `${waits ? 'WAITING' : 'SKIPPED'}: ${tied(`run ${run}`)}`;
  return notice(
    job,
    `${text} cannot be judged from here and is in the way; if it is over: ${tied(`cronrun settle ${run}`)}`,
  );
}

/** Nothing was started, and nobody will find that on record. */
export function skippedUnrecorded({ job, why }: { job: string; why: string }): string {
  return notice(job, `SKIPPED, as another run goes on; that cannot be recorded (${sanitize(why)})`);
}

export interface LeftBehind {
  readonly job: string;
  readonly pids: readonly number[];
  /** False: SIGKILL was not sent, because the grace period is 0. */
  readonly killed: boolean;
}

/** Processes of the run that outlived it. */
export function leftBehind({ job, pids, killed }: LeftBehind): string {
  const them = pids.length === 1 ? 'pid' : 'pids';
  const left = killed ? 'still there 5s after SIGKILL' : 'still there, as --kill-after 0 kills nobody';
  return notice(job, `${left}: ${them} ${pidList(pids)}`);
}
