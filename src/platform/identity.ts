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
import { effectiveUid } from './user.js';

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
  return { pid, start_ticks: canJudge() ? (readStat(pid)?.start_ticks ?? null) : null };
}

/** What /proc shows of one process now; null where there is none, or it cannot be read. */
export function readStat(pid: number): ProcessStat | null {
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

/**
 * True where /proc shows this process by its own number. Without /proc nothing can be judged, and where it is the one of
 * another pid namespace (unshare --pid, nsenter --pid) it shows a stranger by every number: that is no /proc at all.
 */
export function canJudge(): boolean {
  isOurs ||= showsUs(readWord('/proc/self/status') ?? '');
  return isOurs;
}

/** It stays what it is; one that could not be read may have been out of reach for a moment. */
let isOurs = false;

/** NSpid (proc(5)) counts from the namespace of /proc down to ours: more than one number, and they differ. */
function showsUs(status: string): boolean {
  return /^Pid:\s+(\d+)$/m.exec(status)?.[1] === String(process.pid) && !/^NSpid:\s+\d+\s+\d/m.test(status);
}

/** All processes of this pid namespace. Incomplete where some are hidden from this user (hidepid) or not to be read. */
export function readProcessTable(): ProcessTable {
  const processes: ProcessStat[] = [];
  let first = false;
  let refused = false;
  const names = canJudge() ? namesInProc() : [];
  for (const name of names) {
    if (!isPid(name)) continue;
    try {
      const stat = parseStat(readFileSync(`/proc/${name}/stat`, 'utf8'));
      if (stat !== null) processes.push(stat);
      if (name === '1') first = true; // always there, somebody else's for most: what hidepid hides first
    } catch (error) {
      if (!isGone(error)) refused = true;
    }
  }
  return { processes, complete: first && !refused && showsStrangers() };
}

function namesInProc(): string[] {
  try {
    return readdirSync('/proc');
  } catch {
    return [];
  }
}

/** Bit 19 of capabilities(7), for which hidepid hides nothing. */
const CAP_SYS_PTRACE = 19;

/**
 * Whether process 1 is proof that nobody is hidden. It is none where it is ours, as in a container that runs for one
 * user: hidepid shows everybody their own processes, and hides the command that became root.
 */
function showsStrangers(): boolean {
  if (ownerOf(1) !== effectiveUid()) return true;
  const capabilities = /^CapEff:\s+([0-9a-f]+)$/m.exec(readWord('/proc/self/status') ?? '')?.[1] ?? '0';
  if (Math.floor(Number.parseInt(capabilities, 16) / 2 ** CAP_SYS_PTRACE) % 2 === 1) return true;
  return !HIDING.test(readWord('/proc/self/mountinfo') ?? 'hidepid=unknown');
}

/** The options of a /proc that does not show everything, by name or, before Linux 5.8, by number. */
const HIDING = /\bhidepid=(?!0|off)/;

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

/** The name of the program that a process runs, as the kernel keeps it (at most 15 bytes); null where it is gone. */
export function programOf(pid: number): string | null {
  return readWord(`/proc/${pid}/comm`);
}

/** When this machine came up, milliseconds since 1970; null where /proc/stat does not say. */
export function bootTimeMs(): number | null {
  const text = readWord('/proc/stat');
  const match = text === null ? null : /^btime (\d+)$/m.exec(text);
  return match ? Number(match[1]) * 1000 : null;
}
