import type { MetricsOptions, Surroundings } from './types.js';

/** `cronrun metrics`. Returns the exit status. */
export async function metrics(options: MetricsOptions, io: Surroundings): Promise<number> {
  io.out(`${JSON.stringify(options)}\n`);
  return 0;
}
