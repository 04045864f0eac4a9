import type { CronrunError } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import { FOLD_COLUMNS, fold } from './usage.js';

/** The program is two bundles, each with its own class CronrunError: instanceof would miss the other's. */
function isOurs(error: unknown): error is CronrunError {
  return error instanceof Error && error.name === 'CronrunError';
}

/** The exit status for an error that ended a command. */
export function failureStatus(error: unknown): number {
  return isOurs(error) && error.code === 'no-such-run' ? EXIT.noSuchRun : EXIT.ownFailure;
}

/** What stderr gets for an error that ended a command: never a stack trace. Ends with a newline. */
export function failureText(error: unknown): string {
  if (!isOurs(error)) return `cronrun: internal error: ${oneLine(error)}\n`;
  const line = `cronrun: ${error.message}`;
  // What is talk between the program and a person is folded; a fact stays on one line, for grep.
  const lines = error.code === 'usage' ? fold(line, FOLD_COLUMNS) : [line];
  if (error.hint !== undefined) lines.push(...hintLines(error.hint, error.code));
  return `${lines.join('\n  ')}\n`;
}

/** A hint is to be typed or picked from, so it stays as it is; who may read records is told like any talk. */
function hintLines(hint: string, code: CronrunError['code']): string[] {
  return code === 'unreadable' ? fold(hint, FOLD_COLUMNS) : hint.split('\n');
}

function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}
