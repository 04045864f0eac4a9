import { describe, expect, it } from 'vitest';
import { judgeRun } from '../../src/model/verdict.js';

/** The last four rows of the readers' table, written out: place, wrapper, child, verdict. */
const TABLE = `
  here        alive    alive    running
  here        alive    dead     running
  here        alive    unknown  running
  here        dead     alive    orphaned
  here        dead     dead     lost
  here        dead     unknown  unverifiable
  here        unknown  alive    unverifiable
  here        unknown  dead     unverifiable
  here        unknown  unknown  unverifiable
  other-boot  alive    alive    rebooted
  other-boot  alive    dead     rebooted
  other-boot  alive    unknown  rebooted
  other-boot  dead     alive    rebooted
  other-boot  dead     dead     rebooted
  other-boot  dead     unknown  rebooted
  other-boot  unknown  alive    rebooted
  other-boot  unknown  dead     rebooted
  other-boot  unknown  unknown  rebooted
  replaced    alive    alive    lost
  replaced    alive    dead     lost
  replaced    alive    unknown  lost
  replaced    dead     alive    lost
  replaced    dead     dead     lost
  replaced    dead     unknown  lost
  replaced    unknown  alive    lost
  replaced    unknown  dead     lost
  replaced    unknown  unknown  lost
  elsewhere   alive    alive    unverifiable
  elsewhere   alive    dead     unverifiable
  elsewhere   alive    unknown  unverifiable
  elsewhere   dead     alive    unverifiable
  elsewhere   dead     dead     unverifiable
  elsewhere   dead     unknown  unverifiable
  elsewhere   unknown  alive    unverifiable
  elsewhere   unknown  dead     unverifiable
  elsewhere   unknown  unknown  unverifiable
`;

type Row = [
  place: 'here' | 'other-boot' | 'replaced' | 'elsewhere',
  wrapper: 'alive' | 'dead' | 'unknown',
  child: 'alive' | 'dead' | 'unknown',
  verdict: string,
];

const rows = TABLE.trim()
  .split('\n')
  .map((line) => line.trim().split(/ +/) as Row);

describe('judgeRun', () => {
  it('is asked for every combination once', () => {
    expect(new Set(rows.map((row) => row.slice(0, 3).join())).size).toBe(4 * 3 * 3);
  });

  it.each(rows)('place %s, wrapper %s, child %s: %s', (place, wrapper, child, verdict) => {
    expect(judgeRun({ place, wrapper, child })).toBe(verdict);
  });
});
