import { readFileSync } from 'node:fs';
import { BIN, cronEnvironment, type Result, runProgram, scratch } from './cronrun.js';

/** A call of a program that touches its state directory. */
export interface CallPoint {
  readonly name: string;
  /** The how many-th of its name it is; of those on `only`, where that is no null. */
  readonly count: number;
  /**
   * Node reads and writes pipes of its own, as often as signals and threads happen to want: of these calls only those on
   * one path, below the state directory, can be counted. Null for the rest.
   */
  readonly only: string | null;
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
    const only = name === 'read' || name === 'write' ? fixedPath(line, stateDir) : null;
    const onPath = `${name} ${only}`;
    for (const key of only === null ? [name] : [name, onPath]) counts.set(key, (counts.get(key) ?? 0) + 1);
    const count = counts.get(only === null ? name : onPath) ?? 0;
    if (line.includes(stateDir)) points.push({ name, count, only, line: line.replaceAll(stateDir, '') });
  }
  return points;
}

/** What the descriptor of a call is open on, below the state directory; null where that is called otherwise each time. */
function fixedPath(line: string, stateDir: string): string | null {
  const path = /^\w+\(\d+<([^>]*)>/.exec(line)?.[1] ?? '';
  if (!path.startsWith(`${stateDir}/`) || /[0-9a-f]{8}-[0-9a-f]{4}-/.test(path)) return null;
  return path.slice(stateDir.length);
}

/** The same command, with something that happens at one call: "signal=KILL", "error=EIO". */
export function runWith(
  stateDir: string,
  args: readonly string[],
  { name, count, only }: CallPoint,
  what: string,
): Result {
  const paths = only === null ? [] : ['-P', `${stateDir}${only}`];
  return strace(stateDir, args, [...paths, '-e', `inject=${name}:${what}:when=${count}`]).result;
}
