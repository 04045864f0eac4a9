import { readFileSync } from 'node:fs';
import { cronEnvironment, Going, type Result } from './cronrun.js';

/** One system call of the wrapper, of those that deal with files or make and await the child. */
export interface FileCall {
  readonly name: string;
  /** The how many-th by this name since the wrapper was started. */
  readonly nth: number;
  /** What it touches below the state directory, "/" for that itself and UUID for ids; '' where it is elsewhere. */
  readonly where: string;
  /** What it touches anywhere; '' where that is no file. */
  readonly path: string;
  readonly args: string;
  /** As strace shows it: "0", "-1 EIO (Input/output error) (INJECTED)". */
  readonly result: string;
}

/** What is done to a wrapper. */
export interface Injection {
  /** Each as it stands behind strace's -e inject=, "fsync:error=EIO:when=2". */
  readonly faults: readonly string[];
  /** Only calls on this path are seen and counted; null: all. */
  readonly only: string | null;
  /** Names of the calls that are seen, of those that deal with files; default: all. To see fewer is faster. */
  readonly seen?: readonly string[];
  /** A program that starts the wrapper under other conditions, and its arguments. */
  readonly under?: readonly string[];
}

export interface Injected {
  /** Null: it hung, and was killed. */
  readonly result: Result | null;
  readonly calls: readonly FileCall[];
}

/** Far above what a run takes on a busy machine. */
const HANGS_MS = 30_000;

/** Not every machine has all of them: see the question mark in strace(1). */
const WATCHED =
  `open openat mkdir mkdirat chmod fchmodat fchmod rename renameat renameat2 unlink unlinkat write pwrite64
  read pread64 fsync fdatasync getdents64 close stat lstat fstat newfstatat statx statfs access faccessat faccessat2
  readlink readlinkat clone clone3 fork vfork wait4`.split(/\s+/);

/** Where a cronrun runs, and where strace writes what it saw. */
export interface Place {
  readonly bin: string;
  readonly stateDir: string;
  readonly trace: string;
}

/** Runs a cronrun, not its command, with calls that fail. */
export async function runInjected(
  { bin, stateDir, trace }: Place,
  args: readonly string[],
  { faults, only, seen = WATCHED, under = [] }: Injection,
): Promise<Injected> {
  const injections = faults.flatMap((fault) => ['-e', `inject=${fault}`]);
  const paths = only === null ? [] : ['-P', only];
  const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
  const options = [
    '-y',
    '-o',
    trace,
    '-e',
    `trace=${seen.map((name) => `?${name}`).join(',')}`,
    ...paths,
    ...injections,
  ];
  const result = await endOf(new Going('strace', [...options, ...under, bin, ...args], { env }));
  return { result, calls: callsOf(readFileSync(trace, 'utf8'), stateDir) };
}

/** Null where it hangs; then it is killed. */
async function endOf(going: Going): Promise<Result | null> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), HANGS_MS);
  });
  const result = await Promise.race([going.ended, tooLong]);
  clearTimeout(timer);
  if (result === null) going.child.kill('SIGKILL');
  return result;
}

/** Pure: the calls in a trace by `strace -y`. */
export function callsOf(trace: string, stateDir: string): FileCall[] {
  const counts = new Map<string, number>();
  const calls: FileCall[] = [];
  for (const line of trace.split('\n')) {
    const [, name = '', args = '', result = ''] = /^(\w+)\((.*)\)\s+= (.*)$/.exec(line) ?? [];
    if (name === '') continue;
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    const path = pathIn(args);
    const where = `${path}/`.startsWith(`${stateDir}/`) ? withoutId(path.slice(stateDir.length)) || '/' : '';
    calls.push({ name, nth, where, path, args, result });
  }
  return calls;
}

/** The last path among the arguments: what a file is renamed to, and of an openat not the working directory. */
function pathIn(args: string): string {
  return args.match(/(?<=[<"])\/[^>"]*(?=[>"])/g)?.at(-1) ?? '';
}

function withoutId(path: string): string {
  return path.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, 'UUID');
}

export function isInjected({ result }: FileCall): boolean {
  return result.endsWith('(INJECTED)');
}

export function failed({ result }: FileCall): boolean {
  return result.startsWith('-1');
}

/** Makes the command: not the threads of node. */
export function makesChild({ name, args, result }: FileCall): boolean {
  return /^(clone3?|v?fork)$/.test(name) && !args.includes('CLONE_THREAD') && !result.startsWith('-1');
}
