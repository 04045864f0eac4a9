import { mkdirSync, rmSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { lookBack } from '../../src/run/look-back.js';
import { scratch } from '../helpers/cronrun.js';
import { type Fault, trace } from '../helpers/fs-trace.js';
import { journalFile, plantStartRecord } from '../helpers/start-records.js';

vi.mock('node:fs', async (importOriginal) => {
  const { tracedFs } = await import('../helpers/fs-trace.js');
  return tracedFs(await importOriginal());
});

it('a run cut short is said where the journal took it and cannot be read any more', async () => {
  const root = scratch();
  const stateDir = `${root}/state`;
  plantStartRecord(stateDir, 'job', { wrapper: { boot_id: '6d9a2f3e-0000-4000-8000-000000000000' } });
  const unreadable: Fault = (op) => {
    if (op.kind !== 'sync') return null;
    rmSync(journalFile(stateDir, 'job'));
    mkdirSync(journalFile(stateDir, 'job'));
    return 'EIO';
  };
  const said: string[] = [];
  let known: boolean | undefined;
  const act = () => {
    known = lookBack(stateDir, 'job', ({ kind }) => void said.push(kind)).known;
  };
  await trace(root, new Map(), act, unreadable);
  expect(said).toEqual(['found-cut-short']);
  expect(known).toBe(true);
});
