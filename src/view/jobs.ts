import type { Due } from '../model/due.js';
import { formatDuration } from '../model/duration.js';
import { type JobRuns, RECENT } from '../model/job-runs.js';
import type { EndedGist, RunGist, RunStatus } from '../model/record.js';
import { type JobPlace, jobPlace } from './job-order.js';
import { sanitize } from './sanitize.js';
import type { Style, Tone } from './style.js';
import { columnWidths, renderTable, widthBeforeLast } from './table.js';
import { COLUMNS, count, paragraph, tied } from './text.js';
import { age } from './time.js';
import { dueWords, isBad, statusName, statusWords, toneOf } from './words.js';

const SIGNS: Readonly<Record<RunStatus, string>> = {
  completed: '.',
  failed: 'x',
  timeout: 't',
  interrupted: '!',
  running: '>',
};

const LEGEND = 'runs, newest right: . completed  x failed  t timeout  ! interrupted  > running';

/** A strip is never shorter, however long the names are. */
const SHORTEST_STRIP = 5;

/** The last column has no title of its own: it depends on the room that is left. */
const TITLES = ['JOB', 'STATUS', 'STARTED', 'TOOK', 'COMPLETED', ''];
const JOB = 0;
const STATUS = 1;
const STRIP = 5;

/** A job as the table shows it. */
export interface JobRow extends JobPlace {
  /** One text for each of TITLES; the last is the strip, one sign a run, newest right. */
  readonly cells: readonly string[];
  readonly tone: Tone;
}

/** @param record the newest run. @param due null: nobody said when it is due. @param now milliseconds since 1970. */
export function jobRow(
  runs: JobRuns<EndedGist>,
  record: RunGist,
  now: number,
  due: Due | null = null,
): JobRow {
  const { job, trouble, going, startedMs } = jobPlace(runs, record, due);
  const started = age(record.started_at, now);
  const cells = [
    sanitize(job),
    due === null ? jobWords(runs, record) : `${jobWords(runs, record)}${dueWords(due)}`,
    `${started} ago`,
    tookWords(record, started),
    runs.lastCompletedAt === null ? 'never' : `${age(runs.lastCompletedAt, now)} ago`,
    stripOf(runs.recent),
  ];
  const tone = trouble ? 'bad' : toneOf(record);
  // Field by field: spreading `place` makes objects that sort three times slower.
  return { job, trouble, going, startedMs, cells, tone };
}

/** The answer of `ls` for people: a line a job, in the order of `rows`. */
export function jobsText(rows: readonly JobRow[], style: Style): string {
  const cells = rows.map((row) => row.cells);
  const widths = withinReason(columnWidths(TITLES, cells));
  const room = COLUMNS - widthBeforeLast(widths);
  const width = Math.min(RECENT, Math.max(SHORTEST_STRIP, room));
  const longest = Math.min(width, widths[STRIP] ?? 0);
  return renderTable({
    header: [...TITLES.slice(0, STRIP), stripTitle(width)],
    rows: cells,
    widths,
    finish: (cell, column, row) => {
      if (column === STATUS) return style[rows[row]?.tone ?? 'faint'](cell);
      return column === STRIP ? cell.slice(-width).padStart(longest) : cell;
    },
  });
}

/**
 * A name is never cut, and the longest takes room from the strip alone: beyond that its own line grows, and not each
 * line of the table.
 */
function withinReason(widths: readonly number[]): number[] {
  const longest = widths[JOB] ?? 0;
  const room = COLUMNS - SHORTEST_STRIP - (widthBeforeLast(widths) - longest);
  return widths.with(JOB, Math.min(longest, Math.max(room, TITLES[JOB]?.length ?? 0)));
}

/** The status of the newest run and, where that is no trouble itself, the trouble beside it. */
function jobWords(runs: JobRuns<EndedGist>, record: RunGist): string {
  const words = statusWords(record);
  if (toneOf(record) === 'bad') return words;
  if (runs.going.length === 0) return words;
  const others = runs.going.filter((run) => run.record.cron_job_id !== record.cron_job_id);
  const orphaned = others.filter((run) => run.record.reason === 'orphaned').length;
  if (orphaned > 0) return `${words}, ${orphaned} orphaned`;
  if (record.status !== 'running') return words;
  const unverifiable = others.filter((run) => run.record.reason === 'unverifiable').length;
  if (unverifiable > 0) return `${words}, ${unverifiable} unverifiable`;
  if (runs.last !== null && isBad(runs.last.status)) return `${words}, was ${statusName(runs.last.status)}`;
  return others.length === 0 ? words : `${words} (${others.length + 1} runs)`;
}

function tookWords(record: RunGist, sinceStart: string): string {
  if (record.status === 'running') return sinceStart;
  return record.duration_ms === null ? '?' : formatDuration(record.duration_ms);
}

function stripOf(recent: readonly RunStatus[]): string {
  let strip = '';
  for (const status of recent) strip += SIGNS[status];
  return strip;
}

function stripTitle(width: number): string {
  const titles = [`LAST ${width} RUNS`, `LAST ${width}`, 'RUNS'];
  return titles.find((title) => title.length <= width) ?? 'RUNS';
}

/** Whose jobs they are and where. */
export interface StatePlace {
  readonly stateDir: string;
  /** Who owns the state directory; null where that is not known. */
  readonly owner: string | null;
  readonly here: string | null;
}

/** All jobs there are, shown or not. */
export interface JobsExtent {
  readonly total: number;
  /** How many of them need a look. */
  readonly trouble: number;
}

/** Two lines below the table, for people only: how many jobs, and what the signs mean. */
export function jobsFooter(
  rows: readonly JobPlace[],
  { total, trouble }: JobsExtent,
  place: StatePlace,
): string {
  const shown = rows.length === total ? '' : `${rows.length} of `;
  const owner = place.owner === null ? '' : ` of ${sanitize(place.owner)}`;
  const on = place.here === null ? '' : ` on ${sanitize(place.here)}`;
  const where = `${shown}${count(total, 'job')}${owner}${on} in ${sanitize(place.stateDir)}`;
  return `\n${paragraph(`${where}${lookWords(rows, trouble)}`)}\n${LEGEND}\n`;
}

function lookWords(rows: readonly JobPlace[], trouble: number): string {
  if (trouble === 0) return '';
  const first = rows.find((row) => row.trouble);
  const command = first === undefined ? 'cronrun ls' : `cronrun status ${sanitize(first.job)}`;
  return `; ${trouble} ${trouble === 1 ? 'needs' : 'need'} a look: ${tied(command)}`;
}
