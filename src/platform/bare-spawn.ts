import type { SignalName } from '../model/signal.js';

/** A process that was started in a session of its own. */
export interface Child {
  readonly pid: number;
  /** Calls `listener` once, when the process has ended and was waited for. */
  onExit(listener: (code: number | null, signal: SignalName | null) => void): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What node:child_process itself starts processes with. */
interface ProcessHandle {
  readonly pid: number;
  /** `signal` is empty where there was none. */
  onexit: (code: number, signal: string) => void;
  /** 0, or a negative errno. */
  spawn(options: {
    readonly file: string;
    readonly args: readonly string[];
    readonly envPairs: readonly string[];
    readonly detached: boolean;
    readonly stdio: readonly { readonly type: 'fd'; readonly fd: number }[];
  }): number;
  close(): void;
}

/** Releases of node whose handle takes what is given here: by line, the first and the last minor version tried. */
const TRIED: Readonly<Record<string, readonly [number, number]>> = { 20: [17, 20], 22: [9, 23] };

function wasTried(version: string): boolean {
  const [, line = '', minor] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
  const [first, last] = TRIED[line] ?? [1, 0];
  return first <= Number(minor) && Number(minor) <= last;
}

/**
 * Starts a process as node:child_process.spawn does, `detached` and with our stdio (`output` in the place of stdout and
 * stderr, unless that is null), without loading the streams, sockets
 * and messages that come with it: a seventh of a short run and 2 MB. Node's handle is not
 * for everybody, and another release may take something else (24 does, and ends the process over it): so it is used in
 * releases that were tried, none of which will change any more. Null is the answer in all others, and where the command
 * cannot be started: then node:child_process has to do it, or to say why not.
 */
export function spawnBare(
  file: string,
  args: readonly string[],
  env: Environment,
  output: number | null = null,
): Child | null {
  // With this set node would say on stderr that it disapproves.
  if (!wasTried(process.version) || process.env.NODE_PENDING_DEPRECATION === '1') return null;
  try {
    return start(newHandle(), file, args, env, [0, output ?? 1, output ?? 2]);
  } catch {
    return null;
  }
}

interface Bindings {
  binding(name: 'process_wrap'): { readonly Process: new () => ProcessHandle };
}

function newHandle(): ProcessHandle {
  const { Process } = (process as unknown as Bindings).binding('process_wrap');
  return new Process();
}

function start(
  handle: ProcessHandle,
  file: string,
  args: readonly string[],
  env: Environment,
  descriptors: readonly number[],
): Child | null {
  let tell: (code: number | null, signal: SignalName | null) => void = () => undefined;
  handle.onexit = (code, signal) => {
    handle.close();
    if (signal) tell(null, signal as SignalName);
    else tell(code, null);
  };
  const stdio = descriptors.map((fd) => ({ type: 'fd', fd }) as const);
  const error = handle.spawn({ file, args: [file, ...args], envPairs: pairsOf(env), detached: true, stdio });
  if (error !== 0) return null;
  return {
    pid: handle.pid,
    onExit(listener) {
      tell = listener;
    },
  };
}

function pairsOf(env: Environment): string[] {
  const pairs: string[] = [];
  for (const name in env) {
    if (env[name] !== undefined) pairs.push(`${name}=${env[name]}`);
  }
  return pairs;
}
