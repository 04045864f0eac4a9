import { renameSync, statSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import { removeIfThere, syncDirectory } from '../platform/durable.js';
import { listSegments, segmentName } from './segments.js';

/**
 * Moves a journal of `thresholdBytes` or more away, so that the next run begins a new one; then removes whole segments, the
 * oldest first, until they have at most `limitBytes` together (0: no limit). The newest always stays: it tells of the
 * last run.
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
  if (limitBytes > 0) removeOldest(directory, limitBytes);
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

/** No sync: what a power cut brings back is removed by the next rotation. */
function removeOldest(directory: string, limitBytes: number): void {
  const segments = listSegments(directory).map(({ name }) => {
    const path = `${directory}/${name}`;
    return { path, size: statSync(path, { throwIfNoEntry: false })?.size ?? 0 };
  });
  let total = segments.reduce((sum, { size }) => sum + size, 0);
  const newest = segments.findLastIndex(({ size }) => size > 0); // whose writer has only just made it has nothing to tell
  for (const { path, size } of segments.slice(0, Math.max(0, newest))) {
    if (total <= limitBytes) return;
    removeIfThere(path);
    total -= size;
  }
}
