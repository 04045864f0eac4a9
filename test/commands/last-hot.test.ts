import { expect, it, vi } from 'vitest';
import { last } from '../../src/commands/last.js';
import type { AnswerOptions } from '../../src/commands/types.js';
import * as sample from '../view/samples.js';

const loaded = vi.hoisted(() => [] as string[]);
const record = sample.failed(
  sample.beginning('backup', '2026-11-22 02:30:01'),
  { ended: '2026-11-22 02:34:17' },
  23,
);
vi.mock('../../src/state/runs.js', () => ({
  readJobRuns: () => sample.job('backup', 'x', record, null),
}));
// Everything with words in it goes through one of these.
vi.mock('../../src/view/sanitize.js', async (original) => {
  loaded.push('sanitize');
  return await original();
});
vi.mock('../../src/view/get.js', async (original) => {
  loaded.push('get');
  return await original();
});

it('--exit-code is answered without a view', async () => {
  const options: AnswerOptions = {
    stateDir: '/state',
    exclusiveState: false,
    color: 'auto',
    json: false,
    get: null,
    exitCode: true,
    maxAgeMs: null,
  };
  let out = '';
  const io = {
    env: {},
    out: (text: string) => {
      out += text;
    },
    err: () => undefined,
    now: () => sample.NOW,
  };
  expect(last(options, 'backup', io)).toBe(23); // at once, not as a promise
  expect(loaded).toEqual([]);
  expect(await last({ ...options, exitCode: false, get: ['status'] }, 'backup', io)).toBe(0);
  expect(loaded).toEqual(expect.arrayContaining(['sanitize', 'get']));
  expect(out).toBe('failed\n');
});
