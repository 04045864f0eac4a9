import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { after as fireAfter } from '../../src/run/timer.js';

const DAY = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'hrtime', 'performance'] });
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
    const asked = vi.spyOn(globalThis, 'setTimeout');
    fireAfter(100 * DAY, () => undefined);
    vi.advanceTimersByTime(101 * DAY);
    const waits = asked.mock.calls.map(([, ms]) => ms ?? 0);
    expect(waits.length).toBeGreaterThan(2);
    expect(Math.max(...waits)).toBeLessThan(2 ** 31);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
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
