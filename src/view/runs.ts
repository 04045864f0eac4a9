import { formatDuration } from '../model/duration.js';
import { idOf, type RunRecord } from '../model/record.js';
import { shortRunId } from '../model/run-id.js';
import type { Viewing } from './facts.js';
import { atCheckpoint } from './headline.js';
import { sanitize } from './sanitize.js';
import { columnWidths, renderTable, widthBeforeLast } from './table.js';
import { COLUMNS, count, paragraph, tied } from './text.js';
import { localDate, localTime, since, type Zone } from './time.js';
import { statusWords, toneOf } from './words.js';

const TITLES = ['RUN', 'STARTED', 'TOOK', 'STATUS'];
const STATUS = 3;

/** The answer of `ls JOB` for people: a line a run, in the order of `records`. */
export function runsText(records: readonly RunRecord[], { now, zone, style }: Viewing): string {
  const names = shownIds(records);
  const facts = records.map((record, index) => [
    names[index] ?? '',
    localTime(record.started_at, zone),
    tookWords(record, now),
    '',
  ]);
  const room = COLUMNS - widthBeforeLast(columnWidths(TITLES, facts));
  const rows = records.map((record, index) => [
    ...(facts[index]?.slice(0, STATUS) ?? []),
    verdictWords(record, room),
  ]);
  const finish = (cell: string, column: number, row: number): string => {
    const record = records[row];
    return column === STATUS && record !== undefined ? style[toneOf(record)](cell) : cell;
  };
  return renderTable({ header: TITLES, rows, widths: columnWidths(TITLES, rows), finish });
}

/** 12 digits; 16 where runs that started in the same millisecond would look the same. */
function shownIds(records: readonly RunRecord[]): string[] {
  const times = new Map<string, number>();
  for (const record of records) {
    const short = shortRunId(idOf(record));
    times.set(short, (times.get(short) ?? 0) + 1);
  }
  return records.map((record) => {
    const id = idOf(record);
    return times.get(shortRunId(id)) === 1 ? shortRunId(id) : id.slice(0, 18);
  });
}

function tookWords(record: RunRecord, now: number): string {
  if (record.status === 'running') return formatDuration(since(record.started_at, now));
  return record.duration_ms === null ? '?' : formatDuration(record.duration_ms);
}

/** A checkpoint is cut to the room that is left, but not to nothing: then its line grows. */
const SHORTEST_CHECKPOINT = 10;

function verdictWords(record: RunRecord, room: number): string {
  const words = `${statusWords(record)}${record.status === 'timeout' && record.killed ? ', SIGKILL' : ''}`;
  if (record.status === 'completed') return words;
  const left = room - words.length - " at ''".length;
  return words + atCheckpoint(record, Math.max(SHORTEST_CHECKPOINT, left));
}

/** What the list is a part of. */
export interface RunsExtent {
  /** Runs on record in all. */
  readonly total: number;
  /** When the oldest of them started, ISO 8601. */
  readonly since: string | null;
}

/** The line below the table: how much there is, and how to see one of them. */
export function runsFooter(records: readonly RunRecord[], extent: RunsExtent, zone: Zone): string {
  const shown = records.length < extent.total ? `${records.length} of ` : '';
  const from = extent.since === null ? '' : ` since ${sanitize(localDate(extent.since, zone))}`;
  const first = records[0];
  const hint =
    first === undefined ? '' : `  One of them: ${tied(`cronrun status ${shortRunId(idOf(first))}`)}`;
  return `\n${paragraph(`${shown}${count(extent.total, 'run')}${from}.${hint}`)}\n`;
}
