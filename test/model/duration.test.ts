import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatAge,
  formatDuration,
  formatLimit,
  parseDuration,
  proposeDuration,
} from '../../src/model/duration.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('parseDuration', () => {
  it.each([
    ['90s', 90 * SECOND],
    ['5m', 5 * MINUTE],
    ['1h30m', 90 * MINUTE],
    ['2d', 2 * DAY],
    ['1w', 7 * DAY],
    ['250ms', 250],
    ['1.5h', 90 * MINUTE],
    ['.5s', 500],
    ['1w2d3h4m5s6ms', 9 * DAY + 3 * HOUR + 4 * MINUTE + 5 * SECOND + 6],
    ['90', 90 * SECOND],
    ['1.5', 1500],
    ['.25', 250],
    ['007', 7 * SECOND],
    ['0.1', 100],
    ['0.3s', 300],
    ['1.1s', 1100],
    ['1.005s', 1005],
    ['30d', 30 * DAY],
    ['2147483648ms', 2 ** 31],
    ['36500d', 36_500 * DAY],
  ])('takes %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['0', '0s', '0ms', '0h0m', '0.0', '.0'])('takes %s as zero, and not as minus zero', (text) => {
    expect(parseDuration(text)).toBe(0);
  });

  it.each([
    ['0.1ms', 1],
    ['0.0001', 1],
    ['0.0000000001s', 1],
    ['1.0001s', 1001],
  ])('rounds %s up, so that nothing above zero becomes "no limit"', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    '',
    ' ',
    '-1',
    '+5',
    '-5m',
    '5 m',
    ' 5m',
    '5m ',
    '5m\n',
    '5min',
    'm',
    '1.',
    '1.h',
    '1,5h',
    '1e3',
    '0x10',
    'Infinity',
    'NaN',
    '1h30',
    '30m1h',
    '1h1h',
    '1m1m',
    '1ms1s',
    '5M',
    '5H',
    '36501d',
    '5300w',
    '9'.repeat(400),
    '１ｈ',
    'soon',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  it('reads a bare number as the same number of seconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (seconds) => {
        expect(parseDuration(`${seconds}`)).toBe(parseDuration(`${seconds}s`));
      }),
    );
  });

  it('is exact for whole units, far beyond 2^31 ms', () => {
    const amounts = fc.record({
      w: fc.nat(1000),
      d: fc.nat(1000),
      h: fc.nat(1000),
      m: fc.nat(1000),
      s: fc.nat(100_000),
      ms: fc.nat(1_000_000),
    });
    fc.assert(
      fc.property(amounts, ({ w, d, h, m, s, ms }) => {
        const exact = (7 * w + d) * DAY + h * HOUR + m * MINUTE + s * SECOND + ms;
        expect(parseDuration(`${w}w${d}d${h}h${m}m${s}s${ms}ms`)).toBe(exact);
      }),
    );
  });

  it('is never less than what was written, and less than a millisecond more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10 ** 6 }),
        fc.integer({ min: 0, max: 999_999 }),
        (whole, part) => {
          const text = `${whole}.${String(part).padStart(6, '0')}`;
          const exactUs = whole * 1_000_000 + part;
          expect(parseDuration(text)).toBe(Math.ceil(exactUs / 1000));
        },
      ),
    );
  });

  it('answers anything at all with null or a whole number of milliseconds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.]{0,4}(ms|s|m|h|d|w){0,2}$/)), (text) => {
        const ms = parseDuration(text);
        if (ms !== null) expect(Number.isSafeInteger(ms) && ms >= 0 && !Object.is(ms, -0)).toBe(true);
      }),
    );
  });
});

describe('proposeDuration', () => {
  it.each([
    ['5min', '5m'],
    ['5 m', '5m'],
    ['1 hour', '1h'],
    ['2 hours 30 minutes', '2h30m'],
    ['90sec', '90s'],
    ['10 seconds', '10s'],
    ['3days', '3d'],
    ['2wks', '2w'],
    ['250 msecs', '250ms'],
    ['20 milliseconds', '20ms'],
    ['5M', '5m'],
  ])('understands %s as %s', (text, meant) => {
    expect(proposeDuration(text)).toBe(meant);
  });

  it.each(['soon', '', '-5', '5m', '1 month', '1 fortnight', 'h5'])('proposes nothing for %j', (text) => {
    expect(proposeDuration(text)).toBeNull();
  });

  it('proposes nothing that would be refused again', () => {
    const typed = fc.stringMatching(
      /^[0-9]{1,3} ?(s|sec|min|mins|hours?|days?|wk|month|ms) ?[0-9]{0,2}(s|min)?$/,
    );
    fc.assert(
      fc.property(fc.oneof(typed, fc.string()), (text) => {
        const proposal = proposeDuration(text);
        if (proposal !== null) expect(parseDuration(proposal)).not.toBeNull();
      }),
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [49, '0s'],
    [50, '50ms'],
    [999, '999ms'],
    [1000, '1s'],
    [4999, '4s'],
    [59_999, '59s'],
    [MINUTE, '1m'],
    [256_347, '4m 16s'],
    [HOUR - 1, '59m 59s'],
    [HOUR, '1h'],
    [2 * HOUR + 41 * MINUTE + 59 * SECOND, '2h 41m'],
    [DAY, '1d'],
    [DAY + 2 * HOUR, '1d 2h'],
    [2 ** 31, '24d 20h'],
    [400 * DAY, '400d'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('never shows more than has passed, and at most two units', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 2 ** 41 }), (ms) => {
        const text = formatDuration(ms);
        const shown = parseDuration(text.replace(' ', ''));
        expect(text).toMatch(/^\d+[dhms]( \d+[hms])?$/);
        expect(shown).toBeLessThanOrEqual(ms);
        expect(shown).toBeGreaterThan(ms - (ms < HOUR ? SECOND : ms < DAY ? MINUTE : HOUR));
      }),
    );
  });
});

describe('formatAge', () => {
  it.each([
    [-5000, '0s'],
    [0, '0s'],
    [59_999, '59s'],
    [MINUTE, '1m'],
    [HOUR - 1, '59m'],
    [HOUR, '1h'],
    [DAY - 1, '23h'],
    [DAY, '1d'],
    [9 * DAY, '9d'],
  ])('%d ms ago is %s', (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });
});

describe('formatLimit', () => {
  it.each([
    [600_000, '10m'],
    [5_400_000, '1h30m'],
    [250, '250ms'],
    [1500, '1.5s'],
    [10_000, '10s'],
    [3_600_000, '1h'],
    [30 * DAY, '30d'],
    [61_500, '1m1s500ms'],
    [HOUR + 1, '1h1ms'],
  ])('%d ms is written %s', (ms, text) => {
    expect(formatLimit(ms)).toBe(text);
  });

  it('is what an option would be written as: it parses back to the same limit', () => {
    const limits = fc.oneof(
      fc.nat(100_000),
      fc.nat(10 ** 7).map((s) => s * 1000),
      fc.nat(2 ** 41),
    );
    fc.assert(
      fc.property(limits, (ms) => {
        expect(parseDuration(formatLimit(ms))).toBe(ms);
      }),
    );
  });
});
