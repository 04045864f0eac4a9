/** Wall clock, milliseconds since 1970: for records and people. It may jump. */
export function wallMs(): number {
  return Date.now();
}

/** Monotonic clock, milliseconds: for durations and deadlines. It never jumps, and stands still in suspend. */
export function monotonicMs(): number {
  // Not performance.now(): touching `performance` loads node:perf_hooks, 0.7 ms of every start.
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Holds this thread for `ms`: readers are synchronous from end to end. */
export function pauseMs(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
