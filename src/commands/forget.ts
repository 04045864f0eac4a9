import { existsSync } from 'node:fs';
import { CronrunError } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import { idOf } from '../model/record.js';
import { formatRunId, makeRunId } from '../model/run-id.js';
import { syncDirectory } from '../platform/durable.js';
import { randomBytes } from '../platform/random.js';
import { jobDirectory, runningDirectory } from '../state/directory.js';
import { bytesOfJob, forgetJob, removeForgotten } from '../state/forget.js';
import { listRuns } from '../state/runs.js';
import { surveyJob } from '../state/survey.js';
import { forgetText } from '../view/retention.js';
import { localZone } from '../view/time.js';
import { answerMissing } from './missing.js';
import { settleAll } from './prune.js';
import { statePlace } from './state-place.js';
import type { ForgetOptions, Surroundings } from './types.js';
import { requireOwnership, writing } from './writable.js';

/**
 * `cronrun forget JOB`: removes all that is on record of a job. Returns the exit status. CronrunError 'goes-on' while a run
 * of it goes on or cannot be judged, 'unwritable', 'unreadable', 'no-state-directory'.
 */
export function forget(options: ForgetOptions, job: string, io: Surroundings): number {
  const stateDir = statePlace(options.stateDir, io.env);
  const { dryRun } = options;
  const { modes } = requireOwnership('forget', stateDir, job);
  if (!dryRun) writing('forget', stateDir, () => removeForgotten(stateDir, modes));
  if (!existsSync(jobDirectory(stateDir, job))) {
    const asked = { command: 'forget', stateDir, asked: job, job, mayBeRun: false };
    return answerMissing(asked, { get: null, json: false, exitCode: false, noRun: () => '' }, io);
  }
  const runs = writing('forget', stateDir, () => {
    refuseGoing(stateDir, job, options.exclusiveState);
    const list = listRuns(stateDir, job, 1, null, true, options.exclusiveState);
    return { job, removed: list?.total ?? 0, since: list?.since ?? null, bytes: bytesOfJob(stateDir, job) };
  });
  if (!dryRun) {
    const isGone = writing('forget', stateDir, () => {
      settleAll(stateDir, job, modes, options.exclusiveState, io.now());
      syncRunning(stateDir, job);
      const { leftovers } = surveyJob(stateDir, job, (survey) => survey, options.exclusiveState);
      return forgetJob(stateDir, job, modes, leftovers, makeRunId(io.now(), randomBytes(10)));
    });
    if (!isGone) throw new CronrunError('goes-on', `forget: a run of ${job} has only just begun`, WAIT);
  }
  io.out(forgetText(runs, dryRun, localZone));
  return EXIT.ok;
}

const WAIT = { hint: 'nothing was removed' } as const;

function syncRunning(stateDir: string, job: string): void {
  const running = runningDirectory(stateDir, job);
  if (existsSync(running)) syncDirectory(running);
}

function refuseGoing(stateDir: string, job: string, isExclusive: boolean): void {
  const [going] = surveyJob(stateDir, job, (survey) => survey.going, isExclusive);
  if (going === undefined) return;
  const { record } = going;
  const id = formatRunId(idOf(record));
  const isUnsure = record.reason === 'unverifiable';
  const fate = isUnsure ? 'cannot be judged from here; if it is over:' : `goes on (${record.reason}):`;
  throw new CronrunError('goes-on', `forget: a run of ${job} ${fate}`, {
    hint: isUnsure ? `cronrun settle ${id}` : `cronrun status ${id}`,
  });
}
