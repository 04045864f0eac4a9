import { isDeadState } from '../model/liveness.js';
import type { SignalName } from '../model/signal.js';
import { monotonicMs } from './clock.js';
import { readProcessTable } from './identity.js';

/** What became of a signal. 'denied': nobody in the group may be signalled by this user (a sudo command). */
export type Sent = 'sent' | 'gone' | 'denied';

/**
 * Signals a whole process group. The one place that does: the child leads a session of its own, so its pid is
 * the group's number and never our own group's. Call it only while the child is not waited for or the group is
 * known to be non-empty; otherwise the number may belong to a stranger.
 */
export function signalGroup(group: number, signal: SignalName): Sent {
  return trySignal(-group, signal);
}

/** kill(2): a negative number is a group's. */
export function trySignal(pid: number, signal: SignalName | 0): Sent {
  try {
    process.kill(pid, signal);
    return 'sent';
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM' ? 'denied' : 'gone';
  }
}

/** Signals a group that may be stopped: what is stopped acts on nothing but KILL until it is continued. */
export function signalAndContinue(group: number, signal: SignalName): Sent {
  const sent = signalGroup(group, signal);
  if (signal !== 'SIGKILL' && signal !== 'SIGCONT') signalGroup(group, 'SIGCONT');
  return sent;
}

/**
 * Members of the group that live. kill(2) would count zombies that nobody reaps, so /proc is asked; where there is
 * none, kill(2) has to do, and the group's number stands for all of them.
 */
export function livingMembers(group: number): number[] {
  const sent = trySignal(-group, 0);
  if (sent === 'gone') return [];
  const { processes } = readProcessTable();
  if (processes.length === 0) return sent === 'sent' ? [group] : [];
  return processes.filter((one) => one.group === group && !isDeadState(one)).map((one) => one.pid);
}

const FIRST_LOOK_MS = 2;
const SLOWEST_LOOK_MS = 100;

/** Resolves with nobody as soon as the group is empty, or with who is left at `deadline` (monotonic, ms). */
export async function waitForGroup(group: number, deadline: number): Promise<number[]> {
  for (let pause = FIRST_LOOK_MS; ; pause = Math.min(pause * 2, SLOWEST_LOOK_MS)) {
    const members = livingMembers(group);
    const left = deadline - monotonicMs();
    if (members.length === 0 || left <= 0) return members;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, left)));
  }
}
