import { chmodSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GROUP_READABLE, PRIVATE } from '../../src/platform/durable.js';
import { lookBack } from '../../src/run/look-back.js';
import { scratch } from '../helpers/cronrun.js';

describe('what is made in a state directory', () => {
  it.each([
    ['made by cronrun', 0o700, PRIVATE],
    ['made by mkdir', 0o755, PRIVATE],
    ['open to a group that would not own what is made in it', 0o750, PRIVATE],
    ['made for a group', 0o2750, GROUP_READABLE],
    ['made for a group, and open to others', 0o2755, GROUP_READABLE],
  ])('%s', (_what, mode, modes) => {
    const stateDir = scratch();
    chmodSync(stateDir, mode);
    expect(lookBack(stateDir, 'job', () => undefined).modes).toEqual(modes);
  });

  it('is private where the directory is made first', () => {
    expect(lookBack(`${scratch()}/state`, 'job', () => undefined).modes).toEqual(PRIVATE);
  });
});
