import { expect, type RunnerTestCase } from 'vitest';

/** What one harness tried, and how often cronrun lied. */
export interface Figure {
  /** What was done to cronrun, in a few words: "wrapper killed, first run of a job". */
  readonly fault: string;
  /** How many moments, states or answers were tried. */
  readonly points: number;
  readonly lies: number;
}

declare module 'vitest' {
  interface TaskMeta {
    figures?: Figure[];
  }
}

/** True where every point is tried and every storm lasts, `npm run test:faults -- --full`. */
export const FULL = process.env.CRONRUN_FAULTS === 'full';

/** Every nth of `items`, so that at most about `most` are left; all of them in a full run. */
export function sample<T>(items: readonly T[], most: number): T[] {
  const step = FULL ? 1 : Math.max(1, Math.ceil(items.length / most));
  return items.filter((_, index) => index % step === 0);
}

/**
 * Puts a line into the table that stands at the end of `npm run test:faults`, and fails the test if there was a lie.
 * @param lies each in a line that says where it was told, and what was true.
 */
export function expectNoLies(
  task: Readonly<RunnerTestCase>,
  fault: string,
  points: number,
  lies: readonly string[],
): void {
  const figures = task.meta.figures ?? [];
  task.meta.figures = [...figures, { fault, points, lies: lies.length }];
  expect(lies, fault).toEqual([]);
  expect(points, `${fault}: nothing was tried`).toBeGreaterThan(0);
}

/** The same for a harness that was let loose on a mutant of cronrun: it must find lies, or it could find none. */
export function expectCaught(
  task: Readonly<RunnerTestCase>,
  mutant: string,
  points: number,
  lies: readonly string[],
): void {
  const figures = task.meta.figures ?? [];
  task.meta.figures = [...figures, { fault: `MUTANT ${mutant}`, points, lies: lies.length }];
  expect(lies.length, `${mutant}: not caught`).toBeGreaterThan(0);
}
