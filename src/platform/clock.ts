/** Wall clock, milliseconds since 1970: for records and people. It may jump. */
export function wallMs(): number {
  return Date.now();
}

/** Monotonic clock, milliseconds: for durations and deadlines. It never jumps, and stands still in suspend. */
export function monotonicMs(): number {
  return performance.now();
}

/** Holds this thread for `ms`: readers are synchronous from end to end. */
export function pauseMs(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
