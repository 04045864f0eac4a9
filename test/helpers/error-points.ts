import { type FileCall, failed, type Injection, isInjected, makesChild } from './injected.js';

/** One file call of a run, at which an error is met. */
export interface Point extends Pick<FileCall, 'name' | 'nth' | 'where'> {
  /** How many calls by each name were made before it. */
  readonly before: ReadonlyMap<string, number>;
  /** Whether the command was started by then. */
  readonly afterStart: boolean;
}

/** An error, for one call or for all of its name from then on. */
export interface Fault {
  /** What strace injects, "error=EIO". */
  readonly what: string;
  readonly lasts: 'once' | 'from then on';
}

export const ERRORS = ['EIO', 'ENOSPC', 'EDQUOT', 'EMFILE', 'EROFS'] as const;

/** Every call that touches the state directory, in its order. */
export function pointsOf(calls: readonly FileCall[]): Point[] {
  const points: Point[] = [];
  const before = new Map<string, number>();
  let afterStart = false;
  for (const call of calls) {
    afterStart ||= makesChild(call);
    const { name, nth, where } = call;
    if (where !== '') points.push({ name, nth, where, before: new Map(before), afterStart });
    before.set(name, nth);
  }
  return points;
}

/** What node calls as well while it starts a command or waits for it: a fault that lasts would hit it, too. */
const NODES_OWN = ['statx', 'newfstatat', 'fstat', 'stat', 'access', 'faccessat2', 'readlink'];

/** How often node itself writes differs from run to run, and a write that fails may be a notice to stderr. */
const WRITES = ['write'];

/**
 * Null where the fault cannot be caused faithfully: close(2) gives its descriptor back whatever it returns, which an
 * injected one does not, and a wrapper that never closes its end of a pipe waits for itself.
 */
export function injectionAt(
  point: Point,
  fault: Fault,
  stateDir: string,
  calls: readonly FileCall[],
): Injection | null {
  const { name, nth, where } = point;
  const when = (from: number) => `${name}:${fault.what}:when=${from}${fault.lasts === 'once' ? '' : '+'}`;
  const lasts = fault.lasts === 'from then on';
  const isFixed = !where.includes('UUID');
  if (isFixed && (WRITES.includes(name) || (lasts && NODES_OWN.includes(name)))) {
    const earlier = calls.filter((call) => call.name === name && call.where === where && call.nth < nth);
    return { faults: [when(earlier.length + 1)], only: `${stateDir}${where === '/' ? '' : where}` };
  }
  return lasts && [...NODES_OWN, ...WRITES, 'close'].includes(name)
    ? null
    : { faults: [when(nth)], only: null };
}

/** Whether the first call by the name that failed is the one that was meant. */
export function isHit({ name, where }: Point, calls: readonly FileCall[]): boolean {
  return calls.find((call) => call.name === name && isInjected(call))?.where === where;
}

/** Calls to a disk that node makes nowhere else, or can do without. */
const DISK_CALLS =
  'openat mkdir chmod fchmod pwrite64 pread64 fsync fdatasync rename unlink getdents64 statfs'.split(' ');

/** A disk that takes and gives nothing any more, from one call on. Null where that call may be node's own. */
export function deadDiskFrom({ name: first, before }: Point): Injection | null {
  if (!DISK_CALLS.includes(first)) return null;
  const faults = DISK_CALLS.map((name) => `${name}:error=EIO:when=${(before.get(name) ?? 0) + 1}+`);
  return { faults, only: null };
}

/** What was done where no error was to be seen, or seen and forgotten. Each in words. */
export function brokenOrder(calls: readonly FileCall[]): string[] {
  const wrong: string[] = [];
  // What began nothing may be taken back.
  const refused = calls.some(makesChild) ? null : calls.find(({ name }) => name.startsWith('rename'))?.path;
  let journal: 'unsynced' | 'synced' = 'unsynced';
  for (const call of calls) {
    const { name, where } = call;
    if (where === JOURNAL && /^p?write/.test(name)) journal = 'unsynced';
    if (where === JOURNAL && name === 'fdatasync') journal = failed(call) ? 'unsynced' : 'synced';
    const removes =
      name.startsWith('unlink') && where === START_RECORD && !failed(call) && call.path !== refused;
    if (removes && journal === 'unsynced')
      wrong.push('a start record was removed while the journal was not synced');
  }
  return wrong;
}

/**
 * False where the command was started although its start record, or the name of that, was not synced. True where the
 * trace does not show a start record.
 */
export function isStartDurable(calls: readonly FileCall[]): boolean {
  const renamed = calls.findIndex((call) => call.name.startsWith('rename') && !failed(call));
  const child = calls.findIndex(makesChild);
  if (renamed === -1 || child < renamed) return true;
  const synced = calls.slice(renamed, child).filter((call) => call.name === 'fsync' && !failed(call));
  return [START_RECORD, RUNNING].every((where) => synced.some((call) => call.where === where));
}

/** Whether nothing happened but that once there was no room for the start record, as on a full disk. */
export function lackedRoomOnce(calls: readonly FileCall[]): boolean {
  const [first, ...others] = calls.filter(isInjected);
  if (first === undefined || others.length > 0 || calls.indexOf(first) > calls.findIndex(makesChild))
    return false;
  const made = first.where.endsWith('.UUID.tmp') || first.name.startsWith('rename');
  return made && /^-1 (ENOSPC|EDQUOT)/.test(first.result);
}

const RUNNING = '/jobs/job/running';
const JOURNAL = '/jobs/job/journal.jsonl';
const START_RECORD = '/jobs/job/running/UUID.jsonl';
