import {
  isDeadState,
  isMemberOf,
  type Liveness,
  type ProcessId,
  type ProcessStat,
} from '../model/liveness.js';
import type { RunId } from '../model/run-id.js';
import type { SignalName } from '../model/signal.js';
import { inOrderOfStart } from '../model/stopping.js';
import { readProcessTable, readStat } from '../platform/identity.js';
import { type Sent, trySignal } from '../platform/process-group.js';
import { judgeChildGroup } from '../state/group.js';

/** Who lives of a child's session and process group. */
export interface Members {
  /** Parents before their children. */
  readonly processes: readonly ProcessStat[];
  /** 'dead' is proof that there is nobody; 'unknown': some may be hidden from us. */
  readonly liveness: Liveness;
}

/**
 * Looks for the members of a run, and remembers them: who was of it while its leader lived is so without that, and
 * while it ends its environment is no longer there to be asked.
 */
export class MemberSearch {
  /** Start ticks by pid. */
  readonly #proved = new Map<number, number>();

  /** A list of /proc is no snapshot: nobody is there only where a second look finds nobody, either. */
  find(child: ProcessId, id: RunId): Members {
    const first = this.#look(child, id);
    if (first.processes.length > 0) return first;
    const second = this.#look(child, id);
    return first.liveness === 'unknown' && second.liveness === 'dead' ? first : second;
  }

  #look(child: ProcessId, id: RunId): Members {
    if (NO_CHILD.includes(child.pid)) return { processes: [], liveness: 'unknown' };
    const table = readProcessTable();
    const { liveness, pids } = judgeChildGroup(child, id, table, this.#proved);
    const members = new Set(pids);
    const processes = inOrderOfStart(table.processes.filter(({ pid }) => members.has(pid)));
    for (const { pid, start_ticks } of processes) this.#proved.set(pid, start_ticks);
    return { processes, liveness };
  }
}

/** No child has these numbers, but in a container whoever was put there from outside is of session 0. */
const NO_CHILD = [0, 1];

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
