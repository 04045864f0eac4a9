import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bell } from '../../src/platform/bell.js';
import { scratch } from '../helpers/cronrun.js';

const NEVER_MS = 30_000;
const SOON_MS = 300;

let bell: Bell;
let directory: string;

beforeEach(() => {
  bell = new Bell();
  directory = scratch();
});

afterEach(() => bell.close());

/** Milliseconds until it rings, `limit` at most. */
async function ringWithin(limit: number): Promise<number> {
  const begun = performance.now();
  await bell.ring(limit);
  return performance.now() - begun;
}

const rings = async () => (await ringWithin(NEVER_MS)) < NEVER_MS / 2;
const isSilent = async () => (await ringWithin(SOON_MS)) >= SOON_MS - 20;

describe('Bell', () => {
  it('rings when something changes in a directory, also where nobody waited yet', async () => {
    bell.attend([directory]);
    expect(await isSilent()).toBe(true);
    writeFileSync(`${directory}/file`, '');
    expect(await rings()).toBe(true);
  });

  it('rings when it is asked to', async () => {
    bell.change();
    expect(await rings()).toBe(true);
  });

  it('says which directories it cannot watch, and watches the others', async () => {
    expect(bell.attend([`${directory}/none`, directory])).toEqual([`${directory}/none`]);
    writeFileSync(`${directory}/file`, '');
    expect(await rings()).toBe(true);
  });

  it('leaves those that are not named any more, and keeps those that are', async () => {
    for (const name of ['a', 'b']) mkdirSync(`${directory}/${name}`);
    bell.attend([`${directory}/a`, `${directory}/b`]);
    bell.attend([`${directory}/b`]);
    writeFileSync(`${directory}/a/file`, '');
    expect(await isSilent()).toBe(true);
    writeFileSync(`${directory}/b/file`, '');
    expect(await rings()).toBe(true);
  });

  it('watches a directory anew that was removed and is back', async () => {
    const running = `${directory}/running`;
    mkdirSync(running);
    bell.attend([running]);
    rmSync(running, { recursive: true });
    expect(await rings()).toBe(true);
    // What was said of its end may come in several pieces.
    while (!(await isSilent()));
    mkdirSync(running);
    expect(bell.attend([running])).toEqual([]);
    writeFileSync(`${running}/file`, '');
    expect(await rings()).toBe(true);
  });
});
