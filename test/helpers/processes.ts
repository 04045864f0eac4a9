import { readdirSync, readFileSync } from 'node:fs';

/** What /proc shows of one process; null where it is gone. */
export interface Seen {
  readonly pid: number;
  /** R, S, D, T, Z ... of proc(5) */
  readonly state: string;
  readonly parent: number;
}

/** Reads /proc/<pid>/stat. */
export function lookAt(pid: number): Seen | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, state, parent: Number(parent) };
  } catch {
    return null;
  }
}

/** "T" for a stopped process, "" for one that is gone. */
export function stateOf(pid: number): string {
  return lookAt(pid)?.state ?? '';
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The pids of the children of a process. */
export function childrenOf(pid: number): number[] {
  return allPids().filter((each) => lookAt(each)?.parent === pid);
}

/** Every process, wrapper and command alike, that was started with this state directory; zombies have no environment. */
export function processesOf(stateDir: string): number[] {
  return allPids().filter((pid) => carries(pid, `CRONRUN_STATE_DIR=${stateDir}`));
}

function carries(pid: number, entry: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0${entry}\0`);
  } catch {
    return false;
  }
}

/** Kills whatever a test left behind, which may start others while it is being killed. */
export function endProcessesOf(stateDir: string): void {
  for (let look = 0; look < 20; look++) {
    const left = processesOf(stateDir);
    if (left.length === 0) return;
    for (const pid of left) kill(pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it was faster
  }
}
