import { existsSync } from 'node:fs';
import { EXIT } from '../model/exit-status.js';
import type { Unwanted } from '../model/retention.js';
import { makeRunId } from '../model/run-id.js';
import type { Modes } from '../platform/durable.js';
import { randomBytes } from '../platform/random.js';
import { jobDirectory } from '../state/directory.js';
import { removeForgotten } from '../state/forget.js';
import { type Pruned, planPruning, prune as removeRuns } from '../state/prune.js';
import { listJobs } from '../state/runs.js';
import { settle } from '../state/settle.js';
import { surveyJob } from '../state/survey.js';
import { pruneText } from '../view/retention.js';
import { localZone } from '../view/time.js';
import { answerMissing } from './missing.js';
import { statePlace } from './state-place.js';
import type { PruneOptions, Surroundings } from './types.js';
import { requireOwnership, writing } from './writable.js';

/**
 * `cronrun prune [job]`: removes records of runs that ended long ago. Returns the exit status. CronrunError 'unwritable',
 * 'unreadable', 'no-state-directory'.
 */
export function prune(options: PruneOptions, job: string | undefined, io: Surroundings): number {
  const stateDir = statePlace(options.stateDir, io.env);
  if (job !== undefined && !existsSync(jobDirectory(stateDir, job))) {
    const asked = { command: 'prune', stateDir, asked: job, job, mayBeRun: false };
    return answerMissing(asked, { get: null, json: false, exitCode: false, noRun: () => '' }, io);
  }
  const jobs = job === undefined ? listJobs(stateDir) : [job];
  const pruned = writing('prune', stateDir, () => {
    const { modes } = requireOwnership('prune', stateDir, null);
    if (!options.dryRun) removeForgotten(stateDir, modes);
    return jobs.map((one) => pruneJob(stateDir, one, options, io.now()));
  });
  io.out(pruneText(pruned, options.dryRun, localZone));
  return EXIT.ok;
}

function pruneJob(stateDir: string, job: string, options: PruneOptions, nowMs: number): Pruned {
  const { modes } = requireOwnership('prune', stateDir, job);
  const unwanted: Unwanted =
    options.keepRuns !== null
      ? { kind: 'beyond', count: options.keepRuns }
      : { kind: 'older', before: timeBefore(nowMs, options.olderThanMs ?? 0) };
  if (options.dryRun) {
    const over = surveyJob(stateDir, job, (survey) => survey.over, options.exclusiveState);
    return planPruning(stateDir, job, unwanted, over.map(({ record }) => record).reverse());
  }
  settleAll(stateDir, job, modes, options.exclusiveState, nowMs);
  const plan = planPruning(stateDir, job, unwanted);
  removeRuns(stateDir, job, plan, modes, () => makeRunId(nowMs, randomBytes(10)));
  return plan;
}

/** No record is as old as what a date cannot say. */
function timeBefore(nowMs: number, ms: number): string {
  return new Date(Math.max(0, nowMs - ms)).toISOString();
}

/** Runs that are over have their places in the journal before anything is removed. */
export function settleAll(
  stateDir: string,
  job: string,
  modes: Modes,
  isExclusive: boolean,
  nowMs: number,
): void {
  const survey = surveyJob(stateDir, job, (found) => found, isExclusive);
  settle(stateDir, job, survey, modes, new Date(nowMs).toISOString());
}
