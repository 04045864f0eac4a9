import { closeSync, openSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { comparePlaces, judgeProcess } from '../../src/model/liveness.js';
import {
  bootTimeMs,
  canJudge,
  hasEnvironmentEntry,
  hasOpenForWriting,
  ownerOf,
  probe,
  processId,
  readIdentity,
  readPlace,
  readProcessTable,
} from '../../src/platform/identity.js';
import { startSleeper } from '../helpers/children.js';
import { scratch } from '../helpers/cronrun.js';

/** A /proc of the test's own, or null for the real one: name of the directory → its stat, or an errno word. */
const made = vi.hoisted(() => ({ proc: null as Record<string, string> | null }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const readdirSync = (path: string) =>
    made.proc !== null && path === '/proc' ? Object.keys(made.proc) : fs.readdirSync(path);
  const readFileSync = (path: string, encoding: BufferEncoding) => {
    const stat = made.proc?.[/^\/proc\/([^/]+)\/stat$/.exec(path)?.[1] ?? ''];
    if (stat === undefined) return fs.readFileSync(path, encoding);
    if (/^E[A-Z]+$/.test(stat)) throw Object.assign(new Error(stat), { code: stat });
    return stat;
  };
  return { ...fs, readdirSync, readFileSync };
});

/** The process table of a machine with these processes, "ok" for a stat that can be read. */
function tableOf(proc: Record<string, string>) {
  const stat = (pid: string) => `${pid} (sh) S 1 ${pid} ${pid} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0\n`;
  made.proc = Object.fromEntries(
    Object.entries(proc).map(([pid, said]) => [pid, said === 'ok' ? stat(pid) : said]),
  );
  try {
    return readProcessTable();
  } finally {
    made.proc = null;
  }
}

describe('readProcessTable', () => {
  it('has every process, whatever digits its number begins with', () => {
    const numbers = ['1', '2', '9', '10', '42', '89', '90', '99', '912', '9123', '99999', '4194303'];
    const { processes, complete } = tableOf(Object.fromEntries(numbers.map((pid) => [pid, 'ok'])));
    expect(processes.map((process) => String(process.pid)).sort()).toEqual([...numbers].sort());
    expect(complete).toBe(true);
  });

  it('passes over what is no process, and what ended meanwhile', () => {
    const proc = { '1': 'ok', self: 'EIO', 'thread-self': 'EIO', acpi: 'EIO', '7': 'ENOENT', '8': 'ESRCH' };
    const { processes, complete } = tableOf(proc);
    expect(processes.map((process) => process.pid)).toEqual([1]);
    expect(complete).toBe(true);
  });

  it.each([
    ['others are not shown at all', { '50': 'ok' }],
    ['some may not be read', { '1': 'ok', '50': 'EACCES' }],
    ['process 1 may not be read', { '1': 'EPERM', '50': 'ok' }],
    ['nothing is shown', {}],
  ])('is incomplete where %s', (_what, proc) => {
    expect(tableOf(proc).complete).toBe(false);
  });

  it('has this process, as it is', () => {
    const own = readProcessTable().processes.find((one) => one.pid === process.pid);
    expect(own?.start_ticks).toBe(processId(process.pid).start_ticks);
    expect(own?.threads).toBeGreaterThan(1);
  });
});

describe('an identity', () => {
  it('is judged alive by the process itself, here', () => {
    const identity = readIdentity(process.pid);
    expect(comparePlaces(identity, readPlace())).toBe('here');
    expect(judgeProcess(identity, probe(process.pid))).toBe('alive');
    expect(canJudge()).toBe(true);
  });

  it('is dead once the process is gone, and before that when the pid was given to another', async () => {
    const sleeper = startSleeper();
    const { pid, start_ticks } = sleeper.identity;
    expect(judgeProcess({ pid, start_ticks }, probe(pid))).toBe('alive');
    expect(judgeProcess({ pid, start_ticks: (start_ticks ?? 0) - 1 }, probe(pid))).toBe('dead');
    await sleeper.end();
    expect(probe(pid)).toEqual({ kill: 'gone', stat: null });
    expect(judgeProcess({ pid, start_ticks }, probe(pid))).toBe('dead');
    expect(processId(pid)).toEqual({ pid, start_ticks: null });
    expect(ownerOf(pid)).toBeNull();
  });

  it.each([0, -1, 1.5, 2 ** 33, Number.NaN])('of pid %d is nobody’s: it cannot be judged', (pid) => {
    expect(['alive', 'dead']).not.toContain(
      judgeProcess({ pid, start_ticks: 1 }, { ...probe(pid), stat: null }),
    );
  });
});

describe('hasOpenForWriting', () => {
  it('is true while a process may write to a file of that name', () => {
    const path = `${scratch()}/record.jsonl`;
    const fd = openSync(path, 'w+');
    expect(hasOpenForWriting(process.pid, 'record.jsonl')).toBe(true);
    expect(hasOpenForWriting(process.pid, 'cord.jsonl')).toBe(false);
    closeSync(fd);
    expect(hasOpenForWriting(process.pid, 'record.jsonl')).toBe(false);
    const reader = openSync(path, 'r');
    expect(hasOpenForWriting(process.pid, 'record.jsonl')).toBe(false);
    closeSync(reader);
  });

  it('is false for a process that is gone', async () => {
    const sleeper = startSleeper({});
    await sleeper.end();
    expect(hasOpenForWriting(sleeper.identity.pid, 'record.jsonl')).toBe(false);
  });
});

describe('hasEnvironmentEntry', () => {
  it('finds an entry as a whole only', () => {
    const { pid } = startSleeper({ CRONRUN_ID: 'cron:1', LAST: 'x' }).identity;
    expect(hasEnvironmentEntry(pid, 'CRONRUN_ID=cron:1')).toBe(true);
    expect(hasEnvironmentEntry(pid, 'LAST=x')).toBe(true);
    for (const piece of [
      'CRONRUN_ID=cron:',
      'CRONRUN_ID=cron:12',
      'RONRUN_ID=cron:1',
      'AST=x',
      'CRONRUN_ID',
    ]) {
      expect(hasEnvironmentEntry(pid, piece)).toBe(false);
    }
  });

  it('is false for a process that is gone', async () => {
    const sleeper = startSleeper({ A: '1' });
    await sleeper.end();
    expect(hasEnvironmentEntry(sleeper.identity.pid, 'A=1')).toBe(false);
  });
});

describe('bootTimeMs', () => {
  it('is before now', () => {
    expect(bootTimeMs()).toBeGreaterThan(0);
    expect(bootTimeMs()).toBeLessThan(Date.now());
  });
});
