import { describe, expect, it } from 'vitest';
import { journalOf, poll, runProgram, scratch } from '../helpers/cronrun.js';
import { stateOf } from '../helpers/processes.js';
import { bothGot, startReporter } from '../helpers/reporter.js';

describe.each(['SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const)('%s', (signal) => {
  it('suspends the process group and the wrapper, and CONT resumes both', async () => {
    const stateDir = scratch();
    const run = await startReporter(stateDir, 'job', 'TERM');
    const everybody = [run.pid, await run.ready('child'), await run.ready('grandchild')];
    for (let round = 1; round <= 2; round++) {
      run.child.kill(signal);
      for (const pid of everybody) await poll(() => stateOf(pid) === 'T', `pid ${pid} to be suspended`);
      run.child.kill('SIGCONT');
      await bothGot(run, 'CONT', round);
      for (const pid of everybody) await poll(() => stateOf(pid) !== 'T', `pid ${pid} to go on`);
    }
    run.child.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ signal: 'SIGTERM' });
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { reason: 'stopped', signal: 'SIGTERM', exit_code: 0 },
    ]);
  });
});

it('is undone by a CONT that follows at once', async () => {
  const stateDir = scratch();
  const run = await startReporter(stateDir, 'job', 'USR1');
  const kills = 'for i in 1 2 3 4 5 6 7 8 9 10; do kill -TSTP "$1"; kill -CONT "$1"; done; kill -USR1 "$1"';
  runProgram('/bin/sh', ['-c', kills, 'sh', String(run.pid)]);
  await poll(() => run.count('child USR1') > 0, 'nobody to be left suspended');
  expect(await run.ended).toMatchObject({ status: 0, signal: null });
  expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'completed' }]);
});

it('holds back a timeout until the run goes on', async () => {
  const stateDir = scratch();
  const limitMs = 1500;
  const run = await startReporter(stateDir, 'job', 'TERM', 1, ['-t', `${limitMs}ms`]);
  const readyAt = performance.now();
  run.child.kill('SIGTSTP');
  await poll(() => stateOf(run.pid) === 'T', 'the wrapper to be suspended');
  await poll(() => performance.now() > readyAt + limitMs, 'the limit to be over');
  expect(run.count('child TERM')).toBe(0);
  run.child.kill('SIGCONT');
  expect(await run.ended).toMatchObject({ status: 124 });
  expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'timeout', exit_code: 0 }]);
});
