import { expect, it } from 'vitest';
import {
  BIN,
  cronEnvironment,
  fixture,
  type Going,
  journalOf,
  poll,
  scratch,
  startProgram,
} from '../helpers/cronrun.js';
import { describeUnless, needsProgram } from '../helpers/needs.js';
import { childrenOf, stateOf } from '../helpers/processes.js';

const CTRL_C = '\u0003';
const CTRL_BACKSLASH = '\u001c';

/** Starts cronrun on a terminal of its own, by script(1) of util-linux; what is written to stdin is typed there. */
function typeAt(stateDir: string, ...command: readonly string[]): Going {
  const line = ['exec', BIN, 'exec', 'sync', '--', ...command].map((word) => `'${word}'`).join(' ');
  const env = cronEnvironment({ SHELL: '/bin/sh', TERM: 'dumb' });
  return startProgram(stateDir, 'script', ['-qefc', line.replace("'exec'", 'exec'), '/dev/null'], { env });
}

/** What stands on the terminal, which ends lines with CR LF. */
function screen(run: Going): string {
  return run.stdout.replaceAll('\r\n', '\n');
}

describeUnless(needsProgram('script', ['-qec', 'true', '/dev/null']), 'on a terminal', () => {
  it('Ctrl-C ends command and wrapper with 130, and says whom it waits for', async () => {
    const stateDir = scratch();
    const run = typeAt(stateDir, fixture('exits-when-told'), '0');
    const pid = await poll(() => /^ready (\d+)$/m.exec(screen(run))?.[1], 'the command to be ready');
    run.child.stdin?.write(CTRL_C);
    const { status } = await run.ended;
    expect(status).toBe(130);
    const text = screen(run).replace(/\n {2}/g, ' ');
    expect(text).toContain(
      `cronrun: sync: passed SIGINT on, waiting for pid ${pid} (kill -9 -${pid} forces)\n`,
    );
    expect(text).toMatch(/\ncronrun: sync: INTERRUPTED: stopped by SIGINT after \S+\n$/);
    expect(journalOf(stateDir, 'sync')).toMatchObject([
      { status: 'interrupted', reason: 'stopped', signal: 'SIGINT', exit_code: 0 },
    ]);
  });

  it('Ctrl-\\ ends both with 131', async () => {
    const stateDir = scratch();
    const run = typeAt(stateDir, 'sh', '-c', 'ulimit -c 0; echo "ready $$"; exec sleep 1000');
    await poll(() => screen(run).includes('ready'), 'the command to be ready');
    run.child.stdin?.write(CTRL_BACKSLASH);
    expect((await run.ended).status).toBe(131);
    expect(journalOf(stateDir, 'sync')).toMatchObject([{ reason: 'stopped', signal: 'SIGQUIT' }]);
  });

  it('a terminal that goes away ends both by HUP', async () => {
    const stateDir = scratch();
    const run = typeAt(stateDir, 'sh', '-c', 'echo "ready $$"; exec sleep 1000');
    const child = await poll(() => /ready (\d+)/.exec(screen(run))?.[1], 'the command to be ready');
    const [wrapper] = childrenOf(run.pid);
    run.child.kill('SIGKILL');
    await poll(() => stateOf(Number(child)) === '' && stateOf(wrapper ?? -1) === '', 'both to be gone');
    expect(journalOf(stateDir, 'sync')).toMatchObject([{ reason: 'stopped', signal: 'SIGHUP' }]);
  });

  it('is as silent as elsewhere', async () => {
    const stateDir = scratch();
    const run = typeAt(
      stateDir,
      'sh',
      '-c',
      'test -t 0 && test -t 1 && test -t 2 && echo a terminal; exit 3',
    );
    expect((await run.ended).status).toBe(3);
    expect(screen(run)).toBe('a terminal\n');
  });
});
