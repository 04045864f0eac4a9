// A bundle of its own (dist/overlap.cjs): only a run that must not overlap with another one of its job loads it.
import { closeSync } from 'node:fs';
import { CronrunError, explainErrno } from '../errors.js';
import type { JournalRecord } from '../model/record.js';
import { monotonicMs, wallMs } from '../platform/clock.js';
import { LOCKING_FLAGS, requireFlock } from '../platform/flock.js';
import { isInPlace, type OpenLock, writeHolder } from '../state/lock.js';
import { type Attempt, attempt, type Blocked, blocked, type Gate, sayWhatNobodyCanJudge } from './gate.js';
import type { Tell } from './notice.js';
import type { Plan } from './plan.js';
import { recordSkip } from './record-skip.js';
import type { Lease, Outcome } from './supervise.js';
import { type Receive, waitForTurn } from './wait-turn.js';

/** What --overlap and its companions say, where they say something. */
export interface OverlapRules {
  readonly overlap: 'allow' | 'skip' | 'wait';
  /** 0: no limit. */
  readonly overlapWaitMs: number;
  readonly overlapExitCode: number;
}

/** The job is ours until we let it go or this process ends; or nothing is started. */
export type Turn = Lease | Outcome<JournalRecord>;

/**
 * Takes the lock of a job and looks whether a run of it goes on. The lock is held by an open file, so the kernel frees it
 * with this process, however that ends. Throws CronrunError 'not-locked' where it cannot be had for another reason
 * than another run.
 */
export async function takeTurn(
  plan: Plan,
  { overlap, overlapWaitMs, overlapExitCode }: OverlapRules,
  receive: Receive,
  tell: Tell,
): Promise<Turn> {
  const asked = { wallMs: wallMs(), monotonicMs: monotonicMs() };
  try {
    const gate = gateOf(plan);
    const first = attempt(gate);
    const limitMs = overlapWaitMs === 0 ? null : overlapWaitMs;
    const turn =
      overlap === 'wait' && first.kind !== 'free'
        ? await waitForTurn(gate, first, { limitMs, ignored: plan.launch.ignored }, receive, tell)
        : refused(gate, first, tell);
    if (turn.kind === 'free') return leaseOf(turn.lock, (error) => notLocked(plan.job, overlap, error));
    const refusal = { blocked_by: turn.by, overlap_exit_code: overlapExitCode, signal: turn.signal };
    return { record: recordSkip(plan, gate.stateDir, asked, refusal, tell), stoppedBy: turn.signal };
  } catch (error) {
    throw notLocked(plan.job, overlap, error);
  }
}

function leaseOf(lock: OpenLock, lossOf: (error: unknown) => CronrunError): Lease {
  let isOpen = true;
  return {
    announce: (id) => writeHolder(lock, id),
    loss: () => {
      try {
        return isInPlace(lock)
          ? null
          : lossOf(new Error('the job was forgotten at that moment; run it again'));
      } catch (error) {
        return lossOf(error);
      }
    },
    release: () => {
      if (isOpen) closeSync(lock.fd);
      isOpen = false; // its number may be another file's by then
    },
  };
}

function gateOf({ stateDir, job, exclusiveState, env }: Plan): Gate {
  if (stateDir === null) throw new Error('there is no place for it: this user has no home');
  const flock = LOCKING_FLAGS === 0 ? requireFlock(env.PATH) : null;
  return { stateDir, job, isExclusive: exclusiveState, flock };
}

function refused(gate: Gate, first: Attempt, tell: Tell): Blocked | Extract<Attempt, { kind: 'free' }> {
  if (first.kind === 'free') return first;
  if (first.kind === 'held') sayWhatNobodyCanJudge(first.going, false, tell);
  return blocked(gate, first, null);
}

function notLocked(job: string, overlap: string, error: unknown): CronrunError {
  const path = (error as { path?: unknown } | null)?.path;
  const where = typeof path === 'string' ? `${path}: ` : '';
  const why = `${job}: NOT STARTED: its lock cannot be had: ${where}${explainErrno(error)}`;
  return new CronrunError('not-locked', why, {
    hint: `--overlap ${overlap} asks that no other run of the job goes on`,
    cause: error,
  });
}
