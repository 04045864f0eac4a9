import { existsSync } from 'node:fs';
import { CronrunError, explainErrno } from '../errors.js';
import { exitStatusOf } from '../model/exit-status.js';
import { type EndedRecord, encodeLine, idOf, type JournalRecord } from '../model/record.js';
import { signalNumber } from '../model/signal.js';
import { LAUNCH_VARIABLES, readLaunch, restoreEnvironment } from '../platform/launch.js';
import { effectiveUid, homeDirectory, userName } from '../platform/user.js';
import { isZone, zoneName } from '../platform/zone.js';
import { dueReporters } from '../report/due-hooks.js';
import { dieOf, isStop, receiveSignals } from '../run/forward.js';
import type { Notice, Tell } from '../run/notice.js';
import type { OutputKeeper } from '../run/output.js';
import type { DeclaredSchedule, Plan } from '../run/plan.js';
import type { Reporter } from '../run/reporter.js';
import { type Outcome, supervise } from '../run/supervise.js';
import type { Turn } from '../run/take-turn.js';
import { pingsDirectory, stateDirectory } from '../state/directory.js';
import { keepReportFailures } from '../state/report-failures.js';
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
  const { record, stoppedBy } = await run(plan, options, tell);
  const hasTime = (await plan.reporter?.ended(record.status === 'skipped' ? null : record)) ?? true;
  if (stoppedBy === null && hasTime && plan.stateDir !== null && existsSync(pingsDirectory(plan.stateDir)))
    await sendLeft(options, plan, io.now, tell);
  if (stoppedBy !== null) dieOf(stoppedBy);
  return exitStatusOf(record);
}

/** Where nothing is started others are still told of the runs that were found cut short on the way. */
async function run(plan: Plan, options: ExecOptions, tell: Tell): Promise<Outcome<JournalRecord>> {
  const turn = options.overlap === 'allow' ? null : await turnOf(plan, options, tell);
  if (turn !== null && 'record' in turn) return turn;
  try {
    return await supervise(plan, tell, turn);
  } catch (error) {
    turn?.release(); // the job need not wait for that
    await plan.reporter?.ended(null);
    throw error;
  }
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
    const why = notice.kind === 'not-told' ? `: ${notice.reporter}: ${notice.why}` : '';
    return `cronrun: ${speaker.job}: ${notice.kind}${why}${record}\n`;
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
 * is that the command has been started. Where it cannot be loaded nobody is told, and that is said and kept.
 */
function reporterFor(options: ExecOptions, plan: Plan, now: () => number, tell: Tell): Reporter | null {
  const { ping, onSuccess, onFailure, onEnd, textfile } = options;
  if (ping === null && onSuccess === null && onFailure === null && onEnd === null && textfile === null)
    return null;
  let loaded: Reporter | null | undefined;
  let why = '';
  const load = (): Reporter | null => {
    if (loaded !== undefined) return loaded;
    try {
      const report = require('./report.cjs') as typeof import('./exec-report.js');
      loaded = report.reporterFor(options, stageOf(plan, now, tell));
    } catch (error) {
      why = explainErrno(error);
      tell({ kind: 'not-told', reporter: 'report', why });
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
    ended: async (record) => {
      const reporter = load();
      if (reporter === null && record !== null) keepUntold(options, plan, record, why, now());
      return (await reporter?.ended(record)) ?? true;
    },
  };
}

function keepUntold(
  options: ExecOptions,
  { stateDir, job }: Plan,
  record: EndedRecord,
  why: string,
  nowMs: number,
): void {
  if (stateDir === null) return;
  const failures = dueReporters(options, record).map((reporter) => ({
    reporter,
    why: `cannot be loaded (${why})`,
  }));
  keepReportFailures(stateDir, job, idOf(record), failures, nowMs);
}

/** Pings that earlier runs could not deliver. That they wait was said when they failed. */
async function sendLeft(options: ExecOptions, plan: Plan, now: () => number, tell: Tell): Promise<void> {
  try {
    const report = require('./report.cjs') as typeof import('./exec-report.js');
    await report.sendLeft(stageOf(plan, now, tell), options);
  } catch (error) {
    // Mostly an upgrade came in between; a later run sends them.
    tell({ kind: 'not-told', reporter: 'ping', why: `what waits is not sent: ${explainErrno(error)}` });
  }
}

function stageOf({ job, stateDir, env, launch }: Plan, now: () => number, tell: Tell): Stage {
  return {
    job,
    stateDir,
    env,
    now,
    receive: receiveSignals,
    isStop: (signal) => isStop(signal) && !launch.ignored.includes(signalNumber(signal)),
    tell: (failure) => tell({ kind: 'not-told', ...failure }),
  };
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
    schedule: declaredSchedule(options, env.TZ),
    exclusiveState: options.exclusiveState,
    cwd: workingDirectory(),
    user: userName(env),
  };
}

/** As it is recorded. CronrunError 'usage' for a time zone that there is not. */
function declaredSchedule(
  { schedule, graceMs }: ExecOptions,
  tz: string | undefined,
): DeclaredSchedule | null {
  if (schedule === null) return null;
  const { expression, zone } = schedule;
  if (zone !== null && !isZone(zone)) {
    throw new CronrunError(
      'usage',
      `exec: --schedule: there is no time zone ${zone}. Write TZ=Europe/Berlin`,
    );
  }
  return { expression, zone: zone ?? zoneName(tz), graceMs };
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
