import type { CheckOptions, Surroundings } from './types.js';

/** `cronrun check`. Returns the exit status. */
export async function check(
  options: CheckOptions,
  _jobs: readonly string[],
  io: Surroundings,
): Promise<number> {
  io.out(`${JSON.stringify(options)}\n`);
  return 0;
}
