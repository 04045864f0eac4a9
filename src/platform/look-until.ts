import { Bell } from './bell.js';
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
  const bell = new Bell();
  bell.attend([directories].flat());
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
