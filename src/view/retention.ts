import { formatSize } from '../model/size.js';
import { sanitize } from './sanitize.js';
import { count } from './text.js';
import { localDate, type Zone } from './time.js';

/** What is removed of one job. */
interface Removed {
  readonly job: string;
  readonly removed: number;
  readonly bytes: number;
  /** When the oldest run started that is spoken of, ISO 8601. */
  readonly since: string | null;
}

/** Since when the history reaches is that of what stays. */
interface Kept extends Removed {
  readonly kept: number;
}

/** A line a job of which something goes; one for all where there are several, or nothing goes. */
export function pruneText(pruned: readonly Kept[], isDry: boolean, zone: Zone): string {
  const some = pruned.filter(({ removed }) => removed > 0);
  const lines = some.map(
    (one) => `${sanitize(one.job)}: ${removedWords(one, isDry)}; ${keptWords(one, zone)}\n`,
  );
  if (some.length === 1) return lines.join('');
  const removed = some.reduce((sum, one) => sum + one.removed, 0);
  const bytes = some.reduce((sum, one) => sum + one.bytes, 0);
  const all = `${removedWords({ removed, bytes }, isDry)} of ${count(some.length, 'job')}\n`;
  return removed === 0 ? `nothing ${isDry ? 'would be' : 'was'} removed\n` : lines.join('') + all;
}

function removedWords({ removed, bytes }: Pick<Removed, 'removed' | 'bytes'>, isDry: boolean): string {
  return `${isDry ? 'would remove' : 'removed'} ${count(removed, 'run')}, ${formatSize(bytes)}`;
}

function keptWords({ kept, since }: Kept, zone: Zone): string {
  const from = since === null ? '' : ` since ${localDate(since, zone)}`;
  return `${count(kept, 'run')}${from} ${kept === 1 ? 'stays' : 'stay'}`;
}

/** All of one job. */
export function forgetText(removed: Removed, isDry: boolean, zone: Zone): string {
  const from = removed.since === null ? '' : `, since ${localDate(removed.since, zone)}`;
  return `${sanitize(removed.job)}: ${removedWords(removed, isDry)}${from}\n`;
}
