import { describe, expect, it, vi } from 'vitest';
import type { Scene } from '../../src/report/teller.js';
import { textfileTeller } from '../../src/report/textfile-teller.js';
import { failed } from '../helpers/records.js';

const { fate } = vi.hoisted(() => ({ fate: { error: new Error() } }));

vi.mock('../../src/report/textfile.js', () => ({ refreshJob: () => Promise.reject(fate.error) }));

const SCENE: Scene = {
  job: 'backup',
  stateDir: '/nowhere',
  env: {},
  stop: new AbortController().signal,
  now: Date.now,
  headline: () => '',
  say: () => undefined,
};

const missing = (path: string) =>
  Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { errno: -2, path });

describe('why the textfile could not be written', () => {
  it.each([
    [
      'what node has several lines for',
      new Error("Cannot find module './textfile.cjs'\nRequire stack:\n- /opt/dist/cronrun.cjs"),
      "Cannot find module './textfile.cjs'",
    ],
    ['what we say', new Error('it was told to stop'), 'it was told to stop'],
    [
      'a file in its directory',
      missing('/srv/metrics/.cronrun-1.tmp'),
      '/srv/metrics: ENOENT: no such file or directory',
    ],
    ['a file elsewhere', missing('/state/lock'), '/state/lock: ENOENT: no such file or directory'],
  ])('is one line: %s', async (_, error, why) => {
    fate.error = error;
    const told = await textfileTeller('/srv/metrics', false, SCENE).ended(failed(1), { late: false });
    expect(told).toEqual([{ reporter: 'textfile', why }]);
  });
});
