import { closeSync, existsSync } from 'node:fs';
import { CronrunError, errnoOf } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import { idOf } from '../model/record.js';
import { formatRunId, makeRunId } from '../model/run-id.js';
import { syncDirectory } from '../platform/durable.js';
import { findFlock, LOCKING_FLAGS } from '../platform/flock.js';
import { randomBytes } from '../platform/random.js';
import { forgetWritten } from '../report/textfile-desk.js';
import { type Attempt, attempt, type Gate } from '../run/gate.js';
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
    const isGone = writing('forget', stateDir, () =>
      underLock(gateOf(options, stateDir, job, io), (isLockOurs) => {
        settleAll(stateDir, job, modes, options.exclusiveState, io.now());
        syncRunning(stateDir, job);
        const { leftovers } = surveyJob(stateDir, job, (survey) => survey, options.exclusiveState);
        const known = { torn: leftovers, isLockOurs };
        return forgetJob(stateDir, job, modes, known, makeRunId(io.now(), randomBytes(10)));
      }),
    );
    if (!isGone) throw new CronrunError('goes-on', `forget: a run of ${job} has only just begun`, WAIT);
    writing('forget', stateDir, () => forgetWritten(stateDir));
  }
  io.out(forgetText(runs, dryRun, localZone));
  return EXIT.ok;
}

const WAIT = { hint: 'nothing was removed' } as const;

/** Null where no program is there by which anybody could lock. */
function gateOf(
  { exclusiveState }: ForgetOptions,
  stateDir: string,
  job: string,
  { env }: Surroundings,
): Gate | null {
  const flock = LOCKING_FLAGS === 0 ? findFlock(env.PATH) : null;
  if (flock === null && LOCKING_FLAGS === 0) return null;
  return { stateDir, job, isExclusive: exclusiveState, flock };
}

/** No run that wants the lock begins meanwhile; the lock is made where there is none. CronrunError 'goes-on'. */
function underLock<T>(gate: Gate | null, act: (isLockOurs: boolean) => T): T {
  const taken = gate === null ? null : take(gate);
  if (taken === null) return act(false);
  try {
    if (taken.kind === 'free') return act(true);
    const which = taken.kind === 'busy' ? 'has its lock' : 'has only just begun';
    throw new CronrunError('goes-on', `forget: a run of ${gate?.job} ${which}`, WAIT);
  } finally {
    closeSync(taken.lock.fd);
  }
}

/** Null on a full disk, where nobody else can make the lock, either: somebody wants room. */
function take(gate: Gate): Attempt | null {
  try {
    return attempt(gate);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOSPC' || errno === 'EDQUOT') return null;
    throw error;
  }
}

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
