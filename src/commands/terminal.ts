import { fstatSync } from 'node:fs';

/**
 * Whether stdout is a terminal. process.stdout takes 2 ms to come up, so it is asked only where stdout is a
 * character device at all; pipes and files are known from fstat.
 */
export function stdoutIsTerminal(): boolean {
  try {
    return fstatSync(1).isCharacterDevice() && process.stdout.isTTY;
  } catch {
    return false; // closed
  }
}
