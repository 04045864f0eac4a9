import type { Surroundings } from '../commands/types.js';
import { failureStatus, failureText } from './failure.js';
import { writeAnswer, writeTalk } from './output.js';

/** What follows the program's name. */
export const argv: readonly string[] = process.argv.slice(2);

export const io: Surroundings = { env: process.env, out: writeAnswer, err: writeTalk, now: Date.now };

/** Runs a command and ends the process with the exit status that it resolves with. */
export function enter(command: () => Promise<number>): void {
  process.on('uncaughtException', fail);
  command().then(end, fail);
}

/**
 * process.exit without what it does first, for listeners that we have not: a quarter of a millisecond. Where node has no
 * such function any more it does that as well.
 */
function end(status: number): void {
  (process as { reallyExit?: (status: number) => void }).reallyExit?.(status);
  process.exit(status);
}

/** The one place where an error becomes a line on stderr and an exit status. */
function fail(error: unknown): never {
  writeTalk(failureText(error));
  process.exit(failureStatus(error));
}
