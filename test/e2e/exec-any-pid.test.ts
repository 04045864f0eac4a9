import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { BIN, cronEnvironment, fixture, journalOf, runProgram, scratch } from '../helpers/cronrun.js';

const UNSHARE = ['--pid', '--fork', '--mount-proc', '--kill-child'];

/** In a pid namespace of its own root chooses which number comes next. */
const choose = 'echo "$1" >/proc/sys/kernel/ns_last_pid && shift && "$@"';
const refused = spawnSync('unshare', [...UNSHARE, 'sh', '-c', choose, 'sh', '500', 'true'], {
  encoding: 'utf8',
});
const possible = refused.status === 0;
if (!possible) console.warn(`skipped, pids of choice: unshare: ${refused.stderr || refused.error}`);

it.skipIf(!possible).each([98, 898, 98_000])(
  'finds the rest of the process group whatever its number is: above %i',
  (pid) => {
    const stateDir = scratch();
    const run = ['exec', '-t', '1s', '-k', '100ms', 'job', '--', fixture('has-deaf-grandchild')];
    const inside = ['sh', '-c', `${choose}; exit $?`, 'sh', String(pid), BIN, ...run];
    const { status } = runProgram('unshare', [...UNSHARE, ...inside], {
      env: cronEnvironment({ CRONRUN_STATE_DIR: stateDir }),
    });
    expect(status).toBe(124);
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'timeout', killed: true }]);
  },
);
