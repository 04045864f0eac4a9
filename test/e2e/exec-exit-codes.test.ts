import { expect, it } from 'vitest';
import { openRegistry } from '../../src/index.js';
import { exitStatusOf } from '../../src/model/exit-status.js';
import type { EndedRecord } from '../../src/model/record.js';
import { inBatches } from '../helpers/batches.js';
import { cronrun, journalOf, scratch, start } from '../helpers/cronrun.js';

/** Five hundred starts: far more than they take on a machine that is busy with other things. */
const BOUND_MS = 400_000;

const CODES = Array.from({ length: 256 }, (_, code) => code);

it(
  'is the own code of the command, all 256 of them, and last --exit-code says the same',
  async () => {
    const stateDir = scratch();
    const registry = openRegistry({ stateDir });
    const seen = await inBatches(CODES, 4, async (code) => {
      const job = `exits-${code}`;
      const { status, signal, stderr } = await start(stateDir, [
        'exec',
        job,
        '--',
        'sh',
        '-c',
        `exit ${code}`,
      ]).ended;
      // A process for every fourth: what it exits with is worked out from the record in the same way.
      const last = code % 4 === 3 ? await start(stateDir, ['last', '--exit-code', job]).ended : null;
      const known = exitStatusOf(registry.last(job) as EndedRecord);
      const records = journalOf(stateDir, job).map((record) => [
        record.status,
        record.reason,
        record.exit_code,
        record.signal,
        record.completed_at === record.ended_at,
      ]);
      const lastSaid = `${last?.stdout ?? ''}${last?.stderr ?? ''}`;
      return { status, signal, stderr, known, last: last?.status ?? known, lastSaid, records };
    });
    expect(seen).toEqual(
      CODES.map((code) => ({
        status: code,
        signal: null,
        stderr: '',
        known: code,
        last: code,
        lastSaid: '',
        records: [[code === 0 ? 'completed' : 'failed', 'exited', code, null, code === 0]],
      })),
    );
  },
  BOUND_MS,
);

it('is 0 for a code that means success, and the record keeps the code', () => {
  const stateDir = scratch();
  const exits = (code: number) => ['--', 'sh', '-c', `exit ${code}`];
  for (const code of [1, 24, 255]) {
    const result = cronrun(stateDir, ['exec', '--success-codes', '1,24,255', 'rsync', ...exits(code)]);
    expect(result).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
    expect(journalOf(stateDir, 'rsync').at(-1)).toMatchObject({
      status: 'completed',
      reason: 'exited',
      exit_code: code,
    });
    expect(cronrun(stateDir, ['last', '--exit-code', 'rsync']).status).toBe(0);
  }
});

it('is the code for one that is not in the list, and 0 stays success', () => {
  const stateDir = scratch();
  expect(
    cronrun(stateDir, ['exec', '--success-codes', '24', 'rsync', '--', 'sh', '-c', 'exit 23']).status,
  ).toBe(23);
  expect(cronrun(stateDir, ['last', '--exit-code', 'rsync']).status).toBe(23);
  expect(cronrun(stateDir, ['exec', '--success-codes', '24', 'rsync', '--', 'true']).status).toBe(0);
  expect(journalOf(stateDir, 'rsync').map((record) => record.status)).toEqual(['failed', 'completed']);
});
