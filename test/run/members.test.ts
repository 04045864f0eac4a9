import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ProcessStat, parseStat } from '../../src/model/liveness.js';
import { isOfGroup, MemberSearch, signalMember } from '../../src/run/members.js';
import { startSleeper } from '../helpers/children.js';
import { isAlive, poll } from '../helpers/cronrun.js';
import { runId } from '../helpers/records.js';

const ID = runId(1);

function statOf(pid: number): ProcessStat {
  return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')) as ProcessStat;
}

describe('a process of a run', () => {
  it('is found by its session, and signalled', async () => {
    const { identity } = startSleeper();
    const { processes } = new MemberSearch().find(identity, ID);
    expect(processes.map(({ pid }) => pid)).toEqual([identity.pid]);
    expect(isOfGroup(identity.pid, identity)).toBe(true);
    expect(isOfGroup(process.pid, identity)).toBe(false);
    const [member] = processes as [ProcessStat];
    expect(signalMember(member, identity, 'SIGTERM')).toBe('sent');
    await poll(() => !isAlive(identity.pid), 'its end');
    expect(new MemberSearch().find(identity, ID).processes).toEqual([]);
  });

  it('is not signalled where its number is somebody else’s by then', () => {
    const { identity } = startSleeper();
    const now = statOf(identity.pid);
    const older = { ...now, start_ticks: now.start_ticks - 1 };
    expect(signalMember(older, identity, 'SIGKILL')).toBe('gone');
    expect(isAlive(identity.pid)).toBe(true);
  });

  it('is not signalled once it has left the session', () => {
    const { identity } = startSleeper();
    const other = { ...identity, pid: identity.pid + 1 };
    expect(signalMember(statOf(identity.pid), other, 'SIGKILL')).toBe('gone');
    expect(isAlive(identity.pid)).toBe(true);
  });
});

it.each([0, 1])('nobody is of a child with the number %d', (pid) => {
  expect(new MemberSearch().find({ pid, start_ticks: 0 }, ID)).toEqual({
    processes: [],
    liveness: 'unknown',
  });
});

it('nobody is of a child whose number somebody else has', () => {
  const { identity } = startSleeper();
  const before = { ...identity, start_ticks: (identity.start_ticks ?? 1) - 1 };
  expect(new MemberSearch().find(before, ID)).toEqual({ processes: [], liveness: 'dead' });
});
