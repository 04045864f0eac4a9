/** How long somebody waits. */
export interface Bounds {
  /** Milliseconds from now; without it there is no limit. */
  readonly ms?: number;
  /** When this is aborted it is only so many more: `stopMs`. */
  readonly stop?: AbortSignal;
  readonly stopMs?: number;
}

/** Why nobody waits any longer. */
export type Over = 'late' | 'stopped';

/** Resolves or rejects as `promise` does, but says at the latest when the time is over that it is. */
export async function within<T>(promise: Promise<T>, { ms, stop, stopMs = 0 }: Bounds): Promise<T | Over> {
  let timer: NodeJS.Timeout | undefined;
  let onStop = () => {};
  const over = new Promise<Over>((resolve) => {
    const leave = (why: Over, afterMs: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => resolve(why), afterMs);
    };
    if (ms !== undefined) leave('late', ms);
    onStop = () => leave('stopped', stopMs);
    stop?.addEventListener('abort', onStop, { once: true });
    if (stop?.aborted) onStop();
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener('abort', onStop);
  }
}
