import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { after as fireAfter } from '../../src/run/timer.js';

const DAY = 86_400_000;

const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** A clock of the test's own, on which a timeout that is too long does not fire at once, as node's, but fails. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'hrtime', 'performance'] });
  const setFakeTimeout = globalThis.setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((fire: () => void, ms: number) => {
    if (ms > LONGEST_TIMEOUT || ms < 0) throw new RangeError(`setTimeout takes no ${ms} ms`);
    return setFakeTimeout(fire, ms);
  }) as typeof setTimeout);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('after', () => {
  it.each([
    0,
    1,
    1000,
    2 ** 30 - 1,
    2 ** 30,
    2 ** 30 + 1,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    30 * DAY,
    400 * DAY,
  ])('fires once, after %d ms and not before', (ms) => {
    const fire = vi.fn<() => void>();
    fireAfter(ms, fire);
    if (ms > 0) vi.advanceTimersByTime(ms - 1);
    expect(fire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fire).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(400 * DAY);
    expect(fire).toHaveBeenCalledTimes(1);
  });

  it('never asks for more than setTimeout can do: that would fire at once', () => {
    fireAfter(100 * DAY, () => undefined);
    vi.advanceTimersByTime(101 * DAY);
    expect(vi.mocked(setTimeout).mock.calls.length).toBeGreaterThan(2);
  });

  it.each([1000, 30 * DAY])('is undone by what it returns, before %d ms are over', (ms) => {
    const fire = vi.fn<() => void>();
    const cancel = fireAfter(ms, fire);
    vi.advanceTimersByTime(ms - 1);
    cancel();
    vi.advanceTimersByTime(100 * DAY);
    expect(fire).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('may be undone after it fired', () => {
    const fire = vi.fn<() => void>();
    const cancel = fireAfter(10, fire);
    vi.advanceTimersByTime(10);
    expect(cancel).not.toThrow();
    expect(fire).toHaveBeenCalledTimes(1);
  });

  it('keeps its deadline where a piece fires late: the machine was suspended or busy', () => {
    const fire = vi.fn<() => void>();
    fireAfter(2 ** 31, fire);
    const [seconds, nanoseconds] = process.hrtime();
    const late: [number, number] = [seconds + (2 ** 30 + 5000) / 1000, nanoseconds];
    vi.spyOn(process, 'hrtime').mockReturnValueOnce(late);
    vi.advanceTimersByTime(2 ** 30);
    expect(fire).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2 ** 30 - 5000);
    expect(fire).toHaveBeenCalledTimes(1);
  });
});
