import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isoMs } from '../../src/model/iso-time.js';

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
