import { existsSync } from 'node:fs';
import { explainErrno } from '../errors.js';
import { exitStatusOf } from '../model/exit-status.js';
import { encodeLine } from '../model/record.js';
import { LAUNCH_VARIABLES, readLaunch, restoreEnvironment } from '../platform/launch.js';
import { effectiveUid, homeDirectory, userName } from '../platform/user.js';
import { dieOf, isStop, receiveSignals } from '../run/forward.js';
import type { Notice, Tell } from '../run/notice.js';
import type { OutputKeeper } from '../run/output.js';
import type { Plan } from '../run/plan.js';
import type { Reporter } from '../run/reporter.js';
import { supervise } from '../run/supervise.js';
import type { Turn } from '../run/take-turn.js';
import { pingsDirectory, stateDirectory } from '../state/directory.js';
import type { Stage } from './exec-report.js';
import type { Speaker } from './exec-words.js';
import type { ExecOptions, Surroundings } from './types.js';

/**
 * `cronrun exec`: runs `command` as one run of `job` and records it. Resolves with cronrun's exit status; where
 * cronrun was told to stop it does not resolve but dies as it was told, after recording.
 */
export async function exec(
  options: ExecOptions,
  job: string,
  command: readonly string[],
  io: Surroundings,
): Promise<number> {
  const speaker = { job, program: command[0] ?? '', now: io.now };
  const tell: Tell = (notice) => {
    const words = wordsOf(notice, speaker);
    if (words !== '') io.err(words);
  };
  const bare = planOf(options, job, command, keeperFor(options, speaker), io);
  const plan = { ...bare, reporter: reporterFor(options, bare, io.now, tell) };
  const turn = options.overlap === 'allow' ? null : await turnOf(plan, options, tell);
  const { record, stoppedBy } = turn !== null && 'record' in turn ? turn : await supervise(plan, tell, turn);
  const hasTime = (await plan.reporter?.ended(record.status === 'skipped' ? null : record)) ?? true;
  if (stoppedBy === null && hasTime && plan.stateDir !== null && existsSync(pingsDirectory(plan.stateDir)))
    await sendLeft(options, plan, io.now, tell);
  if (stoppedBy !== null) dieOf(stoppedBy);
  return exitStatusOf(record);
}

/** A bundle of its own, too: a run that may overlap with others needs nothing of it. */
function turnOf(plan: Plan, options: ExecOptions, tell: Tell): Promise<Turn> {
  const { takeTurn } = require('./overlap.cjs') as typeof import('../run/take-turn.js');
  return takeTurn(plan, options, receiveSignals, tell);
}

/**
 * The words are a bundle of their own that is loaded when there is something to say. After hours of a run an upgrade
 * may have removed or replaced it; that must not cost the run its wrapper.
 */
function wordsOf(notice: Notice, speaker: Speaker): string {
  try {
    const { wordsFor } = require('./words.cjs') as typeof import('./exec-words.js');
    return wordsFor(notice, speaker);
  } catch {
    const record = 'record' in notice ? ` ${encodeLine(notice.record)}` : '';
    return `cronrun: ${speaker.job}: ${notice.kind}${record}\n`;
  }
}

/**
 * What keeps the output is a bundle of its own as well. It is loaded before the command starts, because of upgrades; where
 * that fails there is no log.
 */
function keeperFor(options: ExecOptions, speaker: Speaker): OutputKeeper | null {
  if (options.output === 'inherit') return null;
  try {
    const { outputKeeper } = require('./output.cjs') as typeof import('./exec-output.js');
    return outputKeeper(options, speaker);
  } catch (error) {
    return {
      open: () => {
        throw error;
      },
    };
  }
}

/**
 * A bundle of its own, again: others are told of few runs. It is loaded when there is something to tell, which for most runs
 * is that the command has been started. Where it cannot be loaded nobody is told, and that is said.
 */
function reporterFor(
  options: ExecOptions,
  { job, stateDir, env }: Plan,
  now: () => number,
  tell: Tell,
): Reporter | null {
  const { ping, onSuccess, onFailure, onEnd, textfile } = options;
  if (ping === null && onSuccess === null && onFailure === null && onEnd === null && textfile === null)
    return null;
  let loaded: Reporter | null | undefined;
  const load = (): Reporter | null => {
    if (loaded !== undefined) return loaded;
    try {
      const report = require('./report.cjs') as typeof import('./exec-report.js');
      loaded = report.reporterFor(options, stageOf({ job, stateDir, env }, now, tell));
    } catch (error) {
      tell({ kind: 'not-told', reporter: 'report', why: explainErrno(error) });
      loaded = null;
    }
    return loaded;
  };
  return {
    recorded: (records) => {
      if (records.length > 0) load()?.recorded(records);
    },
    settled: (records, untold) => load()?.settled(records, untold),
    started: (run) => load()?.started(run),
    ended: async (record) => (await load()?.ended(record)) ?? true,
  };
}

/** Pings that earlier runs could not deliver. That they wait was said when they failed. */
async function sendLeft(
  options: ExecOptions,
  plan: Pick<Plan, 'job' | 'stateDir' | 'env'>,
  now: () => number,
  tell: Tell,
): Promise<void> {
  try {
    const report = require('./report.cjs') as typeof import('./exec-report.js');
    await report.sendLeft(stageOf(plan, now, tell), options);
  } catch {
    // an upgrade came in between; a later run sends them
  }
}

function stageOf(
  { job, stateDir, env }: Pick<Plan, 'job' | 'stateDir' | 'env'>,
  now: () => number,
  tell: Tell,
): Stage {
  const say = (failure: { reporter: string; why: string }) => tell({ kind: 'not-told', ...failure });
  return { job, stateDir, env, now, receive: receiveSignals, isStop, tell: say };
}

function planOf(
  options: ExecOptions,
  job: string,
  command: readonly string[],
  keeper: OutputKeeper | null,
  io: Surroundings,
): Plan {
  const env = restoreEnvironment(io.env);
  return {
    job,
    command,
    env,
    launch: readLaunch(io.env[LAUNCH_VARIABLES.seen]),
    stateDir: stateDirectory({
      given: options.stateDir,
      isRoot: effectiveUid() === 0,
      xdgStateHome: env.XDG_STATE_HOME,
      home: homeDirectory(env),
    }),
    timeoutMs: options.timeoutMs,
    timeoutSource: options.timeoutSource,
    timeoutSignal: options.signal,
    killAfterMs: options.killAfterMs,
    successCodes: options.successCodes,
    requireRecord: options.requireRecord || impliesRecord(options),
    requireCheckpoint: options.requireCheckpoint,
    recordCommand: options.recordCommand,
    journalLimit: options.journalLimit,
    keeper,
    reporter: null,
    schedule: null,
    exclusiveState: options.exclusiveState,
    cwd: workingDirectory(),
    user: userName(env),
  };
}

/**
 * What nobody can look up cannot be required: without a record there is no checkpoint. And the lock goes with the wrapper:
 * once that is killed, only the record says that its command is in the way.
 */
function impliesRecord({ requireCheckpoint, overlap }: ExecOptions): boolean {
  return requireCheckpoint !== null || overlap !== 'allow';
}

/** Null where it was removed: the command starts there all the same. */
function workingDirectory(): string | null {
  try {
    return process.cwd();
  } catch {
    return null;
  }
}
