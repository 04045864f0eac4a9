import { formatDuration, formatLimit } from '../model/duration.js';
import type {
  EndedRecord,
  FailedRecord,
  RunningRecord,
  RunRecord,
  SeenInterruptedRecord,
  SkippedRecord,
  TimeoutRecord,
} from '../model/record.js';
import { BY_PERSON, idOf } from '../model/record.js';
import { shortRunId } from '../model/run-id.js';
import { sanitize } from './sanitize.js';
import type { Style } from './style.js';
import { paragraph, tied } from './text.js';
import { age, since } from './time.js';
import { blockerOf, statusName, toneOf } from './words.js';

/** The one thing that matters about a run: its status in capitals or not, and what follows it. */
interface Headline {
  readonly word: string;
  readonly rest: string;
}

/** "(run 01a200df-de74)", kept in one line by `paragraph`. */
export function runMark(record: RunRecord): string {
  return tied(`(run ${shortRunId(idOf(record))})`);
}

/** The first line of `status`. */
export function statusHeadline(record: RunRecord, now: number, more: string, style: Style): string {
  return show(record, statusFacts(record, now), more, style);
}

/** The first line of `last`: short enough to carry the run's id. */
export function lastHeadline(record: RunRecord, now: number, style: Style): string {
  return show(record, lastFacts(record, now), ` ${runMark(record)}`, style);
}

function show(record: RunRecord, { word, rest }: Headline, more: string, style: Style): string {
  const beginning = `${sanitize(record.job)}: ${word}`;
  const text = paragraph(`${beginning}${rest}${more}`);
  if (!text.startsWith(beginning)) return text;
  return `${sanitize(record.job)}: ${style[toneOf(record)](word)}${text.slice(beginning.length)}`;
}

function statusFacts(record: RunRecord, now: number): Headline {
  switch (record.status) {
    case 'running':
      return goingFacts(record, now);
    case 'completed':
      return {
        word: 'completed',
        rest: ` ${age(record.ended_at, now)} ago, after ${formatDuration(record.duration_ms)}`,
      };
    case 'timeout':
      return { word: 'TIMEOUT', rest: ` ${age(record.ended_at, now)} ago: ${timeoutWords(record)}` };
    case 'interrupted':
      if (record.ended_at !== null) return interruptedFacts(record, now, notByCronrun(record));
      return {
        word: 'INTERRUPTED',
        rest: `${atCheckpoint(record)}: ${cutShortWords(record)} (started ${age(record.started_at, now)} ago)`,
      };
    case 'failed':
      return failedFacts(record, now);
    case 'skipped':
      return skippedFacts(record, now);
  }
}

function lastFacts(record: RunRecord, now: number): Headline {
  switch (record.status) {
    case 'completed':
      return {
        word: 'completed',
        rest: ` ${age(record.ended_at, now)} ago, exit code ${record.exit_code}, after ${formatDuration(record.duration_ms)}`,
      };
    case 'timeout':
      return { word: 'TIMEOUT', rest: ` ${age(record.ended_at, now)} ago: ${shortTimeoutWords(record)}` };
    case 'interrupted':
      if (record.ended_at !== null) return interruptedFacts(record, now, '');
      return {
        word: 'INTERRUPTED',
        rest: `${atCheckpoint(record)}, started ${age(record.started_at, now)} ago: ${shortCutShortWords(record)}`,
      };
    case 'failed':
      if (record.reason !== 'not-started' || record.exit_code !== 127) return failedFacts(record, now);
      return { word: 'FAILED', rest: ` ${age(record.ended_at, now)} ago: not found (127)` };
    case 'running':
      return goingFacts(record, now);
    case 'skipped':
      return skippedFacts(record, now);
  }
}

function goingFacts(record: RunningRecord, now: number): Headline {
  const time = formatDuration(since(record.started_at, now));
  switch (record.reason) {
    case 'running':
      return { word: 'running', rest: ` for ${time}` };
    case 'orphaned':
      return { word: 'RUNNING WITHOUT ITS WRAPPER', rest: ` for ${time} (orphaned)` };
    case 'unverifiable':
      return { word: 'RUNNING OR OVER', rest: ': that cannot be judged from here (unverifiable)' };
  }
}

function skippedFacts(record: SkippedRecord, now: number): Headline {
  const blocker = blockerOf(record);
  const why = blocker === null ? 'another run went on' : `${tied(`run ${blocker}`)} went on`;
  const waited = record.duration_ms < 1000 ? '' : `, after waiting for ${formatDuration(record.duration_ms)}`;
  const stopped = record.signal === null ? '' : `, stopped by ${sanitize(record.signal)} while it waited`;
  return { word: 'skipped', rest: ` ${age(record.ended_at, now)} ago: ${why}${stopped || waited}` };
}

function failedFacts(record: FailedRecord, now: number): Headline {
  const ago = ` ${age(record.ended_at, now)} ago`;
  const after = formatDuration(record.duration_ms);
  if (record.reason === 'incomplete')
    return { word: 'FAILED', rest: `${ago}: ${incompleteWords(record)}, after ${after}` };
  if (record.reason === 'exited') {
    return { word: 'FAILED', rest: `${ago}: exit code ${record.exit_code}, after ${after}` };
  }
  if (record.exit_code === 127) {
    // ENOENT is said of a script whose interpreter is missing, too.
    return { word: 'FAILED', rest: `${ago}: the command or its interpreter was not found (127)` };
  }
  if (record.exit_code === 125) {
    return { word: 'FAILED', rest: `${ago}: not started for want of a durable record (125)` };
  }
  const why = record.error === null ? '' : `, ${sanitize(record.error)}`;
  return { word: 'FAILED', rest: `${ago}: the command could not be run (${record.exit_code}${why})` };
}

/** Success, and not the work. */
export function incompleteWords({ exit_code }: FailedRecord): string {
  return `exit code ${exit_code} without the checkpoint that was required`;
}

function timeoutWords(record: TimeoutRecord): string {
  const limit = record.timeout_ms === null ? 'its limit' : `its limit of ${formatLimit(record.timeout_ms)}`;
  const deaf = record.killed ? `; ${sanitize(record.timeout_signal)} did not end it` : '';
  return `ended after ${limit}${deaf}`;
}

function shortTimeoutWords(record: TimeoutRecord): string {
  const limit = record.timeout_ms === null ? 'its limit' : formatLimit(record.timeout_ms);
  return `ended after ${limit}${record.killed ? ', SIGKILL was needed' : ''}`;
}

/** Signals that cronrun passes on and that are no stop: where one of them killed, it may have come through us. */
const PASSED_ON: readonly string[] = ['SIGUSR1', 'SIGUSR2', 'SIGALRM'];

/** ", not by cronrun": said of a signal where that is certain. */
export function notByCronrun({ reason, signal }: SeenInterruptedRecord): string {
  return reason === 'stopped' || PASSED_ON.includes(signal) ? '' : ', not by cronrun';
}

/** " at '3/7 uploaded'": how far a run says it got; empty where it never said. */
export function atCheckpoint({ checkpoint }: Pick<RunRecord, 'checkpoint'>, longest = LONGEST_SHOWN): string {
  return checkpoint === null ? '' : ` at '${shortened(sanitize(checkpoint), longest)}'`;
}

/** A headline is to be read at a glance; the whole stands further down. */
const LONGEST_SHOWN = 40;

function shortened(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 3)}...`;
}

function interruptedFacts(record: SeenInterruptedRecord, now: number, notOurs: string): Headline {
  const how = record.reason === 'stopped' ? 'stopped by' : 'killed by';
  const killed = record.reason === 'stopped' && record.killed ? '; SIGKILL was needed' : '';
  const after = `after ${formatDuration(record.duration_ms)}${killed}`;
  return {
    word: 'INTERRUPTED',
    rest: `${atCheckpoint(record)} ${age(record.ended_at, now)} ago: ${how} ${sanitize(record.signal)} ${after}${notOurs}`,
  };
}

/** How a run was cut short whose end nobody saw. */
export function cutShortWords(record: EndedRecord): string {
  if (record.settled_by === BY_PERSON) return 'somebody said that it is over';
  return record.reason === 'rebooted'
    ? 'the machine restarted while it ran'
    : 'its wrapper vanished while it ran';
}

function shortCutShortWords(record: EndedRecord): string {
  return record.reason === 'rebooted' ? 'the machine restarted' : 'nobody saw its end';
}

/** "; the run before FAILED", for a run that goes on after a bad one. */
export function afterBadRun(last: EndedRecord | null): string {
  if (last === null || last.status === 'completed') return '';
  return `; the run before ${last.status === 'failed' ? '' : 'was '}${statusName(last.status)}`;
}
