// Counts of runs for metrics, which must not fall when records are removed. The journal is the truth: a tally says how many
// runs stand in it up to a mark, and stood there before, so that only what came after the mark is read. It is made anew
// where it is missing; then it counts what is on record.
import { closeSync } from 'node:fs';
import {
  type EndedRecord,
  endOf,
  integer,
  type JournalMark,
  markFrom,
  parseObject,
  time,
} from '../model/record.js';
import type { RunId } from '../model/run-id.js';
import { ENDED_STATUSES, NO_TOTALS, type Totals, withRuns } from '../model/totals.js';
import { createWhole, readRange } from '../platform/durable.js';
import { O_NOFOLLOW, openFile } from '../platform/open-file.js';
import { hasMark, markOfWhole, runsSince, withJournal } from './journal.js';
import type { Journal } from './segments.js';

const TALLY_SCHEMA = 1;

/** Far longer than any that was written here. */
const LONGEST_BYTES = 65_536;

/** What was counted at one moment. */
export interface Tally {
  readonly totals: Totals;
  /** Where the journal stood. */
  readonly journal: JournalMark;
  /** When the latest of these runs ended, ISO 8601; null: there is none. */
  readonly until: string | null;
}

const NOTHING_COUNTED: Tally = { totals: NO_TOTALS, journal: { ino: null, size: 0 }, until: null };

const NAME = 'tally.json';

/** @param directory of the job. Null where there is none that can be read. */
export function readTally(directory: string): Tally | null {
  try {
    const { fd, size } = openFile(`${directory}/${NAME}`, O_NOFOLLOW);
    try {
      return decodeTally(readRange(fd, 0, Math.min(size, LONGEST_BYTES)).toString('utf8'));
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}

export function encodeTally({ totals, journal, until }: Tally): string {
  return `${JSON.stringify({ schema: TALLY_SCHEMA, runs: totals, journal, until })}\n`;
}

/** Pure. Null for anything that is none. */
export function decodeTally(text: string): Tally | null {
  const json = parseObject(text);
  if (json === null || json.schema !== TALLY_SCHEMA) return null;
  const { runs } = json;
  const journal = markFrom(json.journal);
  const until = json.until === null ? null : time(json.until);
  if (typeof runs !== 'object' || runs === null || journal === null) return null;
  if (until === null && json.until !== null) return null;
  const totals = { ...NO_TOTALS };
  for (const status of ENDED_STATUSES) {
    const count = integer((runs as Record<string, unknown>)[status]);
    if (count === null) return null;
    totals[status] = count;
  }
  return { totals, journal, until };
}

/** The tally now, and how many runs were read for it. */
export interface Counted {
  readonly tally: Tally;
  readonly read: number;
}

/**
 * Counts on from `known`. Where the file of its mark was written anew, as prune does it, or comes from a backup, the runs
 * count that ended later than all that were counted.
 */
export function countOn(known: Tally | null, journal: Journal | null): Counted {
  const before = known ?? NOTHING_COUNTED;
  if (journal === null) return { tally: { ...before, journal: NOTHING_COUNTED.journal }, read: 0 };
  const isKnown = hasMark(journal, before.journal);
  const found: Pick<EndedRecord, 'status'>[] = [];
  let until = before.until;
  for (const { status, ...record } of runsSince(journal, isKnown ? before.journal : null)) {
    const end = endOf(record);
    if (!isKnown && before.until !== null && end <= before.until) continue;
    found.push({ status });
    if (until === null || end > until) until = end;
  }
  const tally = { totals: withRuns(before.totals, found), journal: markOfWhole(journal), until };
  return { tally, read: found.length };
}

/** How often a tally is counted anew because somebody removed records meanwhile. */
const TRIES = 3;

/** Counts on to now from what is kept. Throws what the file system says. */
function countNow(directory: string): Counted {
  for (let left = TRIES; ; left--) {
    const known = readTally(directory);
    const path = `${directory}/journal.jsonl`;
    const counted = withJournal<Counted | typeof MOVED>(path, countOn(known, null), (journal) => {
      // Who removes records keeps a tally first: if that is newer than ours, it has what we would miss.
      const isCertain = known === null || hasMark(journal, known.journal) || left === 1;
      return isCertain || !isNewer(readTally(directory), known) ? countOn(known, journal) : MOVED;
    });
    if (counted !== MOVED) return counted as Counted;
  }
}

const MOVED = Symbol('moved');

function isNewer(now: Tally | null, known: Tally): boolean {
  return now !== null && encodeTally(now) !== encodeTally(known);
}

/** So many runs are read anew each time before that is worth a file. */
export const KEPT_FROM = 64;

/**
 * Keeps the tally as it stands now: for who is about to remove records, or has read many. It is replaced whole, and synced:
 * nothing else knows of records that are gone. What the file system refuses is no reason to keep them, or to tell nobody
 * of them: then counters begin anew.
 *
 * @param directory of the job. @param id nobody else has it.
 */
export function keepTally(directory: string, mode: number, id: RunId): void {
  try {
    const bytes = Buffer.from(encodeTally(countNow(directory).tally));
    closeSync(createWhole(directory, NAME, `.tally-${id}.tmp`, bytes, mode).fd);
  } catch {
    // see above
  }
}
