import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  comparePlaces,
  isDeadState,
  judgeGroup,
  judgeProcess,
  leaderless,
  type Place,
  type ProcessStat,
  type ProcessTable,
  parseStat,
} from '../../src/model/liveness.js';

const HERE: Place = {
  machine_id: 'm1',
  host_name: 'db1',
  boot_id: 'b1',
  pid_ns: 'pid:[1]',
  time_ns: 'time:[1]',
};

/** The text of /proc/<pid>/stat: 52 fields, of which these matter. */
function statText(name: string, over: Partial<ProcessStat> = {}): string {
  const { pid, state, group, session, threads, start_ticks } = { ...stat(), ...over };
  const before = `${pid} (${name}) ${state} 1 ${group} ${session} 0 -1 4194304 96 0 0 0 7 8 0 0 20 0`;
  return `${before} ${threads} 0 ${start_ticks} 3133440 358 18446744073709551615 0 0\n`;
}

function stat(over: Partial<ProcessStat> = {}): ProcessStat {
  return { pid: 500, state: 'S', group: 500, session: 500, threads: 1, start_ticks: 1000, ...over };
}

describe('comparePlaces', () => {
  it('knows this place', () => {
    expect(comparePlaces(HERE, { ...HERE })).toBe('here');
  });

  it('cannot judge from where nothing is known', () => {
    expect(comparePlaces(HERE, null)).toBe('elsewhere');
  });

  /** Field by field: the value that differs, and what that makes of the place when all else is equal. */
  it.each([
    ['machine_id', 'm2', 'elsewhere'],
    ['machine_id', null, 'elsewhere'],
    ['host_name', 'db2', 'elsewhere'],
    ['host_name', null, 'elsewhere'],
    ['boot_id', 'b2', 'other-boot'],
    ['boot_id', null, 'elsewhere'],
    ['pid_ns', 'pid:[2]', 'elsewhere'],
    ['pid_ns', null, 'elsewhere'],
    ['time_ns', 'time:[2]', 'elsewhere'],
    ['time_ns', null, 'elsewhere'],
  ] as const)('with another %s (%s) it is %s, whichever side says it', (field, value, match) => {
    const other = { ...HERE, [field]: value };
    expect(comparePlaces(other, HERE)).toBe(match);
    expect(comparePlaces(HERE, other)).toBe(match);
  });

  it.each([
    ['machine_id', 'here'],
    ['host_name', 'here'],
    ['boot_id', 'elsewhere'],
    ['pid_ns', 'here'],
    ['time_ns', 'here'],
  ] as const)('where both sides know no %s it is %s', (field, match) => {
    const unknown = { ...HERE, [field]: null };
    expect(comparePlaces(unknown, { ...unknown })).toBe(match);
  });

  it('asks for the host before the boot: on another host nothing is known of the boot', () => {
    const place = fc.record({
      machine_id: fc.constantFrom('m1', 'm2', null),
      host_name: fc.constantFrom('db1', 'db2', null),
      boot_id: fc.constantFrom('b1', 'b2', null),
      pid_ns: fc.constantFrom('pid:[1]', 'pid:[2]', null),
      time_ns: fc.constantFrom('time:[1]', 'time:[2]', null),
    });
    fc.assert(
      fc.property(place, place, (a, b) => {
        const sameHost = a.machine_id === b.machine_id && a.host_name === b.host_name;
        const bothBooted = a.boot_id !== null && b.boot_id !== null;
        const match = comparePlaces(a, b);
        if (match === 'other-boot') expect(sameHost && bothBooted && a.boot_id !== b.boot_id).toBe(true);
        if (match === 'here') expect({ ...a }).toEqual({ ...b });
        if (sameHost && bothBooted && a.boot_id !== b.boot_id) expect(match).toBe('other-boot');
      }),
    );
  });
});

describe('comparePlaces, where somebody promised that no two places share the records', () => {
  /** Field by field: what differs from HERE, and what becomes of the place. */
  it.each([
    [{}, 'here'],
    [{ host_name: 'db2' }, 'replaced'],
    [{ machine_id: 'm2' }, 'replaced'],
    [{ pid_ns: 'pid:[2]' }, 'replaced'],
    [{ time_ns: 'time:[2]' }, 'replaced'],
    [{ boot_id: 'b2' }, 'other-boot'],
    [{ boot_id: 'b2', pid_ns: 'pid:[2]' }, 'other-boot'],
    [{ boot_id: 'b2', host_name: 'db2' }, 'replaced'],
    [{ boot_id: null, host_name: 'db2' }, 'replaced'],
    [{ boot_id: null }, 'elsewhere'],
    [{ host_name: null }, 'elsewhere'],
    [{ machine_id: null }, 'elsewhere'],
    [{ pid_ns: null }, 'elsewhere'],
    [{ time_ns: null }, 'elsewhere'],
    [{ machine_id: null, boot_id: 'b2' }, 'replaced'],
  ] as const)('%j: %s', (difference, match) => {
    const other = { ...HERE, ...difference };
    expect(comparePlaces(other, HERE, true)).toBe(match);
    expect(comparePlaces(HERE, other, true)).toBe(match);
  });

  it('nothing follows where this place is not known', () => {
    expect(comparePlaces(HERE, null, true)).toBe('elsewhere');
  });

  it('changes no verdict that is proved', () => {
    const word = fc.constantFrom('a', 'b', null);
    const place = fc.record({
      machine_id: word,
      host_name: word,
      boot_id: word,
      pid_ns: word,
      time_ns: word,
    });
    fc.assert(
      fc.property(place, place, (a, b) => {
        const [proved, promised] = [comparePlaces(a, b), comparePlaces(a, b, true)];
        expect(promised === proved || (proved === 'elsewhere' && promised === 'replaced')).toBe(true);
        if (promised === 'replaced') expect(a).not.toEqual(b);
      }),
    );
  });
});

describe('isDeadState', () => {
  it.each([
    ['Z', 1, true],
    ['Z', 0, true],
    ['X', 1, true],
    ['Z', 2, false],
    ['X', 4, false],
    ['R', 1, false],
    ['S', 1, false],
    ['D', 1, false],
    ['T', 1, false],
    ['t', 1, false],
    ['I', 1, false],
  ])('state %s with %d threads: %s', (state, threads, dead) => {
    expect(isDeadState({ state, threads })).toBe(dead);
  });
});

describe('judgeProcess', () => {
  const recorded = { pid: 500, start_ticks: 1000 };
  const same = stat();
  const reused = stat({ start_ticks: 2000 });
  const zombie = stat({ state: 'Z' });
  const halfDead = stat({ state: 'Z', threads: 3 });
  const stopped = stat({ state: 'T' });

  it.each([
    ['gone, nothing in /proc', 'gone', null, 'dead'],
    ['gone between the look at stat and the kill', 'gone', same, 'dead'],
    ['there with the same start', 'there', same, 'alive'],
    ['somebody else with the same pid', 'there', reused, 'dead'],
    ['a zombie that nobody reaps', 'there', zombie, 'dead'],
    ['a zombie leader whose threads still run', 'there', halfDead, 'alive'],
    ['stopped', 'there', stopped, 'alive'],
    ['there but hidden', 'there', null, 'unknown'],
    ["another user's, stat readable", 'denied', same, 'alive'],
    ["another user's zombie", 'denied', zombie, 'dead'],
    ["another user's process with a reused pid", 'denied', reused, 'dead'],
    ["another user's, hidden", 'denied', null, 'unknown'],
  ] as const)('%s', (_what, kill, found, liveness) => {
    expect(judgeProcess(recorded, { kill, stat: found })).toBe(liveness);
  });

  it('cannot tell a process whose start was never known from another one with its pid', () => {
    const unknownStart = { pid: 500, start_ticks: null };
    expect(judgeProcess(unknownStart, { kill: 'there', stat: same })).toBe('unknown');
    expect(judgeProcess(unknownStart, { kill: 'there', stat: zombie })).toBe('unknown');
    expect(judgeProcess(unknownStart, { kill: 'gone', stat: null })).toBe('dead');
  });
});

describe('judgeGroup', () => {
  const child = { pid: 500, start_ticks: 1000 };
  const init = stat({ pid: 1, group: 1, session: 1, start_ticks: 1 });

  function judge(processes: ProcessStat[], complete = true, proved: readonly number[] = []) {
    const table: ProcessTable = { processes: [init, ...processes], complete };
    return judgeGroup(child, table, new Set(proved));
  }

  it('is alive while the child is', () => {
    expect(judge([stat()])).toEqual({ liveness: 'alive', pids: [500] });
  });

  it('is dead when nobody has its number as session or group', () => {
    expect(judge([stat({ pid: 600, group: 600, session: 600 })])).toEqual({ liveness: 'dead', pids: [] });
  });

  it('is kept alive by a grandchild of its group and by one of its session', () => {
    const inGroup = stat({ pid: 501, session: 77, start_ticks: 1001 });
    const inSession = stat({ pid: 502, group: 502, start_ticks: 1002 });
    expect(judge([inGroup], true, [501])).toEqual({ liveness: 'alive', pids: [501] });
    expect(judge([inSession], true, [502])).toEqual({ liveness: 'alive', pids: [502] });
    expect(judge([stat({ state: 'Z' }), inGroup, inSession]).pids).toEqual([501, 502]);
  });

  it('is not kept alive by zombies, but by the threads that outlive their leader', () => {
    expect(judge([stat({ state: 'Z' }), stat({ pid: 501, state: 'X' })]).liveness).toBe('dead');
    expect(judge([stat({ state: 'Z', threads: 2 })])).toEqual({ liveness: 'alive', pids: [500] });
  });

  it("is gone when the child's number was given out again, with everything that has it", () => {
    const newLeader = stat({ start_ticks: 9000 });
    const newMember = stat({ pid: 501, start_ticks: 9001 });
    expect(judge([newLeader, newMember])).toEqual({ liveness: 'dead', pids: [] });
    expect(judge([newMember, newLeader], false)).toEqual({ liveness: 'dead', pids: [] });
  });

  it('has no members that are older than the child; one of the same tick counts', () => {
    expect(judge([stat({ pid: 400, start_ticks: 999 })]).liveness).toBe('dead');
    expect(judge([stat({ pid: 501, start_ticks: 1000 })], true, [501]).liveness).toBe('alive');
    expect(judge([stat({ pid: 400, start_ticks: 999 })], true, [400]).liveness).toBe('dead');
  });

  it('is unknown, not dead, where processes may be hidden', () => {
    expect(judge([], false)).toEqual({ liveness: 'unknown', pids: [] });
    expect(judge([stat({ pid: 501, start_ticks: 1001 })], false, [501]).liveness).toBe('alive');
  });

  it('is unknown where the start of the child was never known', () => {
    const table: ProcessTable = { processes: [init], complete: true };
    expect(judgeGroup({ pid: 500, start_ticks: null }, table, new Set([1])).liveness).toBe('unknown');
  });

  it('without its leader has those who are proved; whoever else has the number makes it unknown', () => {
    const proved = stat({ pid: 501, start_ticks: 1001 });
    const other = stat({ pid: 502, start_ticks: 1002 });
    expect(judge([proved, other], true, [501])).toEqual({ liveness: 'alive', pids: [501] });
    expect(judge([other], true, [501])).toEqual({ liveness: 'unknown', pids: [] });
    expect(judge([other], false)).toEqual({ liveness: 'unknown', pids: [] });
    expect(judge([stat({ pid: 502, state: 'Z' })])).toEqual({ liveness: 'dead', pids: [] });
    expect(judge([stat(), other])).toEqual({ liveness: 'alive', pids: [500, 502] });
  });
});

describe('leaderless', () => {
  const child = { pid: 500, start_ticks: 1000 };
  const member = stat({ pid: 501, start_ticks: 1001 });
  const among = (...processes: ProcessStat[]) => leaderless(child, { processes, complete: true });

  it('are the living members while nobody has the number of their leader', () => {
    const others = [stat({ pid: 502, state: 'Z' }), stat({ pid: 400, start_ticks: 999 })];
    expect(among(member, ...others)).toEqual([member]);
    expect(among(member, stat({ pid: 503, group: 503, session: 503 }))).toEqual([member]);
  });

  it('are nobody while somebody has it, dead or alive', () => {
    for (const holder of [stat(), stat({ state: 'Z' }), stat({ start_ticks: 9000 })])
      expect(among(member, holder)).toEqual([]);
    const table = { processes: [member], complete: true };
    expect(leaderless({ pid: 500, start_ticks: null }, table)).toEqual([]);
  });
});

describe('parseStat', () => {
  it('reads the fields that matter', () => {
    const one = { pid: 4711, state: 'R', group: 4700, session: 4600, threads: 12, start_ticks: 193_787 };
    expect(parseStat(statText('bash', one))).toEqual(one);
  });

  it.each([
    'a b',
    ') S 1 2 3',
    '((',
    '))',
    'x) Z 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9',
    'new\nline',
    'tab\there',
    '',
    ' ',
    '日本',
  ])('is not misled by a process that is called %j', (name) => {
    expect(parseStat(statText(name))).toEqual(stat());
  });

  it('is not misled by any name', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 16 }), fc.nat(2 ** 40), (name, ticks) => {
        expect(parseStat(statText(name, { start_ticks: ticks }))?.start_ticks).toBe(ticks);
      }),
    );
  });

  it.each(['', 'nonsense', '12', '12 (sh)', '12 (sh) S 1 2 3', '(sh) S 1 2 3', '1 2 3 4 5 6 7 8 9'])(
    'is null for %j',
    (text) => {
      expect(parseStat(text)).toBeNull();
    },
  );
});
