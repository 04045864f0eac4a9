import type {
  AnswerOptions,
  CheckOptions,
  CommonOptions,
  ExecOptions,
  ForgetOptions,
  LsOptions,
  MetricsOptions,
  OutputOptions,
  PingsOptions,
  PruneOptions,
  ReportOptions,
  StopOptions,
  WaitOptions,
} from '../commands/types.js';
import { isJobName } from '../model/job.js';
import { jobTaken, noCommand, noJob } from './exec-form.js';
import { nearest } from './nearest.js';
import {
  checkedJobs,
  checkpointText,
  execJob,
  fieldsOf,
  jobOrRun,
  lsJob,
  manPage,
  noOperands,
  oneJob,
  settledRun,
} from './operands.js';
import type { CommandName } from './options.js';
import { OPTIONS, type OptionSpec } from './options.js';
import { fold, quote, usage } from './usage.js';
import { placeOf } from './values.js';

/** What a parser hands over: what was given, nothing judged yet. Both parsers make the same of one command line. */
export interface RawCall {
  readonly command: CommandName;
  /** By long name: the text, or true and false for a switch. Where an option is repeated the last one counts. */
  readonly given: ReadonlyMap<string, string | boolean>;
  readonly operands: readonly string[];
  /** Everything before the first `--`, as it was typed. */
  readonly before: readonly string[];
  /** What stands behind the first `--`, byte for byte; null without one. */
  readonly behind: readonly string[] | null;
}

export interface ExecCall {
  readonly command: 'exec';
  readonly options: ExecOptions;
  readonly job: string;
  /** The command and its arguments; at least one. */
  readonly argv: string[];
}

export interface AnswerCall<C extends 'status' | 'last'> {
  readonly command: C;
  readonly options: AnswerOptions;
  /** A job name, or a run id as parseRunReference takes it. */
  readonly target: string | undefined;
}

export interface LsCall {
  readonly command: 'ls';
  readonly options: LsOptions;
  readonly job: string | undefined;
}

interface OutputCall {
  readonly command: 'output';
  readonly options: OutputOptions;
  /** A job name, or a run id as parseRunReference takes it. */
  readonly target: string | undefined;
}

interface WaitCall {
  readonly command: 'wait';
  readonly options: WaitOptions;
  /** A job name, or a run id as parseRunReference takes it. */
  readonly target: string;
}

interface StopCall {
  readonly command: 'stop';
  readonly options: StopOptions;
  /** A job name, or a run id as parseRunReference takes it. */
  readonly target: string;
}

interface SettleCall {
  readonly command: 'settle';
  readonly options: CommonOptions;
  /** As parseRunReference takes it. */
  readonly run: string;
}

interface PruneCall {
  readonly command: 'prune';
  readonly options: PruneOptions;
  /** Undefined: all jobs. */
  readonly job: string | undefined;
}

interface ForgetCall {
  readonly command: 'forget';
  readonly options: ForgetOptions;
  readonly job: string;
}

interface CheckCall {
  readonly command: 'check';
  readonly options: CheckOptions;
  /** None: all of them. */
  readonly jobs: readonly string[];
}

interface MetricsCall {
  readonly command: 'metrics';
  readonly options: MetricsOptions;
}

interface PingsCall {
  readonly command: 'pings';
  readonly options: PingsOptions;
}

interface ManCall {
  readonly command: 'man';
  readonly page: 'journal' | undefined;
}

interface CheckpointCall {
  readonly command: 'checkpoint';
  /** One line, not blank. */
  readonly text: string;
}

/** A command line that is understood: everything in it is valid. */
export type Call =
  | ExecCall
  | CheckpointCall
  | AnswerCall<'status'>
  | AnswerCall<'last'>
  | LsCall
  | OutputCall
  | WaitCall
  | StopCall
  | SettleCall
  | PruneCall
  | ForgetCall
  | CheckCall
  | MetricsCall
  | PingsCall
  | ManCall;

export type Environment = Readonly<Record<string, string | undefined>>;

/** Judges every value. Throws CronrunError 'usage'. */
export function interpret(raw: RawCall, env: Environment): Call {
  switch (raw.command) {
    case 'exec':
      return execCall(raw, env);
    case 'checkpoint':
      return { command: 'checkpoint', text: checkpointText(readerOperands(raw)) };
    case 'status':
      return answerCall(raw, 'status', env);
    case 'last':
      return lastCall(raw, env);
    case 'ls':
      return lsCall(raw, env);
    case 'output':
      return outputCall(raw, env);
    case 'wait':
      return waitCall(raw, env);
    case 'stop':
      return stopCall(raw, env);
    case 'settle':
      return { command: 'settle', options: common(raw, env), run: settledRun(readerOperands(raw)) };
    case 'prune':
      return pruneCall(raw, env);
    case 'forget':
      return forgetCall(raw, env);
    case 'check':
      return checkCall(raw, env);
    case 'metrics':
      return metricsCall(raw, env);
    case 'pings':
      return pingsCall(raw, env);
    case 'man':
      return { command: 'man', page: manPage(readerOperands(raw)) };
  }
}

/** The value of an option, wherever it stands: on the command line, else in the environment, else its fallback. */
function lookUp<T>(spec: OptionSpec<T>, raw: RawCall, env: Environment): T {
  const given = raw.given.get(spec.name);
  if (typeof given === 'boolean') return given as T; // only a switch is given without a text: T is boolean
  if (given !== undefined) return parsed(spec, raw.command, given, null);
  if (spec.twin === null) return spec.fallback;
  const twin = env[spec.twin];
  // An empty variable is unset: a crontab has no other way to undo a line above.
  return twin ? parsed(spec, raw.command, twin, spec.twin) : spec.fallback;
}

function parsed<T>(spec: OptionSpec<T>, command: CommandName, text: string, twin: string | null): T {
  const result = spec.parse(text);
  if ('value' in result) return result.value;
  const shown = result.isSecret ? null : text;
  throw usage(command, `${placeOf(spec.name, twin, shown)} ${result.problem}`, result.hint);
}

function common(raw: RawCall, env: Environment): CommonOptions {
  return {
    stateDir: lookUp(OPTIONS.stateDir, raw, env),
    exclusiveState: lookUp(OPTIONS.exclusiveState, raw, env),
    color: lookUp(OPTIONS.color, raw, env),
  };
}

/** `exec` alone, for the bundle that has nothing else. Throws CronrunError 'usage'. */
export function execCall(raw: RawCall, env: Environment): ExecCall {
  const timeoutMs = lookUp(OPTIONS.timeout, raw, env);
  const source = raw.given.has(OPTIONS.timeout.name) ? '--timeout' : 'CRONRUN_TIMEOUT';
  const options: ExecOptions = {
    ...common(raw, env),
    timeoutMs: timeoutMs === 0 ? null : timeoutMs,
    timeoutSource: timeoutMs === 0 ? null : source,
    killAfterMs: lookUp(OPTIONS.killAfter, raw, env),
    signal: lookUp(OPTIONS.signal, raw, env),
    successCodes: lookUp(OPTIONS.successCodes, raw, env),
    requireRecord: lookUp(OPTIONS.requireRecord, raw, env),
    requireCheckpoint: lookUp(OPTIONS.requireCheckpoint, raw, env),
    recordCommand: lookUp(OPTIONS.recordCommand, raw, env),
    journalLimit: lookUp(OPTIONS.journalLimit, raw, env),
    overlap: lookUp(OPTIONS.overlap, raw, env),
    overlapWaitMs: lookUp(OPTIONS.overlapWait, raw, env),
    overlapExitCode: lookUp(OPTIONS.overlapExitCode, raw, env),
    output: lookUp(OPTIONS.output, raw, env),
    outputLimit: lookUp(OPTIONS.outputLimit, raw, env),
    keepOutput: lookUp(OPTIONS.keepOutput, raw, env),
    schedule: lookUp(OPTIONS.schedule, raw, env),
    graceMs: lookUp(OPTIONS.grace, raw, env),
    ...reports(raw, env),
  };
  refuseWithoutOverlap(raw, options.overlap);
  const { before, behind } = raw;
  const job = execJob(raw.operands);
  // Judged last: `-t backup -- x` has no job because -t took it, and that is what has to be said.
  if (job === undefined) {
    const last = before.at(-1) ?? '';
    const taker = isJobName(last)
      ? TAKES_ANYTHING.find(({ name }) => raw.given.get(name) === last)
      : undefined;
    throw taker === undefined ? noJob(before, behind) : jobTaken(before, behind, taker);
  }
  if (behind === null || behind.length === 0) throw noCommand(before, behind === null);
  return { command: 'exec', options, job, argv: [...behind] };
}

function reports(raw: RawCall, env: Environment): ReportOptions {
  return {
    onSuccess: lookUp(OPTIONS.onSuccess, raw, env),
    onFailure: lookUp(OPTIONS.onFailure, raw, env),
    onEnd: lookUp(OPTIONS.onEnd, raw, env),
    textfile: lookUp(OPTIONS.textfile, raw, env),
    ping: lookUp(OPTIONS.ping, raw, env),
    pingCreate: lookUp(OPTIONS.pingCreate, raw, env),
    pingWithout: lookUp(OPTIONS.pingWithout, raw, env),
    pingOnSuccess: lookUp(OPTIONS.pingOnSuccess, raw, env),
    pingOnFailure: lookUp(OPTIONS.pingOnFailure, raw, env),
    pingOnNotStarted: lookUp(OPTIONS.pingOnNotStarted, raw, env),
    pingHeader: lookUp(OPTIONS.pingHeader, raw, env),
    pingTimeoutMs: lookUp(OPTIONS.pingTimeout, raw, env),
    pingRetries: lookUp(OPTIONS.pingRetries, raw, env),
  };
}

/** `last` alone. Throws CronrunError 'usage'. */
export function lastCall(raw: RawCall, env: Environment): AnswerCall<'last'> {
  return answerCall(raw, 'last', env);
}

/** Options that have no way to tell a job from a value of theirs. */
const TAKES_ANYTHING: readonly OptionSpec<unknown>[] = [
  OPTIONS.onSuccess,
  OPTIONS.onFailure,
  OPTIONS.onEnd,
  OPTIONS.textfile,
  OPTIONS.requireCheckpoint,
  OPTIONS.stateDir,
];

/** Who gives these by hand believes that two runs at once are ruled out. */
function refuseWithoutOverlap(raw: RawCall, overlap: ExecOptions['overlap']): void {
  const waits = raw.given.has(OPTIONS.overlapWait.name);
  const lost = waits
    ? overlap !== 'wait'
    : overlap === 'allow' && raw.given.has(OPTIONS.overlapExitCode.name);
  if (!lost) return;
  const option = `--${(waits ? OPTIONS.overlapWait : OPTIONS.overlapExitCode).name}`;
  const wanted = waits ? '--overlap wait' : '--overlap skip or wait';
  throw usage('exec', `${option} is for ${wanted}. Write ${waits ? wanted : '--overlap skip'} as well`);
}

function answerCall<C extends 'status' | 'last'>(raw: RawCall, command: C, env: Environment): AnswerCall<C> {
  refuseTogether(raw, [OPTIONS.json, OPTIONS.get, OPTIONS.exitCode]);
  const maxAgeMs = lookUp(OPTIONS.maxAge, raw, env);
  const exitCode = lookUp(OPTIONS.exitCode, raw, env);
  if (maxAgeMs !== null && !exitCode) {
    const typed = `--exit-code --max-age ${raw.given.get(OPTIONS.maxAge.name)}`;
    throw usage(command, `--max-age is for --exit-code. Write ${typed}`);
  }
  const target = jobOrRun(command, readerOperands(raw));
  const json = lookUp(OPTIONS.json, raw, env);
  const options = { ...common(raw, env), json, get: fields(raw, env, target), exitCode, maxAgeMs };
  return { command, options, target };
}

function lsCall(raw: RawCall, env: Environment): LsCall {
  refuseTogether(raw, [OPTIONS.json, OPTIONS.get, OPTIONS.quiet, OPTIONS.watch]);
  const job = lsJob(readerOperands(raw));
  if (job !== undefined && raw.given.has(OPTIONS.sort.name)) {
    throw usage('ls', '--sort is for jobs. The runs of one job are listed newest first; leave it out');
  }
  const status = lookUp(OPTIONS.status, raw, env);
  if (job === undefined && status === 'skipped') {
    throw usage('ls', 'skipped is a status of runs. Write ls --status skipped JOB');
  }
  const options: LsOptions = {
    ...common(raw, env),
    json: lookUp(OPTIONS.json, raw, env),
    get: fields(raw, env, job),
    quiet: lookUp(OPTIONS.quiet, raw, env),
    status,
    sort: lookUp(OPTIONS.sort, raw, env),
    watch: lookUp(OPTIONS.watch, raw, env),
    limit: lookUp(OPTIONS.limit, raw, env),
  };
  return { command: 'ls', options, job };
}

function outputCall(raw: RawCall, env: Environment): OutputCall {
  const options = {
    ...common(raw, env),
    follow: lookUp(OPTIONS.follow, raw, env),
    lines: lookUp(OPTIONS.lines, raw, env),
  };
  return { command: 'output', options, target: jobOrRun('output', readerOperands(raw)) };
}

function waitCall(raw: RawCall, env: Environment): WaitCall {
  const limitMs = lookUp(OPTIONS.waitTimeout, raw, env);
  return {
    command: 'wait',
    options: { ...common(raw, env), timeoutMs: limitMs === 0 ? null : limitMs },
    target: namedTarget(raw, 'wait'),
  };
}

function stopCall(raw: RawCall, env: Environment): StopCall {
  const killAfterMs = lookUp(OPTIONS.stopKillAfter, raw, env);
  const signal = lookUp(OPTIONS.stopSignal, raw, env);
  return {
    command: 'stop',
    options: { ...common(raw, env), killAfterMs, signal },
    target: namedTarget(raw, 'stop'),
  };
}

/** Whose target is not guessed from the run around it. */
function namedTarget(raw: RawCall, command: 'wait' | 'stop'): string {
  const target = jobOrRun(command, readerOperands(raw));
  if (target === undefined) throw usage(command, 'name a job, or a run by its id', 'all jobs: cronrun ls');
  return target;
}

function pruneCall(raw: RawCall, env: Environment): PruneCall {
  refuseTogether(raw, [OPTIONS.olderThan, OPTIONS.keepRuns]);
  const options: PruneOptions = {
    ...common(raw, env),
    olderThanMs: lookUp(OPTIONS.olderThan, raw, env),
    keepRuns: lookUp(OPTIONS.keepRuns, raw, env),
    dryRun: lookUp(OPTIONS.dryRun, raw, env),
  };
  const job = oneJob('prune', readerOperands(raw));
  if (options.olderThanMs === null && options.keepRuns === null) {
    throw usage('prune', 'say which runs: --older-than 90d, or --keep-runs 1000');
  }
  return { command: 'prune', options, job };
}

function forgetCall(raw: RawCall, env: Environment): ForgetCall {
  const job = oneJob('forget', readerOperands(raw));
  if (job === undefined) throw usage('forget', 'name a job', 'all jobs: cronrun ls');
  return {
    command: 'forget',
    options: { ...common(raw, env), dryRun: lookUp(OPTIONS.dryRun, raw, env) },
    job,
  };
}

function checkCall(raw: RawCall, env: Environment): CheckCall {
  const options: CheckOptions = {
    ...common(raw, env),
    maxAgeMs: lookUp(OPTIONS.checkMaxAge, raw, env),
    maxDurationMs: lookUp(OPTIONS.maxDuration, raw, env),
    warning: lookUp(OPTIONS.warning, raw, env),
    critical: lookUp(OPTIONS.critical, raw, env),
    checkmk: lookUp(OPTIONS.checkmk, raw, env),
  };
  return { command: 'check', options, jobs: checkedJobs(readerOperands(raw)) };
}

function metricsCall(raw: RawCall, env: Environment): MetricsCall {
  noOperands('metrics', readerOperands(raw));
  return {
    command: 'metrics',
    options: { ...common(raw, env), textfile: lookUp(OPTIONS.textfile, raw, env) },
  };
}

function pingsCall(raw: RawCall, env: Environment): PingsCall {
  noOperands('pings', readerOperands(raw));
  const options = {
    ...common(raw, env),
    send: lookUp(OPTIONS.send, raw, env),
    pingTimeoutMs: lookUp(OPTIONS.pingTimeout, raw, env),
    pingRetries: lookUp(OPTIONS.pingRetries, raw, env),
  };
  return { command: 'pings', options };
}

/** A reader has no command of its own: `--` only ends its options. */
function readerOperands(raw: RawCall): readonly string[] {
  return [...raw.operands, ...(raw.behind ?? [])];
}

function refuseTogether(raw: RawCall, options: readonly OptionSpec<unknown>[]): void {
  const given = options.filter((option) => raw.given.has(option.name)).map((option) => `--${option.name}`);
  if (given.length < 2) return;
  throw usage(raw.command, `${given.join(' and ')} exclude each other. Write one`);
}

/** What people call a field, where no typing error leads to it. */
const FIELD_ALIASES: Readonly<Record<string, string>> = {
  id: 'cron_job_id',
  run: 'cron_job_id',
  run_id: 'cron_job_id',
  uuid: 'cron_job_id',
  argv: 'command',
  code: 'exit_code',
  name: 'job',
};

function fields(raw: RawCall, env: Environment, target: string | undefined): readonly string[] | null {
  const wanted = lookUp(OPTIONS.get, raw, env);
  const known = fieldsOf(raw.command, target !== undefined);
  const unknown = wanted?.find((field) => !known.includes(field));
  if (unknown === undefined) return wanted;
  const alike = unknown.toLowerCase().replaceAll('-', '_');
  const meant = FIELD_ALIASES[alike] ?? nearest(alike, known);
  const remedy = meant === null ? '' : `. Perhaps ${meant}`;
  throw usage(raw.command, `--get: no field ${quote(unknown)}${remedy}`, fieldList(known));
}

function fieldList(known: readonly string[]): string {
  return fold(`(fields: ${known.join(' ')})`, 76).join('\n');
}
