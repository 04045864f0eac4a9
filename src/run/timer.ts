import { monotonicMs } from '../platform/clock.js';

/** setTimeout fires at once for anything above 2^31−1 ms, so long waits are cut into pieces. */
const LONGEST_PIECE_MS = 2 ** 30;

/** Calls `fire` once, `ms` from now on the monotonic clock, however long that is. Returns its own undo. */
export function after(ms: number, fire: () => void): () => void {
  const deadline = monotonicMs() + ms;
  let timer: NodeJS.Timeout;
  const arm = () => {
    const left = deadline - monotonicMs();
    timer = setTimeout(left > LONGEST_PIECE_MS ? arm : fire, Math.max(0, Math.min(left, LONGEST_PIECE_MS)));
  };
  arm();
  return () => clearTimeout(timer);
}
