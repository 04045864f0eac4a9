import { constants, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import {
  type Identity,
  type Place,
  type Probe,
  type ProcessId,
  type ProcessStat,
  type ProcessTable,
  parseStat,
} from '../model/liveness.js';

/** The text of a small kernel file without its newline; null where it cannot be read. */
function readWord(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trimEnd() || null;
  } catch {
    return null;
  }
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** Where this process is; fields that the system does not tell are null. */
export function readPlace(): Place {
  return {
    machine_id: readWord('/etc/machine-id'),
    host_name: readWord('/proc/sys/kernel/hostname'),
    boot_id: readWord('/proc/sys/kernel/random/boot_id'),
    pid_ns: readLink('/proc/self/ns/pid'),
    time_ns: readLink('/proc/self/ns/time'),
  };
}

/** This process as others will recognise it. */
export function readIdentity(pid: number): Identity {
  return { ...readPlace(), ...processId(pid) };
}

/** A process that was started just now, or is known to live. */
export function processId(pid: number): ProcessId {
  return { pid, start_ticks: readStat(pid)?.start_ticks ?? null };
}

function readStat(pid: number): ProcessStat | null {
  const text = readWord(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/** Looks at one pid: stat first, then process.kill(pid, 0), so that a process that ends in between is seen to be gone. */
export function probe(pid: number): Probe {
  const stat = readStat(pid);
  try {
    process.kill(pid, 0);
    return { kill: 'there', stat };
  } catch (error) {
    return { kill: errnoOf(error) === 'ESRCH' ? 'gone' : 'denied', stat };
  }
}

/** True where /proc shows this process: without it nothing can be judged. */
export function canJudge(): boolean {
  return readWord('/proc/self/stat') !== null;
}

/** All processes of this pid namespace. Incomplete where some are hidden from this user (hidepid) or not to be read. */
export function readProcessTable(): ProcessTable {
  const processes: ProcessStat[] = [];
  let complete = false;
  let refused = false;
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return { processes, complete };
  }
  for (const name of names) {
    if (!isPid(name)) continue;
    try {
      const stat = parseStat(readFileSync(`/proc/${name}/stat`, 'utf8'));
      if (stat !== null) processes.push(stat);
      if (name === '1') complete = true; // always there, somebody else's for most: what hidepid hides first
    } catch (error) {
      if (!isGone(error)) refused = true;
    }
  }
  return { processes, complete: complete && !refused };
}

/** Only this says that there is no such process; too many open files or a refusal say nothing. */
function isGone(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ESRCH';
}

/** Of the names in /proc those of processes, and only those, begin with a digit. */
function isPid(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 48 && first <= 57;
}

/** Whether `entry` ("NAME=value") is in the environment a process was started with; null: not for us to read. */
export function hasEnvironmentEntry(pid: number, entry: string): boolean | null {
  try {
    const environment = `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`;
    return environment.includes(`\0${entry}\0`);
  } catch (error) {
    return isGone(error) ? false : null;
  }
}

/** O_ACCMODE of open(2), which node does not have. */
const ACCESS_MODE = 3;

/** Whether a process has a file of this name open for writing; null: not for us to read. */
export function hasOpenForWriting(pid: number, name: string): boolean | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => isOpenForWriting(`/proc/${pid}`, fd, `/${name}`));
  } catch (error) {
    return isGone(error) ? false : null;
  }
}

/** A descriptor that was closed meanwhile is none; see proc(5) for `flags`, which are octal. */
function isOpenForWriting(process: string, fd: string, ending: string): boolean {
  if (!readLink(`${process}/fd/${fd}`)?.endsWith(ending)) return false;
  const flags = /^flags:\s*(\d+)/m.exec(readWord(`${process}/fdinfo/${fd}`) ?? '')?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & ACCESS_MODE) !== constants.O_RDONLY;
}

/** The user a process belongs to; null where it is gone. */
export function ownerOf(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}

/** When this machine came up, milliseconds since 1970; null where /proc/stat does not say. */
export function bootTimeMs(): number | null {
  const text = readWord('/proc/stat');
  const match = text === null ? null : /^btime (\d+)$/m.exec(text);
  return match ? Number(match[1]) * 1000 : null;
}
