import { closeSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import type { RunningRecord } from '../model/record.js';
import { formatRunId } from '../model/run-id.js';
import type { SignalName } from '../model/signal.js';
import { LOCKING_FLAGS, lockNow } from '../platform/flock.js';
import { isInPlace, type OpenLock, openLock, readHolder, writeHolder } from '../state/lock.js';
import { surveyJob } from '../state/survey.js';
import type { Tell } from './notice.js';

/** Where the turn of a job is decided. */
export interface Gate {
  readonly stateDir: string;
  readonly job: string;
  readonly isExclusive: boolean;
  /** The program, null where open(2) locks. */
  readonly flock: string | null;
}

/** The lock is ours and nothing of the job goes on; `busy`: another process has the lock; `held`: we have it in vain. */
export type Attempt =
  | { readonly kind: 'free'; readonly lock: OpenLock }
  | { readonly kind: 'held'; readonly lock: OpenLock; readonly going: readonly RunningRecord[] }
  | { readonly kind: 'busy'; readonly lock: OpenLock };

/** A run that has no turn. */
export interface Blocked {
  readonly kind: 'blocked';
  readonly by: string | null;
  /** By which we were told to stop while we waited. */
  readonly signal: SignalName | null;
}

/** Looks at once, and waits for nothing. */
export function attempt(gate: Gate): Attempt {
  for (;;) {
    const { lock, locked } = openAndLock(gate);
    if (!locked) return { kind: 'busy', lock };
    if (isInPlace(lock)) return underLock(gate, lock);
    closeSync(lock.fd);
  }
}

function openAndLock({ stateDir, job, flock }: Gate): { lock: OpenLock; locked: boolean } {
  if (flock === null) return openLocked(stateDir, job);
  const lock = openLock(stateDir, job);
  try {
    return { lock, locked: lockNow(flock, lock.fd) };
  } catch (error) {
    closeSync(lock.fd);
    throw error;
  }
}

function openLocked(stateDir: string, job: string): { lock: OpenLock; locked: boolean } {
  try {
    return { lock: openLock(stateDir, job, LOCKING_FLAGS), locked: true };
  } catch (error) {
    if (errnoOf(error) !== 'EAGAIN') throw error;
    return { lock: openLock(stateDir, job), locked: false };
  }
}

/** The lock is not all: a run that did not ask for it may go on, and what a killed wrapper left. */
export function underLock(gate: Gate, lock: OpenLock): Attempt {
  writeHolder(lock, null);
  const going = goingRuns(gate);
  return going.length === 0 ? { kind: 'free', lock } : { kind: 'held', lock, going };
}

/** Every run of the job that goes on, or of which nobody can tell; the one that started last comes first. */
export function goingRuns({ stateDir, job, isExclusive }: Gate): readonly RunningRecord[] {
  return surveyJob(stateDir, job, ({ going }) => going.map(({ record }) => record), isExclusive);
}

/** Gives up the lock, if we have it, and says who has the turn. */
export function blocked(
  gate: Gate,
  failed: Exclude<Attempt, { kind: 'free' }>,
  signal: SignalName | null,
): Blocked {
  const holder = failed.kind === 'busy' ? readHolder(failed.lock) : null;
  closeSync(failed.lock.fd);
  const [newest] = failed.kind === 'held' ? failed.going : ifKnown(() => goingRuns(gate));
  const by = newest?.cron_job_id ?? (holder === null ? null : formatRunId(holder));
  return { kind: 'blocked', by, signal };
}

function ifKnown(look: () => readonly RunningRecord[]): readonly RunningRecord[] {
  try {
    return look();
  } catch {
    return [];
  }
}

/** It may stay like this for ever, and then somebody has to know; anything else comes to its end. */
export function sayWhatNobodyCanJudge(going: readonly RunningRecord[], waits: boolean, tell: Tell): void {
  const record = going.find(({ reason }) => reason === 'unverifiable');
  if (record !== undefined) tell({ kind: 'in-the-way', record, waits });
}
