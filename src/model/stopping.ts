import { EXIT } from './exit-status.js';
import type { ProcessId, ProcessStat } from './liveness.js';

/**
 * The child of a run that was never written down, out of the processes that carry the run's id: all of them come from
 * it, so it is the one that started before the others, and it leads its session. Null where that is not so: it is gone,
 * or not yet what it will be, and who belongs to the run and who to a daemon that it started cannot be told apart.
 */
export function childAmong(carriers: readonly ProcessStat[]): ProcessId | null {
  const [first, ...others] = inOrderOfStart(carriers);
  if (first === undefined || first.session !== first.pid) return null;
  const isFirst = others.every(
    ({ session, start_ticks }) => session === first.pid || start_ticks > first.start_ticks,
  );
  return isFirst ? { pid: first.pid, start_ticks: first.start_ticks } : null;
}

/** Parents before their children: a shell that lost its child first would go on to its next command. */
export function inOrderOfStart(processes: readonly ProcessStat[]): ProcessStat[] {
  return [...processes].sort((a, b) => a.start_ticks - b.start_ticks || a.pid - b.pid);
}

/** What `stop` found of one run in the end. */
export type StopResult = 'over' | 'left' | 'unverifiable';

/** The exit status of `stop` for several runs: 0 only where nothing of any of them is left. */
export function exitStatusOfStop(results: readonly StopResult[]): number {
  if (results.includes('left')) return EXIT.ownFailure;
  return results.includes('unverifiable') ? EXIT.cannotTell : EXIT.ok;
}

/** What was done to a run, and what it came to. */
export interface StoppedRun {
  /** Its wrapper lived and was told. */
  readonly wrapperTold: boolean;
  /** Processes of it that were signalled one by one. */
  readonly pids: readonly number[];
  /** SIGKILL was sent to processes of it. */
  readonly killed: boolean;
  /** The wrapper that hung when nothing else of its run was left, and got SIGKILL; else null. */
  readonly killedWrapper: number | null;
  /** Processes of it that are still there. */
  readonly left: readonly number[];
  /** The wrapper, if it is still there; else null. */
  readonly wrapperLeft: number | null;
  /** Processes of it that this user may not signal. */
  readonly denied: readonly number[];
  /** Milliseconds. */
  readonly tookMs: number;
}
