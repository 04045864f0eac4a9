import type { CronrunError } from '../errors.js';
import { isoTime } from '../model/iso-time.js';
import type { End, EndedRecord, JournalRecord } from '../model/record.js';
import { makeRunId, type RunId } from '../model/run-id.js';
import type { SignalName } from '../model/signal.js';
import { makeTrace } from '../model/trace.js';
import { monotonicMs, wallMs } from '../platform/clock.js';
import { findObstacle } from '../platform/command.js';
import { processId } from '../platform/identity.js';
import { randomBytes } from '../platform/random.js';
import { startChild } from '../platform/spawn.js';
import { wroteCheckpoint } from '../state/checkpoint.js';
import { outputDirectory } from '../state/directory.js';
import { childEnvironment } from './child-environment.js';
import { judgeEnding } from './ending.js';
import { lookBack, NOTHING_KNOWN, type Past } from './look-back.js';
import type { Notice, Tell } from './notice.js';
import type { OutputLog } from './output.js';
import type { Plan } from './plan.js';
import { recordEnd } from './record-end.js';
import { type Begun, recordChild, recordStart, takeBack } from './record-start.js';
import { type Watched, watch } from './watch.js';

/** A run that is over and recorded. */
export interface Outcome<Over extends JournalRecord = EndedRecord> {
  readonly record: Over;
  /** The signal by which cronrun itself was told to stop, where that is how the run ended; else null. */
  readonly stoppedBy: SignalName | null;
}

/** How far an end is from being recorded: everything of it but the times. */
type Ending = Pick<End, 'status' | 'reason' | 'exit_code' | 'signal' | 'killed' | 'error'>;

/** The turn of a run that may not overlap with another one. */
export interface Lease {
  /** Who has it, for those that come now. Nothing is on record of it yet. */
  readonly announce: (id: RunId) => void;
  /** Why it is not ours after all, as soon as our start record is there; null: it is. */
  readonly loss: () => CronrunError | null;
  /** The next may come. Throws nothing, and a second call does nothing. */
  readonly release: () => void;
}

/**
 * One run from its start record to its journal line, in the order of the protocol (ARCHITECTURE.md). Two steps carry
 * all of it: the start record is durable before the command is started, and it goes only when the journal line
 * is durable. CronrunError 'not-recorded', 'not-locked' where nothing is started.
 */
export async function supervise(plan: Plan, tell: Tell, lease: Lease | null = null): Promise<Outcome> {
  const { stateDir, job } = plan;
  const past = stateDir === null ? NOTHING_KNOWN : lookBack(stateDir, job, tell, plan);

  const startedMs = wallMs();
  const startedAt = monotonicMs();
  const random = randomBytes(34);
  const id = makeRunId(startedMs, random);
  const trace = makeTrace(plan.env.TRACEPARENT, random.subarray(10));
  lease?.announce(id);
  const begun = recordStart(plan, past, { id, startedAt: isoTime(startedMs), trace }, tell);

  const loss = lease?.loss() ?? null;
  if (loss !== null) {
    if (begun.file !== null) takeBack(begun.file, begun.beginning.started_at);
    throw loss;
  }

  const log = openLog(plan, begun, past, tell);
  const attempt = await start(plan, begun, past, log, tell);
  const { ending, pid } = endOf(attempt, plan, begun);
  const record = recordEnd(plan, begun, past, stamp(ending, startedAt), pid, log, tell);
  // Whoever reads what is said may take long, and the run is over.
  lease?.release();
  const stoppedBy = conclude(record, attempt, plan, log?.tell ?? tell);
  log?.finish(record);
  return { record, stoppedBy };
}

/** Step 7. */
function endOf(attempt: Attempt, plan: Plan, begun: Begun): { ending: Ending; pid: number | null } {
  if ('ending' in attempt) return { ending: attempt.ending, pid: null };
  return { ending: required(endingOf(attempt.watched, plan), plan, begun), pid: attempt.pid };
}

/** What is on record now in words, and what stopped the run. */
function conclude(record: EndedRecord, attempt: Attempt, plan: Plan, say: Tell): SignalName | null {
  if ('ending' in attempt) {
    say(attempt.notice);
    return null;
  }
  tellEnd(record, attempt.watched, plan, say);
  return stopOf(record, attempt.watched);
}

/** The job comes first: where its output cannot be kept it goes to where ours goes. What is not on record has no log. */
function openLog({ keeper, stateDir, job }: Plan, begun: Begun, past: Past, tell: Tell): OutputLog | null {
  if (keeper === null || stateDir === null || begun.file === null) return null;
  try {
    return keeper.open(stateDir, job, begun.id, past.modes, tell);
  } catch (error) {
    tell({ kind: 'output-not-kept', path: outputDirectory(stateDir, job), error });
    return null;
  }
}

type Attempt =
  | { readonly watched: Watched; readonly pid: number }
  | { readonly ending: Ending; readonly notice: Notice };

/** Steps 4 to 7: the child, its identity in the record, and its end. */
async function start(
  plan: Plan,
  begun: Begun,
  past: Past,
  log: OutputLog | null,
  tell: Tell,
): Promise<Attempt> {
  const path = plan.env.PATH;
  const obstacle = findObstacle(plan.command[0] ?? '', path);
  if (obstacle !== null) return notStarted(obstacle.errno, obstacle.interpreter, path);
  const recordedAs = begun.file === null ? null : { id: begun.id, checkpoints: begun.file.checkpoints };
  const env = childEnvironment(plan.env, plan.job, plan.stateDir, recordedAs, past, begun.trace);
  const started = await startChild(plan.command, env, plan.launch, log?.fd ?? null);
  if ('errno' in started) return notStarted(started.errno, null, path);
  const { child } = started;
  if (begun.file !== null) recordChild(begun.file, processId(child.pid));
  plan.reporter?.started(begun.beginning);
  return { watched: await watch(child, plan, tell), pid: child.pid };
}

/** As a shell would say it: 127 for what is not there, 126 for what is there and cannot be run. */
function notStarted(errno: string, interpreter: string | null, path: string | undefined): Attempt {
  const exitStatus = errno === 'ENOENT' || errno === 'ENOTDIR' ? 127 : 126;
  return {
    ending: {
      status: 'failed',
      reason: 'not-started',
      exit_code: exitStatus,
      signal: null,
      killed: false,
      error: errno,
    },
    notice: { kind: 'not-started', errno, interpreter, path, exitStatus },
  };
}

function endingOf(watched: Watched, plan: Plan): Ending {
  const ending = judgeEnding({ ...watched, successCodes: plan.successCodes });
  // `cronrun stop` and people send SIGKILL themselves where a stop did not help.
  const killed = watched.killed || (ending.reason === 'stopped' && watched.exit.signal === 'SIGKILL');
  return { ...ending, killed, error: null };
}

/** Success without the checkpoint that was required is none: the command may have ended politely, its work not done. */
function required(ending: Ending, { requireCheckpoint }: Plan, { file }: Begun): Ending {
  if (requireCheckpoint === null || ending.status !== 'completed') return ending;
  if (file !== null && wroteCheckpoint(file.checkpoints, requireCheckpoint)) return ending;
  return { ...ending, status: 'failed', reason: 'incomplete' };
}

/** The end of the run: the child was waited for, and nothing more is waited for. */
function stamp(ending: Ending, startedAt: number): End {
  const duration = Math.round(monotonicMs() - startedAt);
  const endedAt = isoTime(wallMs());
  return {
    ...ending,
    completed_at: ending.status === 'completed' ? endedAt : null,
    ended_at: endedAt,
    duration_ms: duration,
  } as End;
}

/** A plain exit code, zero or not, is the command's own business: nothing is added to it. */
function tellEnd(record: EndedRecord, { leftBehind, killed }: Watched, plan: Plan, tell: Tell): void {
  if (record.reason === 'incomplete') {
    tell({ kind: 'incomplete', record, wanted: plan.requireCheckpoint ?? '' });
  } else if (record.reason !== 'exited') {
    tell({ kind: 'ended', record, lastCompletedAt: record.previous_completed_at });
  }
  if (leftBehind.length > 0) tell({ kind: 'left-behind', pids: leftBehind, killed });
}

function stopOf(record: EndedRecord, { cause }: Watched): SignalName | null {
  if (record.reason !== 'stopped') return null;
  return cause?.kind === 'stop' ? cause.signal : (record.signal as SignalName);
}
