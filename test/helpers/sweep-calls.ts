import { readFileSync } from 'node:fs';
import { BIN, cronEnvironment, type Result, runProgram, scratch } from './cronrun.js';

/** A call of a program that touches its state directory: the how many-th of its name it is. */
export interface CallPoint {
  readonly name: string;
  readonly count: number;
  /** As strace wrote it down, for messages. */
  readonly line: string;
}

const CALLS =
  'open,openat,write,pwrite64,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,fsync,fdatasync,fchmod,getdents64,read,pread64,fstat,newfstatat,statx';

function strace(
  stateDir: string,
  args: readonly string[],
  options: readonly string[],
): { result: Result; log: string } {
  const log = `${scratch()}/trace`;
  const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
  const result = runProgram('strace', ['-y', '-o', log, '-e', `trace=${CALLS}`, ...options, BIN, ...args], {
    env,
  });
  return { result, log: readFileSync(log, 'utf8') };
}

/** Every call by which cronrun itself touches the state directory, in their order. */
export function callPoints(stateDir: string, args: readonly string[]): CallPoint[] {
  const counts = new Map<string, number>();
  const points: CallPoint[] = [];
  for (const line of strace(stateDir, args, []).log.split('\n')) {
    const name = /^(\w+)\(/.exec(line)?.[1];
    if (name === undefined) continue;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (line.includes(stateDir)) points.push({ name, count, line: line.replaceAll(stateDir, '') });
  }
  return points;
}

/** The same command, with something that happens at one call: "signal=KILL", "error=EIO". */
export function runWith(
  stateDir: string,
  args: readonly string[],
  { name, count }: CallPoint,
  what: string,
): Result {
  return strace(stateDir, args, ['-e', `inject=${name}:${what}:when=${count}`]).result;
}
