import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { errnoOf } from '../errors.js';
import { isJobName } from '../model/job.js';
import { judgeOwn, judgeRecord } from '../model/ownership.js';
import { isPingWord, type PingAddress, type PingWord } from '../model/ping.js';
import { integer, parseObject, time } from '../model/record.js';
import { isRunId, makeRunId, type RunId } from '../model/run-id.js';
import { wallMs } from '../platform/clock.js';
import { createWhole, makeDirectories, PRIVATE, readRange, removeIfThere } from '../platform/durable.js';
import { listDirectory } from '../platform/list-directory.js';
import { noRegularFile, O_NOFOLLOW, openFile } from '../platform/open-file.js';
import { randomBytes } from '../platform/random.js';
import { effectiveUid } from '../platform/user.js';
import { pingsDirectory } from './directory.js';
import { inspectOwnership, NotOurs } from './ownership.js';

/** The version of the format of a file in the spool. */
const VERSION = 1;

/** A ping of an end, as it is kept until it is delivered. */
export interface SpooledPing {
  readonly job: string;
  readonly run: RunId;
  /** When it was put here, ISO 8601. */
  readonly at: string;
  readonly word: PingWord;
  readonly address: PingAddress;
  /** Whether the run's id goes with it. */
  readonly rid: boolean;
  readonly create: boolean;
  /** "Name: value", or file:PATH; null: none. */
  readonly header: string | null;
  /** The first line of the body; null: none. */
  readonly headline: string | null;
  /** The end of what the run printed. */
  readonly tail: Buffer;
  /** How much that was in all, bytes. */
  readonly printed: number;
  /** Until then its own run sends it and nobody else, milliseconds since 1970: the start is being told. Null: anybody may. */
  readonly heldUntil: number | null;
}

/**
 * The pings of one address stand in one line behind each other, and the file names say in which order: by number, and by
 * run where two were put there at the same moment. No clock is in it.
 */
export interface SpoolName {
  readonly name: string;
  /** Of the address, which does not show in it. */
  readonly queue: string;
  readonly number: number;
  readonly run: RunId;
}

const NAME = /^([0-9a-f]{16})-(\d{12})-([0-9a-f-]{36})\.json$/;

/** Null for the name of another file. */
export function readSpoolName(name: string): SpoolName | null {
  const [, queue = '', number = '', run = ''] = NAME.exec(name) ?? [];
  return isRunId(run) ? { name, queue, number: Number(number), run } : null;
}

export function spoolName(queue: string, number: number, run: RunId): string {
  return `${queue}-${String(number).padStart(12, '0')}-${run}.json`;
}

/** The queue of an address: 64 bits of FNV-1a. Two that meet in one would wait for each other, no more. */
export function queueOf(address: PingAddress): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from('file' in address ? `file:${address.file}` : address.url)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash.toString(16).padStart(16, '0');
}

export function encodePing({ tail, heldUntil, ...rest }: SpooledPing): Buffer {
  const line = { v: VERSION, ...rest, held_until: heldUntil, tail: tail.toString('base64') };
  return Buffer.from(`${JSON.stringify(line)}\n`);
}

/** Null for what is no whole ping; 'newer' for one of a newer version, which is that one's to deliver. */
export function decodePing(text: string): SpooledPing | 'newer' | null {
  const json = parseObject(text);
  if (json === null) return null;
  const { v, job, run, at, word, address, rid, create, header, headline, tail, printed } = json;
  if (typeof v === 'number' && v > VERSION) return 'newer';
  const where = addressFrom(address);
  const when = time(at);
  const size = integer(printed);
  if (v !== VERSION || typeof job !== 'string' || !isJobName(job)) return null;
  if (typeof run !== 'string' || !isRunId(run) || when === null || !isPingWord(word)) return null;
  if (where === null || typeof tail !== 'string' || size === null) return null;
  return {
    job,
    run,
    at: when,
    word,
    address: where,
    rid: rid === true,
    create: create === true,
    header: typeof header === 'string' ? header : null,
    headline: typeof headline === 'string' ? headline : null,
    tail: Buffer.from(tail, 'base64'),
    printed: size,
    heldUntil: integer(json.held_until),
  };
}

function addressFrom(value: unknown): PingAddress | null {
  if (typeof value !== 'object' || value === null) return null;
  const { url, file } = value as Record<string, unknown>;
  if (typeof url === 'string') return { url };
  return typeof file === 'string' ? { file } : null;
}

/** Pings of one address in their order. */
function inOrder(a: SpoolName, b: SpoolName): number {
  if (a.number !== b.number) return a.number - b.number;
  return a.run === b.run ? 0 : a.run < b.run ? -1 : 1;
}

/** Everything that waits, queue by queue, each in its order. */
export function listSpool(stateDir: string): SpoolName[] {
  const names = listDirectory(pingsDirectory(stateDir)).map(readSpoolName);
  return names
    .filter((name) => name !== null)
    .sort((a, b) => (a.queue === b.queue ? inOrder(a, b) : a.queue < b.queue ? -1 : 1));
}

/**
 * What waits in one queue. A list shows a file that is made meanwhile, and may miss one that was made before it: so only
 * what stood in a list before that is whole counts, and what comes before that.
 */
export function listQueue(stateDir: string, queue: string): SpoolName[] {
  const ofQueue = (): SpoolName[] => listSpool(stateDir).filter((one) => one.queue === queue);
  const newest = ofQueue().at(-1);
  if (newest === undefined) return [];
  return ofQueue().filter((one) => inOrder(one, newest) <= 0);
}

/** No more wait, in all: a server that is gone for good must not fill the disk. */
const MOST_SPOOLED = 1000;

/** A ping that is kept. */
export interface Kept {
  readonly name: SpoolName;
  /** Those that had to go for it, the oldest. */
  readonly dropped: readonly SpoolName[];
}

/** How often the directory is made anew: whoever sends the last ping removes it. */
const TRIES = 20;

/**
 * Keeps a ping on disk, behind those of the same address. A run has one: where two settle the same run it stays as it is.
 * Throws NotOurs, and what the file system says.
 */
export function spoolPing(stateDir: string, ping: SpooledPing): Kept {
  const { breach } = inspectOwnership(stateDir, ping.job);
  if (breach !== null) throw new NotOurs(breach);
  const directory = pingsDirectory(stateDir);
  for (let attempt = 1; ; attempt++) {
    makeOwn(directory);
    try {
      return putLast(stateDir, directory, ping);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || attempt === TRIES) throw error;
    }
  }
}

/** Closed to the group, too, whatever that may read otherwise: the URL is a secret. */
function makeOwn(directory: string): void {
  makeDirectories(directory, PRIVATE.directory);
  requireOwnSpool(directory);
}

/** False where there is none. Throws NotOurs where others can write in it. */
function requireOwnSpool(directory: string): boolean {
  const entry = lstatSync(directory, { throwIfNoEntry: false });
  if (entry === undefined) return false;
  const breach = judgeOwn(directory, entry, effectiveUid());
  if (breach !== null) throw new NotOurs(breach);
  return true;
}

/** False where nothing can wait. Throws NotOurs: what somebody else may have put there is not sent. */
export function hasOwnSpool(stateDir: string): boolean {
  const { breach } = inspectOwnership(stateDir, null);
  if (breach !== null) throw new NotOurs(breach);
  return requireOwnSpool(pingsDirectory(stateDir));
}

function putLast(stateDir: string, directory: string, ping: SpooledPing): Kept {
  const queue = queueOf(ping.address);
  const all = listSpool(stateDir);
  const others = all.filter((one) => one.queue === queue);
  const same = others.find((one) => one.run === ping.run);
  if (same !== undefined) return { name: same, dropped: [] };
  const dropped = oldestOf(all, all.length + 1 - MOST_SPOOLED);
  for (const { name } of dropped) removeIfThere(`${directory}/${name}`);
  const number = (others.at(-1)?.number ?? 0) + 1;
  const name = spoolName(queue, number, ping.run);
  writePing(directory, name, ping);
  return { name: { name, queue, number, run: ping.run }, dropped };
}

function writePing(directory: string, name: string, ping: SpooledPing): void {
  // Where every run of the job looks for what was left half written. Here it would have each run of any job look for an hour.
  const temporary = `../jobs/${ping.job}/running/.${makeRunId(wallMs(), randomBytes(10))}.tmp`;
  // Where only the sync failed it is there, and lost in a power cut only: it has its place in the line all the same.
  closeSync(createWhole(directory, name, temporary, encodePing(ping), PRIVATE.file).fd);
}

/**
 * Its own run gives it up: whoever comes next sends it. Only with the lock of its queue, else one that was sent meanwhile
 * would be there again. Throws nothing: what cannot be written ends by the clock.
 */
export function releaseSpooled(stateDir: string, name: string): void {
  try {
    const ping = readSpooled(stateDir, name);
    if (ping === null || typeof ping === 'string' || ping.heldUntil === null) return;
    writePing(pingsDirectory(stateDir), name, { ...ping, heldUntil: null });
  } catch {
    // see above
  }
}

function oldestOf(all: readonly SpoolName[], count: number): SpoolName[] {
  if (count <= 0) return [];
  return [...all].sort((a, b) => (a.run < b.run ? -1 : 1)).slice(0, count);
}

/**
 * A ping of the spool. `null`: it is gone. `damaged`: nobody can send it. `newer`: a newer version can. Throws what the file
 * system says. `user`: whose it has to be; null: it is only looked at.
 */
export function readSpooled(
  stateDir: string,
  name: string,
  user: number | null = effectiveUid(),
): SpooledPing | 'damaged' | 'newer' | null {
  const path = `${pingsDirectory(stateDir)}/${name}`;
  try {
    const { fd, size } = openFile(path, O_NOFOLLOW);
    try {
      if (user !== null && judgeRecord(path, fstatSync(fd), user) !== null) return 'damaged';
      return decodePing(readRange(fd, 0, size).toString('utf8')) ?? 'damaged';
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** True if it was there. */
export function removeSpooled(stateDir: string, name: string): boolean {
  return removeIfThere(`${pingsDirectory(stateDir)}/${name}`);
}

export function isSpooled(stateDir: string, name: string): boolean {
  return lstatSync(`${pingsDirectory(stateDir)}/${name}`, { throwIfNoEntry: false }) !== undefined;
}

/** How it goes with an address. */
export interface QueueState {
  /** How often in a row it failed. */
  readonly failures: number;
  /** Not before that, milliseconds since 1970. */
  readonly notBefore: number;
  /** The server said so; else it is how long runs leave it alone that have nothing of their own to send there. */
  readonly asked: boolean;
  /** What failed, one line. */
  readonly why: string;
}

/** Whoever has the lock of a queue sends, and nobody else. What he found out stands in it. */
export interface QueueLock {
  readonly fd: number;
  readonly path: string;
}

function lockPathOf(stateDir: string, queue: string): string {
  return `${pingsDirectory(stateDir)}/${queue}.lock`;
}

const OPENING = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

/**
 * Opens the lock of a queue, which is made where it is missing; null where there is no spool. It is locked by who knows how.
 * `flags`: more of open(2).
 */
export function openQueueLock(stateDir: string, queue: string, flags = 0): QueueLock | null {
  const path = lockPathOf(stateDir, queue);
  let fd: number;
  try {
    fd = openSync(path, OPENING | flags, PRIVATE.file);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
  try {
    if (!fstatSync(fd).isFile()) throw noRegularFile(path);
    fchmodSync(fd, PRIVATE.file);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, path };
}

/** Whether it is still the file that others would open. */
export function isQueueLockInPlace({ fd, path }: QueueLock): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return false;
  const ours = fstatSync(fd);
  return there.ino === ours.ino && there.dev === ours.dev;
}

/** Null where nothing failed. Of a file of 4 KiB at most. */
export function readQueueState(stateDir: string, queue: string): QueueState | null {
  try {
    const { fd } = openFile(lockPathOf(stateDir, queue), O_NOFOLLOW);
    try {
      return stateFrom(readRange(fd, 0, 4096).toString('utf8'));
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}

/** Pure. */
export function stateFrom(text: string): QueueState | null {
  const json = parseObject(text);
  const failures = integer(json?.failures);
  const notBefore = integer(json?.not_before);
  if (json === null || failures === null || notBefore === null) return null;
  return {
    failures,
    notBefore,
    asked: json.asked === true,
    why: typeof json.why === 'string' ? json.why : '',
  };
}

/** Null: all is well. What cannot be written is tried too soon, no more. */
export function writeQueueState({ fd }: QueueLock, state: QueueState | null): void {
  try {
    ftruncateSync(fd);
    if (state === null) return;
    const { failures, notBefore, asked, why } = state;
    writeSync(fd, JSON.stringify({ failures, not_before: notBefore, asked, why: why.slice(0, 500) }), 0);
  } catch {
    // see above
  }
}

/** The queue is empty, and we have its lock: that goes, and with the last one the spool. Throws nothing. */
export function removeQueue(stateDir: string, { path }: QueueLock): void {
  try {
    removeIfThere(path);
  } catch {
    // the next one tries again
  }
  removeEmptySpool(stateDir);
}

/** So that runs see at a glance that nothing waits. Throws nothing. */
export function removeEmptySpool(stateDir: string): void {
  try {
    rmdirSync(pingsDirectory(stateDir));
  } catch {
    // something waits, or it is gone already
  }
}

/** Queues of which there is a lock or a ping: a sender that was killed may have left the lock alone. */
export function listQueues(stateDir: string): string[] {
  const names = listDirectory(pingsDirectory(stateDir));
  const queues = names.map((name) => readSpoolName(name)?.queue ?? /^([0-9a-f]{16})\.lock$/.exec(name)?.[1]);
  return [...new Set(queues.filter((queue) => queue !== undefined))].sort();
}
