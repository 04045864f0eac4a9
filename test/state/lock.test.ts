import {
  chmodSync,
  closeSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lockPath } from '../../src/state/directory.js';
import { isInPlace, openLock, readHolder, writeHolder } from '../../src/state/lock.js';
import { scratch } from '../helpers/cronrun.js';
import { runId } from '../helpers/records.js';

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);

describe('the lock of a job', () => {
  it('is made with its directories, for its owner alone', () => {
    const stateDir = `${scratch()}/state`;
    const { fd, path } = openLock(stateDir, 'job');
    closeSync(fd);
    expect(path).toBe(lockPath(stateDir, 'job'));
    expect(mode(path)).toBe('600');
    expect(mode(`${stateDir}/jobs/job/running`)).toBe('700');
  });

  it('is not even to be read by the group of a state directory that was made for one: who opens it can lock it', () => {
    const stateDir = scratch();
    chmodSync(stateDir, 0o2750);
    const { fd, path } = openLock(stateDir, 'job');
    closeSync(fd);
    expect(mode(path)).toBe('600');
    expect(mode(`${stateDir}/jobs/job/running`)).toBe('2750');
    chmodSync(path, 0o640);
    closeSync(openLock(stateDir, 'job').fd);
    expect(mode(path)).toBe('600');
  });

  it('stays what it is when it is opened again', () => {
    const stateDir = scratch();
    const first = openLock(stateDir, 'job');
    writeHolder(first, runId(1));
    const second = openLock(stateDir, 'job');
    expect(readHolder(second)).toBe(runId(1));
    expect(readFileSync(first.path, 'utf8')).toBe(`cron:${runId(1)}`);
    writeHolder(first, null);
    expect(readHolder(second)).toBeNull();
    for (const { fd } of [first, second]) closeSync(fd);
  });

  it.each(['', 'cron:', 'x'.repeat(5000), `cron:${runId(1).slice(0, 20)}`])(
    'has a holder only where it says one: %j',
    (text) => {
      const stateDir = scratch();
      const lock = openLock(stateDir, 'job');
      writeFileSync(lock.path, text);
      expect(readHolder(lock)).toBeNull();
      closeSync(lock.fd);
    },
  );

  it('is told from another file in its place, and from none', () => {
    const stateDir = scratch();
    const lock = openLock(stateDir, 'job');
    expect(isInPlace(lock)).toBe(true);
    rmSync(lock.path);
    expect(isInPlace(lock)).toBe(false);
    writeFileSync(lock.path, '');
    expect(isInPlace(lock)).toBe(false);
    closeSync(lock.fd);
  });

  it('is no directory, no link and nothing in a directory of which others are the master', () => {
    const stateDir = scratch();
    const path = lockPath(stateDir, 'job');
    mkdirSync(path, { recursive: true });
    chmodSync(`${stateDir}/jobs`, 0o700);
    expect(() => openLock(stateDir, 'job')).toThrow('EISDIR');
    rmSync(path, { recursive: true });
    writeFileSync(`${stateDir}/else`, '');
    symlinkSync(`${stateDir}/else`, path);
    expect(() => openLock(stateDir, 'job')).toThrow('ELOOP');
    rmSync(path);
    chmodSync(`${stateDir}/jobs`, 0o777);
    expect(() => openLock(stateDir, 'job')).toThrow('writable by others');
  });
});
