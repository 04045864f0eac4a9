import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Told } from './launcher-sandbox.js';

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Environment = Readonly<Record<string, string>>;

/** Runs `argv` to its end, with exactly this environment. */
export function run(argv: readonly string[], env: Environment = {}, cwd = '/'): Outcome {
  const [file = '', ...args] = argv;
  const { status, signal, stdout, stderr } = spawnSync(file, args, {
    env,
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  return { status, signal, stdout, stderr };
}

/** Runs the sandbox's program and returns what it told; anything on stderr is a failure. */
export function tell(argv: readonly string[], env: Environment = {}, cwd = '/'): Told {
  const outcome = run(argv, env, cwd);
  if (outcome.status !== 0 || outcome.stderr !== '') throw new Error(JSON.stringify(outcome));
  return JSON.parse(outcome.stdout) as Told;
}

/** A command that shows which signals it finds ignored, and its soft limit of open files. */
export const SHOW_STATE = ['/bin/cat', '/proc/self/stat', '/proc/self/limits'];

/** What SHOW_STATE showed, in the words of CRONRUN_LAUNCHED: "<ignored>:<soft>". */
export function shownState(stdout: string): string {
  const ignored = stdout.split('\n')[0]?.split(') ')[1]?.split(' ')[30];
  return `${ignored}:${/^Max open files +(\S+)/m.exec(stdout)?.[1]}`;
}

/** `argv` with signals ignored, as nohup does it, and with at most 256 open files. */
export function restrained(signals: string, argv: readonly string[]): string[] {
  const trap = signals ? `trap "" ${signals}; ` : '';
  return ['/bin/sh', '-c', `${trap}ulimit -S -n 256; exec "$@"`, 'sh', ...argv];
}

/** The mask of HUP, INT and PIPE, with the limit of `restrained`. */
export const HUP_INT_PIPE_256 = '4099:256';

/** The path of a program of this machine, null where it is not installed. */
export function installed(name: string): string | null {
  return ['/bin', '/usr/bin', '/usr/local/bin'].map((dir) => join(dir, name)).find(existsSync) ?? null;
}

/** The POSIX shells of this machine, as the words to start a script with; says which are missing. */
export function posixShells(): { shell: string; start: string[] }[] {
  return ['dash', 'bash --posix', 'busybox sh'].flatMap((shell) => {
    const [name = '', ...args] = shell.split(' ');
    const file = installed(name);
    if (!file) console.warn(`launcher: NOT TESTED with ${shell}: there is no ${name} on this machine`);
    return file ? [{ shell, start: [file, ...args] }] : [];
  });
}
