import { expect, it } from 'vitest';
import { BIN, cronEnvironment, fixture, journalOf, runProgram, scratch } from '../helpers/cronrun.js';
import { describeUnless, firstObstacle, needsRoot, needsUnshare } from '../helpers/needs.js';

const UNSHARE = ['--pid', '--fork', '--mount-proc', '--kill-child'];

/** In a pid namespace of its own root chooses which number comes next. */
const choose = 'echo "$1" >/proc/sys/kernel/ns_last_pid && shift && "$@"';
describeUnless(
  firstObstacle(needsRoot, () => needsUnshare(...UNSHARE)),
  'the rest of a process group',
  () => {
    it.each([98, 898, 9_800])('is found whatever its numbers are: above %i', (pid) => {
      const stateDir = scratch();
      const run = ['exec', '-t', '1500ms', '-k', '100ms', 'job', '--', fixture('has-deaf-grandchild')];
      const inside = ['sh', '-c', `${choose}; exit $?`, 'sh', String(pid), BIN, ...run];
      const { status } = runProgram('unshare', [...UNSHARE, ...inside], {
        env: cronEnvironment({ CRONRUN_STATE_DIR: stateDir }),
      });
      expect(status).toBe(124);
      expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'timeout', killed: true }]);
    });
  },
);
