import { spawn, spawnSync } from 'node:child_process';
import { findObstacle } from './command.js';

/** Where flock(1) is on most machines: cron's PATH may be anything. */
const USUAL_PLACES = [
  '/usr/bin',
  '/bin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
  '/run/current-system/sw/bin',
];

/** Pure but for `isProgram`: the first flock(1) in the usual places, then along PATH; null: there is none. */
export function findFlock(
  path: string | undefined,
  isProgram: (file: string) => boolean = (file) => findObstacle(file, undefined) === null,
): string | null {
  const places = [...USUAL_PLACES, ...(path ?? '').split(':')];
  const files = places.filter((place) => place.startsWith('/')).map((place) => `${place}/flock`);
  return files.find(isProgram) ?? null;
}

/** The same where it has to be there. Throws where it is not. */
export function requireFlock(path: string | undefined): string {
  const flock = findFlock(path);
  if (flock === null) throw new Error('the program flock is not here; install the package util-linux');
  return flock;
}

/** Flags of open(2) that lock where there is no flock(1): O_EXLOCK and O_NONBLOCK of macOS; 0: the system has none. */
export const LOCKING_FLAGS = process.platform === 'darwin' ? 0x20 | 0x4 : 0;

/** Nothing of ours concerns it, our CRONRUN_ID least of all: whoever carries that may count as the run. */
const SURROUNDINGS = { env: {} } as const;

/** So often it is started anew where somebody killed it. */
const TRIES = 3;

/**
 * Locks what `fd` has open, or says at once that somebody else has (false). The lock is the open file's, not the
 * process's, see flock(2): it is ours when flock(1) is gone, until the last copy of `fd` is closed. Throws what it says.
 */
export function lockNow(flock: string, fd: number): boolean {
  for (let attempt = 1; ; attempt++) {
    const stdio = ['ignore', 'ignore', 'pipe', fd] as const;
    const result = spawnSync(flock, ['-n', '-x', '3'], {
      ...SURROUNDINGS,
      stdio: [...stdio],
      encoding: 'utf8',
    });
    if (result.error !== undefined) throw result.error;
    if (result.status === 0) return true;
    // Of BusyBox any error is 1, and only an error is worth a word.
    if (result.status === 1 && result.stderr === '') return false;
    if (result.signal === null || attempt === TRIES) throw failure(flock, result);
  }
}

/** Somebody who stands in line for a lock. */
export interface Waiting {
  /** True: it is ours; false: `end` came first, or somebody killed flock(1). Rejects with what that says. */
  readonly locked: Promise<boolean>;
  readonly end: () => void;
}

/**
 * Locks what `fd` has open when nobody else has any more. Should we be killed, flock(1) stands in line without us, gets
 * the lock in its turn, ends, and so lets it go.
 */
export function lockLater(flock: string, fd: number): Waiting {
  const child = spawn(flock, ['-x', '3'], { ...SURROUNDINGS, stdio: ['ignore', 'ignore', 'pipe', fd] });
  let stderr = '';
  child.stderr?.on('data', (data) => {
    stderr += data;
  });
  const locked = new Promise<boolean>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (status === 0 || signal !== null) resolve(status === 0);
      else reject(failure(flock, { status, signal, stderr }));
    });
  });
  return { locked, end: () => void child.kill('SIGKILL') };
}

interface Failed {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

function failure(flock: string, { status, signal, stderr }: Failed): Error {
  const [line = ''] = stderr.trim().split('\n');
  const how = signal === null ? `exits with ${status}` : `was killed by ${signal}`;
  return new Error(line === '' ? `${flock} ${how}` : line);
}
