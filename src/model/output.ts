import { isRunId, type RunId } from './run-id.js';

/** Where the output of a run is kept, and how much there was of it. */
export interface KeptOutput {
  /** Absolute. */
  readonly path: string;
  /** How many bytes the command wrote; null while it runs, or where nobody counted them. */
  readonly bytes: number | null;
}

const SUFFIX = '.log';

/** The file of a run's output; those of a job stand in `output/`. */
export function logName(id: RunId): string {
  return `${id}${SUFFIX}`;
}

/** The run whose output a file of `output/` holds; null for any other file. */
export function logRun(name: string): RunId | null {
  const id = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : '';
  return isRunId(id) ? id : null;
}

/**
 * Pure: which logs have to go so that `count` are left, besides those of runs that go on. That of the run that tidies, `self`,
 * stays even where it is the oldest. An id begins with the time of the run's start, so by their names the oldest come first.
 */
export function logsBeyond(
  names: readonly string[],
  count: number,
  self: RunId,
  goesOn: (id: RunId) => boolean,
): readonly string[] {
  const over = names.filter((name) => {
    const id = logRun(name);
    return id !== null && !goesOn(id);
  });
  const beyond = over.sort().slice(0, Math.max(0, over.length - count));
  return beyond.filter((name) => name !== logName(self));
}
