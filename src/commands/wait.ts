import { EXIT } from '../model/exit-status.js';
import { newestRun } from '../model/job-runs.js';
import { idOf, type RunRecord } from '../model/record.js';
import { lookUntil } from '../platform/look-until.js';
import { runningDirectory } from '../state/directory.js';
import { findRuns, readJobRuns } from '../state/runs.js';
import { noRunJson } from '../view/json.js';
import { answerMissing } from './missing.js';
import { exitStatusOfRun } from './run-exit-status.js';
import { statePlace } from './state-place.js';
import { type Place, resolveTarget } from './target.js';
import type { Surroundings, WaitOptions } from './types.js';

/**
 * `cronrun wait JOB | RUN-ID`: returns when that run has ended, of a job the run that `status` speaks of. Resolves with the
 * exit status that `last --exit-code` has for it; 194 where it had not ended in time, 196 where nobody can tell.
 * CronrunError 'usage', 'ambiguous-run', 'unreadable', 'no-state-directory'.
 */
export async function wait(options: WaitOptions, asked: string, io: Surroundings): Promise<number> {
  const stateDir = statePlace(options.stateDir, io.env);
  const place = { stateDir, isExclusive: options.exclusiveState };
  const target = resolveTarget('wait', place, asked, io.env);
  const record =
    target.kind === 'run' ? target.record : target.kind === 'job' ? newestRun(target.runs) : null;
  if (record === null) {
    const question = { command: 'wait', stateDir, asked, job: asked, mayBeRun: false };
    const missing = target.kind === 'missing' ? { ...question, ...target } : question;
    return answerMissing(missing, { get: null, json: false, exitCode: true, noRun: noRunJson }, io);
  }
  const end = await endOf(record, place, options.timeoutMs);
  if (end === 'forgotten') return EXIT.noSuchRun;
  return end === null ? EXIT.noneEnded : exitStatusOfRun(end, io.now(), null);
}

/** A run whose records somebody removed while it was waited for. */
type End = RunRecord | 'forgotten';

/** Null where it goes on after `limitMs`. A run that cannot be judged from here is not waited for: it may be for ever. */
function endOf(record: RunRecord, place: Place, limitMs: number | null): Promise<End | null> {
  if (record.status !== 'running') return Promise.resolve(record);
  const { stateDir, isExclusive } = place;
  const reference = { hex: idOf(record).replaceAll('-', ''), forced: true };
  return lookUntil<End>(runningDirectory(stateDir, record.job), limitMs, () => {
    const runs = readJobRuns(stateDir, record.job, isExclusive);
    const going = runs?.going.find((run) => run.record.cron_job_id === record.cron_job_id)?.record;
    if (going !== undefined) return going.reason === 'unverifiable' ? going : null;
    // Its end is looked up once: the journal may be long.
    return findRuns(stateDir, reference, isExclusive)[0] ?? 'forgotten';
  });
}
