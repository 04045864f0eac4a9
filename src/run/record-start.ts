import { closeSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { CronrunError, errnoOf, explainErrno } from '../errors.js';
import type { ProcessId } from '../model/liveness.js';
import type { KeptOutput } from '../model/output.js';
import { type Beginning, cutCommand, type End, SCHEMA } from '../model/record.js';
import { formatRunId, type RunId } from '../model/run-id.js';
import type { TraceContext } from '../model/trace.js';
import {
  createWhole,
  type Modes,
  overwriteDurably,
  removeIfThere,
  syncDirectory,
  writeWhole,
} from '../platform/durable.js';
import { readIdentity } from '../platform/identity.js';
import { checkpointName, createCheckpointFile } from '../state/checkpoint.js';
import { jobsDirectory, logPath, reservePath, runningDirectory } from '../state/directory.js';
import { makeOwnDirectories, NotOurs } from '../state/ownership.js';
import { encodeChild, encodeEnd, encodeStartRecord, type StartLine } from '../state/start-record.js';
import type { Past } from './look-back.js';
import type { Tell } from './notice.js';
import type { Plan } from './plan.js';

/** The start record of this run as its wrapper holds it. */
export interface StartFile {
  readonly fd: number;
  readonly directory: string;
  readonly name: string;
  readonly childAt: number;
  readonly endAt: number;
  /** Where the run may say how far it got. */
  readonly checkpoints: string;
}

/** What is decided in the moment in which a run begins. */
export interface Birth {
  readonly id: RunId;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Null: nothing is to be started. */
  readonly trace: TraceContext | null;
}

/** A run that began, on record or not. */
export interface Begun {
  readonly id: RunId;
  readonly trace: TraceContext | null;
  readonly beginning: Beginning;
  /** Null: nothing of this run is on record. */
  readonly file: StartFile | null;
  /** True where others can write in the directories: then its end is not written there, either. */
  readonly isRefused: boolean;
}

/** Step 3 of the protocol. CronrunError 'not-recorded' where a record is required and cannot be had. */
export function recordStart(plan: Plan, past: Past, birth: Birth, tell: Tell): Begun {
  const { id, startedAt, trace } = birth;
  const wrapper = readIdentity(process.pid);
  const beginning = beginningOf(plan, past, birth, wrapper.host_name);
  const { stateDir } = plan;
  const unrecorded = (path: string | null, error: unknown): Begun => {
    const isRefused = error instanceof NotOurs;
    withoutRecord(plan, isRefused ? null : path, error, tell);
    return { id, trace, beginning, file: null, isRefused };
  };
  if (stateDir === null) return unrecorded(null, new Error(whyNowhere(plan)));
  const directory = runningDirectory(stateDir, plan.job);
  if (past.refusal !== null) return unrecorded(directory, past.refusal);
  const start: StartLine = { beginning, wrapper, journal: past.mark };
  try {
    const { file, syncError } = createStartFile(stateDir, directory, id, start, past.modes);
    if (syncError !== null) notDurable(plan, file, syncError, startedAt, tell);
    return { id, trace, beginning, file, isRefused: false };
  } catch (error) {
    if (error instanceof CronrunError) throw error;
    return unrecorded(directory, error);
  }
}

function whyNowhere({ cwd }: Plan): string {
  return cwd === null
    ? 'the state directory is relative to a working directory that is gone'
    : 'HOME is not set and the password database does not know this user';
}

/** What line 1 says of the run itself. */
export function beginningOf(
  plan: Plan,
  past: Pick<Past, 'runs'>,
  { id, startedAt, trace }: Birth,
  host: string | null,
): Beginning {
  const { command, cut } = cutCommand(plan.recordCommand === 'all' ? plan.command : plan.command.slice(0, 1));
  return {
    schema: SCHEMA,
    cron_job_id: formatRunId(id),
    job: plan.job,
    started_at: startedAt,
    timeout_ms: plan.timeoutMs,
    timeout_source: plan.timeoutSource,
    timeout_signal: plan.timeoutSignal,
    kill_after_ms: plan.killAfterMs,
    command,
    command_cut: cut,
    cwd: plan.cwd,
    host,
    user: plan.user,
    previous_checkpoint: past.runs?.resumeCheckpoint ?? null,
    previous_completed_at: past.runs?.lastCompletedAt ?? null,
    output: logOf(plan, id),
    trace_id: trace?.traceId ?? null,
    span_id: trace?.spanId ?? null,
    parent_span_id: trace?.parentSpanId ?? null,
    schedule: plan.schedule?.expression ?? null,
    schedule_zone: plan.schedule?.zone ?? null,
    grace_ms: plan.schedule?.graceMs ?? null,
  };
}

/** Where its log will be. What cannot be made after all is taken back by the line in the journal. */
function logOf({ keeper, stateDir, job }: Plan, id: RunId): KeptOutput | null {
  return keeper === null || stateDir === null ? null : { path: logPath(stateDir, job, id), bytes: null };
}

interface Created {
  readonly file: StartFile;
  readonly syncError: unknown;
}

/** On a full disk the reserve is given up, and it is tried once more. */
function createStartFile(
  stateDir: string,
  directory: string,
  id: RunId,
  start: StartLine,
  modes: Modes,
): Created {
  const create = () => createIn(stateDir, directory, id, start, modes);
  try {
    return create();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'ENOSPC' && errno !== 'EDQUOT') throw error;
    if (!removeIfThere(reservePath(stateDir))) throw error;
    return create();
  }
}

/** The directories are there in all but the first run of a job, so they are made when they turn out to be missing. */
function createIn(stateDir: string, directory: string, id: RunId, start: StartLine, modes: Modes): Created {
  const { bytes, childAt, endAt } = encodeStartRecord(start);
  const name = `${id}.jsonl`;
  const create = () => createWhole(directory, name, `.${id}.tmp`, bytes, modes.file);
  let there = directory;
  let made: ReturnType<typeof create>;
  try {
    made = create();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    there = makeOwnDirectories(stateDir, start.beginning.job, directory, modes.directory);
    made = create();
  }
  const checkpoints = `${directory}/${checkpointName(id)}`;
  createCheckpointFile(checkpoints, modes);
  const file = { fd: made.fd, directory, name, childAt, endAt, checkpoints };
  const isFirst = start.journal.ino === null;
  return { file, syncError: made.syncError ?? (isFirst ? syncNames(stateDir, directory, there) : null) };
}

/**
 * Directories that were there may have been made by a run that was killed before it synced their names. A journal
 * is proof that a run got further, for all of them; the reserve, for those that jobs share. Returns what failed.
 */
function syncNames(stateDir: string, directory: string, there: string): unknown {
  const shared = [jobsDirectory(stateDir), stateDir];
  const chain = [directory, dirname(directory), ...shared];
  const from = chain.indexOf(there);
  try {
    for (const path of from === -1 ? [] : chain.slice(from)) {
      if (shared.includes(path) && existsSync(reservePath(stateDir))) break;
      syncDirectory(dirname(path));
    }
  } catch (error) {
    // Where we may not read, no run of ours can have made the state directory: an administrator did.
    return errnoOf(error) === 'EACCES' ? null : error;
  }
  return null;
}

function withoutRecord(plan: Plan, path: string | null, error: unknown, tell: Tell): void {
  if (plan.requireRecord) throw refusal(plan, path, error);
  tell({ kind: 'not-recorded', path, error });
}

function refusal(plan: Plan, path: string | null, error: unknown): CronrunError {
  const where = path === null ? '' : ` in ${path}`;
  const why = `${plan.job}: NOT STARTED: its start cannot be recorded${where} (${explainErrno(error)})`;
  return new CronrunError('not-recorded', why, {
    hint: '--require-record asks for a durable record before anything runs',
    cause: error,
  });
}

/** The record is true while we live, and where that is not enough nothing is started. */
function notDurable(plan: Plan, file: StartFile, error: unknown, startedAt: string, tell: Tell): void {
  const path = `${file.directory}/${file.name}`;
  if (!plan.requireRecord) {
    tell({ kind: 'not-durable', path, error });
    return;
  }
  takeBack(file, startedAt);
  throw refusal(plan, path, error);
}

/** A start record of which nothing was started goes, or says so. */
export function takeBack(file: StartFile, startedAt: string): void {
  try {
    removeIfThere(`${file.directory}/${file.name}`);
  } catch {
    tryTo(() => overwriteDurably(file.fd, encodeEnd(notStarted(startedAt), null), file.endAt));
  }
  tryTo(() => removeIfThere(file.checkpoints));
  closeSync(file.fd);
}

function notStarted(startedAt: string): End {
  return {
    status: 'failed',
    reason: 'not-started',
    exit_code: 125,
    signal: null,
    completed_at: null,
    ended_at: startedAt,
    duration_ms: 0,
    killed: false,
    error: null,
  };
}

/** Step 5: no sync, it means something in this boot only; a failure costs an orphan its proof, not the job its run. */
export function recordChild(file: StartFile, child: ProcessId): void {
  tryTo(() => writeWhole(file.fd, encodeChild(child), file.childAt));
}

function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // said by nobody: see the callers
  }
}
