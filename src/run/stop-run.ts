import {
  type Identity,
  judgeProcess,
  type Liveness,
  type ProcessId,
  type ProcessStat,
} from '../model/liveness.js';
import { isEnded } from '../model/record.js';
import type { RunId } from '../model/run-id.js';
import type { SignalName } from '../model/signal.js';
import { childAmong, type StoppedRun } from '../model/stopping.js';
import { monotonicMs } from '../platform/clock.js';
import { probe } from '../platform/identity.js';
import { type Sent, trySignal } from '../platform/process-group.js';
import type { JudgedRun } from '../state/survey.js';
import { carriersOf } from './carriers.js';
import { MemberSearch, type Members, signalMember } from './members.js';

/** How a run is to be stopped. */
export interface StopManner {
  /** The first signal, one that tells a run to stop. */
  readonly signal: SignalName;
  /** The grace period; 0: SIGKILL is never sent, and the wait has no end. */
  readonly graceMs: number;
}

/**
 * Ends a run: tells its wrapper, which passes it on and records the end; what has no wrapper is told itself. After the
 * grace period all of it gets SIGKILL but the wrapper, which is to record that, and gets it only if it hangs then.
 * Whose start record `run` is must have been made sure of: it says who is signalled.
 *
 * @param again reads and judges the run once more; null where it has ended.
 */
export async function stopRun(
  run: JudgedRun,
  again: () => JudgedRun | null,
  manner: StopManner,
): Promise<StoppedRun> {
  const stop = new Stop(run, again, manner);
  await stop.carryOut();
  return stop.outcome();
}

/** How long who got SIGKILL may take to die, and a wrapper whose run is gone to record that. */
const DYING_MS = 5000;

const NOBODY: Members = { processes: [], liveness: 'dead' };

class Stop {
  readonly #id: RunId;
  readonly #wrapper: Identity;
  readonly #again: () => JudgedRun | null;
  readonly #manner: StopManner;
  readonly #since = monotonicMs();
  readonly #search = new MemberSearch();
  #child: ProcessId | null;
  #wrapperTold = false;
  /** Who was found has been told, once: who traps TERM and tidies up must not be told again, nor his helpers. */
  #membersTold = false;
  readonly #signalled = new Set<number>();
  readonly #denied = new Set<number>();
  #killed = false;
  #killedWrapper: number | null = null;

  constructor({ start }: JudgedRun, again: () => JudgedRun | null, manner: StopManner) {
    this.#id = start.id;
    this.#wrapper = start.wrapper;
    this.#child = start.child;
    this.#again = again;
    this.#manner = manner;
  }

  async carryOut(): Promise<void> {
    const { signal, graceMs } = this.#manner;
    // While its leader lives: afterwards who was started without the id could not be told from a stranger.
    if (this.#child !== null) this.#members();
    this.#wrapperTold = this.#signalWrapper(signal) === 'sent';
    // What is stopped hears nothing until it is continued.
    if (this.#wrapperTold) this.#signalWrapper('SIGCONT');
    const until = graceMs === 0 ? Number.POSITIVE_INFINITY : this.#since + graceMs;
    const isOver = await lookUntilOver(until, () => this.#tellAndLook());
    if (!isOver) await this.#kill();
  }

  outcome(): StoppedRun {
    const left = this.#members().processes.map(({ pid }) => pid);
    return {
      wrapperTold: this.#wrapperTold,
      pids: [...this.#signalled],
      killed: this.#killed,
      killedWrapper: this.#killedWrapper,
      left,
      wrapperLeft: this.#wrapperLives() ? this.#wrapper.pid : null,
      denied: left.filter((pid) => this.#denied.has(pid)),
      tookMs: monotonicMs() - this.#since,
    };
  }

  #wrapperLives(): boolean {
    return this.#judgeWrapper() !== 'dead';
  }

  /** Proved right before. */
  #signalWrapper(signal: SignalName): Sent {
    return this.#judgeWrapper() === 'alive' ? trySignal(this.#wrapper.pid, signal) : 'gone';
  }

  #judgeWrapper(): Liveness {
    return judgeProcess(this.#wrapper, probe(this.#wrapper.pid));
  }

  /** True where nothing is left, or nothing that could be told. */
  #tellAndLook(): boolean {
    if (this.#wrapperLives()) {
      this.#child ??= this.#again()?.start.child ?? null;
      return false;
    }
    const { processes } = this.#members();
    if (!this.#membersTold) this.#tell(processes);
    return this.#child === null || processes.every(({ pid }) => this.#denied.has(pid));
  }

  #tell(processes: readonly ProcessStat[]): void {
    this.#membersTold = true;
    for (const process of processes) {
      if (this.#signal(process, this.#manner.signal)) this.#signal(process, 'SIGCONT');
    }
  }

  /** True where it was sent. */
  #signal(process: ProcessStat, signal: SignalName): boolean {
    if (this.#child === null) return false;
    const sent = signalMember(process, this.#child, signal);
    if (sent === 'sent') this.#signalled.add(process.pid);
    if (sent === 'denied') this.#denied.add(process.pid);
    return sent === 'sent';
  }

  /** Who lives of the run besides its wrapper. Where its child is not known, those who carry its id stand for it. */
  #members(): Members {
    if (this.#child === null) {
      const run = this.#again();
      if (run === null || isEnded(run.record)) return NOBODY;
      const carriers = carriersOf(run);
      this.#child = run.start.child ?? childAmong(carriers);
      if (this.#child === null) return { processes: carriers, liveness: 'unknown' };
    }
    return this.#search.find(this.#child, this.#id);
  }

  async #kill(): Promise<void> {
    const isGone = await lookUntilOver(monotonicMs() + DYING_MS, () => this.#killMembers());
    if (!isGone) return;
    const isOver = () => !this.#wrapperLives();
    if (await lookUntilOver(monotonicMs() + DYING_MS, isOver)) return;
    // Its run may not have begun, or be hidden from us: then it is not the wrapper that hangs.
    if (this.#child === null || this.#members().liveness !== 'dead') return;
    if (this.#signalWrapper('SIGKILL') === 'sent') this.#killedWrapper = this.#wrapper.pid;
    await lookUntilOver(monotonicMs() + DYING_MS, isOver);
  }

  /** At each look all that are there: one may have started another meanwhile. */
  #killMembers(): boolean {
    const { processes } = this.#members();
    for (const process of processes) {
      if (this.#signal(process, 'SIGKILL')) this.#killed = true;
    }
    return processes.length === 0;
  }
}

const SHORTEST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 1000;

/**
 * Looks now and again until `isOver` or `deadline` (monotonic, ms), each time after a tenth of the time that has passed: a
 * long wait costs little, a short one is not made longer. Resolves with whether it was over.
 */
async function lookUntilOver(deadline: number, isOver: () => boolean): Promise<boolean> {
  const since = monotonicMs();
  for (;;) {
    if (isOver()) return true;
    const now = monotonicMs();
    if (now >= deadline) return false;
    const pause = Math.min(Math.max((now - since) / 10, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, deadline - now)));
  }
}
