import { monotonicMs } from '../platform/clock.js';
import { lockLater, requireFlock } from '../platform/flock.js';

/** How long somebody waits for the lock, and who may tell him to leave. */
export interface Waiting {
  /** Where flock(1) may be. */
  readonly path: string | undefined;
  /** By the monotonic clock. */
  readonly untilMs: number;
  readonly stop: AbortSignal;
}

/** Milliseconds between two looks whether there is still something to wait for: hundreds may do so at the same time. */
const LOOK_MS = 200;

/**
 * Locks what `fd` has open when nobody else has it any more. False: meanwhile `isDone` came true, and there is nothing left
 * to lock for. Throws where the time is over, where we are told to stop, and what flock(1) says.
 */
export async function takeLock(
  fd: number,
  { path, untilMs, stop }: Waiting,
  isDone: () => boolean,
): Promise<boolean> {
  const flock = requireFlock(path);
  const waiting = lockLater(flock, fd);
  let timer: NodeJS.Timeout | undefined;
  try {
    const left = new Promise<false>((resolve, reject) => {
      timer = setInterval(() => {
        if (isDone()) resolve(false);
        else if (stop.aborted) reject(new Error('it was told to stop while others wrote'));
        else if (monotonicMs() > untilMs)
          reject(new Error('others wrote all the while; a later run does it'));
      }, LOOK_MS);
    });
    const locked = waiting.locked.then((isOurs) => {
      if (!isOurs) throw new Error(`somebody killed ${flock}`);
      return true;
    });
    return await Promise.race([locked, left]);
  } finally {
    clearInterval(timer);
    waiting.end();
    waiting.locked.catch(() => undefined);
  }
}
