import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ProcessId } from '../../src/model/liveness.js';
import { processId } from '../../src/platform/identity.js';
import { afterwards } from './cronrun.js';
import { sleepers } from './sleepers.js';

/** A process that lives until the test ends, in a session of its own as a run's child is. */
export interface Sleeper {
  readonly identity: ProcessId;
  /** Ends it and waits until nothing of it is left, not even a zombie. */
  readonly end: () => Promise<void>;
}

export function startSleeper(env: Record<string, string> = {}): Sleeper {
  const child: ChildProcess = spawn('sleep', ['600'], {
    detached: true,
    stdio: 'ignore',
    env: { PATH: '/usr/bin:/bin', ...env },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('sleep could not be started');
  sleepers.add(pid);
  afterwards(() => void child.kill('SIGKILL'));
  return {
    identity: processId(pid),
    end: async () => {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
