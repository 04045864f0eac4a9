import type { ColorChoice, LsSort, Overlap, PingPart } from '../commands/types.js';
import { CONDITIONS, type Condition, type NONE } from '../model/check.js';
import type { PingKind } from '../model/ping.js';
import type { Status } from '../model/record.js';
import type { Schedule } from '../model/schedule.js';
import type { SignalName } from '../model/signal.js';
import {
  checkpoint,
  choice,
  choices,
  conditions,
  count,
  directory,
  duration,
  exitCode,
  exitCodes,
  longAge,
  names,
  oneOrZero,
  pingHeader,
  pingUrl,
  schedule,
  shellCommand,
  signal,
  size,
  stopSignal,
  type ValueParser,
  wholeFromZero,
} from './values.js';

export type CommandName =
  | 'exec'
  | 'checkpoint'
  | 'status'
  | 'last'
  | 'ls'
  | 'output'
  | 'wait'
  | 'stop'
  | 'settle'
  | 'prune'
  | 'forget'
  | 'check'
  | 'metrics'
  | 'pings'
  | 'man';

/** One option as both parsers, the help and the tests know it. */
export interface OptionSpec<T> {
  /** Long name without dashes; never begins with "no-". */
  readonly name: string;
  /** One letter, or null. */
  readonly short: string | null;
  /** Placeholder of its value; null for a switch. */
  readonly value: string | null;
  /** A value that is right, for messages; null for a switch. */
  readonly example: string | null;
  /** True for a switch that --no-NAME switches off again. */
  readonly negatable: boolean;
  /** The environment variable that stands in where the option is not given. */
  readonly twin: string | null;
  readonly commands: readonly CommandName[];
  /** For a switch: of its twin. */
  readonly parse: ValueParser<T>;
  /** What counts where neither the option nor its twin is given. */
  readonly fallback: T;
  /** The fallback as somebody would type it; null where that says nothing. */
  readonly fallbackText: string | null;
  /** Heading in the help. */
  readonly group: string;
  readonly help: string;
}

/** Every command there is, in the order of the help. */
export const COMMAND_NAMES: readonly CommandName[] = [
  'exec',
  'checkpoint',
  'status',
  'last',
  'ls',
  'output',
  'wait',
  'stop',
  'settle',
  'prune',
  'forget',
  'check',
  'metrics',
  'pings',
  'man',
];

const ALL = COMMAND_NAMES;
const ANSWERS: readonly CommandName[] = ['status', 'last'];
const READERS: readonly CommandName[] = ['status', 'last', 'ls'];
const JUDGES: readonly CommandName[] = [
  'exec',
  ...READERS,
  'output',
  'wait',
  'stop',
  'settle',
  'prune',
  'forget',
  'check',
  'metrics',
];

const STATUSES: readonly Status[] = ['running', 'completed', 'failed', 'timeout', 'interrupted', 'skipped'];

/** `ls` shows reasons in brackets; a status is what it can choose by. */
const STATUS_OF_REASON: Readonly<Record<string, Status>> = {
  orphaned: 'running',
  unverifiable: 'running',
  'not-started': 'failed',
  'timed-out': 'timeout',
  signaled: 'interrupted',
  stopped: 'interrupted',
  lost: 'interrupted',
  rebooted: 'interrupted',
  killed: 'interrupted',
  overlap: 'skipped',
};

type Given<T> = Pick<OptionSpec<T>, 'name' | 'commands' | 'group' | 'help'> & Partial<OptionSpec<T>>;

function valued<T>(
  spec: Given<T> & Pick<OptionSpec<T>, 'value' | 'example' | 'parse' | 'fallback'>,
): OptionSpec<T> {
  return filled(spec, spec.parse, spec.fallback);
}

function toggle(spec: Given<boolean>): OptionSpec<boolean> {
  return filled(spec, oneOrZero, false);
}

/** Field by field: spreading defaults below 20 specs takes 0.2 ms of every start. */
function filled<T>(spec: Given<T>, parse: ValueParser<T>, fallback: T): OptionSpec<T> {
  return {
    name: spec.name,
    short: spec.short ?? null,
    value: spec.value ?? null,
    example: spec.example ?? null,
    negatable: spec.negatable ?? false,
    twin: spec.twin ?? null,
    commands: spec.commands,
    parse,
    fallback,
    fallbackText: spec.fallbackText ?? null,
    group: spec.group,
    help: spec.help,
  };
}

const ENDING = 'Ending a run:';
const OVERLAPPING = 'While another run of the job goes on:';
const RECORDING = 'Recording a run:';
const OUTPUT = 'Output of the command:';
const TELLING = 'Telling others:';
const PINGING = 'Pings:';
const ANSWERING = 'Answers:';
const JUDGING = 'Judging runs:';
const CHECKING = 'What is wrong:';
const CHOOSING = 'Choosing:';
const EVERYWHERE = 'Everywhere:';

/** Every option there is, in the order of the help. */
export const OPTIONS = {
  timeout: valued<number>({
    name: 'timeout',
    short: 't',
    value: 'DURATION',
    example: '5m',
    twin: 'CRONRUN_TIMEOUT',
    commands: ['exec'],
    parse: duration('0 is no limit'),
    fallback: 0,
    group: ENDING,
    help: 'end the run after this long: the signal to its process group, after the grace period SIGKILL; 0 is no limit',
  }),
  killAfter: valued<number>({
    name: 'kill-after',
    short: 'k',
    value: 'DURATION',
    example: '30s',
    twin: 'CRONRUN_KILL_AFTER',
    commands: ['exec'],
    parse: duration('0 is never SIGKILL'),
    fallback: 10_000,
    fallbackText: '10s',
    group: ENDING,
    help: 'the grace period; 0 is never SIGKILL',
  }),
  signal: valued<SignalName>({
    name: 'signal',
    short: 's',
    value: 'SIGNAL',
    example: 'INT',
    twin: 'CRONRUN_SIGNAL',
    commands: ['exec'],
    parse: signal,
    fallback: 'SIGTERM',
    fallbackText: 'TERM',
    group: ENDING,
    help: 'the first signal of a timeout',
  }),
  overlap: valued<Overlap>({
    name: 'overlap',
    value: 'allow|skip|wait',
    example: 'skip',
    twin: 'CRONRUN_OVERLAP',
    commands: ['exec'],
    parse: choice(['allow', 'skip', 'wait'], {
      forbid: 'skip',
      Forbid: 'skip',
      Allow: 'allow',
      queue: 'wait',
    }),
    fallback: 'allow',
    fallbackText: 'allow',
    group: OVERLAPPING,
    help: 'allow: run beside it; skip: do not run; wait: run after it',
  }),
  overlapWait: valued<number>({
    name: 'overlap-wait',
    value: 'DURATION',
    example: '5m',
    twin: 'CRONRUN_OVERLAP_WAIT',
    commands: ['exec'],
    parse: duration('0 is no limit'),
    fallback: 0,
    group: OVERLAPPING,
    help: 'wait no longer than this, then skip; 0 is no limit',
  }),
  overlapExitCode: valued<number>({
    name: 'overlap-exit-code',
    short: 'E',
    value: 'N',
    example: '0',
    twin: 'CRONRUN_OVERLAP_EXIT_CODE',
    commands: ['exec'],
    parse: exitCode,
    fallback: 75,
    fallbackText: '75',
    group: OVERLAPPING,
    help: 'exit status of a run that was skipped',
  }),
  successCodes: valued<readonly number[]>({
    name: 'success-codes',
    value: 'N[,N]',
    example: '24',
    twin: 'CRONRUN_SUCCESS_CODES',
    commands: ['exec'],
    parse: exitCodes,
    fallback: [],
    group: RECORDING,
    help: 'exit codes besides 0 that mean success',
  }),
  requireRecord: toggle({
    name: 'require-record',
    negatable: true,
    twin: 'CRONRUN_REQUIRE_RECORD',
    commands: ['exec'],
    group: RECORDING,
    help: 'do not start the command if that cannot be recorded (default: run it, and say so)',
  }),
  requireCheckpoint: valued<string | null>({
    name: 'require-checkpoint',
    value: 'TEXT',
    example: 'done',
    twin: 'CRONRUN_REQUIRE_CHECKPOINT',
    commands: ['exec'],
    parse: checkpoint,
    fallback: null,
    group: RECORDING,
    help: 'success without this checkpoint is none: exit status 198; asks for a record, too',
  }),
  recordCommand: valued<'all' | 'name'>({
    name: 'record-command',
    value: 'all|name',
    example: 'name',
    twin: 'CRONRUN_RECORD_COMMAND',
    commands: ['exec'],
    parse: choice(['all', 'name']),
    fallback: 'all',
    fallbackText: 'all',
    group: RECORDING,
    help: 'record the whole command, or its program only',
  }),
  journalLimit: valued<number>({
    name: 'journal-limit',
    value: 'SIZE',
    example: '20M',
    twin: 'CRONRUN_JOURNAL_LIMIT',
    commands: ['exec'],
    parse: size,
    fallback: 20 * 1024 ** 2,
    fallbackText: '20M',
    group: RECORDING,
    help: 'remove the oldest records of the job beyond this, 4M at a time; 0 is no limit',
  }),
  output: valued<'inherit' | 'on-failure'>({
    name: 'output',
    value: 'WHERE',
    example: 'on-failure',
    twin: 'CRONRUN_OUTPUT',
    commands: ['exec'],
    parse: choice(['inherit', 'on-failure']),
    fallback: 'inherit',
    fallbackText: 'inherit',
    group: OUTPUT,
    help: 'inherit, or on-failure: keep it, and print it on stderr only if the run does not complete',
  }),
  outputLimit: valued<number>({
    name: 'output-limit',
    value: 'SIZE',
    example: '1M',
    twin: 'CRONRUN_OUTPUT_LIMIT',
    commands: ['exec'],
    parse: size,
    fallback: 1_048_576,
    fallbackText: '1M',
    group: OUTPUT,
    help: 'keep no more than this of a run, its beginning and its end; 0 is no limit',
  }),
  keepOutput: valued<number>({
    name: 'keep-output',
    value: 'N',
    example: '10',
    twin: 'CRONRUN_KEEP_OUTPUT',
    commands: ['exec'],
    parse: count,
    fallback: 10,
    fallbackText: '10',
    group: OUTPUT,
    help: 'keep that of so many runs of the job, the newest',
  }),
  schedule: valued<Schedule | null>({
    name: 'schedule',
    value: 'CRON',
    example: '@daily',
    twin: 'CRONRUN_SCHEDULE',
    commands: ['exec'],
    parse: schedule,
    fallback: null,
    group: RECORDING,
    help: 'when the job is due, as in its crontab: ls, status, check and metrics then say that it is late',
  }),
  grace: valued<number>({
    name: 'grace',
    value: 'DURATION',
    example: '10m',
    twin: 'CRONRUN_GRACE',
    commands: ['exec'],
    parse: duration('0 is a minute'),
    fallback: 600_000,
    fallbackText: '10m',
    group: RECORDING,
    help: 'how late a run may begin before it counts as missed',
  }),
  onSuccess: valued<string | null>({
    name: 'on-success',
    value: 'COMMAND',
    example: "'touch /run/backup.ok'",
    twin: 'CRONRUN_ON_SUCCESS',
    commands: ['exec'],
    parse: shellCommand,
    fallback: null,
    group: TELLING,
    help: 'run this by sh when the run has completed, its record as JSON on standard input',
  }),
  onFailure: valued<string | null>({
    name: 'on-failure',
    value: 'COMMAND',
    example: "'mail -s backup ops'",
    twin: 'CRONRUN_ON_FAILURE',
    commands: ['exec'],
    parse: shellCommand,
    fallback: null,
    group: TELLING,
    help: 'the same when it has ended otherwise, also where a later run found that out',
  }),
  onEnd: valued<string | null>({
    name: 'on-end',
    value: 'COMMAND',
    example: "'logger -t backup'",
    twin: 'CRONRUN_ON_END',
    commands: ['exec'],
    parse: shellCommand,
    fallback: null,
    group: TELLING,
    help: 'the same however it has ended',
  }),
  textfile: valued<string | null>({
    name: 'textfile',
    value: 'DIR',
    example: '/var/lib/prometheus/node-exporter',
    twin: 'CRONRUN_TEXTFILE_DIR',
    commands: ['exec', 'metrics'],
    parse: directory,
    fallback: null,
    group: TELLING,
    help: 'write the metrics to cronrun.prom in this directory of the node exporter',
  }),
  ping: valued<string | null>({
    name: 'ping',
    value: 'URL',
    example: 'file:/etc/cronrun/backup.url',
    twin: 'CRONRUN_PING',
    commands: ['exec'],
    parse: pingUrl,
    fallback: null,
    group: PINGING,
    help: 'tell this URL, as healthchecks does it, when a run begins and how it ends; file:PATH is where the URL stands',
  }),
  pingCreate: toggle({
    name: 'ping-create',
    negatable: true,
    twin: 'CRONRUN_PING_CREATE',
    commands: ['exec'],
    group: PINGING,
    help: 'have the check of a slug URL made if it is not there',
  }),
  pingWithout: valued<readonly PingPart[]>({
    name: 'ping-without',
    value: 'WHAT[,WHAT]',
    example: 'start,body',
    twin: 'CRONRUN_PING_WITHOUT',
    commands: ['exec'],
    parse: choices(['start', 'body', 'rid']),
    fallback: [],
    group: PINGING,
    help: 'leave out start (that it begins), body (what it printed), rid (its id)',
  }),
  pingOnSuccess: valued<PingKind>({
    name: 'ping-on-success',
    value: 'PING',
    example: 'log',
    twin: 'CRONRUN_PING_ON_SUCCESS',
    commands: ['exec'],
    parse: choice(['success', 'fail', 'log', 'exit-code']),
    fallback: 'exit-code',
    fallbackText: 'exit-code',
    group: PINGING,
    help: 'what is told of a run that completed: success, fail, log or exit-code',
  }),
  pingOnFailure: valued<PingKind>({
    name: 'ping-on-failure',
    value: 'PING',
    example: 'fail',
    twin: 'CRONRUN_PING_ON_FAILURE',
    commands: ['exec'],
    parse: choice(['success', 'fail', 'log', 'exit-code']),
    fallback: 'exit-code',
    fallbackText: 'exit-code',
    group: PINGING,
    help: 'what is told of a run that did not complete',
  }),
  pingOnNotStarted: valued<PingKind>({
    name: 'ping-on-not-started',
    value: 'PING',
    example: 'log',
    twin: 'CRONRUN_PING_ON_NOT_STARTED',
    commands: ['exec'],
    parse: choice(['success', 'fail', 'log', 'exit-code']),
    fallback: 'fail',
    fallbackText: 'fail',
    group: PINGING,
    help: 'what is told where the command could not be started',
  }),
  pingHeader: valued<string | null>({
    name: 'ping-header',
    value: 'HEADER',
    example: "'X-Team: ops'",
    twin: 'CRONRUN_PING_HEADER',
    commands: ['exec'],
    parse: pingHeader,
    fallback: null,
    group: PINGING,
    help: 'send this header with each ping; file:PATH has one in each line',
  }),
  pingTimeout: valued<number>({
    name: 'ping-timeout',
    value: 'DURATION',
    example: '5s',
    twin: 'CRONRUN_PING_TIMEOUT',
    commands: ['exec', 'pings'],
    parse: duration('0 is no limit'),
    fallback: 5000,
    fallbackText: '5s',
    group: PINGING,
    help: 'how long a ping may take',
  }),
  pingRetries: valued<number>({
    name: 'ping-retries',
    value: 'N',
    example: '2',
    twin: 'CRONRUN_PING_RETRIES',
    commands: ['exec', 'pings'],
    parse: wholeFromZero,
    fallback: 2,
    fallbackText: '2',
    group: PINGING,
    help: 'how often a ping that failed is tried again at once; what is left is sent by a later run',
  }),
  send: toggle({
    name: 'send',
    commands: ['pings'],
    group: PINGING,
    help: 'send what waits now',
  }),
  watch: toggle({
    name: 'watch',
    short: 'w',
    commands: ['ls'],
    group: CHOOSING,
    help: 'show it again whenever something changes, until Ctrl-C',
  }),
  json: toggle({
    name: 'json',
    commands: READERS,
    group: ANSWERING,
    help: 'JSON, the stable interface: one object; from ls one object a line',
  }),
  get: valued<readonly string[] | null>({
    name: 'get',
    value: 'FIELD[,FIELD]',
    example: 'status,reason',
    commands: READERS,
    parse: names,
    fallback: null,
    group: ANSWERING,
    help: 'bare values of fields of the record in one line; null is -',
  }),
  exitCode: toggle({
    name: 'exit-code',
    commands: ANSWERS,
    group: ANSWERING,
    help: 'answer by exit status alone',
  }),
  maxAge: valued<number | null>({
    name: 'max-age',
    value: 'DURATION',
    example: '26h',
    commands: ANSWERS,
    parse: duration('26h for a daily job'),
    fallback: null,
    group: ANSWERING,
    help: 'with --exit-code: 197 if the run completed, but ended longer ago than this',
  }),
  checkMaxAge: valued<number | null>({
    name: 'max-age',
    value: 'DURATION',
    example: '26h',
    commands: ['check'],
    parse: duration('26h for a daily job'),
    fallback: null,
    group: CHECKING,
    help: 'age: the last completed run ended longer ago than this, or none ever completed',
  }),
  maxDuration: valued<number | null>({
    name: 'max-duration',
    value: 'DURATION',
    example: '2h',
    commands: ['check'],
    parse: duration('2h, longer than the job ever takes'),
    fallback: null,
    group: CHECKING,
    help: 'duration: a run goes on for longer than this',
  }),
  warning: valued<readonly (Condition | typeof NONE)[]>({
    name: 'warning',
    short: 'w',
    value: 'WHAT[,WHAT]',
    example: 'failed,late',
    commands: ['check'],
    parse: conditions,
    fallback: [],
    group: CHECKING,
    help: `what is a warning, besides unverifiable and duration: ${CONDITIONS.join(', ')}; or none, which takes those two away`,
  }),
  critical: valued<readonly (Condition | typeof NONE)[]>({
    name: 'critical',
    short: 'c',
    value: 'WHAT[,WHAT]',
    example: 'duration',
    commands: ['check'],
    parse: conditions,
    fallback: [],
    group: CHECKING,
    help: 'what is critical, besides failed, timeout, interrupted, orphaned, missed and age; or none',
  }),
  checkmk: toggle({
    name: 'checkmk',
    commands: ['check'],
    group: ANSWERING,
    help: 'a line for each job, as a local check of Checkmk; exit status 0',
  }),
  quiet: toggle({
    name: 'quiet',
    short: 'q',
    commands: ['ls'],
    group: ANSWERING,
    help: 'names of jobs only, or ids of runs',
  }),
  status: valued<Status | null>({
    name: 'status',
    value: 'STATUS',
    example: 'failed',
    commands: ['ls'],
    parse: choice(STATUSES, STATUS_OF_REASON),
    fallback: null,
    group: CHOOSING,
    help: `only what is ${STATUSES.slice(0, -1).join(', ')} or, of one job, skipped`,
  }),
  sort: valued<LsSort>({
    name: 'sort',
    value: 'ORDER',
    example: 'recent',
    commands: ['ls'],
    parse: choice(['trouble', 'recent', 'name']),
    fallback: 'trouble',
    fallbackText: 'trouble',
    group: CHOOSING,
    help: 'jobs by trouble, recent or name',
  }),
  limit: valued<number | null>({
    name: 'limit',
    short: 'n',
    value: 'N',
    example: '20',
    commands: ['ls'],
    parse: count,
    fallback: null,
    group: CHOOSING,
    help: 'at most so many lines (default: all jobs, or 20 runs)',
  }),
  lines: valued<number | null>({
    name: 'lines',
    short: 'n',
    value: 'N',
    example: '20',
    commands: ['output'],
    parse: count,
    fallback: null,
    group: CHOOSING,
    help: 'only the last so many lines',
  }),
  follow: toggle({
    name: 'follow',
    short: 'f',
    commands: ['output'],
    group: CHOOSING,
    help: 'show what comes, too, until the run has ended',
  }),
  waitTimeout: valued<number>({
    name: 'timeout',
    short: 't',
    value: 'DURATION',
    example: '5m',
    commands: ['wait'],
    parse: duration('0 is no limit'),
    fallback: 0,
    group: CHOOSING,
    help: 'wait no longer than this: then 194; 0 is no limit',
  }),
  stopKillAfter: valued<number>({
    name: 'kill-after',
    short: 'k',
    value: 'DURATION',
    example: '30s',
    commands: ['stop'],
    parse: duration('0 is never SIGKILL'),
    fallback: 10_000,
    fallbackText: '10s',
    group: ENDING,
    help: 'the grace period, after which SIGKILL follows; 0 is never SIGKILL, and to wait as long as it takes',
  }),
  stopSignal: valued<SignalName>({
    name: 'signal',
    short: 's',
    value: 'SIGNAL',
    example: 'INT',
    commands: ['stop'],
    parse: stopSignal,
    fallback: 'SIGTERM',
    fallbackText: 'TERM',
    group: ENDING,
    help: 'the first signal: TERM, INT, HUP or QUIT',
  }),
  olderThan: valued<number | null>({
    name: 'older-than',
    value: 'DURATION',
    example: '90d',
    commands: ['prune'],
    parse: longAge,
    fallback: null,
    group: CHOOSING,
    help: 'runs that ended longer ago than this',
  }),
  keepRuns: valued<number | null>({
    name: 'keep-runs',
    value: 'N',
    example: '1000',
    commands: ['prune'],
    parse: count,
    fallback: null,
    group: CHOOSING,
    help: 'all but so many of the newest runs of a job',
  }),
  dryRun: toggle({
    name: 'dry-run',
    commands: ['prune', 'forget'],
    group: CHOOSING,
    help: 'remove nothing, and say what would be',
  }),
  exclusiveState: toggle({
    name: 'exclusive-state',
    negatable: true,
    twin: 'CRONRUN_EXCLUSIVE_STATE',
    commands: JUDGES,
    group: JUDGING,
    help: 'you promise that only one container at a time uses the state directory: runs of any other are over',
  }),
  stateDir: valued<string | null>({
    name: 'state-dir',
    value: 'DIR',
    example: '/srv/cronrun',
    twin: 'CRONRUN_STATE_DIR',
    commands: ALL,
    parse: directory,
    fallback: null,
    group: EVERYWHERE,
    help: 'where the records are (default: /var/lib/cronrun for root; else $XDG_STATE_HOME/cronrun or ~/.local/state/cronrun)',
  }),
  color: valued<ColorChoice>({
    name: 'color',
    value: 'WHEN',
    example: 'never',
    twin: 'CRONRUN_COLOR',
    commands: ALL,
    parse: choice(['auto', 'always', 'never']),
    fallback: 'auto',
    fallbackText: 'auto',
    group: EVERYWHERE,
    help: 'auto, always or never; NO_COLOR and FORCE_COLOR count too',
  }),
  help: toggle({
    name: 'help',
    short: 'h',
    commands: ALL,
    group: EVERYWHERE,
    help: 'show this help',
  }),
  version: toggle({
    name: 'version',
    commands: ALL,
    group: EVERYWHERE,
    help: 'show the version',
  }),
} as const satisfies Readonly<Record<string, OptionSpec<unknown>>>;

/** Every option there is, in the order of the help. */
export const ALL_OPTIONS: readonly OptionSpec<unknown>[] = Object.values(OPTIONS);

/** The options of one command, in the order of the help. */
export function optionsOf(command: CommandName): readonly OptionSpec<unknown>[] {
  return ALL_OPTIONS.filter((option) => option.commands.includes(command));
}

/** What --no-NAME is called inside. */
export function negationOf(option: OptionSpec<unknown>): string {
  return `no-${option.name}`;
}
