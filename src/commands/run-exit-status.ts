import { EXIT, exitStatusOf, exitStatusOfAnswer } from '../model/exit-status.js';
import { isEnded, type RunRecord } from '../model/record.js';

/** What `--exit-code` says of one run, whatever became of the others of its job. */
export function exitStatusOfRun(record: RunRecord, now: number, maxAgeMs: number | null): number {
  if (record.status === 'skipped') return exitStatusOf(record);
  if (!isEnded(record)) return record.reason === 'running' ? EXIT.noneEnded : EXIT.cannotTell;
  return exitStatusOfAnswer({ last: record, unsure: false, running: false }, now, maxAgeMs);
}
