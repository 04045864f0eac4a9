import { describe, expect, it } from 'vitest';
import { BIN, journalOf, runProgram, scratch, startProgram } from '../helpers/cronrun.js';
import { bothGot, bothReady, reporter } from '../helpers/reporter.js';

describe('signals that were ignored when cronrun was started, as under nohup', () => {
  it('neither end it nor are passed on', async () => {
    const stateDir = scratch();
    const line = 'trap "" HUP INT QUIT USR2 WINCH; exec "$@"';
    const run = startProgram(stateDir, '/bin/sh', [
      '-c',
      line,
      'sh',
      BIN,
      'exec',
      'job',
      '--',
      ...reporter('TERM'),
    ]);
    // Node makes ignored signals deadly again, so the reporter hears whatever is passed on.
    await bothReady(run);
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH'] as const)
      run.child.kill(signal);
    run.child.kill('SIGUSR1');
    await bothGot(run, 'USR1');
    run.child.kill('SIGTERM');
    const { signal, stdout } = await run.ended;
    expect(signal).toBe('SIGTERM');
    expect(stdout).not.toMatch(/HUP|INT|QUIT|USR2|WINCH/);
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { reason: 'stopped', signal: 'SIGTERM', exit_code: 0 },
    ]);
  });

  it('TERM too', async () => {
    const stateDir = scratch();
    const line = 'trap "" TERM; exec "$@"';
    const run = startProgram(stateDir, '/bin/sh', [
      '-c',
      line,
      'sh',
      BIN,
      'exec',
      'job',
      '--',
      ...reporter('USR1'),
    ]);
    await bothReady(run);
    run.child.kill('SIGTERM');
    run.child.kill('SIGUSR1');
    expect(await run.ended).toMatchObject({
      status: 0,
      signal: null,
      stdout: expect.not.stringMatching(/TERM/),
    });
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'completed' }]);
  });

  it.each([
    ['nothing', ''],
    ['HUP', 'HUP'],
    ['PIPE', 'PIPE'],
    ['HUP INT QUIT TERM PIPE', 'HUP INT QUIT TERM PIPE'],
    ['USR1 USR2 ALRM WINCH CHLD TSTP TTIN TTOU URG', 'USR1 USR2 ALRM WINCH CHLD TSTP TTIN TTOU URG'],
    ['SYS', 'SYS'],
  ])('are ignored by the command as without cronrun: %s', (_, names) => {
    const stateDir = scratch();
    const ignoring = `${names === '' ? '' : `trap "" ${names}; `}exec "$@"`;
    const look = ['grep', '^SigIgn', '/proc/self/status'];
    const env = { PATH: '/usr/bin:/bin', CRONRUN_NODE: process.execPath, CRONRUN_STATE_DIR: stateDir };
    const without = runProgram('/bin/sh', ['-c', ignoring, 'sh', ...look], { env });
    const within = runProgram('/bin/sh', ['-c', ignoring, 'sh', BIN, 'exec', 'job', '--', ...look], { env });
    expect(within).toEqual(without);
    expect(without.stdout).toMatch(/^SigIgn:\t[0-9a-f]{16}\n$/);
  });
});
