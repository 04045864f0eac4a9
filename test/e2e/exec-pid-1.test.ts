import { expect, it } from 'vitest';
import { BIN, cronrun, fixture, journalOf, poll, scratch, startProgram } from '../helpers/cronrun.js';
import { describeUnless, needsUnshare } from '../helpers/needs.js';
import { childrenOf, stateOf } from '../helpers/processes.js';

const UNSHARE = ['--pid', '--fork', '--mount-proc', '--kill-child'];

/** Starts cronrun as the first process of a pid namespace, as in a container; its pid is the one out here. */
async function startAsPid1(stateDir: string, ...command: readonly string[]) {
  const run = startProgram(stateDir, 'unshare', [
    ...UNSHARE,
    BIN,
    'exec',
    '-k',
    '300ms',
    'job',
    '--',
    ...command,
  ]);
  await run.ready();
  const [pid] = await poll(() => childrenOf(run.pid), 'the child of unshare');
  return { run, pid: pid ?? -1 };
}

describeUnless(needsUnshare(...UNSHARE), 'as pid 1', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('exits after %s with %i, because it cannot die of it', async (signal, status) => {
    const stateDir = scratch();
    const { run, pid } = await startAsPid1(stateDir, fixture('exits-when-told'), '0');
    process.kill(pid, signal);
    expect(await run.ended).toMatchObject({ status, signal: null });
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { status: 'interrupted', reason: 'stopped', signal, exit_code: 0 },
    ]);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(status);
  });

  it('does not wait for processes of the group that it inherited and that are zombies', async () => {
    const stateDir = scratch();
    const { run, pid } = await startAsPid1(stateDir, fixture('has-deaf-grandchild'));
    const [child] = childrenOf(pid);
    process.kill(pid, 'SIGTERM');
    expect(await run.ended).toMatchObject({ status: 143 });
    expect(stateOf(child ?? -1)).toBe('');
    expect(journalOf(stateDir, 'job')).toMatchObject([{ reason: 'stopped', killed: true }]);
    expect(run.stderr).not.toMatch(/still there/);
  });

  it('hands on the exit code of the command', async () => {
    const stateDir = scratch();
    const { run } = await startAsPid1(stateDir, 'sh', '-c', 'echo "ready $$"; sleep 0.2; exit 7');
    expect(await run.ended).toMatchObject({ status: 7, stderr: '' });
  });
});
