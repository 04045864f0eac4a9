import { readFileSync } from 'node:fs';
import { BIN, cronEnvironment, type Options, type Result, runProgram, scratch } from './cronrun.js';

/** One system call as strace wrote it down. */
export interface Call {
  readonly pid: number;
  readonly name: string;
  /** Everything between the brackets, file descriptors with their paths. */
  readonly args: string;
  /** What it returned, "-1 ENOENT (No such file or directory)" for an error. */
  readonly result: string;
}

export interface Traced {
  readonly result: Result;
  readonly calls: readonly Call[];
}

/**
 * Runs cronrun, and everything it starts, under strace. Calls stand where they returned, but execve, which may not
 * return, where it was made.
 * @param which for strace's -e trace=.
 */
export function traceCalls(
  stateDir: string,
  which: string,
  args: readonly string[],
  options: Options = {},
): Traced {
  const log = `${scratch()}/trace`;
  const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
  const result = runProgram('strace', ['-f', '-y', '-o', log, '-e', `trace=${which}`, BIN, ...args], {
    ...options,
    env,
  });
  return { result, calls: parseTrace(readFileSync(log, 'utf8')) };
}

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (.*)$/;
const BEGUN = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)$/;

/** Pure: the calls of a trace by `strace -f`, of which those of several processes may be cut in two. */
export function parseTrace(text: string): Call[] {
  const calls: Call[] = [];
  const begun = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, pid = '', name = '', args = '', result = ''] =
      WHOLE.exec(line) ?? BEGUN.exec(line) ?? RESUMED.exec(line) ?? [];
    if (line.endsWith('<unfinished ...>')) begun.set(pid, args);
    const exec = name === 'execve';
    if (name === '' || (line.endsWith('<unfinished ...>') && !exec)) continue;
    if (RESUMED.test(line) && exec) continue;
    const head = RESUMED.test(line) ? (begun.get(pid) ?? '') : '';
    calls.push({ pid: Number(pid), name, args: head + args, result });
  }
  return calls;
}
