import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatRunId,
  isRunId,
  makeRunId,
  matchesReference,
  parseRunReference,
  readRunId,
  shortRunId,
} from '../../src/model/run-id.js';
import { runIds } from '../helpers/arbitraries.js';

const ID = '01a200df-de74-7c3e-9b1d-2f6f0c5a9e11';
const moments = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const randoms = fc.uint8Array({ minLength: 10, maxLength: 10 });

function fits(id: string, typed: string): boolean {
  const reference = parseRunReference(typed);
  return reference !== null && matchesReference(id, reference);
}

describe('makeRunId', () => {
  it('is a UUID of version 7 and variant 10 whose first 48 bits are the millisecond', () => {
    fc.assert(
      fc.property(moments, randoms, (ms, random) => {
        const id = makeRunId(ms, random);
        const hex = id.replaceAll('-', '');
        expect(isRunId(id)).toBe(true);
        expect(Number.parseInt(hex.slice(0, 12), 16)).toBe(ms);
        expect(hex.charAt(12)).toBe('7');
        expect(Number.parseInt(hex.charAt(16), 16) >> 2).toBe(0b10);
      }),
    );
  });

  it('keeps 74 bits of what is random', () => {
    const none = makeRunId(0, new Uint8Array(10));
    const all = makeRunId(0, new Uint8Array(10).fill(0xff));
    expect(none).toBe('00000000-0000-7000-8000-000000000000');
    expect(all).toBe('00000000-0000-7fff-bfff-ffffffffffff');
  });

  it('sorts by start', () => {
    fc.assert(
      fc.property(moments, moments, randoms, randoms, (a, b, randomA, randomB) => {
        if (a !== b) expect(makeRunId(a, randomA) < makeRunId(b, randomB)).toBe(a < b);
      }),
    );
  });

  it('takes the whole millisecond of a fractional clock', () => {
    expect(makeRunId(1.9, new Uint8Array(10))).toBe(makeRunId(1, new Uint8Array(10)));
  });
});

describe('readRunId', () => {
  it('undoes formatRunId', () => {
    fc.assert(fc.property(runIds, (id) => readRunId(formatRunId(id)) === id && readRunId(id) === id));
  });

  it.each([
    '',
    'cron:',
    ID.toUpperCase(),
    ID.slice(1),
    `${ID}0`,
    ID.replaceAll('-', ''),
    `cron:cron:${ID}`,
    `${ID}\n`,
  ])('is null for %j', (text) => {
    expect(readRunId(text)).toBeNull();
  });
});

describe('a piece of a run id as somebody types it', () => {
  it('may be the id with or without cron: and dashes, in any case', () => {
    for (const typed of [ID, ID.toUpperCase(), ID.replaceAll('-', ''), `cron:${ID}`, shortRunId(ID)]) {
      expect(fits(ID, typed)).toBe(true);
    }
  });

  it('is forced where it says cron:, so that it is never taken for a job', () => {
    expect(parseRunReference(ID)?.forced).toBe(false);
    expect(parseRunReference(`cron:${ID}`)).toEqual({ hex: ID.replaceAll('-', ''), forced: true });
    expect(parseRunReference('cron:01a200df')).toEqual({ hex: '01a200df', forced: true });
  });

  it.each([
    ['too short', '01a200d'],
    ['too short without its dashes', '01a2-00d'],
    ['too long', `${ID.replaceAll('-', '')}0`],
    ['not hex', '01a200dg'],
    ['empty', ''],
    ['only the prefix', 'cron:'],
    ['only dashes', '--------'],
    ['another prefix', 'run:01a200df'],
    ['with a blank', '01a200df '],
  ])('is none when it is %s', (_why, text) => {
    expect(parseRunReference(text)).toBeNull();
  });

  it('fits by its beginning and by its end, from 8 digits on', () => {
    fc.assert(
      fc.property(runIds, fc.integer({ min: 8, max: 32 }), (id, length) => {
        const hex = id.replaceAll('-', '');
        expect(fits(id, hex.slice(0, length))).toBe(true);
        expect(fits(id, hex.slice(-length))).toBe(true);
        expect(fits(id, `cron:${hex.slice(-length).toUpperCase()}`)).toBe(true);
      }),
    );
  });

  it('does not fit by its middle, nor another run', () => {
    expect(fits(ID, '7c3e9b1d')).toBe(false);
    expect(fits(ID, '01a200de')).toBe(false);
  });

  it('shows people the 12 digits of the millisecond', () => {
    expect(shortRunId(ID)).toBe('01a200df-de74');
  });
});
