import { basename } from 'node:path';
import type { CronrunError } from '../errors.js';
import { proposeJobName } from '../model/job.js';
import { withoutSecrets } from './secrets.js';
import { quote, shellWords, usage } from './usage.js';

/** A line for `exec` without a job. @param before what stands before `--`. @param behind what stands behind it. */
export function noJob(before: readonly string[], behind: readonly string[] | null): CronrunError {
  return usage('exec', 'a run needs the name of its job before --. Type:', withJob(before, behind));
}

/** The same where the last word before `--` went to an option: mostly that is the job, and the value was forgotten. */
export function jobTaken(
  before: readonly string[],
  behind: readonly string[] | null,
  { name, value }: { readonly name: string; readonly value: string | null },
): CronrunError {
  const job = before.at(-1) ?? 'JOB';
  const command = behind === null || behind.length === 0 ? ['COMMAND'] : behind;
  const typed = execLine([...before.slice(0, -1), value ?? 'VALUE', job, '--', ...command]);
  return usage('exec', `--${name} took ${quote(job)} as its value: no job is left. Type:`, typed);
}

/** A line that has a command of its own behind `--`, and neither `exec` nor a job. */
export function noExec(before: readonly string[], behind: readonly string[]): CronrunError {
  return usage(null, 'a run begins with exec and the name of its job. Type:', withJob(before, behind));
}

/** The line with a job that is called like its program. */
function withJob(before: readonly string[], behind: readonly string[] | null): string {
  const name = proposeJobName(basename(behind?.[0] ?? '')) ?? 'JOB';
  const command = behind === null || behind.length === 0 ? ['COMMAND'] : behind;
  return execLine([...before, name, '--', ...command]);
}

/** A line for `exec` that has a job and nothing to run. */
export function noCommand(before: readonly string[], dashesMissing: boolean): CronrunError {
  const missing = dashesMissing ? '-- and the command are' : 'the command behind -- is';
  return usage('exec', `${missing} missing. Type:`, execLine([...before, '--', 'COMMAND']));
}

/** A line for `exec` whose command begins before `--`, or without one. @param at where in `before` it begins. */
export function misplacedCommand(
  before: readonly string[],
  at: number,
  behind: readonly string[] | null,
): CronrunError {
  const rest = behind === null ? [] : ['--', ...behind];
  const typed = execLine([...before.slice(0, at), '--', ...before.slice(at), ...rest]);
  return usage('exec', 'put -- between the job and its command. Type:', typed);
}

/** What to type; where the words cannot be shown in one line, its form. */
export function execLine(words: readonly string[]): string {
  return `cronrun exec ${shellWords(withoutSecrets(words)) ?? 'JOB -- COMMAND [ARGUMENT...]'}`;
}
