import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findFlock, lockLater, lockNow } from '../../src/platform/flock.js';
import { scratch } from '../helpers/cronrun.js';
import { describeUnless, needsProgram } from '../helpers/needs.js';

const only =
  (...files: string[]) =>
  (file: string) =>
    files.includes(file);

describe('flock(1)', () => {
  it('is looked for in the usual places first, whatever PATH is', () => {
    expect(findFlock(undefined, only('/usr/bin/flock', '/bin/flock'))).toBe('/usr/bin/flock');
    expect(findFlock('/opt/bin', only('/bin/flock', '/opt/bin/flock'))).toBe('/bin/flock');
    expect(findFlock('', only('/usr/sbin/flock'))).toBe('/usr/sbin/flock');
  });

  it('is looked for along PATH then, in absolute directories only', () => {
    expect(findFlock('/a:/b', only('/b/flock'))).toBe('/b/flock');
    expect(findFlock('.:bin::/b', only('./flock', 'bin/flock', '/flock'))).toBeNull();
  });

  it('may not be there', () => {
    expect(findFlock('/a', () => false)).toBeNull();
  });
});

const flock = findFlock(process.env.PATH) ?? 'flock';

describeUnless(needsProgram('flock'), 'a lock', () => {
  const openTwice = () => {
    const path = `${scratch()}/lock`;
    return [openSync(path, 'a'), openSync(path, 'a')] as const;
  };

  it('is held by the open file, not by the program that took it, and freed with that', () => {
    const [mine, other] = openTwice();
    expect(lockNow(flock, mine)).toBe(true);
    expect(lockNow(flock, mine)).toBe(true);
    expect(lockNow(flock, other)).toBe(false);
    closeSync(mine);
    expect(lockNow(flock, other)).toBe(true);
    closeSync(other);
  });

  it('comes to who waits for it when it is free', async () => {
    const [mine, other] = openTwice();
    lockNow(flock, mine);
    const waiting = lockLater(flock, other);
    closeSync(mine);
    expect(await waiting.locked).toBe(true);
    closeSync(other);
  });

  it('does not come to who has stopped waiting', async () => {
    const [mine, other] = openTwice();
    lockNow(flock, mine);
    const waiting = lockLater(flock, other);
    waiting.end();
    expect(await waiting.locked).toBe(false);
    closeSync(mine);
    closeSync(other);
  });

  it('fails with the words of the program', async () => {
    const [mine] = openTwice();
    expect(() => lockNow('/nonexistent/flock', mine)).toThrow('ENOENT');
    expect(() => lockNow('/bin/false', mine)).not.toThrow(); // a silent 1 is a lock that somebody else has
    await expect(lockLater('/nonexistent/flock', mine).locked).rejects.toThrow('ENOENT');
    await expect(lockLater('/bin/false', mine).locked).rejects.toThrow('/bin/false exits with 1');
    closeSync(mine);
  });
});
