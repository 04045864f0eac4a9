import { describe, expect, it } from 'vitest';
import {
  type Breach,
  explainBreach,
  judgeAbove,
  judgeLink,
  judgeOwn,
  judgeRecord,
} from '../../src/model/ownership.js';

const DIRECTORY = 0o040000;
const LINK = 0o120777;
const FILE = 0o100600;

/** mode, owner, who wants to write, what is wrong. */
type Row = [mode: number, uid: number, user: number, rule: Breach['rule'] | null];

const octal = (rows: readonly Row[]) => rows.map((row) => [row[0].toString(8), ...row] as const);

describe('judgeOwn', () => {
  it.each(
    octal([
      [DIRECTORY | 0o700, 1000, 1000, null],
      [DIRECTORY | 0o755, 1000, 1000, null],
      [DIRECTORY | 0o2750, 0, 0, null],
      [DIRECTORY | 0o2770, 0, 0, 'writable'],
      [DIRECTORY | 0o720, 1000, 1000, 'writable'],
      [DIRECTORY | 0o702, 1000, 1000, 'writable'],
      [DIRECTORY | 0o1777, 0, 0, 'writable'],
      [DIRECTORY | 0o700, 1000, 0, 'owner'],
      [DIRECTORY | 0o700, 0, 1000, 'owner'],
      [DIRECTORY | 0o777, 1000, 0, 'owner'],
      [LINK, 0, 0, 'link'],
      [LINK, 1000, 1000, 'link'],
      [FILE, 0, 0, 'directory'],
    ]),
  )('mode %s (%d) of user %d, for user %d: %s', (_mode, mode, uid, user, rule) => {
    expect(judgeOwn('/x', { mode, uid }, user)?.rule ?? null).toBe(rule);
  });
});

describe('judgeAbove, for root', () => {
  it.each(
    octal([
      [DIRECTORY | 0o755, 0, 0, null],
      [DIRECTORY | 0o1777, 0, 0, null],
      [DIRECTORY | 0o1775, 0, 0, null],
      [DIRECTORY | 0o777, 0, 0, 'writable'],
      [DIRECTORY | 0o775, 0, 0, 'writable'],
      [DIRECTORY | 0o755, 1000, 0, 'owner'],
      [DIRECTORY | 0o1777, 1000, 0, 'owner'],
      [FILE, 0, 0, 'directory'],
    ]),
  )('mode %s (%d) of user %d, for user %d: %s', (_mode, mode, uid, user, rule) => {
    expect(judgeAbove('/x', { mode, uid }, user)?.rule ?? null).toBe(rule);
  });
});

describe('judgeLink', () => {
  it.each([
    [0, 0, null],
    [1000, 1000, null],
    [0, 1000, null],
    [1000, 0, 'owner'],
    [1001, 1000, 'owner'],
  ])('of user %d, for user %d: %s', (uid, user, rule) => {
    expect(judgeLink('/x', { mode: LINK, uid }, user)?.rule ?? null).toBe(rule);
  });
});

describe('judgeRecord', () => {
  it.each([
    [0o600, 0, 0, null],
    [0o640, 1000, 1000, null],
    [0o600, 1000, 0, 'owner'],
    [0o600, 0, 1000, 'owner'],
    [0o620, 0, 0, 'writable'],
    [0o602, 1000, 1000, 'writable'],
  ])('mode %o of user %d, for user %d: %s', (mode, uid, user, rule) => {
    expect(judgeRecord('/x', { mode: 0o100000 | mode, uid }, user)?.rule ?? null).toBe(rule);
  });
});

describe('explainBreach', () => {
  const breach = { path: '/srv/x', isOurs: true, entry: { uid: 1000, mode: DIRECTORY | 0o2770 }, user: 0 };

  it.each([
    ['link', true, '/srv/x is a symbolic link where a directory has to be; remove it'],
    ['directory', true, '/srv/x is no directory (ENOTDIR); move it away'],
    [
      'owner',
      true,
      '/srv/x belongs to user 1000 and has to belong to user 0; chown it or name another --state-dir',
    ],
    [
      'writable',
      true,
      '/srv/x is writable by others (mode 2770), only its owner may write there; chmod go-w /srv/x',
    ],
    [
      'writable',
      false,
      '/srv/x is writable by others (mode 2770), so that others can replace what is in it; chmod go-w /srv/x',
    ],
  ] as const)('%s (ours: %s): %s', (rule, isOurs, words) => {
    expect(explainBreach({ ...breach, rule, isOurs })).toBe(words);
  });
});
