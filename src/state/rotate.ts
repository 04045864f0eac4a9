import { closeSync, renameSync, statSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import { decodeRecord, isEnded } from '../model/record.js';
import { removeIfThere, syncDirectory } from '../platform/durable.js';
import { type OpenFile, openFile } from '../platform/open-file.js';
import { linesFromEnd } from './journal.js';
import { listSegments, segmentName } from './segments.js';
import { keepTally } from './tally.js';

/**
 * Moves a journal of `thresholdBytes` or more away, so that the next run begins a new one; then removes whole segments, the
 * oldest first, until they have at most `limitBytes` together (0: no limit). The newest that tells of a run that ended
 * always stays, with those after it, which may have nothing but what was skipped: it tells of the last run.
 *
 * The new name is nobody else's, so nothing is ever overwritten, and whoever has the journal open still appends to what
 * readers find. It gets its place in a second step: at the first all are newer than those that have one, and each was
 * begun when the one before it had been moved away.
 *
 * @param directory of the job. @param id a run's or another that nobody else has. Throws what the file system says.
 */
export function rotateJournal(
  directory: string,
  id: string,
  thresholdBytes: number,
  limitBytes: number,
): void {
  const journal = `${directory}/journal.jsonl`;
  // Another run may have been quicker.
  if ((statSync(journal, { throwIfNoEntry: false })?.size ?? -1) < thresholdBytes) return;
  numberSegments(directory);
  if (!renameIfThere(journal, `${directory}/${segmentName(null, id)}`)) return;
  syncDirectory(directory);
  numberSegments(directory);
  syncDirectory(directory);
  if (limitBytes > 0) removeOldest(directory, id, limitBytes);
}

/**
 * Gives those their places that have none, the oldest first. Others may do the same at the same moment: they come to the
 * same numbers, because what was given a number before was given one by the same rule.
 */
export function numberSegments(directory: string): void {
  const segments = listSegments(directory);
  let number = segments.reduce((most, segment) => Math.max(most, segment.number ?? 0), 0);
  for (const segment of segments) {
    if (segment.number !== null) continue;
    number++;
    renameIfThere(`${directory}/${segment.name}`, `${directory}/${segmentName(number, segment.id)}`);
  }
}

function renameIfThere(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** No sync: what a power cut brings back is removed by the next rotation. They are counted before they go, for metrics. */
function removeOldest(directory: string, id: string, limitBytes: number): void {
  const segments = listSegments(directory).map(({ name }) => {
    const path = `${directory}/${name}`;
    return { path, size: statSync(path, { throwIfNoEntry: false })?.size ?? 0 };
  });
  let total = segments.reduce((sum, { size }) => sum + size, 0);
  if (total <= limitBytes) return;
  const telling = segments.findLastIndex(({ path, size }) => size > 0 && tellsOfRun(path));
  const newest = telling === -1 ? segments.findLastIndex(({ size }) => size > 0) : telling;
  if (newest > 0) keepTally(directory, modeOf(segments[newest]?.path ?? ''), id);
  for (const { path, size } of segments.slice(0, Math.max(0, newest))) {
    if (total <= limitBytes) return;
    removeIfThere(path);
    total -= size;
  }
}

const PERMISSIONS = 0o666;

/** Who may read the journal may read what was counted in it. */
function modeOf(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.mode ?? 0o600) & PERMISSIONS;
}

/** What is in no text of a record, where each quote has a backslash before it: it saves parsing thousands of lines. */
const IS_SKIPPED = '"status":"skipped"';

/** Whether a run that ended stands in it; false where somebody gives it its place just now, or has removed it. */
function tellsOfRun(path: string): boolean {
  const file = openIfThere(path);
  if (file === null) return false;
  try {
    for (const { text } of linesFromEnd(file)) {
      const record = text.includes(IS_SKIPPED) ? null : decodeRecord(text);
      if (record !== null && isEnded(record)) return true;
    }
    return false;
  } finally {
    closeSync(file.fd);
  }
}

function openIfThere(path: string): OpenFile | null {
  try {
    return openFile(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}
