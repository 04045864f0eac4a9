import { closeSync } from 'node:fs';
import { type SignalName, signalNumber } from '../model/signal.js';
import { monotonicMs } from '../platform/clock.js';
import { lockLater } from '../platform/flock.js';
import { lookUntil } from '../platform/look-until.js';
import { runningDirectory } from '../state/directory.js';
import { isInPlace } from '../state/lock.js';
import { isStop, isSuspending } from './forward.js';
import {
  type Attempt,
  attempt,
  type Blocked,
  blocked,
  type Gate,
  goingRuns,
  sayWhatNobodyCanJudge,
  underLock,
} from './gate.js';
import type { Tell } from './notice.js';
import { after } from './timer.js';

/** Takes every signal from now on; returns its own undo. See receiveSignals, of which this bundle has none of its own. */
export type Receive = (next: (signal: SignalName) => void) => () => void;

/** How long somebody waits. */
export interface Patience {
  /** Milliseconds; null: as long as it takes. */
  readonly limitMs: number | null;
  /** Numbers of the signals that were ignored when cronrun was started. */
  readonly ignored: readonly number[];
}

/** Waits for the lock and until no run of the job goes on, or until the time is over or a stop comes. */
export async function waitForTurn(
  gate: Gate,
  first: Attempt,
  patience: Patience,
  receive: Receive,
  tell: Tell,
): Promise<Blocked | Extract<Attempt, { kind: 'free' }>> {
  const wait = new Wait(gate, patience, tell);
  const undo = receive((signal) => wait.receive(signal));
  try {
    return await wait.untilFree(first);
  } finally {
    undo();
  }
}

class Wait {
  readonly #gate: Gate;
  readonly #ignored: readonly number[];
  readonly #tell: Tell;
  readonly #until: number;
  #stop: SignalName | null = null;
  #said = false;
  /** Ends what is waited for right now. */
  #wake: () => void = () => undefined;

  constructor(gate: Gate, { limitMs, ignored }: Patience, tell: Tell) {
    this.#gate = gate;
    this.#ignored = ignored;
    this.#tell = tell;
    this.#until = limitMs === null ? Number.POSITIVE_INFINITY : monotonicMs() + limitMs;
  }

  /** Who suspends a command line that waits means all of it. What else would be passed on has nobody to go to. */
  receive(signal: SignalName): void {
    if (this.#ignored.includes(signalNumber(signal))) return;
    if (isSuspending(signal)) process.kill(process.pid, 'SIGSTOP');
    if (!isStop(signal)) return;
    this.#stop ??= signal;
    this.#wake();
  }

  async untilFree(first: Attempt): Promise<Blocked | Extract<Attempt, { kind: 'free' }>> {
    for (let now = first; ; ) {
      if (this.#stop !== null) return this.#giveUp(now);
      if (now.kind === 'free') return now;
      const next = now.kind === 'busy' ? await this.#forLock(now) : await this.#forRuns(now);
      if (next === null) return this.#giveUp(now);
      now = next;
    }
  }

  #giveUp(now: Attempt): Blocked {
    return blocked(this.#gate, now.kind === 'free' ? { ...now, kind: 'held', going: [] } : now, this.#stop);
  }

  get #leftMs(): number | null {
    return this.#until === Number.POSITIVE_INFINITY ? null : Math.max(0, this.#until - monotonicMs());
  }

  /** Null where the time is over, or a stop came. */
  async #forLock(busy: Extract<Attempt, { kind: 'busy' }>): Promise<Attempt | null> {
    const { flock } = this.#gate;
    if (flock === null) return this.#lookForLock(busy);
    const { lock } = busy;
    const waiting = lockLater(flock, lock.fd);
    const cancel = this.#leftMs === null ? () => undefined : after(this.#leftMs, waiting.end);
    this.#wake = waiting.end;
    const locked = await waiting.locked;
    cancel();
    this.#wake = () => undefined;
    if (!locked) return this.#stop !== null || this.#leftMs === 0 ? null : busy;
    if (isInPlace(lock)) return underLock(this.#gate, lock);
    closeSync(lock.fd);
    return attempt(this.#gate);
  }

  /** Where nothing tells that a lock is free. */
  async #lookForLock({ lock }: Extract<Attempt, { kind: 'busy' }>): Promise<Attempt | null> {
    const found = await this.#look(() => {
      const now = attempt(this.#gate);
      if (now.kind !== 'busy') return now;
      closeSync(now.lock.fd);
      return null;
    });
    if (found !== null) closeSync(lock.fd);
    return found;
  }

  /** The lock is kept meanwhile: who came first is the first to go. */
  async #forRuns(held: Extract<Attempt, { kind: 'held' }>): Promise<Attempt | null> {
    if (!this.#said) sayWhatNobodyCanJudge(held.going, true, this.#tell);
    this.#said = true;
    const free = await this.#look(() => (goingRuns(this.#gate).length === 0 ? held.lock : null));
    if (free === null) return null;
    if (isInPlace(free)) return underLock(this.#gate, free);
    closeSync(free.fd);
    return attempt(this.#gate);
  }

  /** Null where the time is over, or a stop came. */
  async #look<T>(look: () => T | null): Promise<T | null> {
    const seen = await lookUntil<T | 'stopped'>(
      runningDirectory(this.#gate.stateDir, this.#gate.job),
      this.#leftMs,
      () => (this.#stop === null ? look() : 'stopped'),
      (lookNow) => {
        this.#wake = lookNow;
      },
    );
    this.#wake = () => undefined;
    return seen === 'stopped' ? null : seen;
  }
}
