import { chmodSync, chownSync, copyFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BIN, cronEnvironment, isAlive, journalOf, said, scratch, startProgram } from '../helpers/cronrun.js';
import {
  asAnotherUser,
  describeUnless,
  firstObstacle,
  needsReachableBin,
  needsRoot,
} from '../helpers/needs.js';

const SETPRIV = '/usr/bin/setpriv';

const obstacle = firstObstacle(needsRoot, needsReachableBin);

describeUnless(obstacle, 'a process of the group that cronrun may not signal', () => {
  it('is named, not waited for for ever', async () => {
    const [stateDir, tools] = [scratch(), scratch()];
    chownSync(stateDir, 65_534, 65_534);
    chmodSync(tools, 0o755);
    // What sudo does: a process of another user in the same process group.
    copyFileSync(SETPRIV, `${tools}/sudo`);
    chmodSync(`${tools}/sudo`, 0o4755);
    const asRoot = `${tools}/sudo --reuid 0 --regid 0 --clear-groups`;
    const command = ['sh', '-c', `${asRoot} sh -c 'echo "ready $$"; exec sleep 1000' & wait`];
    const exec = [BIN, 'exec', '-t', '2s', '-k', '100ms', 'job', '--', ...command];
    const run = startProgram(stateDir, SETPRIV, [...asAnotherUser(), ...exec], { env: cronEnvironment() });
    const outsider = await run.ready();
    await run.exited;
    expect(run.child.exitCode).toBe(124);
    expect(isAlive(outsider)).toBe(true);
    expect(said(run)).toMatch(
      new RegExp(`^cronrun: job: still there 5s after SIGKILL: pid ${outsider}$`, 'm'),
    );
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'timeout', killed: true }]);
  });
});
