import {
  isDeadState,
  isMemberOf,
  judgeGroup,
  type Liveness,
  type ProcessId,
  type ProcessStat,
} from '../model/liveness.js';
import type { SignalName } from '../model/signal.js';
import { inOrderOfStart } from '../model/stopping.js';
import { readProcessTable, readStat } from '../platform/identity.js';
import { type Sent, trySignal } from './group.js';

/** Who lives of a child's session and process group. */
export interface Members {
  /** Parents before their children. */
  readonly processes: readonly ProcessStat[];
  /** 'dead' is proof that there is nobody; 'unknown': some may be hidden from us. */
  readonly liveness: Liveness;
}

/** A list of /proc is no snapshot: nobody is there only where a second look finds nobody, either. */
export function findMembers(child: ProcessId): Members {
  const first = lookForMembers(child);
  return first.processes.length > 0 ? first : lookForMembers(child);
}

/** No child has these numbers, but in a container whoever was put there from outside is of session 0. */
const NO_CHILD = [0, 1];

function lookForMembers(child: ProcessId): Members {
  if (NO_CHILD.includes(child.pid)) return { processes: [], liveness: 'unknown' };
  const table = readProcessTable();
  const { liveness, pids } = judgeGroup(child, table);
  const members = new Set(pids);
  return { processes: inOrderOfStart(table.processes.filter(({ pid }) => members.has(pid))), liveness };
}

/**
 * Signals one process of a run, proved right before: the one that was found, and of the session or group still. Between
 * the look and the signal its number cannot be given to another one that started in the same clock tick.
 */
export function signalMember(member: ProcessStat, child: ProcessId, signal: SignalName): Sent {
  const now = readStat(member.pid);
  const isTheSame =
    now !== null && now.start_ticks === member.start_ticks && isMemberOf(now, child) && !isDeadState(now);
  return isTheSame ? trySignal(member.pid, signal) : 'gone';
}

/** Whether a process is of the run of `child` itself. */
export function isOfGroup(pid: number, child: ProcessId): boolean {
  const stat = readStat(pid);
  return stat !== null && isMemberOf(stat, child);
}
