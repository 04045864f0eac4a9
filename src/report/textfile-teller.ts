// A bundle of its own (dist/textfile.cjs): only a run that keeps a textfile of metrics loads it, and what writes it is loaded
// when the run has ended.
import { resolve } from 'node:path';
import { explainErrno } from '../errors.js';
import { monotonicMs } from '../platform/clock.js';
import { within } from '../platform/within.js';
import type { Failure, Scene, Teller } from './teller.js';

/** Longest that a run stays for it after its end, milliseconds: where hundreds end at once one writes for many. */
const DEADLINE_MS = 30_000;

/** How soon it leaves where it is told to stop. */
const STOP_MS = 500;

/** Keeps the metrics of the job in the file of a directory. */
export function textfileTeller(directory: string, isExclusive: boolean, scene: Scene): Teller {
  let waiting = false;
  let last: Promise<unknown> = Promise.resolve();
  return {
    // Of several runs that were found cut short at once the file is told at once.
    ended: () => {
      if (waiting) return Promise.resolve([]);
      waiting = true;
      const told = last.then(() => {
        waiting = false;
        return refresh(directory, isExclusive, scene);
      });
      last = told;
      return told;
    },
  };
}

async function refresh(directory: string, isExclusive: boolean, scene: Scene): Promise<readonly Failure[]> {
  try {
    await inTime(scene.stop, write(directory, isExclusive, scene));
    return [];
  } catch (error) {
    return [{ reporter: 'textfile', why: whyOf(directory, error) }];
  }
}

async function write(directory: string, isExclusive: boolean, scene: Scene): Promise<void> {
  const { job, stateDir, env, stop } = scene;
  if (stateDir === null) throw new Error('there is no place for records: this user has no home');
  const { refreshJob } = await import('./textfile.js');
  const untilMs = monotonicMs() + DEADLINE_MS;
  const textfile = { directory: resolve(directory), stateDir, isExclusive, path: env.PATH, untilMs, stop };
  // A stop is taken by exec itself, which waits for us.
  await refreshJob({ ...textfile, guard: () => () => undefined }, job);
}

/** A file system that hangs holds nobody. */
async function inTime(stop: AbortSignal, written: Promise<void>): Promise<void> {
  const over = await within(written, { ms: DEADLINE_MS + STOP_MS, stop, stopMs: STOP_MS });
  if (over === 'late') throw new Error('it took longer than 30s; a later run does it');
  if (over === 'stopped') throw new Error('it was told to stop');
}

/** One line: "/srv/metrics: ENOENT: no such file or directory". Node adds lines of its own to what it cannot load. */
function whyOf(directory: string, error: unknown): string {
  const [why = ''] = explainErrno(error).split('\n');
  const isOfFileSystem = (error as { errno?: unknown } | null)?.errno !== undefined;
  const path = (error as { path?: unknown } | null)?.path;
  const place = resolve(directory);
  const where = typeof path === 'string' && !path.startsWith(place) ? path : place;
  return isOfFileSystem ? `${where}: ${why}` : why;
}
