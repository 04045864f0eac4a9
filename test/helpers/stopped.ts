import { type ChildProcess, spawn } from 'node:child_process';
import { afterwards, isAlive, type Result } from './cronrun.js';

/** A process that is nobody's run, in a session of its own: whoever signals it was wrong. */
export interface Stranger {
  readonly pid: number;
  /** True while nothing has ended it; it ends by any signal that ends. */
  readonly isUntouched: () => boolean;
}

export function startStranger(env: Record<string, string> = {}): Stranger {
  const child: ChildProcess = spawn('sleep', ['1000'], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: '/usr/bin:/bin', ...env },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('sleep could not be started');
  afterwards(() => void child.kill('SIGKILL'));
  return {
    pid,
    isUntouched: () => isAlive(pid) && child.exitCode === null && child.signalCode === null,
  };
}

/** The answer with each sentence in one line, and ids and times taken out. */
export function gist({ stdout }: Pick<Result, 'stdout'>): string {
  return stdout
    .replace(/\n {2}(?=\S)/g, ' ')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}/g, 'RUN')
    .replace(/at once|after (?:\d+(?:ms|m|s)(?: |$|(?=[.;\n])))+/g, 'in time');
}
