import { formatDuration, formatLimit } from '../model/duration.js';
import type { EndedRecord } from '../model/record.js';
import { cutShortWords, incompleteWords } from './headline.js';
import { sanitize } from './sanitize.js';
import { statusName } from './words.js';

/**
 * How a run ended, in one line for others: "backup on db1: FAILED, exit code 23, after 4m 16s". It names neither the command
 * nor what it said, for it leaves the machine.
 */
export function endHeadline(record: EndedRecord): string {
  const on = record.host === null ? '' : ` on ${sanitize(record.host)}`;
  const after = record.duration_ms === null ? '' : `, after ${formatDuration(record.duration_ms)}`;
  const name = statusName(record.status);
  return `${sanitize(record.job)}${on}: ${name}${howWords(record)}${after}`;
}

function howWords(record: EndedRecord): string {
  switch (record.reason) {
    case 'timed-out':
      return `, its limit of ${record.timeout_ms === null ? 'time' : formatLimit(record.timeout_ms)}${record.killed ? ' and SIGKILL ended it' : ' ended it'}`;
    case 'signaled':
      return `, killed by ${sanitize(record.signal)}`;
    case 'stopped':
      return `, stopped by ${sanitize(record.signal)}${record.killed ? ' and SIGKILL' : ''}`;
    case 'lost':
    case 'rebooted':
      return `, ${cutShortWords(record)}`;
    default:
      return codeWords(record);
  }
}

function codeWords(record: EndedRecord): string {
  if (record.status !== 'failed') return `, exit code ${record.exit_code}`;
  if (record.reason === 'incomplete') return `, ${incompleteWords(record)}`;
  if (record.reason === 'exited') return `, exit code ${record.exit_code}`;
  if (record.exit_code === 127) return ', the command or its interpreter was not found (127)';
  const why = record.error === null ? '' : `, ${sanitize(record.error)}`;
  return `, the command could not be run (${record.exit_code}${why})`;
}
