import type { ChildProcess, StdioOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import { type Child, spawnBare } from './bare-spawn.js';
import type { Launch } from './launch.js';

/** A child that runs, or the errno word for why there is none. */
export type Started = { readonly child: Child } | { readonly errno: string };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Starts `command` in a session and process group of its own, with our stdin, stdout, stderr, umask and working
 * directory; stdout and stderr are `output` instead, unless that is null. What node altered on its way here (ignored signals, the soft limit of open files) is put back by a
 * shell that then becomes the command; it is paid only where something was altered.
 */
export async function startChild(
  command: readonly string[],
  env: Environment,
  launch: Launch,
  output: number | null = null,
): Promise<Started> {
  const shim = shimScript(launch);
  const [file = '', ...args] = shim === null ? command : ['/bin/sh', '-c', shim, 'sh', ...command];
  const bare = spawnBare(file, args, env, output);
  return bare === null ? spawnWhole(file, args, env, output) : { child: bare };
}

async function spawnWhole(
  file: string,
  args: readonly string[],
  env: Environment,
  output: number | null,
): Promise<Started> {
  const { spawn } = await import('node:child_process');
  let child: ChildProcess;
  try {
    const stdio: StdioOptions = output === null ? 'inherit' : ['inherit', output, output];
    child = spawn(file, args, { stdio, detached: true, env });
  } catch (error) {
    return { errno: errnoOf(error) ?? 'EINVAL' };
  }
  const { pid } = child;
  if (pid !== undefined) return { child: { pid, onExit: (listener) => void child.on('exit', listener) } };
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ errno: errnoOf(error) ?? 'EINVAL' }));
  });
}

/** The shell's script, or null where there is nothing to put back. */
function shimScript({ ignored, softFiles }: Launch): string | null {
  const steps: string[] = [];
  if (ignored.length > 0) steps.push(`trap '' ${ignored.join(' ')}`);
  if (softFiles !== null && softFiles !== currentSoftFiles()) steps.push(`ulimit -S -n ${softFiles}`);
  return steps.length === 0 ? null : [...steps, 'exec "$@"'].join('; ');
}

/** Our own soft limit of open files as the kernel tells it; null where it does not. */
function currentSoftFiles(): string | null {
  try {
    return /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? null;
  } catch {
    return null;
  }
}
