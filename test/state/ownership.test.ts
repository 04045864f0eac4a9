import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { beforeEach, expect, it } from 'vitest';
import { GROUP_READABLE, PRIVATE } from '../../src/platform/durable.js';
import { inspectOwn, inspectOwnership, makeOwnDirectories } from '../../src/state/ownership.js';
import { scratch } from '../helpers/cronrun.js';
import { describeUnless, firstObstacle, needsLinux, needsRoot } from '../helpers/needs.js';

const NOBODY = 65_534;

// A state directory as root has it: <scratch>/srv/state, all of it root's.
let top: string;
let stateDir: string;

beforeEach(() => {
  top = realpathSync(scratch());
  stateDir = `${top}/srv/state`;
  mkdirSync(`${stateDir}/jobs/job/running`, { recursive: true, mode: 0o755 });
});

/** "writable jobs": the rule that is broken and where, below the state directory or from the top. */
function found(): string | null {
  const { breach } = inspectOwnership(stateDir, 'job');
  return breach && `${breach.rule} ${breach.path.replace(`${top}/`, '')}`;
}

describeUnless(firstObstacle(needsLinux, needsRoot), 'where records may be written, for root', () => {
  it('in directories of its own', () => {
    expect(found()).toBeNull();
  });

  it.each(['jobs/job/running', 'jobs/job', 'jobs', '../state'])('where %s is not there yet', (name) => {
    rmSync(`${stateDir}/${name}`, { recursive: true });
    expect(found()).toBeNull();
  });

  it.each([
    ['srv/state', () => chmodSync(stateDir, 0o2770), 'writable'],
    ['srv/state/jobs', () => chmodSync(`${stateDir}/jobs`, 0o777), 'writable'],
    ['srv/state/jobs/job', () => chmodSync(`${stateDir}/jobs/job`, 0o1777), 'writable'],
    ['srv/state/jobs/job/running', () => chmodSync(`${stateDir}/jobs/job/running`, 0o720), 'writable'],
    ['srv/state', () => chownSync(stateDir, NOBODY, NOBODY), 'owner'],
    ['srv/state/jobs/job/running', () => chownSync(`${stateDir}/jobs/job/running`, NOBODY, 0), 'owner'],
    ['srv', () => chmodSync(`${top}/srv`, 0o777), 'writable'],
    ['srv', () => chownSync(`${top}/srv`, NOBODY, NOBODY), 'owner'],
  ])('not where %s is not safe', (name, spoil, rule) => {
    spoil();
    expect(found()).toBe(`${rule} ${name}`);
  });

  it.each(['jobs', 'jobs/job', 'jobs/job/running'])('not through a link in place of %s', (name) => {
    rmSync(`${stateDir}/${name}`, { recursive: true });
    mkdirSync(`${top}/elsewhere`);
    symlinkSync(`${top}/elsewhere`, `${stateDir}/${name}`);
    expect(found()).toBe(`link srv/state/${name}`);
  });

  it('not where a file stands in place of a directory', () => {
    rmSync(`${stateDir}/jobs`, { recursive: true });
    writeFileSync(`${stateDir}/jobs`, '');
    expect(found()).toBe('directory srv/state/jobs');
  });

  it('below a sticky directory, where nobody else can replace what is root’s', () => {
    chmodSync(`${top}/srv`, 0o1777);
    expect(found()).toBeNull();
  });

  it('through links on the way, if what they lead to stands the same test', () => {
    const real = stateDir;
    symlinkSync(`${top}/srv`, `${top}/by-link`);
    symlinkSync('../by-link/state', `${top}/srv/again`);
    stateDir = `${top}/by-link/again`;
    expect(found()).toBeNull();
    chmodSync(real, 0o777);
    expect(found()).toBe('writable by-link/state');
    chmodSync(real, 0o2750);
    expect(inspectOwnership(stateDir, 'job')).toEqual({ breach: null, modes: GROUP_READABLE });
    chmodSync(`${top}/srv`, 0o777);
    expect(found()).toBe('writable srv');
  });

  it.each(['by-link/state', 'state-link'])('not through a link that another user can turn: %s', (path) => {
    const link = path.split('/')[0] ?? '';
    symlinkSync(path === link ? 'srv/state' : 'srv', `${top}/${link}`);
    lchownSync(`${top}/${link}`, NOBODY, NOBODY);
    chmodSync(top, 0o1777);
    stateDir = `${top}/${path}`;
    expect(found()).toBe(`owner ${link}`);
  });

  it('not through links that lead in a circle', () => {
    symlinkSync('b', `${top}/a`);
    symlinkSync('a', `${top}/b`);
    stateDir = `${top}/a`;
    expect(found).toThrow(/ELOOP/);
    stateDir = `${top}/a/state`;
    expect(found).toThrow(/ELOOP/);
  });

  it('and for others: what is above is not root’s affair', () => {
    chmodSync(`${top}/srv`, 0o777);
    for (const name of ['', '/jobs', '/jobs/job', '/jobs/job/running']) {
      chownSync(`${stateDir}${name}`, NOBODY, NOBODY);
    }
    expect(inspectOwnership(stateDir, 'job', NOBODY)).toEqual({ breach: null, modes: PRIVATE });
    expect(inspectOwn(stateDir, 'job', NOBODY).breach).toBeNull();
    expect(inspectOwnership(stateDir, 'job', 1).breach?.rule).toBe('owner');
  });

  it('only in the directories that it made itself: somebody may be quicker', () => {
    rmSync(`${stateDir}/jobs/job`, { recursive: true });
    mkdirSync(`${stateDir}/jobs/job`, { mode: 0o700 });
    chownSync(`${stateDir}/jobs/job`, NOBODY, NOBODY);
    const make = () => makeOwnDirectories(stateDir, 'job', `${stateDir}/jobs/job/running`, 0o700);
    expect(make).toThrow(`${stateDir}/jobs/job belongs to user ${NOBODY}`);
  });
});
