import { describe, expect, it } from 'vitest';
import type { ProcessStat } from '../../src/model/liveness.js';
import { childAmong, exitStatusOfStop, inOrderOfStart } from '../../src/model/stopping.js';

function carrier(pid: number, session: number, start_ticks: number): ProcessStat {
  return { pid, session, group: session, start_ticks, state: 'S', threads: 1 };
}

describe('the child that was never written down', () => {
  it('is the one that started first and leads a session', () => {
    const child = carrier(500, 500, 1000);
    const member = carrier(501, 500, 1000);
    const daemon = carrier(510, 510, 1001);
    expect(childAmong([daemon, member, child])).toEqual({ pid: 500, start_ticks: 1000 });
    expect(childAmong([child])).toEqual({ pid: 500, start_ticks: 1000 });
  });

  it.each([
    ['nobody carries the id', []],
    ['it is a copy of the wrapper, still in the session of that', [carrier(500, 77, 1000)]],
    ['it is gone, and who is left was in its session', [carrier(501, 500, 1000)]],
    ['a daemon may be older: they started in one tick', [carrier(500, 500, 1000), carrier(510, 510, 1000)]],
  ])('is nobody where %s', (_what, carriers) => {
    expect(childAmong(carriers)).toBeNull();
  });
});

it('parents are told before their children', () => {
  const order = inOrderOfStart([carrier(9, 9, 20), carrier(12, 9, 10), carrier(11, 9, 10)]);
  expect(order.map(({ pid }) => pid)).toEqual([11, 12, 9]);
});

it.each([
  [[], 0],
  [['over', 'over'], 0],
  [['over', 'unverifiable'], 196],
  [['unverifiable', 'left', 'over'], 125],
] as const)('exit status of stop for %j: %d', (results, status) => {
  expect(exitStatusOfStop(results)).toBe(status);
});
