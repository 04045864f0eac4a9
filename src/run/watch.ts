import { isDeadState } from '../model/liveness.js';
import { type SignalName, signalNumber } from '../model/signal.js';
import type { Child } from '../platform/bare-spawn.js';
import { monotonicMs } from '../platform/clock.js';
import { canJudge, readStat } from '../platform/identity.js';
import { livingMembers, signalAndContinue, signalGroup, waitForGroup } from '../platform/process-group.js';
import type { Cause, ChildExit } from './ending.js';
import { isStop, isSuspending, receiveSignals } from './forward.js';
import type { Tell } from './notice.js';
import type { Plan } from './plan.js';
import { after } from './timer.js';

/** What was seen of a child from its start to its end. */
export interface Watched {
  readonly exit: ChildExit;
  readonly cause: Cause | null;
  readonly lateStops: readonly SignalName[];
  /** SIGKILL was sent. */
  readonly killed: boolean;
  /** Processes of the group that even SIGKILL did not end. */
  readonly leftBehind: readonly number[];
}

/** How long the rest of a group may take to die of SIGKILL. */
const DYING_MS = 5000;

/** Signals that somebody sends in one go (TSTP and CONT, or TERM to us and to the command) arrive within this time. */
const MOMENT_MS = 100;

/** So close to each other two signals may have changed places on their way here. No person suspends so soon again. */
const SWAPPED_MS = 2;

/**
 * Steps 6 and 7 of the protocol: forwards what comes, ends the run when its time is over, waits for the child
 * without end, and for what is left of its group after a timeout or a stop.
 */
export async function watch(child: Child, plan: Plan, tell: Tell): Promise<Watched> {
  const watching = new Watch(child.pid, plan, tell);
  const exit = await watching.untilExit(child);
  await watching.turn();
  await watching.turn();
  await watching.perhapsStopped(exit);
  const leftBehind = await watching.endRest();
  return { exit, leftBehind, ...watching.seen() };
}

class Watch {
  #cause: Cause | null = null;
  #killed = false;
  #childIsGone = false;
  /** Counts what suspends and what continues: the last one decides. */
  #suspensions = 0;
  /** When a CONT came last, monotonic milliseconds. */
  #continuedAt = Number.NEGATIVE_INFINITY;
  #firstSignalAt: number | null = null;
  readonly #lateStops: SignalName[] = [];
  readonly #cancels: (() => void)[] = [];
  readonly #group: number;
  readonly #plan: Plan;
  readonly #tell: Tell;

  constructor(group: number, plan: Plan, tell: Tell) {
    this.#group = group;
    this.#plan = plan;
    this.#tell = tell;
  }

  /** `exit`, never `close`: a descendant may hold our stdout for hours. */
  untilExit(child: Child): Promise<ChildExit> {
    return new Promise((resolve) => {
      child.onExit((code, signal) => {
        this.#childIsGone = true;
        for (const cancel of this.#cancels) cancel();
        resolve({ code, signal });
      });
      const { timeoutMs } = this.#plan;
      if (timeoutMs !== null) this.#unlessGone(timeoutMs, () => this.#timeOut());
      receiveSignals((signal) => this.#receive(signal));
      // Node compiles what a turn of the loop takes when one is first asked for: beside the command, not behind it.
      setImmediate(() => undefined);
    });
  }

  /** One turn of the event loop, in which signals that came at the moment of the exit are received. */
  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /**
   * A child that died of what would stop us may not be the only one who was told: the kernel hands our signal to any of
   * our threads, and on a busy machine that one has its turn later than the one that sees the child's end.
   */
  async perhapsStopped({ signal }: ChildExit): Promise<void> {
    if (signal === null || !isStop(signal) || this.#cause !== null || this.#lateStops.includes(signal))
      return;
    await new Promise((resolve) => setTimeout(resolve, MOMENT_MS));
    await this.turn();
  }

  seen(): Pick<Watched, 'cause' | 'lateStops' | 'killed'> {
    return { cause: this.#cause, lateStops: this.#lateStops, killed: this.#killed };
  }

  #receive(signal: SignalName): void {
    if (this.#plan.launch.ignored.includes(signalNumber(signal))) return;
    if (signal === 'SIGCONT' || isStop(signal)) this.#suspensions++;
    if (signal === 'SIGCONT') this.#continuedAt = monotonicMs();
    if (this.#childIsGone) this.#receiveLate(signal);
    else if (isSuspending(signal)) this.#suspendUnlessContinued();
    else if (isStop(signal)) this.#stop(signal);
    else signalGroup(this.#group, signal);
  }

  /** The child is waited for, so its number may be a stranger's: only a group that is known to live is signalled. */
  #receiveLate(signal: SignalName): void {
    if (this.#cause === null) {
      if (isStop(signal)) this.#lateStops.push(signal);
    } else if (!isSuspending(signal) && livingMembers(this.#group).length > 0) {
      signalGroup(this.#group, signal);
    }
  }

  #stop(signal: SignalName): void {
    const first = this.#cause === null;
    this.#cause ??= { kind: 'stop', signal };
    signalAndContinue(this.#group, signal);
    if (first) this.#tell({ kind: 'passed-on', signal, pid: this.#group });
  }

  /**
   * Of two signals that come in one go each may be taken by another thread, and the later one be seen first: a suspend
   * right behind a CONT is the one that this CONT has undone, and nobody would wake us up a second time.
   */
  #suspendUnlessContinued(): void {
    if (monotonicMs() - this.#continuedAt > SWAPPED_MS) void this.#suspend();
  }

  /**
   * The group gets STOP: it is an orphaned one for the kernel, which ignores TSTP there. The wrapper follows a
   * moment later, because a CONT may be right behind: it would be spent, and nobody wakes us up a second time.
   */
  async #suspend(): Promise<void> {
    const ours = ++this.#suspensions;
    signalGroup(this.#group, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, MOMENT_MS));
    await this.turn(); // it ends right after the loop has looked for signals
    if (ours === this.#suspensions && !this.#childIsGone) process.kill(process.pid, 'SIGSTOP');
  }

  /**
   * Acts after `ms`, unless the child is gone by then. A wrapper that was stopped or starved meanwhile finds the timer
   * and the child's end at once, and timers come first: one turn later it mostly knows that the run ended by itself. On a
   * busy machine the thread that the kernel tells has its turn later still, so the kernel itself is asked.
   */
  #unlessGone(ms: number, act: () => void): void {
    const actIfStillThere = () => {
      if (!this.#childIsGone && !hasDied(this.#group)) act();
    };
    this.#cancels.push(after(ms, () => setImmediate(actIfStillThere)));
  }

  #timeOut(): void {
    this.#cause ??= { kind: 'timeout' };
    this.#firstSignalAt = monotonicMs();
    signalAndContinue(this.#group, this.#plan.timeoutSignal);
    const { killAfterMs } = this.#plan;
    if (killAfterMs > 0) this.#unlessGone(killAfterMs, () => this.#kill());
  }

  #kill(): void {
    this.#killed = true;
    signalGroup(this.#group, 'SIGKILL');
  }

  /** What is left of the group after a timeout or a stop; a child that ended by itself may leave what it likes. */
  async endRest(): Promise<number[]> {
    if (this.#cause === null || livingMembers(this.#group).length === 0) return [];
    signalAndContinue(this.#group, 'SIGTERM');
    const { killAfterMs } = this.#plan;
    if (killAfterMs === 0) return livingMembers(this.#group);
    const since = this.#cause.kind === 'timeout' ? this.#firstSignalAt : null;
    const rest = await waitForGroup(this.#group, (since ?? monotonicMs()) + killAfterMs);
    if (rest.length === 0) return [];
    this.#kill();
    return waitForGroup(this.#group, monotonicMs() + DYING_MS);
  }
}

/** Whether a child that nobody has waited for is dead. False where that cannot be seen. */
function hasDied(child: number): boolean {
  const stat = canJudge() ? readStat(child) : null;
  return stat !== null && isDeadState(stat);
}
