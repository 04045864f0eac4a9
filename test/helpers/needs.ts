import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';
import { BIN } from './cronrun.js';

/** Why something cannot be tested on this machine, or null where it can. */
export type Obstacle = string | null;

export function needsRoot(): Obstacle {
  return process.getuid?.() === 0 ? null : 'it takes root';
}

export function needsLinux(): Obstacle {
  return process.platform === 'linux' ? null : 'it takes Linux';
}

/** @param test a command that succeeds where the program is there and works. */
export function needsProgram(name: string, test: readonly string[] = ['--version']): Obstacle {
  const { status, error } = spawnSync(name, test, { stdio: 'ignore' });
  if (error !== undefined) return `it takes ${name}, which is not installed`;
  return status === 0 ? null : `${name} does not work here`;
}

/** Containers and sandboxes often allow root much less than root: asked by doing it. */
export function needsUnshare(...flags: string[]): Obstacle {
  const { status } = spawnSync('unshare', [...flags, 'true'], { stdio: 'ignore' });
  return status === 0 ? null : `unshare ${flags.join(' ')} is not allowed here`;
}

export function needsStrace(): Obstacle {
  const { status, error } = spawnSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' });
  if (error !== undefined) return 'it takes strace, which is not installed';
  return status === 0 ? null : 'strace may not trace here';
}

/** setpriv's arguments for somebody who is not root; in `group` as well where one is given. */
export function asAnotherUser(group?: number): string[] {
  return ['--reuid=65534', '--regid=65534', group === undefined ? '--clear-groups' : `--groups=${group}`];
}

/** A checkout below a home directory is out of reach for everybody but its owner. */
export function needsReachableBin(): Obstacle {
  const { status } = spawnSync('setpriv', [...asAnotherUser(), BIN, '--version'], { stdio: 'ignore' });
  return status === 0 ? null : `another user cannot run ${BIN}`;
}

/** The first of several obstacles; those behind it are not even looked for. */
export function firstObstacle(...looks: (() => Obstacle)[]): Obstacle {
  for (const look of looks) {
    const obstacle = look();
    if (obstacle !== null) return obstacle;
  }
  return null;
}

/** `describe`, or a skip that says why: nobody shall believe that something was tested which was not. */
export function describeUnless(obstacle: Obstacle, title: string, body: () => void): void {
  if (obstacle === null) {
    describe(title, body);
    return;
  }
  console.warn(`SKIPPED: ${title}: ${obstacle}`);
  describe.skip(`${title} (skipped: ${obstacle})`, body);
}
