import type { End } from '../model/record.js';
import type { SignalName } from '../model/signal.js';

/** How the child itself ended: exactly one of the two is null. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: SignalName | null;
}

/** Why the run was ended from outside; the first cause wins. */
export type Cause = { readonly kind: 'timeout' } | { readonly kind: 'stop'; readonly signal: SignalName };

export interface EndingFacts {
  readonly exit: ChildExit;
  readonly cause: Cause | null;
  /** Stops that came in the same moment as the exit, too late to be forwarded. */
  readonly lateStops: readonly SignalName[];
  readonly successCodes: readonly number[];
}

/** The words for it, see cronrun-journal(5). */
export function judgeEnding(facts: EndingFacts): Pick<End, 'status' | 'reason' | 'exit_code' | 'signal'> {
  const { exit, cause, lateStops, successCodes } = facts;
  if (cause?.kind === 'timeout') {
    return { status: 'timeout', reason: 'timed-out', exit_code: exit.code, signal: exit.signal };
  }
  if (cause?.kind === 'stop') {
    return { status: 'interrupted', reason: 'stopped', exit_code: exit.code, signal: cause.signal };
  }
  if (exit.signal !== null) {
    // Somebody signalled child and wrapper at once; the child was merely faster.
    const reason = lateStops.includes(exit.signal) ? 'stopped' : 'signaled';
    return { status: 'interrupted', reason, exit_code: null, signal: exit.signal };
  }
  const code = exit.code ?? 0;
  const completed = code === 0 || successCodes.includes(code);
  return { status: completed ? 'completed' : 'failed', reason: 'exited', exit_code: code, signal: null };
}
