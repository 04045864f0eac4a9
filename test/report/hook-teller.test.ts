import { readFileSync, rmSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { EndedRecord } from '../../src/model/record.js';
import type { HookLimits } from '../../src/report/hook-run.js';
import { hookTeller, whatFailed } from '../../src/report/hook-teller.js';
import type { Failure, Scene } from '../../src/report/teller.js';
import { afterwards, fixture, isAlive, poll, scratch } from '../helpers/cronrun.js';
import { completed, failed, lost } from '../helpers/records.js';

/** Far above what any of these hooks needs. */
const LONG: HookLimits = { deadlineMs: 50_000, graceMs: 20_000, hasteMs: 20_000, dyingMs: 20_000 };

/** Over at once, for a hook that is ready by then: it says so in a file. */
const SHORT: HookLimits = { ...LONG, deadlineMs: 1500, graceMs: 300 };

let directory: string;
let stopping: AbortController;

beforeEach(() => {
  directory = scratch();
  stopping = new AbortController();
});

function scene(env: Record<string, string> = {}): Scene {
  return {
    job: 'backup',
    stateDir: '/nowhere',
    env: { PATH: process.env.PATH, AT: directory, ...env },
    stop: stopping.signal,
    now: Date.now,
    headline: () => '',
    say: () => undefined,
  };
}

const NONE = { onSuccess: null, onFailure: null, onEnd: null };

/** Runs one hook for a run that failed. */
async function runs(
  onFailure: string,
  limits: HookLimits = LONG,
  record: EndedRecord = failed(1),
): Promise<Failure[]> {
  return [...(await hookTeller({ ...NONE, onFailure }, scene(), limits).ended(record, { late: false }))];
}

const written = (name: string) => readFileSync(`${directory}/${name}`, 'utf8');

/** The pid that a hook wrote into a file; it is ended after the test. */
async function pidIn(name: string): Promise<number> {
  const pid = Number(await poll(() => tryTo(() => /^(\d+)\n$/.exec(written(name))?.[1]), `a pid in ${name}`));
  afterwards(() => void tryTo(() => process.kill(pid, 'SIGKILL')));
  return pid;
}

/** The pid that a fixture wrote behind "ready". */
const readyPid = () => Number(/^ready (\d+)$/m.exec(written('ready'))?.[1] ?? Number.NaN);

function tryTo<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

describe('a hook', () => {
  it('that does its work says nothing, whatever it writes', async () => {
    expect(await runs('echo out; echo err >&2')).toEqual([]);
  });

  it('reads the record as JSON, without the command', async () => {
    const record = failed(1);
    expect(await runs('cat >"$AT/read"', LONG, record)).toEqual([]);
    expect(written('read').endsWith('}\n')).toBe(true);
    expect(JSON.parse(written('read'))).toEqual({ ...record, command: [] });
    expect(record.command).not.toEqual([]);
  });

  it.each([
    ['does not read', 'true'],
    ['closes what it could read', 'exec <&-; sleep 0.1'],
  ])('that %s it is none the worse', async (_, hook) => {
    // More than a pipe holds, so that the writer finds out.
    expect(await runs(hook, LONG, failed(1, 1, { cwd: 'x'.repeat(1_000_000) }))).toEqual([]);
  });

  it('is in a session and process group of its own', async () => {
    expect(await runs('read -r stat </proc/$$/stat; echo "$$ $stat" >"$AT/stat"')).toEqual([]);
    const [pid, , , , , group, session] = written('stat').split(' ');
    expect([group, session]).toEqual([pid, pid]);
  });

  it('is where exec is', async () => {
    await runs('pwd >"$AT/pwd"');
    expect(written('pwd')).toBe(`${process.cwd()}\n`);
  });

  it('that fails says how, and what it wrote', async () => {
    expect(await runs('echo out; echo err >&2; exit 3')).toEqual([
      {
        reporter: 'on-failure',
        why: 'exit code 3',
        output: expect.stringMatching(/^(out\nerr|err\nout)\n$/),
      },
    ]);
  });

  it('that is not there fails by the word of the shell', async () => {
    expect(await runs('/nowhere/hook')).toEqual([
      { reporter: 'on-failure', why: 'exit code 127', output: expect.stringContaining('/nowhere/hook') },
    ]);
  });

  it('that is killed says by what', async () => {
    expect(await runs('echo out; kill -9 $$')).toMatchObject([{ why: 'killed by SIGKILL', output: 'out\n' }]);
  });

  it('that cannot be started says why', async () => {
    const long = { BIG: 'x'.repeat(200_000) }; // more than the kernel takes in one variable
    const teller = hookTeller({ ...NONE, onFailure: 'true' }, scene(long), LONG);
    expect(await teller.ended(failed(1), { late: false })).toEqual([
      { reporter: 'on-failure', why: expect.stringMatching(/^cannot be started \(.*E2BIG/), output: '' },
    ]);
  });

  it('that writes without end is read to its end, and only the last is kept', async () => {
    const [failure] = await runs('yes 0123456789abcdef | head -c 5000000; echo; echo the last; exit 1');
    const output = failure?.output ?? '';
    expect(output).toMatch(/^\.\.\. 49\d{5} bytes before this are left out\n/);
    expect(output.endsWith('\nthe last\n')).toBe(true);
    expect(output.length).toBeLessThan(66_000);
  });

  it('that leaves a process behind is not waited for, and that one lives', async () => {
    expect(await runs('sleep 600 & echo $! >"$AT/left"; echo said; exit 1')).toMatchObject([
      { why: 'exit code 1', output: 'said\n' },
    ]);
    expect(isAlive(await pidIn('left'))).toBe(true);
  });
});

describe('a hook that does not end', () => {
  it('is ended when its time is over', async () => {
    expect(await runs('echo said; echo $$ >"$AT/pid"; exec sleep 600', SHORT)).toEqual([
      { reporter: 'on-failure', why: 'no end after 1.5s, so it was ended', output: 'said\n' },
    ]);
    expect(isAlive(await pidIn('pid'))).toBe(false);
  });

  it('is failed even if it exits with 0 then', async () => {
    const hook = `trap 'exit 0' TERM; while :; do sleep 0.05; done`;
    expect(await runs(hook, { ...SHORT, graceMs: 20_000 })).toMatchObject([
      { why: 'no end after 1.5s, so it was ended' },
    ]);
  });

  it('is ended with all of its group', async () => {
    const limits = { ...SHORT, deadlineMs: 4000 };
    const failures = await runs(`${fixture('deaf-with-deaf-grandchild')} >"$AT/ready"`, limits);
    expect(failures).toMatchObject([{ why: 'no end after 4s, so it was ended by SIGKILL' }]);
    expect(isAlive(readyPid())).toBe(false);
  });

  it('and is suspended is woken up for its end', async () => {
    expect(await runs('kill -STOP $$', SHORT)).toMatchObject([{ why: 'no end after 1.5s, so it was ended' }]);
  });

  it.each(['deaf-with-deaf-grandchild', 'has-deaf-grandchild'])(
    'is ended where cronrun is told to stop, with all of its group: %s',
    async (name) => {
      const hooks = { ...NONE, onFailure: `${fixture(name)} >"$AT/ready"`, onEnd: 'touch "$AT/end"' };
      const teller = hookTeller(hooks, scene(), { ...LONG, hasteMs: 100 });
      const due = teller.ended(failed(1), { late: false });
      await poll(() => tryTo(() => /ready/.test(written('ready'))), 'the hook');
      stopping.abort();
      expect(await due).toEqual([
        { reporter: 'on-failure', why: 'cronrun was told to stop, so it was ended by SIGKILL', output: '' },
        { reporter: 'on-end', why: 'not run, as cronrun was told to stop' },
      ]);
      expect(isAlive(readyPid())).toBe(false);
      expect(tryTo(() => written('end'))).toBeUndefined();
    },
  );

  it('is ended sooner where cronrun is told to stop while its grace period goes on', async () => {
    const hook = `trap 'echo >"$AT/heard"' TERM; while :; do sleep 0.05; done`;
    const due = runs(hook, { ...LONG, deadlineMs: 500, hasteMs: 100 });
    await poll(() => tryTo(() => written('heard')), 'TERM');
    stopping.abort();
    expect(await due).toMatchObject([{ why: expect.stringMatching(/^no end after .* by SIGKILL$/) }]);
  });

  it('is not begun where cronrun was told to stop before', async () => {
    stopping.abort();
    expect(await runs('touch "$AT/begun"')).toEqual([
      { reporter: 'on-failure', why: 'not run, as cronrun was told to stop' },
    ]);
    expect(tryTo(() => written('begun'))).toBeUndefined();
  });
});

describe('hooks of several runs', () => {
  it('are run one after the other, in the order in which they are told', async () => {
    const hook = (name: string) =>
      `echo "> ${name} $CRONRUN_LAST_STATUS $CRONRUN_SETTLED" >>"$AT/log"; sleep 0.1; echo "<" >>"$AT/log"`;
    const hooks = { onSuccess: hook('good'), onFailure: hook('bad'), onEnd: hook('end') };
    const teller = hookTeller(hooks, scene(), LONG);
    const late = teller.ended(lost(1), { late: true });
    const own = teller.ended(completed(2), { late: false });
    expect([await late, await own]).toEqual([[], []]);
    expect(written('log').split('\n')).toEqual([
      '> bad interrupted 1',
      '<',
      '> end interrupted 1',
      '<',
      '> good completed ',
      '<',
      '> end completed ',
      '<',
      '',
    ]);
  });

  it('do not keep the next from being run where one fails', async () => {
    const hooks = { ...NONE, onFailure: 'exit 1', onEnd: 'exit 2' };
    const teller = hookTeller(hooks, scene(), LONG);
    await teller.ended(lost(1), { late: true });
    expect(await teller.ended(failed(2), { late: false })).toMatchObject([
      { reporter: 'on-failure', why: 'exit code 1' },
      { reporter: 'on-end', why: 'exit code 2' },
    ]);
  });
});

describe('where the working directory was removed', () => {
  it('a hook is run all the same', async () => {
    const gone = scratch();
    const before = process.cwd();
    afterwards(() => process.chdir(before));
    process.chdir(gone);
    rmSync(gone, { recursive: true });
    expect(await runs('pwd >"$AT/pwd"; exit 1')).toMatchObject([{ why: 'exit code 1' }]);
    expect(written('pwd')).toBe('/\n');
  });
});

describe('what is said of a hook', () => {
  it.each([
    [{ kind: 'exited', code: 0 }, null],
    [{ kind: 'exited', code: 255 }, 'exit code 255'],
    [{ kind: 'signaled', signal: 'SIGTERM' }, 'killed by SIGTERM'],
    [{ kind: 'not-started', why: 'EAGAIN' }, 'cannot be started (EAGAIN)'],
    [{ kind: 'deadline', killed: false, left: false }, 'no end after 1m, so it was ended'],
    [{ kind: 'deadline', killed: true, left: true }, 'no end after 1m, and SIGKILL has not ended it yet'],
    [{ kind: 'stopped', killed: true, left: false }, 'cronrun was told to stop, so it was ended by SIGKILL'],
  ] as const)('%j', (end, words) => {
    expect(whatFailed(end, { deadlineMs: 60_000 })).toBe(words);
  });
});
