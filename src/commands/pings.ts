import type { PingsOptions, Surroundings } from './types.js';

/** `cronrun pings`. Returns the exit status. */
export async function pings(options: PingsOptions, io: Surroundings): Promise<number> {
  io.out(`${JSON.stringify(options)}\n`);
  return 0;
}
