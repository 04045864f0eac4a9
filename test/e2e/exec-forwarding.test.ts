import { expect, it } from 'vitest';
import { cronrun, journalOf, scratch, start } from '../helpers/cronrun.js';
import { bothGot, startReporter } from '../helpers/reporter.js';

const FORWARDED = ['USR1', 'USR2', 'ALRM', 'WINCH', 'CONT', 'HUP', 'INT', 'QUIT', 'TERM'] as const;

it('passes each signal on to the command and to its descendants', async () => {
  const stateDir = scratch();
  const run = await startReporter(stateDir, 'job', 'TERM');
  for (const signal of FORWARDED) {
    run.child.kill(`SIG${signal}`);
    await bothGot(run, signal);
  }
  // The first stop is the one that counts.
  expect(await run.ended).toMatchObject({ signal: 'SIGHUP', stderr: expect.not.stringMatching(/debugger/i) });
  expect(journalOf(stateDir, 'job')).toMatchObject([
    { status: 'interrupted', reason: 'stopped', signal: 'SIGHUP', exit_code: 0, killed: false },
  ]);
});

it('changes no verdict by USR1, USR2, ALRM, WINCH and CONT', async () => {
  const stateDir = scratch();
  const run = await startReporter(stateDir, 'job', 'CONT');
  for (const signal of ['USR1', 'USR2', 'ALRM', 'WINCH', 'CONT'] as const) {
    run.child.kill(`SIG${signal}`);
    await bothGot(run, signal);
  }
  expect(await run.ended).toMatchObject({ status: 0, signal: null, stderr: '' });
  expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'completed', reason: 'exited', exit_code: 0 }]);
});

it.each([
  ['SIGUSR1', 138],
  ['SIGUSR2', 140],
  ['SIGALRM', 142],
] as const)('calls a command that a forwarded %s kills interrupted by it: %i', async (signal, status) => {
  const stateDir = scratch();
  const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo "ready $$"; exec sleep 1000']);
  await run.ready();
  run.child.kill(signal);
  const result = await run.ended;
  expect(result).toMatchObject({ status, signal: null });
  expect(result.stderr).toMatch(new RegExp(`^cronrun: job: INTERRUPTED: killed by ${signal} after`));
  expect(result.stderr).not.toMatch(/debugger/i);
  expect(journalOf(stateDir, 'job')).toMatchObject([
    { status: 'interrupted', reason: 'signaled', signal, exit_code: null },
  ]);
  expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(status);
});
