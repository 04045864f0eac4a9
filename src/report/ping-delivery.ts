// A bundle of its own (dist/delivery.cjs): loaded once the command runs, or where pings wait.
import { closeSync } from 'node:fs';
import { errnoOf, explainErrno } from '../errors.js';
import {
  composeBody,
  isTooOld,
  LONGEST_PAUSE_MS,
  pauseAfter,
  pingUrl,
  type Tail,
  USUAL_BODY_BYTES,
} from '../model/ping.js';
import type { RunId } from '../model/run-id.js';
import { shortRunId } from '../model/run-id.js';
import { monotonicMs } from '../platform/clock.js';
import { findFlock, LOCKING_FLAGS, lockNow } from '../platform/flock.js';
import {
  hasOwnSpool,
  isQueueLockInPlace,
  isSpooled,
  listQueue,
  listQueues,
  openQueueLock,
  type QueueLock,
  type QueueState,
  readQueueState,
  readSpooled,
  releaseSpooled,
  removeEmptySpool,
  removeQueue,
  removeSpooled,
  type SpooledPing,
  type SpoolName,
  writeQueueState,
} from '../state/ping-spool.js';
import { keepReportFailures } from '../state/report-failures.js';
import { readTail } from './ping-body.js';
import { lookUpAddress, lookUpHeaders, type Manner, type Posted, postPing, Unusable } from './ping-post.js';

/** Where pings are sent from. */
export interface Office {
  /** Null: there is no spool. */
  readonly stateDir: string | null;
  /** For flock(1). */
  readonly path: string | undefined;
  readonly now: () => number;
  /** What servers said that they keep of a body, by queue; it grows. */
  readonly limits: Map<string, number>;
}

/** A ping that was given up. */
export interface Lost {
  readonly job: string;
  readonly run: RunId;
  readonly why: string;
}

/** What became of a queue. */
export interface Outcome {
  /** Why something still waits in it; null: nothing does. */
  readonly why: string | null;
  /** That is of a ping which stands before the one that was to be delivered. */
  readonly isAhead: boolean;
  /** Another process is sending: nothing failed. */
  readonly busy: boolean;
  readonly lost: readonly Lost[];
  /** How many were delivered. */
  readonly sent: number;
}

/** How long, and for what. */
export interface Patience {
  /** The name in the spool of what is to be delivered; null: whatever waits. */
  readonly own: string | null;
  /** When nothing more is begun, by the monotonic clock. */
  readonly until: number;
  /** Until when somebody else who sends is waited for, by the same. */
  readonly waitUntil: number;
  /** Which pauses are made: those of the server, those of our own besides, or none. */
  readonly heed: 'all' | 'asked' | 'none';
}

/** How often somebody who waits for another sender looks. */
const LOOK_MS = 100;

const NOTHING: Outcome = { why: null, isAhead: false, busy: false, lost: [], sent: 0 };

/**
 * Sends what waits in a queue, one by one, until it is empty or one cannot be delivered. Whoever cannot have the lock has put
 * his ping there before, so the one who has it finds it: he looks once more after he has let it go. Never rejects.
 */
export async function deliverQueue(
  office: Office,
  stateDir: string,
  queue: string,
  manner: Manner,
  patience: Patience,
): Promise<Outcome> {
  let all = NOTHING;
  try {
    for (;;) {
      const lock = takeLock(office, stateDir, queue);
      if (lock === null) return { ...all, why: null };
      if (lock === 'busy') {
        const { own } = patience;
        if (own !== null && !isSpooled(stateDir, own)) return { ...all, why: null };
        if (!mayWait(manner, patience)) return { ...all, why: 'another cronrun is sending', busy: true };
        await look();
        continue;
      }
      try {
        all = added(all, await sendAll({ office, stateDir, queue, lock }, manner, patience));
        if (all.why !== null && patience.own !== null) releaseSpooled(stateDir, patience.own);
      } finally {
        closeSync(lock.fd);
      }
      if (all.busy && mayWait(manner, patience)) await look();
      else if (all.why !== null || listQueue(stateDir, queue).length === 0) return all;
    }
  } catch (error) {
    return { ...all, why: explainErrno(error) };
  }
}

function mayWait({ stop, hurry }: Manner, { waitUntil }: Patience): boolean {
  return !stop.aborted && !(hurry?.aborted ?? false) && monotonicMs() <= waitUntil;
}

function look(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

function added(before: Outcome, after: Outcome): Outcome {
  return { ...after, lost: [...before.lost, ...after.lost], sent: before.sent + after.sent };
}

/**
 * The lock is the open file's, so the kernel frees it with this process, however that ends. Where there is no flock(1), or
 * it fails, two may send at once: better twice than never.
 */
function takeLock({ path }: Office, stateDir: string, queue: string): QueueLock | 'busy' | null {
  const flock = LOCKING_FLAGS === 0 ? findFlock(path) : null;
  for (;;) {
    let lock: QueueLock | null;
    try {
      lock = openQueueLock(stateDir, queue, LOCKING_FLAGS);
    } catch (error) {
      if (LOCKING_FLAGS !== 0 && errnoOf(error) === 'EAGAIN') return 'busy';
      throw error;
    }
    if (lock === null) return null;
    if (flock !== null && !isLocked(flock, lock)) {
      closeSync(lock.fd);
      return 'busy';
    }
    if (isQueueLockInPlace(lock)) return lock;
    closeSync(lock.fd); // who had it sent the last one, and removed it
  }
}

function isLocked(flock: string, { fd }: QueueLock): boolean {
  try {
    return lockNow(flock, fd);
  } catch {
    return true;
  }
}

/** A queue whose lock is ours. */
interface Desk {
  readonly office: Office;
  readonly stateDir: string;
  readonly queue: string;
  readonly lock: QueueLock;
}

async function sendAll(desk: Desk, manner: Manner, patience: Patience): Promise<Outcome> {
  const { office, stateDir, queue, lock } = desk;
  const lost: Lost[] = [];
  let state = readQueueState(stateDir, queue);
  let sent = 0;
  for (;;) {
    const [first] = listQueue(stateDir, queue);
    if (first === undefined) {
      removeQueue(stateDir, lock);
      return { ...NOTHING, lost, sent };
    }
    const isAhead = patience.own !== null && first.name !== patience.own;
    const waits = (why: string): Outcome => ({ why, isAhead, busy: false, lost, sent });
    if (isPaused(state, patience, office.now())) return waits(state?.why ?? '');
    if (monotonicMs() > patience.until) return waits('there was no time for all that wait');
    const done = await sendOne(desk, first, cappedFor(manner, patience), patience.own);
    if (done.kind === 'held') return { ...waits('its own run is about to send it'), busy: true };
    if (done.kind === 'failed') {
      // Nobody is left alone because we were told to stop.
      if (!manner.stop.aborted) writeQueueState(lock, stateAfter(done.posted, state, office.now()));
      return waits(done.posted.why);
    }
    if (done.kind === 'stays') return waits(done.why);
    if (done.kind === 'lost') lost.push(done.lost);
    else if (done.kind === 'sent') sent++;
    if (state !== null && done.kind !== 'gone') writeQueueState(lock, null);
    if (done.kind !== 'gone') state = null;
  }
}

/** For its own ping somebody waits as long as that was given; for those of others no longer than he has. */
function cappedFor(manner: Manner, { own, until }: Patience): Manner {
  const leftMs = Math.max(1, Math.ceil(until - monotonicMs()));
  return own !== null || leftMs >= manner.timeoutMs ? manner : { ...manner, timeoutMs: leftMs };
}

/** Pure. */
export function isPaused(state: QueueState | null, { heed }: Pick<Patience, 'heed'>, nowMs: number): boolean {
  if (state === null || heed === 'none' || nowMs >= state.notBefore) return false;
  // A pause that is longer than any that was ever made: the clock was set back.
  if (state.notBefore - nowMs > LONGEST_PAUSE_MS) return false;
  return heed === 'all' || state.asked;
}

/** Pure. */
export function stateAfter(
  { why, askedMs }: Pick<Posted, 'why' | 'askedMs'>,
  before: QueueState | null,
  nowMs: number,
): QueueState {
  const failures = (before?.failures ?? 0) + 1;
  const asked = askedMs !== null && askedMs > 0;
  return { failures, notBefore: Math.ceil(nowMs + (asked ? askedMs : pauseAfter(failures))), asked, why };
}

type Done =
  | { readonly kind: 'sent' | 'gone' | 'held' }
  | { readonly kind: 'lost'; readonly lost: Lost }
  | { readonly kind: 'stays'; readonly why: string }
  | { readonly kind: 'failed'; readonly posted: Posted };

async function sendOne(
  { office, stateDir, queue }: Desk,
  { name, run }: SpoolName,
  manner: Manner,
  own: string | null,
): Promise<Done> {
  const ping = readSpooled(stateDir, name);
  if (ping === null) return { kind: 'gone' };
  if (ping === 'newer') return { kind: 'stays', why: 'a newer cronrun has to send it' };
  if (ping === 'damaged') {
    removeSpooled(stateDir, name);
    return { kind: 'lost', lost: { job: '', run, why: 'its file was damaged' } };
  }
  const { job } = ping;
  if (isTooOld(ping.at, office.now())) {
    removeSpooled(stateDir, name);
    return { kind: 'lost', lost: { job, run, why: 'it waited for seven days' } };
  }
  if (name !== own && isHeld(ping.heldUntil, office.now())) return { kind: 'held' };
  const posted = await sendPing(office, queue, ping, manner);
  if (posted.verdict === 'again' || posted.verdict === 'later') return { kind: 'failed', posted };
  // Killed before this it is sent once more: twice is better than never.
  removeSpooled(stateDir, name);
  return posted.verdict === 'delivered'
    ? { kind: 'sent' }
    : { kind: 'lost', lost: { job, run, why: posted.why } };
}

/** Pure. A time that is further away than any that was ever set: the clock was set back. */
export function isHeld(heldUntil: number | null, nowMs: number): boolean {
  return heldUntil !== null && nowMs < heldUntil && heldUntil - nowMs <= LONGEST_PAUSE_MS;
}

/** Sends one ping, wherever it was kept. Never rejects. */
export async function sendPing(
  { stateDir, limits }: Office,
  queue: string,
  ping: SpooledPing,
  manner: Manner,
): Promise<Posted> {
  const { word, rid, create, run } = ping;
  try {
    const url = pingUrl(lookUpAddress(ping.address), word, { rid: rid ? run : null, create });
    const limit = limits.get(queue) ?? USUAL_BODY_BYTES;
    const body = composeBody(ping.headline, tailFor(stateDir, ping, limit), limit);
    const posted = await postPing({ url, headers: lookUpHeaders(ping.header), body }, manner);
    if (posted.bodyLimit !== null) limits.set(queue, posted.bodyLimit);
    return posted;
  } catch (error) {
    if (!(error instanceof Unusable)) return unusable(errnoOf(error) ?? 'it cannot be composed');
    return unusable(error.message);
  }
}

function unusable(why: string): Posted {
  return { verdict: 'later', why, askedMs: null, bodyLimit: null };
}

/** The server may keep more than was known when the ping was put aside. */
function tailFor(stateDir: string | null, { job, run, tail, printed }: SpooledPing, limit: number): Tail {
  const stored = { bytes: tail, of: printed };
  if (stateDir === null || tail.length >= printed || tail.length >= limit) return stored;
  return readTail(stateDir, job, run, limit) ?? stored;
}

/** Whether it still has to be sent. */
export function isWaiting(stateDir: string, { name }: SpoolName): boolean {
  return isSpooled(stateDir, name);
}

/** No run spends more than this on the pings of others, all of them. */
const OTHERS_MS = 10_000;

/** One try each, and none is waited for longer than this. */
const OTHERS_TIMEOUT_MS = 5000;

/** What others may say of what was lost. */
export type Say = (why: string) => void;

/**
 * Sends what earlier runs of any job left: one try for each, and nothing more behind the first one that fails. What is lost
 * for good is said, once. Never rejects.
 */
export async function deliverOthers(office: Office, manner: Manner, say: Say): Promise<void> {
  const { stateDir } = office;
  if (stateDir === null) return;
  const timeoutMs =
    manner.timeoutMs === 0 ? OTHERS_TIMEOUT_MS : Math.min(manner.timeoutMs, OTHERS_TIMEOUT_MS);
  const once = { ...manner, timeoutMs, retries: 0 };
  const patience: Patience = { own: null, until: monotonicMs() + OTHERS_MS, waitUntil: 0, heed: 'all' };
  try {
    if (!hasOwnSpool(stateDir)) return;
    for (const queue of listQueues(stateDir)) {
      if (manner.stop.aborted) return;
      if (isPaused(readQueueState(stateDir, queue), patience, office.now())) continue;
      const { why, busy, lost } = await deliverQueue(office, stateDir, queue, once, patience);
      noteLost(stateDir, lost, office.now(), say);
      if (why !== null && !busy) return;
    }
    removeEmptySpool(stateDir);
  } catch (error) {
    say(`what waits is not sent: ${explainErrno(error)}`);
  }
}

/** Says it, and writes it down beside the record of the run that it was of. */
export function noteLost(stateDir: string, lost: readonly Lost[], nowMs: number, say: Say): void {
  for (const { job, run, why } of lost) {
    const words = `the end is not told: ${why}`;
    say(`${job === '' ? '' : `${job}, `}run ${shortRunId(run)}: ${words}`);
    if (job !== '') keepReportFailures(stateDir, job, run, [{ reporter: 'ping', why: words }], nowMs);
  }
}
