import { type FSWatcher, watch } from 'node:fs';
import { monotonicMs } from './clock.js';

/** Longest pause between two looks, milliseconds: what changes no file (a SIGKILL) and a watch that fails are seen so. */
const SLOW_MS = 2000;

/**
 * Looks now, at every change in one of the directories, and every two seconds besides, until `look` says something.
 *
 * @param limitMs how long at most; null: without end.
 * @param onReady is handed what makes it look at once.
 * @returns what it said, or null when the time was over.
 */
export async function lookUntil<T>(
  directories: string | readonly string[],
  limitMs: number | null,
  look: () => T | null,
  onReady: (lookNow: () => void) => void = () => undefined,
): Promise<T | null> {
  const bell = new Bell([directories].flat());
  onReady(() => bell.change());
  const until = limitMs === null ? Number.POSITIVE_INFINITY : monotonicMs() + limitMs;
  try {
    for (;;) {
      // Whatever changes from here on rings: it is watched already.
      const seen = look();
      const leftMs = until - monotonicMs();
      if (seen !== null || leftMs <= 0) return seen;
      await bell.ring(Math.min(SLOW_MS, leftMs));
    }
  } finally {
    bell.close();
  }
}

/** Rings when something changes in one of its directories; once for all changes since it was last waited for. */
class Bell {
  readonly #watchers: readonly (FSWatcher | null)[];
  #rung = false;
  #wake: () => void = () => undefined;

  constructor(directories: readonly string[]) {
    this.#watchers = directories.map((directory) => watcherOf(directory, () => this.change()));
  }

  change(): void {
    this.#rung = true;
    this.#wake();
  }

  /** Resolves at the next ring, at once if one came meanwhile, or after `ms`. */
  async ring(ms: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#rung = false;
  }

  close(): void {
    for (const watcher of this.#watchers) watcher?.close();
  }
}

/** Null where the directory is not there or the system has no watch left: then the slow look is all there is. */
function watcherOf(directory: string, onChange: () => void): FSWatcher | null {
  try {
    return watch(directory, onChange).on('error', () => undefined);
  } catch {
    return null;
  }
}
