import { describe, expect, it } from 'vitest';
import { isHeld, isPaused, stateAfter } from '../../src/report/ping-delivery.js';

const NOW = 1_000_000;

describe('a server that failed', () => {
  it.each([
    [null, null, { failures: 1, notBefore: NOW + 60_000, asked: false }],
    [2, null, { failures: 3, notBefore: NOW + 180_000, asked: false }],
    [null, 7000, { failures: 1, notBefore: NOW + 7000, asked: true }],
    [2, 0, { failures: 3, notBefore: NOW + 180_000, asked: false }],
  ])('%s times before and asks for %s', (failures, askedMs, expected) => {
    const before = failures === null ? null : { failures, notBefore: 0, asked: false, why: '' };
    expect(stateAfter({ why: 'x', askedMs }, before, NOW)).toEqual({ ...expected, why: 'x' });
  });

  const state = (over: { notBefore?: number; asked?: boolean } = {}) => ({
    failures: 1,
    notBefore: NOW + 60_000,
    asked: false,
    why: '',
    ...over,
  });

  it.each([
    ['nothing failed', null, 'all', false],
    ['a run of another job', state(), 'all', true],
    ['a run of its own', state(), 'asked', false],
    ['a person', state(), 'none', false],
    ['a run of its own, as the server asked', state({ asked: true }), 'asked', true],
    ['a person, as the server asked', state({ asked: true }), 'none', false],
    ['the time is over', state({ notBefore: NOW }), 'all', false],
    ['the clock was set back', state({ notBefore: NOW + 3_600_001 }), 'all', false],
  ] as const)('is left alone or not: %s', (_, one, heed, expected) => {
    expect(isPaused(one, { heed }, NOW)).toBe(expected);
  });
});

describe('an end whose start is being told', () => {
  it.each([
    [null, false],
    [NOW + 1, true],
    [NOW, false],
    [NOW + 3_600_001, false],
  ])('is left to its own run until %s', (until, expected) => {
    expect(isHeld(until, NOW)).toBe(expected);
  });
});
