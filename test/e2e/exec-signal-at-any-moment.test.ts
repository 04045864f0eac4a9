import { expect, it } from 'vitest';
import { inBatches } from '../helpers/batches.js';
import { cronrun, journalOf, runningOf, scratch, start } from '../helpers/cronrun.js';
import { processesOf } from '../helpers/processes.js';

function wait(ms: number): Promise<void> {
  return new Promise((next) => setTimeout(next, ms));
}

it('a TERM at any of 40 moments of the start ends cronrun with 143 and leaves nothing of the run alive', async () => {
  const moments = Array.from({ length: 40 }, (_, index) => index * 3);
  const seen = await inBatches(moments, 2, async (ms) => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', 'sleep', '1000']);
    await wait(ms);
    run.child.kill('SIGTERM');
    const { status } = await run.ended;
    const alive = processesOf(stateDir);
    const verdicts = journalOf(stateDir, 'job').map(({ status, reason, signal }) => ({
      status,
      reason,
      signal,
    }));
    return { ms, status, alive, verdicts, running: runningOf(stateDir, 'job') };
  });
  // Before the start record there was no run; with it there is a verdict.
  const stopped = [{ status: 'interrupted', reason: 'stopped', signal: 'SIGTERM' }];
  expect(seen).toEqual(
    moments.map((ms, index) => ({
      ms,
      status: 143,
      alive: [],
      verdicts: seen[index]?.verdicts.length === 0 ? [] : stopped,
      running: [],
    })),
  );
});

it('a burst of TERM at the end: 24 of 24 times the exit status is what the record says', async () => {
  const stateDir = scratch();
  const rounds = Array.from({ length: 24 }, (_, index) => index);
  const seen = await inBatches(rounds, 2, async (round) => {
    const job = `ends-${round}`;
    const run = start(stateDir, ['exec', job, '--', 'sh', '-c', 'echo "ready $$"; exit 3']);
    let gone = false;
    void run.exited.then(() => {
      gone = true;
    });
    await run.ready();
    await wait(round % 8); // its last milliseconds: the exit, the journal, the way out
    while (!gone) {
      run.child.kill('SIGTERM');
      await new Promise((next) => setImmediate(next));
    }
    const { status } = await run.ended;
    const records = journalOf(stateDir, job).length;
    return { round, status, last: cronrun(stateDir, ['last', '--exit-code', job]).status, records };
  });
  expect(seen.map(({ round, status, records }) => ({ round, last: status, records }))).toEqual(
    seen.map(({ round, last }) => ({ round, last, records: 1 })),
  );
  expect(seen.map(({ status }) => status).filter((status) => status !== 3 && status !== 143)).toEqual([]);
});
