import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  BIN,
  cronEnvironment,
  cronrun,
  type Going,
  poll,
  runProgram,
  said,
  scratch,
  start,
  startProgram,
} from '../helpers/cronrun.js';
import { describeUnless, firstObstacle, needsProgram, needsStrace, needsUnshare } from '../helpers/needs.js';
import { childrenOf, stateOf } from '../helpers/processes.js';
import { parseTrace } from '../helpers/strace.js';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const ERASE_BELOW = '\u001b[J';

const CTRL_C = '\u0003';
const CTRL_Z = '\u001a';

/** Starts a shell on a terminal of its own, of 80 columns and `rows`, by script(1); what is written to stdin is typed there. */
function onTerminal(stateDir: string, command: string, rows = 24): Going {
  const env = cronEnvironment({ SHELL: '/bin/sh', TERM: 'xterm', CRONRUN_STATE_DIR: stateDir });
  const line = `stty rows ${rows} cols 80; ${command}`;
  return startProgram(stateDir, 'script', ['-qefc', line, '/dev/null'], { env });
}

function watching(stateDir: string, args = '', rows = 24): Going {
  return onTerminal(stateDir, `exec ${BIN} ls --watch ${args}`, rows);
}

/** What the screen shows now, or showed before what is drawn half. */
function shown({ stdout }: Going): string[] {
  const frame = stdout.split(HOME).findLast((drawn) => drawn.includes(ERASE_BELOW)) ?? '';
  return frame.split('\r\n').map((line) => line.replaceAll(/\p{Cc}\[[\d;?]*[A-Za-z]/gu, ''));
}

const row = (run: Going, name: string) => shown(run).find((line) => line.startsWith(`${name} `));

/** The process that draws, below script and perhaps a shell. */
async function drawer(run: Going): Promise<number> {
  return poll(() => descendantsOf(run.pid).find((pid) => /\0ls\0--watch/.test(commandOf(pid))), 'ls --watch');
}

function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function runs(stateDir: string, ...jobs: string[]): void {
  for (const job of jobs) cronrun(stateDir, ['exec', job, '--', 'true']);
}

describeUnless(needsProgram('script', ['-qec', 'true', '/dev/null']), 'ls --watch on a terminal', () => {
  it('shows what ls shows, and it again when a run begins and when it has ended', async () => {
    const stateDir = scratch();
    runs(stateDir, 'first');
    const watch = watching(stateDir);
    await poll(() => row(watch, 'first')?.includes('completed'), 'the first list');
    expect(watch.stdout.startsWith(ENTER)).toBe(true);
    expect(shown(watch)[0]).toMatch(/^cronrun ls at \d\d:\d\d:\d\d [+-]\d\d:\d\d; Ctrl-C ends it$/);
    expect(shown(watch).at(-1)).toContain('runs, newest right:');

    const run = start(stateDir, ['exec', 'second', '--', 'sh', '-c', 'read line; exit 4']);
    await poll(() => row(watch, 'second')?.includes('running'), 'the run that goes on');
    run.child.stdin?.end('\n');
    await poll(() => row(watch, 'second')?.includes('FAILED (4)'), 'the run that ended');
    watch.child.stdin?.write(CTRL_C);
    expect((await watch.ended).status).toBe(130);
  });

  it('sees within two seconds what changes no file: a wrapper that was killed', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', 'sleep', '1000']);
    const watch = watching(stateDir);
    await poll(() => row(watch, 'job')?.includes('running'), 'the run');
    run.child.kill('SIGKILL');
    await poll(() => row(watch, 'job')?.includes('RUNNING (orphaned)'), 'what became of it', 10_000);
  });

  it.each<[string, string, (watch: Going, pid: number) => void, number]>([
    ['Ctrl-C', '', (watch) => watch.child.stdin?.write(CTRL_C), 130],
    ['TERM', '', (_, pid) => process.kill(pid, 'SIGTERM'), 143],
    ['QUIT', 'ulimit -c 0; ', (_, pid) => process.kill(pid, 'SIGQUIT'), 131],
  ])(
    '%s leaves the terminal as it was, and says by which signal it ended',
    async (_, before, end, status) => {
      const stateDir = scratch();
      runs(stateDir, 'job');
      const watch = onTerminal(stateDir, `${before}echo before; exec ${BIN} ls --watch`);
      await poll(() => row(watch, 'job'), 'the list');
      const pid = await drawer(watch);
      end(watch, pid);
      expect((await watch.ended).status).toBe(status);
      const rest = watch.stdout.slice(watch.stdout.lastIndexOf(HOME));
      expect(rest.split(LEAVE)).toHaveLength(2);
      expect(rest).not.toContain(ENTER);
    },
  );

  it('ends where its terminal goes away', async () => {
    const stateDir = scratch();
    runs(stateDir, 'job');
    const watch = watching(stateDir);
    await poll(() => row(watch, 'job'), 'the list');
    const pid = await drawer(watch);
    watch.child.kill('SIGKILL');
    await poll(() => stateOf(pid) === '', 'it to be gone');
  });

  it('leaves the terminal as it was while it is suspended, and comes back', async () => {
    const stateDir = scratch();
    runs(stateDir, 'job');
    const watch = onTerminal(
      stateDir,
      `set -m; ${BIN} ls --watch; echo "suspended $?"; read line; fg; echo "ended $?"`,
    );
    await poll(() => row(watch, 'job'), 'the list');
    watch.child.stdin?.write(CTRL_Z);
    await poll(() => watch.stdout.includes('suspended'), 'the shell to be back');
    const [, after = ''] = watch.stdout.split('suspended');
    expect(watch.stdout.lastIndexOf(LEAVE)).toBeGreaterThan(watch.stdout.lastIndexOf(ENTER));
    expect(after).not.toContain(HOME);
    watch.child.stdin?.write('\n');
    await poll(() => watch.stdout.split('suspended')[1]?.includes(ENTER), 'the screen to be back');
    await poll(() => row(watch, 'job'), 'the list again');
    watch.child.stdin?.write(CTRL_C);
    await watch.ended;
    expect(watch.stdout.lastIndexOf(LEAVE)).toBeGreaterThan(watch.stdout.lastIndexOf(ENTER));
  });

  it('is no longer than the terminal, says how much is missing, and follows when that is resized', async () => {
    const stateDir = scratch();
    const jobs = Array.from({ length: 12 }, (_, n) => `job-${n}`);
    runs(stateDir, ...jobs);
    const watch = watching(stateDir, '', 10);
    await poll(() => shown(watch).includes('(8 more lines)'), 'what is missing');
    expect(shown(watch)).toHaveLength(10);
    const tty = readlinkSync(`/proc/${await drawer(watch)}/fd/1`);
    runProgram('stty', ['-F', tty, 'rows', '20', 'cols', '30']);
    await poll(() => shown(watch).length === 17, 'all of it');
    expect(Math.max(...shown(watch).map((line) => line.length))).toBe(30);
  });

  it('with a job shows its runs, what was skipped as well, and chooses as ls does', async () => {
    const stateDir = scratch();
    runs(stateDir, 'job', 'other');
    const watch = watching(stateDir, '-n 2 job');
    await poll(() => shown(watch).some((line) => line.includes('1 run since')), 'the runs');
    expect(shown(watch).filter((line) => line.endsWith('completed'))).toHaveLength(1);
    const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'read line']);
    await poll(() => shown(watch).some((line) => line.endsWith('running')), 'the run that goes on');
    cronrun(stateDir, ['exec', '--overlap', 'skip', 'job', '--', 'true']);
    await poll(
      () =>
        shown(watch).some((line) => /skipped \(.*\)$/.test(line)) &&
        shown(watch).some((line) => line.includes('2 of 3 runs')),
      'what was skipped, and how many there are',
    );
    run.child.stdin?.end('\n');
    await run.ended;
  });

  it('shows a job that is new in a place where nothing was, and none any more that is forgotten', async () => {
    const stateDir = `${scratch()}/state`;
    const watch = watching(stateDir);
    await poll(() => shown(watch).some((line) => line.includes('no run is on record')), 'that there is none');
    runs(stateDir, 'job');
    await poll(() => row(watch, 'job')?.includes('completed'), 'the job', 10_000);
    cronrun(stateDir, ['forget', 'job']);
    await poll(
      () => shown(watch).some((line) => line.includes('no run is on record')),
      'that it is gone',
      10_000,
    );
    runs(stateDir, 'job');
    await poll(() => row(watch, 'job'), 'that it is back', 10_000);
  });

  it('says why where a job cannot be read any more, and goes on', async () => {
    const stateDir = scratch();
    runs(stateDir, 'job');
    const watch = watching(stateDir);
    await poll(() => row(watch, 'job'), 'the list');
    rmSync(`${stateDir}/jobs/job/journal.jsonl`);
    runProgram('ln', ['-s', 'journal.jsonl', `${stateDir}/jobs/job/journal.jsonl`]);
    await poll(() => shown(watch).some((line) => line.includes('ELOOP')), 'why it cannot', 10_000);
    expect(stateOf(await drawer(watch))).not.toBe('');
  });

  it('of a job that is not on record says that as ls does', async () => {
    const watch = watching(scratch(), 'nothing');
    expect((await watch.ended).status).toBe(193);
    expect(watch.stdout).toContain('no run of "nothing" is on record');
    expect(watch.stdout).not.toContain(ENTER);
  });

  it('sleeps while nothing happens', async () => {
    const stateDir = scratch();
    runs(stateDir, 'job');
    const watch = watching(stateDir);
    await poll(() => row(watch, 'job'), 'the list');
    const frames = () => watch.stdout.split(HOME).length;
    const [before, begun] = [frames(), performance.now()];
    await poll(() => frames() >= before + 3, 'three more of it', 30_000);
    expect(performance.now() - begun).toBeGreaterThan(3000);
  });
});

describeUnless(
  firstObstacle(() => needsProgram('script', ['-qec', 'true', '/dev/null']), needsStrace),
  'what ls --watch watches',
  () => {
    it('is watched before it is read, so that nothing is missed in between', async () => {
      const stateDir = scratch();
      runs(stateDir, 'a', 'b');
      const log = `${scratch()}/trace`;
      const trace = `strace -f -y -o ${log} -e trace=inotify_add_watch,getdents64`;
      const watch = onTerminal(stateDir, `exec ${trace} ${BIN} ls --watch`);
      await poll(() => row(watch, 'b'), 'the list');
      const calls = parseTrace(readFileSync(log, 'utf8'));
      for (const directory of ['jobs', 'jobs/a/running', 'jobs/b/running']) {
        const path = `${stateDir}/${directory}`;
        const watched = calls.findIndex(
          ({ name, args }) => name === 'inotify_add_watch' && args.includes(`"${path}"`),
        );
        const read = calls.findLastIndex(
          ({ name, args }) => name === 'getdents64' && args.includes(`<${path}>`),
        );
        expect(watched).toBeGreaterThan(-1);
        expect(read).toBeGreaterThan(watched);
      }
    });
  },
);

const LIMITS = '/proc/sys/user';

describeUnless(
  firstObstacle(
    () => needsProgram('script', ['-qec', 'true', '/dev/null']),
    () => needsUnshare('-U', '-r'),
    () => needsProgram('unshare', ['-Ur', 'sh', '-c', `echo 9 >${LIMITS}/max_inotify_watches`]),
  ),
  'ls --watch where the system has no watch left',
  () => {
    it.each([
      ['watches', 0],
      ['watches', 2],
      ['instances', 0],
    ])('of so many %s (%d) looks all the same, and says nothing of it', async (what, most) => {
      const stateDir = scratch();
      runs(stateDir, 'a', 'b', 'c');
      const limit = `echo ${most} >${LIMITS}/max_inotify_${what}`;
      const watch = onTerminal(stateDir, `exec unshare -Ur sh -c '${limit}; exec ${BIN} ls --watch'`);
      await poll(() => row(watch, 'a')?.includes('completed'), 'the list');
      cronrun(stateDir, ['exec', 'c', '--', 'sh', '-c', 'exit 4']);
      await poll(() => row(watch, 'c')?.includes('FAILED (4)'), 'the run that ended', 10_000);
      watch.child.stdin?.write(CTRL_C);
      expect((await watch.ended).status).toBe(130);
      expect(watch.stdout).not.toMatch(/ENOSPC|EMFILE|Error/);
    });
  },
);

describe('ls --watch elsewhere', () => {
  it('is refused where stdout is no terminal', () => {
    const result = cronrun(scratch(), ['ls', '--watch']);
    expect(result.status).toBe(125);
    expect(result.stdout).toBe('');
    expect(said(result)).toBe(
      'cronrun: ls: --watch is for a terminal, and stdout is none for programs: cronrun ls --json, as often as you like\n',
    );
  });

  it.each([['--json'], ['--quiet'], ['--get', 'job']])('excludes %s', (...args) => {
    const result = cronrun(scratch(), ['ls', '-w', ...args]);
    expect(result.status).toBe(125);
    expect(said(result)).toContain(`${args[0]} and --watch exclude each other. Write one`);
  });

  it('is refused where the terminal cannot move its cursor', () => {
    const env = cronEnvironment({ SHELL: '/bin/sh', TERM: 'dumb', CRONRUN_STATE_DIR: scratch() });
    const { status, stdout } = runProgram('script', ['-qefc', `exec ${BIN} ls --watch`, '/dev/null'], {
      env,
    });
    expect(status).toBe(125);
    expect(stdout.replaceAll(/\r\n( {2})?/g, ' ')).toContain('TERM=dumb is none. Leave it out');
  });
});
