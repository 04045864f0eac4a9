import {
  type CheckFacts,
  CONDITIONS,
  type Condition,
  LEVELS,
  type Level,
  type Limits,
  longestGoingMs,
  PLUGIN_EXIT,
  type Severity,
} from '../model/check.js';
import { formatDuration, formatLimit } from '../model/duration.js';
import { isoMs } from '../model/iso-time.js';
import { newestRun, unsureRuns } from '../model/job-runs.js';
import { type EndedGist, endOf } from '../model/record.js';
import { sanitize } from './sanitize.js';
import { count } from './text.js';
import { age } from './time.js';
import { missedCount, statusWords } from './words.js';

/** What a check found of one job. */
export interface JobReport {
  readonly job: string;
  readonly level: Level;
  /** What is wrong with it, or how it fares. */
  readonly words: string;
  /** When the run that is spoken of began, milliseconds since 1970; 0: there is none. */
  readonly startedMs: number;
  /** True while a run of it goes on. */
  readonly going: boolean;
  readonly metrics: readonly Metric[];
}

/** A number for who draws graphs, with the thresholds at which it is a warning and critical. */
interface Metric {
  readonly name: string;
  /** Null: nobody knows. */
  readonly value: number | null;
  readonly unit: 's' | '';
  readonly warning: number | null;
  readonly critical: number | null;
}

/** No monitoring system takes a line of any length; one of the common ways there, NRPE, takes a KiB. */
const LONGEST_TEXT = 640;

/**
 * The answer for Nagios and Icinga, in one line: SERVICE STATUS: text | metrics. Who draws graphs wants the same metrics
 * each time: those of the job where one was named, else how many jobs there are, be it one. `reports`: one at least.
 */
export function checkLine(reports: readonly JobReport[], isOneNamed: boolean): string {
  const sorted = worstFirst(reports);
  const [first] = sorted;
  if (first === undefined) return unknownLine('no job');
  if (isOneNamed) return pluginLine(first.level, ofJob(first), first.metrics);
  return pluginLine(first.level, summary(sorted), countsOf(sorted));
}

/** A line that is no answer: what went wrong, or what there is not. */
export function unknownLine(text: string): string {
  return pluginLine('unknown', text, []);
}

/** The answer for an agent of Checkmk: a line for each job, the worst first. */
export function localCheckLines(reports: readonly JobReport[]): string {
  return worstFirst(reports)
    .map(({ job, level, words, metrics }) => localCheckLine(level, `_${job}`, metrics, words))
    .join('');
}

/** @see unknownLine, for Checkmk. */
export function unknownLocalCheck(text: string): string {
  return localCheckLine('unknown', '', [], text);
}

function worstFirst(reports: readonly JobReport[]): JobReport[] {
  const rank = ({ level }: JobReport) => LEVELS.indexOf(level);
  return [...reports].sort(
    (a, b) => rank(b) - rank(a) || b.startedMs - a.startedMs || (a.job < b.job ? -1 : 1),
  );
}

function pluginLine(level: Level, text: string, metrics: readonly Metric[]): string {
  const data = metrics.length === 0 ? '' : ` | ${metrics.map(perfdata).join(' ')}`;
  return `CRONRUN ${level.toUpperCase()}: ${plain(text)}${data}\n`;
}

/** A bar would end the text. */
function plain(text: string): string {
  return sanitize(text.replaceAll('\n', ' ')).replaceAll('|', '/').replace(/ {2,}/g, ' ');
}

function ofJob({ job, words }: JobReport): string {
  return `${job} ${words}`;
}

/** As many of those in trouble as have room, one at least. */
function summary(sorted: readonly JobReport[]): string {
  const trouble = sorted.filter(({ level }) => level !== 'ok');
  if (trouble.length === 0) return `${count(sorted.length, 'job')}${goingWords(sorted)}`;
  let text = `${trouble.length} of ${count(sorted.length, 'job')}: `;
  for (const [index, report] of trouble.entries()) {
    const piece = `${index === 0 ? '' : '; '}${ofJob(report)}`;
    if (index > 0 && text.length + piece.length > LONGEST_TEXT) {
      return `${text}; and ${trouble.length - index} more`;
    }
    text += piece;
  }
  return text;
}

function goingWords(reports: readonly JobReport[]): string {
  const going = reports.filter((report) => report.going).length;
  return going === 0 ? '' : `, ${going} running`;
}

function countsOf(reports: readonly JobReport[]): Metric[] {
  const number = (name: string, value: number): Metric => ({
    name,
    value,
    unit: '',
    warning: null,
    critical: null,
  });
  const at = (level: Level) => reports.filter((report) => report.level === level).length;
  return [
    number('jobs', reports.length),
    ...(['ok', 'warning', 'critical', 'unknown'] as const).map((level) => number(level, at(level))),
    number('running', reports.filter((report) => report.going).length),
  ];
}

/** name=value;warning;critical;least: with U where nobody knows, as the guidelines for plugins have it. */
function perfdata({ name, value, unit, warning, critical }: Metric): string {
  const shown = value === null ? 'U' : `${value}${unit}`;
  return `${name}=${shown};${warning ?? ''};${critical ?? ''};0`;
}

function localCheckLine(level: Level, item: string, metrics: readonly Metric[], text: string): string {
  const known = metrics.filter(({ value }) => value !== null);
  const data = known.map((metric) => perfdata({ ...metric, unit: '' })).join('|') || '-';
  return `${PLUGIN_EXIT[level]} cronrun${item} ${data} ${plain(text)}\n`;
}

/** @param conditions what is wrong with the job. */
export function jobReport(
  facts: CheckFacts,
  conditions: readonly Condition[],
  level: Level,
  limits: Limits,
  severity: Severity,
): JobReport {
  const { runs } = facts;
  const newest = newestRun(runs);
  return {
    job: runs.job,
    level,
    words: wordsOf(facts, conditions, limits, severity),
    startedMs: newest === null ? 0 : isoMs(newest.started_at),
    going: runs.going.length > 0,
    metrics: metricsOf(facts, limits, severity),
  };
}

/** A job that was named and has no run. */
export function neverReport(job: string, level: Level, where: string): JobReport {
  const words = `has no run on record in ${where}`;
  return { job, level, words, startedMs: 0, going: false, metrics: [] };
}

/** A job whose records cannot be read. */
export function unreadableReport(job: string, why: string): JobReport {
  return { job, level: 'unknown', words: why, startedMs: 0, going: false, metrics: [] };
}

/** What is wrong, the worst first, and how the job fares where that says nothing of its newest run. */
function wordsOf(
  facts: CheckFacts,
  conditions: readonly Condition[],
  limits: Limits,
  severity: Severity,
): string {
  const rank = (condition: Condition) => LEVELS.indexOf(severity[condition]);
  const order = [...conditions].sort(
    (a, b) => rank(b) - rank(a) || CONDITIONS.indexOf(a) - CONDITIONS.indexOf(b),
  );
  const said = order.map((condition) => conditionWords(condition, facts, limits));
  return [...said, ...(order.some(tellsOfARun) ? [] : [fareWords(facts)])].join(', ');
}

function tellsOfARun(condition: Condition): boolean {
  return condition !== 'late' && condition !== 'missed';
}

function fareWords({ runs, nowMs }: CheckFacts): string {
  const newest = newestRun(runs);
  if (newest === null) return 'has no run';
  if (newest.status !== 'running') return endedWords(newest, nowMs);
  const before =
    runs.lastCompletedAt === null ? '' : `, completed last ${age(runs.lastCompletedAt, nowMs)} ago`;
  return `${statusWords(newest)} for ${formatDuration(Math.max(0, nowMs - isoMs(newest.started_at)))}${before}`;
}

function endedWords(last: EndedGist, nowMs: number): string {
  if (last.ended_at === null) return `${statusWords(last)}, started ${age(endOf(last), nowMs)} ago`;
  const after = last.duration_ms === null ? '' : `, after ${formatDuration(last.duration_ms)}`;
  return `${statusWords(last)} ${age(last.ended_at, nowMs)} ago${after}`;
}

function conditionWords(condition: Condition, facts: CheckFacts, limits: Limits): string {
  const { runs, due, nowMs } = facts;
  switch (condition) {
    case 'failed':
    case 'timeout':
    case 'interrupted':
      return runs.last === null ? '' : `${endedWords(runs.last, nowMs)}${againWords(facts)}`;
    case 'orphaned':
    case 'unverifiable':
      return goingTrouble(condition, facts);
    case 'missed':
      return due === null ? '' : `MISSED ${missedCount(due)}, due ${dueAge(due.missedSinceMs, nowMs)} ago`;
    case 'late':
      return `LATE, due ${dueAge(due?.lateSinceMs ?? null, nowMs)} ago`;
    case 'age':
      return ageWords(facts, limits.maxAgeMs ?? 0);
    case 'duration': {
      const longest = formatDuration(longestGoingMs(facts));
      return `running for ${longest}, more than ${formatLimit(limits.maxDurationMs ?? 0)}`;
    }
    case 'never':
      return 'has no run';
  }
}

function againWords({ runs }: CheckFacts): string {
  return newestRun(runs)?.status === 'running' ? ', running again' : '';
}

function goingTrouble(reason: 'orphaned' | 'unverifiable', { runs, nowMs }: CheckFacts): string {
  const run =
    reason === 'orphaned'
      ? runs.going.find(({ record }) => record.reason === reason)?.record
      : unsureRuns(runs).find((record) => record.reason === reason);
  return `RUNNING (${reason})${run === undefined ? '' : `, started ${age(run.started_at, nowMs)} ago`}`;
}

function ageWords({ runs, firstStartedAt, nowMs }: CheckFacts, maxAgeMs: number): string {
  const more = `more than ${formatLimit(maxAgeMs)}`;
  if (runs.lastCompletedAt !== null) return `completed last ${age(runs.lastCompletedAt, nowMs)} ago, ${more}`;
  const first = firstStartedAt();
  return `never completed${first === null ? '' : `, since its first run ${age(first, nowMs)} ago`}, ${more}`;
}

function dueAge(ms: number | null, nowMs: number): string {
  return age(new Date(ms ?? nowMs).toISOString(), nowMs);
}

/** Seconds, with the fraction of a duration. */
function metricsOf(facts: CheckFacts, limits: Limits, severity: Severity): Metric[] {
  const { runs, due, nowMs } = facts;
  const ageMs = runs.lastCompletedAt === null ? null : Math.max(0, nowMs - isoMs(runs.lastCompletedAt));
  const duration = runs.last?.duration_ms ?? null;
  const missed = {
    name: 'missed',
    value: due?.missed ?? 0,
    unit: '',
    ...thresholds(0, severity.missed),
  } as const;
  return [
    seconds('age', ageMs === null ? null : Math.floor(ageMs / 1000) * 1000, limits.maxAgeMs, severity.age),
    seconds('duration', duration, null, 'ok'),
    seconds(
      'running',
      Math.floor(longestGoingMs(facts) / 1000) * 1000,
      limits.maxDurationMs,
      severity.duration,
    ),
    ...(due === null ? [] : [missed]),
  ];
}

function seconds(name: string, ms: number | null, limitMs: number | null, level: Level): Metric {
  const limit = limitMs === null ? null : limitMs / 1000;
  return { name, value: ms === null ? null : ms / 1000, unit: 's', ...thresholds(limit, level) };
}

function thresholds(limit: number | null, level: Level): Pick<Metric, 'warning' | 'critical'> {
  return { warning: level === 'warning' ? limit : null, critical: level === 'critical' ? limit : null };
}
