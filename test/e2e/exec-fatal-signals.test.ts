import { constants } from 'node:os';
import { expect, it } from 'vitest';
import { inBatches } from '../helpers/batches.js';
import { cronrun, journalOf, scratch, start } from '../helpers/cronrun.js';

/** signal(7): these stop a process, continue it, or are ignored. */
const HARMLESS = [
  constants.signals.SIGCHLD,
  constants.signals.SIGCONT,
  constants.signals.SIGSTOP,
  constants.signals.SIGTSTP,
  constants.signals.SIGTTIN,
  constants.signals.SIGTTOU,
  constants.signals.SIGURG,
  constants.signals.SIGWINCH,
];

const FATAL = Array.from({ length: 31 }, (_, index) => index + 1).filter((n) => !HARMLESS.includes(n));

function numberOf(name: unknown): number | undefined {
  return (constants.signals as Record<string, number>)[String(name)];
}

it('is 128+n for every signal that kills the command, and last --exit-code says the same', async () => {
  const stateDir = scratch();
  const seen = await inBatches(FATAL, 4, async (n) => {
    const job = `dies-of-${n}`;
    const command = ['sh', '-c', `ulimit -c 0; kill -${n} $$`];
    const { status, signal, stderr } = await start(stateDir, ['exec', job, '--', ...command]).ended;
    const last = await start(stateDir, ['last', '--exit-code', job]).ended;
    const [record] = journalOf(stateDir, job);
    return {
      status,
      signal,
      saysSo: stderr.startsWith(`cronrun: ${job}: INTERRUPTED: killed by ${record?.signal}`),
      last: last.status,
      verdict: [record?.status, record?.reason, record?.exit_code, record?.completed_at],
      recorded: numberOf(record?.signal),
    };
  });
  expect(seen).toEqual(
    FATAL.map((n) => ({
      status: 128 + n,
      signal: null,
      saysSo: true,
      last: 128 + n,
      verdict: ['interrupted', 'signaled', null, null],
      recorded: n,
    })),
  );
});

it('is failed, not interrupted, where the command itself exits with 128+n', () => {
  const stateDir = scratch();
  const result = cronrun(stateDir, ['exec', 'shell', '--', 'sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?']);
  expect([result.status, result.signal]).toEqual([137, null]);
  expect(journalOf(stateDir, 'shell')).toMatchObject([
    { status: 'failed', reason: 'exited', exit_code: 137, signal: null },
  ]);
  expect(cronrun(stateDir, ['last', '--exit-code', 'shell']).status).toBe(137);
});
