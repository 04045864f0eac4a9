import type { PingWord } from '../model/ping.js';
import { type RunId, shortRunId } from '../model/run-id.js';
import { sanitize } from './sanitize.js';
import { columnWidths, renderTable, widthBeforeLast } from './table.js';
import { COLUMNS, count, paragraph } from './text.js';
import { age } from './time.js';

/** A ping that waits. Null: its file does not tell. */
export interface WaitingPing {
  readonly job: string | null;
  readonly run: RunId;
  readonly word: PingWord | null;
  /** ISO 8601. */
  readonly at: string | null;
  /** What keeps it; empty where nothing failed yet. */
  readonly why: string;
}

const HEADER = ['JOB', 'RUN', 'PING', 'WAITS', 'WHY'] as const;

/** The reason is cut to the room that is left, but not to nothing: then its line grows. */
const SHORTEST_WHY = 20;

/** What waits, one a line. Where it goes to is a secret. */
export function waitingText(pings: readonly WaitingPing[], now: number): string {
  if (pings.length === 0) return 'no pings wait\n';
  const rows = pings.map(({ job, run, word, at, why }) => [
    job === null ? '?' : sanitize(job),
    shortRunId(run),
    word === null ? '?' : typeof word === 'number' ? `exit ${word}` : word,
    at === null ? '?' : age(at, now),
    sanitize(why) || '-',
  ]);
  const widths = columnWidths(HEADER, rows);
  const room = Math.max(SHORTEST_WHY, COLUMNS - widthBeforeLast(widths));
  return renderTable({
    header: HEADER,
    rows,
    widths,
    finish: (cell, column) => (column === HEADER.length - 1 ? cutTo(room, cell) : cell),
  });
}

/** At most so many characters: a reason is ASCII but for a path in it. */
function cutTo(room: number, text: string): string {
  const characters = Array.from(text);
  return characters.length <= room
    ? text
    : `${characters
        .slice(0, room - 3)
        .join('')
        .trimEnd()}...`;
}

/** What was sent. */
export interface Sent {
  readonly sent: number;
  /** How many wait still. */
  readonly waiting: number;
  /** What keeps those, each reason once. */
  readonly whys: readonly string[];
}

export function sentText({ sent, waiting, whys }: Sent): string {
  if (sent === 0 && waiting === 0) return 'no pings wait\n';
  const why = whys.length === 0 ? '' : `: ${whys.map(sanitize).join('; ')}`;
  const left = waiting === 0 ? '' : `, ${count(waiting, 'ping')} ${waiting === 1 ? 'waits' : 'wait'}${why}`;
  return `${paragraph(`${count(sent, 'ping')} sent${left}`)}\n`;
}

/** One that is given up, for stderr. */
export function lostText(why: string): string {
  return `${paragraph(`cronrun: pings: ${sanitize(why)}`)}\n`;
}
