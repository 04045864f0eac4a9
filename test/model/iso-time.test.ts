import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isoMs, isoTime } from '../../src/model/iso-time.js';

const digits = fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$/);
const damaged = fc
  .tuple(digits, fc.nat(23), fc.constantFrom('0', '9', 'x', '-', ':', ' ', 'Z', '\0', 'é'))
  .map(([text, at, piece]) => text.slice(0, at) + piece + text.slice(at + 1));

describe('a time in milliseconds is what Date.parse says', () => {
  it('of a moment, and of anything else', () => {
    const moments = fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
    fc.assert(
      fc.property(fc.oneof(moments, digits, damaged, fc.string()), (text) => {
        expect(isoMs(text)).toBe(Date.parse(text));
      }),
      { numRuns: 2000 },
    );
  });
  it.each([
    '2026-02-28T23:59:59.999Z',
    '2026-02-30T00:00:00.000Z',
    '2024-02-29T12:00:00.000Z',
    '2026-11-22T24:00:00.000Z',
    '2026-11-22T02:30:01.204+01:00',
    '0000-01-01T00:00:00.000Z',
  ])('of %s', (text) => {
    expect(isoMs(text)).toBe(Date.parse(text));
  });
});

describe('a time is written as a Date writes it', () => {
  const written = (ms: number) => new Date(ms).toISOString();

  it('on the first and the last millisecond of every day of 400 years, and beyond', () => {
    const [from, to] = [Date.UTC(1970, 0, 1), Date.UTC(2371, 0, 1)];
    const wrong: string[] = [];
    for (let day = from; day < to; day += 86_400_000) {
      for (const ms of [day, day + 86_399_999]) if (isoTime(ms) !== written(ms)) wrong.push(written(ms));
    }
    expect(wrong).toEqual([]);
  });

  it('at any moment that a Date can hold, fractions of a millisecond included', () => {
    const moments = fc.oneof(
      fc.date({ noInvalidDate: true }).map((date) => date.getTime()),
      fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }),
      fc.integer({ min: 0, max: 253_402_300_800_000 }),
    );
    fc.assert(
      fc.property(moments, (ms) => {
        expect(isoTime(ms)).toBe(written(ms));
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    [0, '1970-01-01T00:00:00.000Z'],
    [-1, '1969-12-31T23:59:59.999Z'],
    [951_782_400_000, '2000-02-29T00:00:00.000Z'],
    [1_709_164_799_999, '2024-02-28T23:59:59.999Z'],
    [4_107_542_400_000, '2100-03-01T00:00:00.000Z'],
    [253_402_300_799_999, '9999-12-31T23:59:59.999Z'],
    [253_402_300_800_000, '+010000-01-01T00:00:00.000Z'],
  ])('%d is %s', (ms, iso) => {
    expect(isoTime(ms)).toBe(iso);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 8.64e15 + 1])('is refused where there is none: %d', (ms) => {
    expect(() => isoTime(ms)).toThrow(RangeError);
  });
});
