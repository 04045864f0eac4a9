import { formatSize } from '../model/size.js';
import { sanitize } from './sanitize.js';
import { count } from './text.js';
import { localDate, type Zone } from './time.js';

/** What is removed of one job. */
interface Removed {
  readonly job: string;
  readonly removed: number;
  /** What was not begun because another run went on; nobody counts it as a run. */
  readonly skipped?: number;
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
  const some = pruned.filter(({ removed, skipped = 0 }) => removed + skipped > 0);
  const lines = some.map(
    (one) => `${sanitize(one.job)}: ${removedWords(one, isDry)}; ${keptWords(one, zone)}\n`,
  );
  if (some.length === 1) return lines.join('');
  const removed = some.reduce((sum, one) => sum + one.removed, 0);
  const skipped = some.reduce((sum, one) => sum + (one.skipped ?? 0), 0);
  const bytes = some.reduce((sum, one) => sum + one.bytes, 0);
  const all = `${removedWords({ removed, skipped, bytes }, isDry)} of ${count(some.length, 'job')}\n`;
  return some.length === 0 ? `nothing ${isDry ? 'would be' : 'was'} removed\n` : lines.join('') + all;
}

function removedWords(
  { removed, skipped = 0, bytes }: Pick<Removed, 'removed' | 'skipped' | 'bytes'>,
  isDry: boolean,
): string {
  const beside = skipped === 0 ? '' : ` and ${skipped} that ${skipped === 1 ? 'was' : 'were'} skipped`;
  return `${isDry ? 'would remove' : 'removed'} ${count(removed, 'run')}${beside}, ${formatSize(bytes)}`;
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
