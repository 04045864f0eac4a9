/** What the kernel says of an identity. */
export type Liveness = 'alive' | 'dead' | 'unknown';

/** The machine, one boot of it, and the namespaces in which a pid and its start ticks mean something. */
export interface Place {
  /** /etc/machine-id; the same in every clone of one image, so the name counts too. */
  readonly machine_id: string | null;
  readonly host_name: string | null;
  /** /proc/sys/kernel/random/boot_id */
  readonly boot_id: string | null;
  /** "pid:[4026531836]" */
  readonly pid_ns: string | null;
  /** "time:[4026531834]"; kernels before 5.6 have none. */
  readonly time_ns: string | null;
}

/** A process that cannot be mistaken for another one with the same pid. */
export interface ProcessId {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat, clock ticks since boot; null where /proc could not be read. */
  readonly start_ticks: number | null;
}

export interface Identity extends Place, ProcessId {}

/** One process as /proc/<pid>/stat shows it. */
export interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly group: number;
  readonly session: number;
  readonly threads: number;
  readonly start_ticks: number;
}

/** What a look at one pid brought. */
export interface Probe {
  /** kill(pid, 0): 'gone' is ESRCH, 'denied' EPERM. */
  readonly kill: 'there' | 'gone' | 'denied';
  readonly stat: ProcessStat | null;
}

/**
 * Whether a recorded place is this one; 'other-boot' is the same host after a restart, 'replaced' a place that somebody
 * promised is no more.
 */
export type PlaceMatch = 'here' | 'other-boot' | 'replaced' | 'elsewhere';

/**
 * In this order: host, boot, namespaces. Another host tells nothing about its boot, and within another boot of
 * this host nothing of the run can live, in whatever namespace it was.
 *
 * @param isExclusive a person promises that only one place at a time uses the state directory (--exclusive-state):
 * then any other one is over. It takes a difference that is known, on this host or another: what could not be read
 * proves none.
 */
export function comparePlaces(recorded: Place, here: Place | null, isExclusive = false): PlaceMatch {
  if (here === null) return 'elsewhere';
  const match = compareByProof(recorded, here);
  return match === 'elsewhere' && isExclusive && isAnother(recorded, here) ? 'replaced' : match;
}

function compareByProof(recorded: Place, here: Place): PlaceMatch {
  if (recorded.machine_id !== here.machine_id || recorded.host_name !== here.host_name) return 'elsewhere';
  if (recorded.boot_id === null || here.boot_id === null) return 'elsewhere';
  if (recorded.boot_id !== here.boot_id) return 'other-boot';
  if (recorded.pid_ns !== here.pid_ns || recorded.time_ns !== here.time_ns) return 'elsewhere';
  return 'here';
}

const PLACE_FIELDS = [
  'machine_id',
  'host_name',
  'boot_id',
  'pid_ns',
  'time_ns',
] as const satisfies readonly (keyof Place)[];

function isAnother(recorded: Place, here: Place): boolean {
  return PLACE_FIELDS.some((field) => {
    const [then, now] = [recorded[field], here[field]];
    return then !== null && now !== null && then !== now;
  });
}

/** Zombies are dead, but not while other threads of the process still run: those hold files and locks. */
export function isDeadState(stat: Pick<ProcessStat, 'state' | 'threads'>): boolean {
  return (stat.state === 'Z' || stat.state === 'X') && stat.threads <= 1;
}

/** Judges one process of this place. Everything that cannot be decided is unknown. */
export function judgeProcess(recorded: ProcessId, probe: Probe): Liveness {
  if (probe.kill === 'gone') return 'dead';
  if (probe.stat === null || recorded.start_ticks === null) return 'unknown';
  if (probe.stat.start_ticks !== recorded.start_ticks) return 'dead';
  return isDeadState(probe.stat) ? 'dead' : 'alive';
}

/** The processes of this place, and whether some may be hidden from us (hidepid). */
export interface ProcessTable {
  readonly processes: readonly ProcessStat[];
  readonly complete: boolean;
}

export interface GroupJudgement {
  readonly liveness: Liveness;
  /** Processes of the run that live, for people. */
  readonly pids: readonly number[];
}

/** Whether a process is in the session or process group that carries the child's pid as its number. */
export function isMemberOf({ session, group }: ProcessStat, child: ProcessId): boolean {
  return session === child.pid || group === child.pid;
}

/** Who lives in that session or group. Nobody there is older than the child. */
function membersOf(child: ProcessId, since: number, { processes }: ProcessTable): ProcessStat[] {
  return processes.filter(
    (process) => isMemberOf(process, child) && process.start_ticks >= since && !isDeadState(process),
  );
}

/**
 * Who lives in that session or group while nobody has the child's pid: processes of the run, or of a daemon that was
 * given the number after all of them had ended, and whose leader has ended, too. The number cannot tell.
 */
export function leaderless(child: ProcessId, table: ProcessTable): readonly ProcessStat[] {
  const since = child.start_ticks;
  if (since === null || table.processes.some(({ pid }) => pid === child.pid)) return [];
  return membersOf(child, since, table);
}

/**
 * Judges the child's session and process group, both of which carry the child's pid as their number. The kernel
 * gives no pid out again that is still the number of a session or group: if the child's pid now belongs to a
 * process with another start, both are gone, and while the child is there, all of them are of the run. Without it they
 * are where that is proved; who is not proved may be of the run, or a stranger, and nothing is said.
 *
 * @param proved pids of the leaderless that are of the run.
 */
export function judgeGroup(
  child: ProcessId,
  table: ProcessTable,
  proved: ReadonlySet<number>,
): GroupJudgement {
  const holder = table.processes.find((process) => process.pid === child.pid);
  const since = child.start_ticks;
  if (since === null) return { liveness: 'unknown', pids: [] };
  if (holder !== undefined && holder.start_ticks !== since) return { liveness: 'dead', pids: [] };
  const members = membersOf(child, since, table).map(({ pid }) => pid);
  const pids = holder === undefined ? members.filter((pid) => proved.has(pid)) : members;
  if (pids.length > 0) return { liveness: 'alive', pids };
  return { liveness: table.complete && members.length === 0 ? 'dead' : 'unknown', pids };
}

/**
 * Reads one /proc/<pid>/stat. The name in parentheses may hold anything, a ')' and newlines included, so the
 * fields are counted from the last ')' (proc(5)). Null for a text that is none.
 */
export function parseStat(text: string): ProcessStat | null {
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const stat = {
    pid,
    state: fields[0] ?? '',
    group: Number(fields[2]),
    session: Number(fields[3]),
    threads: Number(fields[17]),
    start_ticks: Number(fields[19]),
  };
  return Number.isSafeInteger(pid) && Number.isSafeInteger(stat.start_ticks) && stat.state !== ''
    ? stat
    : null;
}
