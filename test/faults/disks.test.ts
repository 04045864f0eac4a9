import { chmodSync, chownSync, existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  afterwards,
  BIN,
  cronEnvironment,
  cronrun,
  journalOf,
  poll,
  type Result,
  runningOf,
  runProgram,
  scratch,
  start,
} from '../helpers/cronrun.js';
import {
  type Disk,
  FILE_SYSTEMS,
  type FileSystem,
  mountDisk,
  needsDisk,
  padJournal,
} from '../helpers/disk.js';
import {
  asAnotherUser,
  describeUnless,
  firstObstacle,
  needsLinux,
  needsReachableBin,
  needsRoot,
  needsStrace,
} from '../helpers/needs.js';
import { journalFile, onlyStartRecord, plantStartRecord, startLine } from '../helpers/start-records.js';
import { endedTruth, expectToldOnce, runNext, truth } from '../helpers/truth.js';

const EXITS_7 = ['sh', '-c', 'echo "it ran, id=$CRONRUN_ID"; exit 7'];

/** stderr with its lines unfolded. */
function said(result: Result): string {
  return result.stderr.replace(/\s+/g, ' ');
}

/** The job comes first: it ran, its exit status came through, and somebody knows of it. */
function expectRanAndKnown(stateDir: string, result: Result): void {
  expect(result.status).toBe(7);
  expect(result.stdout).toMatch(/^it ran/);
  const recorded = cronrun(stateDir, ['last', '--exit-code', 'job']).status === 7;
  const printed = result.stderr.includes('"exit_code":7');
  expect({ recorded, printed, stderr: result.stderr }).toMatchObject(
    recorded ? { recorded } : { printed: true },
  );
}

/** A run that is under way when the disk becomes full, and ends with 3 on the full disk. */
async function endOnFullDisk(disk: Disk, bytesLeft: number): Promise<Result> {
  const { stateDir } = disk;
  expect(cronrun(stateDir, ['exec', 'job', '--', 'true']).status).toBe(0);
  padJournal(stateDir, 'job', bytesLeft);
  rmSync(`${stateDir}/.reserve`, { force: true });
  const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo ready; read line; exit 3']);
  await run.says('ready');
  await poll(() => startLine(onlyStartRecord(stateDir, 'job'), 2), 'line 2 of the start record');
  disk.fill();
  run.child.stdin?.end('go\n');
  return run.ended;
}

/** What was kept elsewhere stands in the journal once, after the next run on a disk with room. */
function expectSettled(disk: Disk): void {
  disk.free();
  const { stateDir } = disk;
  const next = runNext(stateDir, 'job');
  expect(next).toMatchObject({ status: 0, stderr: '', env: { CRONRUN_LAST_EXIT_CODE: '3' } });
  expect(runningOf(stateDir, 'job')).toEqual([]);
  const { stdout } = cronrun(stateDir, ['ls', '--get', 'exit_code', 'job']);
  expect(stdout).toBe('0\n3\n0\n');
}

/** btrfs copies what is overwritten, and has no room for the copy. */
const KEPT: Readonly<Record<FileSystem, string>> = {
  tmpfs: 'kept in the start record',
  ext4: 'kept in the start record',
  xfs: 'kept in the start record',
  btrfs: 'kept in the name of its start record',
};

for (const type of FILE_SYSTEMS) {
  describeUnless(needsDisk(type), `a full disk, ${type}`, () => {
    it('at the start, with a reserve: given up for the record', () => {
      const disk = mountDisk(type);
      const { stateDir } = disk;
      expect(cronrun(stateDir, ['exec', 'job', '--', 'true']).status).toBe(0);
      expect(statSync(`${stateDir}/.reserve`).size).toBe(262_144);
      disk.fill();
      const run = cronrun(stateDir, ['exec', 'job', '--', ...EXITS_7]);
      expectRanAndKnown(stateDir, run);
      // btrfs gives the room back when it commits, which may be too late for this one.
      if (type !== 'btrfs') {
        expect(run.stderr).toBe('');
        expect(existsSync(`${stateDir}/.reserve`)).toBe(false);
        expect(truth(stateDir, 'job')).toEqual(endedTruth('failed exited', 7));
      }
      disk.free();
      expect(runNext(stateDir, 'job')).toMatchObject({ status: 0, stderr: '' });
      expect(existsSync(`${stateDir}/.reserve`)).toBe(true);
      expect(runningOf(stateDir, 'job')).toEqual([]);
    });

    it('while the command writes: its log ends there, and the end of the run is known', async () => {
      const disk = mountDisk(type);
      const { stateDir } = disk;
      expect(cronrun(stateDir, ['exec', 'job', '--', 'true']).status).toBe(0);
      const script = 'echo ready; read line; dd if=/dev/zero bs=1024 count=200 2>/dev/null; exit 3';
      const line = [
        'exec',
        '--output',
        'on-failure',
        '--output-limit',
        '1K',
        'job',
        '--',
        'sh',
        '-c',
        script,
      ];
      const run = start(stateDir, line);
      await poll(() => cronrun(stateDir, ['output', 'job']).stdout === 'ready\n', 'the command');
      rmSync(`${stateDir}/.reserve`, { force: true });
      disk.fill();
      run.child.stdin?.end('go\n');
      const { status, stderr } = await run.ended;
      expect(status).toBe(3);
      expect(stderr).toContain('FAILED, exit code 3, after');
      expect(stderr).toContain('\n\nready\n');
      disk.free();
      expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(3);
      expect(cronrun(stateDir, ['output', 'job']).stdout).toMatch(/^ready\n/);
    });

    it('at the start, without a reserve: not recorded, said, and run all the same', () => {
      const disk = mountDisk(type);
      const { stateDir } = disk;
      cronrun(stateDir, ['exec', 'job', '--', 'true']);
      rmSync(`${stateDir}/.reserve`);
      padJournal(stateDir, 'job');
      disk.fill();
      const run = cronrun(stateDir, ['exec', 'job', '--', ...EXITS_7]);
      expectRanAndKnown(stateDir, run);
      if (type !== 'btrfs') {
        expect(run.stdout).toBe('it ran, id=\n');
        expect(said(run)).toContain('NOT RECORDED, running it all the same: cannot write in');
        expect(said(run)).toContain('ENOSPC');
      }
      const required = cronrun(stateDir, ['exec', '--require-record', 'job', '--', ...EXITS_7]);
      if (type !== 'btrfs') expect(required).toMatchObject({ status: 125, stdout: '' });
      disk.free();
      expect(runNext(stateDir, 'job')).toMatchObject({ status: 0, stderr: '' });
      expect(runningOf(stateDir, 'job')).toEqual([]);
    });

    it('in the middle of a run: its end is kept, and settled by the next one', async () => {
      const disk = mountDisk(type);
      const run = await endOnFullDisk(disk, 0);
      expect(run.status).toBe(3);
      expect(truth(disk.stateDir, 'job')).toEqual(endedTruth('failed exited', 3));
      expect(said(run)).toContain(KEPT[type]);
      expectSettled(disk);
    });

    it('in the middle of the journal line: what is torn is no run, the end is kept', async () => {
      const disk = mountDisk(type);
      const run = await endOnFullDisk(disk, 100);
      expect(run.status).toBe(3);
      expect(truth(disk.stateDir, 'job')).toEqual(endedTruth('failed exited', 3));
      expectSettled(disk);
    });
  });
}

const noMounts = firstObstacle(needsLinux, needsRoot, () => needsDisk('tmpfs'));

/** The same directory once more, and nothing can be written in it by that name. */
function readOnlyView(stateDir: string): string {
  const view = scratch();
  runProgram('mount', ['--bind', stateDir, view]);
  afterwards(() => void runProgram('umount', ['--lazy', view]));
  const { status } = runProgram('mount', ['-o', 'remount,bind,ro', view]);
  expect(status).toBe(0);
  return view;
}

describeUnless(noMounts, 'a state directory that is read-only', () => {
  it('the job runs, unrecorded, and is told of the run before', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 5']);
    const view = readOnlyView(stateDir);
    const run = cronrun(view, [
      'exec',
      'job',
      '--',
      'sh',
      '-c',
      'echo "$CRONRUN_ID,$CRONRUN_LAST_EXIT_CODE"; exit 7',
    ]);
    expect(run).toMatchObject({ status: 7, stdout: ',5\n' });
    expect(said(run)).toContain('NOT RECORDED');
    expect(said(run)).toContain('EROFS');
    expect(run.stderr).toContain('"exit_code":7');
    expect(cronrun(view, ['exec', '--require-record', 'job', '--', ...EXITS_7])).toMatchObject({
      status: 125,
      stdout: '',
    });
    expect(truth(view, 'job')).toEqual(endedTruth('failed exited', 5));
  });

  it('readers judge a dead run, which nobody can settle', () => {
    const stateDir = scratch();
    const id = plantStartRecord(stateDir, 'job');
    const view = readOnlyView(stateDir);
    expect(truth(view, 'job')).toEqual(endedTruth('interrupted lost', 195));
    const next = runNext(view, 'job');
    expect(next.env).toMatchObject({ CRONRUN_LAST_ID: `cron:${id}`, CRONRUN_LAST_REASON: 'lost' });
    expect(next.stderr).not.toContain('INTERRUPTED'); // said once, by the run that settles it
    expect(truth(view, 'job')).toEqual(endedTruth('interrupted lost', 195));
    expect(runningOf(stateDir, 'job')).toEqual([`${id}.jsonl`]);
  });
});

describe('a state directory that is removed during a run', () => {
  const waits = ['exec', 'job', '--', 'sh', '-c', 'echo ready; read line; exit 7'];

  it('its end is recorded in a new one', async () => {
    const stateDir = `${scratch()}/state`;
    const run = start(stateDir, waits);
    await run.says('ready');
    rmSync(stateDir, { recursive: true });
    run.child.stdin?.end('go\n');
    expect(await run.ended).toMatchObject({ status: 7, stderr: '' });
    expect(truth(stateDir, 'job')).toEqual(endedTruth('failed exited', 7));
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it('and replaced by a file: the record goes to stderr', async () => {
    const stateDir = `${scratch()}/state`;
    const run = start(stateDir, waits);
    await run.says('ready');
    rmSync(stateDir, { recursive: true });
    writeFileSync(stateDir, '');
    run.child.stdin?.end('go\n');
    const result = await run.ended;
    expect(result.status).toBe(7);
    expect(JSON.parse(result.stderr.split('\n').find((line) => line.startsWith('{')) ?? '')).toMatchObject({
      job: 'job',
      status: 'failed',
      exit_code: 7,
    });
  });

  it('its start record alone: the journal has the end', async () => {
    const stateDir = scratch();
    const run = start(stateDir, waits);
    await run.says('ready');
    rmSync(onlyStartRecord(stateDir, 'job'));
    run.child.stdin?.end('go\n');
    expect(await run.ended).toMatchObject({ status: 7, stderr: '' });
    expect(truth(stateDir, 'job')).toEqual(endedTruth('failed exited', 7));
  });
});

/** Runs cronrun with one of its system calls failing with EIO; only those for `path` count where one is given. */
function withFailing(
  stateDir: string,
  call: string,
  nth: number,
  args: readonly string[],
  path?: string,
): Result {
  const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:error=EIO:when=${nth}`];
  const only = path === undefined ? [] : ['-P', path];
  return runProgram('strace', ['-o', '/dev/null', ...only, ...inject, BIN, ...args], { env });
}

describeUnless(needsStrace(), 'a disk that fails', () => {
  const exec = ['exec', 'job', '--', ...EXITS_7];

  function withRun(): string {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    return stateDir;
  }

  it.each([1, 2])('when the start record is synced (%i): said, because it may not survive', (nth) => {
    const stateDir = withRun();
    const run = withFailing(stateDir, 'fsync', nth, exec);
    expectRanAndKnown(stateDir, run);
    expect(said(run)).toContain('a power cut may undo that');
    expect(journalOf(stateDir, 'job')).toHaveLength(2);
  });

  it.each([1, 2])('and a record is required (%i): nothing is started, and nothing is left of it', (nth) => {
    const stateDir = withRun();
    const run = withFailing(stateDir, 'fsync', nth, ['exec', '--require-record', 'job', '--', ...EXITS_7]);
    expect(run).toMatchObject({ status: 125, stdout: '' });
    expect(said(run)).toContain('NOT STARTED');
    expect(truth(stateDir, 'job')).toEqual(endedTruth('completed exited', 0));
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it('when the journal is synced: the end is kept, and the next run makes one run of both', () => {
    const stateDir = withRun();
    const run = withFailing(stateDir, 'fdatasync', 1, exec);
    expectRanAndKnown(stateDir, run);
    expect(said(run)).toContain('its journal cannot be written (EIO); kept in the start record');
    expect(runNext(stateDir, 'job')).toMatchObject({ stderr: '', env: { CRONRUN_LAST_EXIT_CODE: '7' } });
    expect(cronrun(stateDir, ['ls', '--get', 'exit_code', 'job']).stdout).toBe('0\n7\n0\n');
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it('when the start record is removed: the journal overrules it', () => {
    const stateDir = withRun();
    const run = withFailing(stateDir, 'unlink', 1, exec);
    expect(run).toMatchObject({ status: 7, stderr: '' });
    expect(runningOf(stateDir, 'job')).toHaveLength(2); // and its checkpoints
    expect(truth(stateDir, 'job')).toEqual(endedTruth('failed exited', 7));
    expect(runNext(stateDir, 'job')).toMatchObject({ stderr: '', env: { CRONRUN_LAST_EXIT_CODE: '7' } });
    expect(journalOf(stateDir, 'job')).toHaveLength(3);
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it('when the start record gets its name: not recorded, and no temporary file stays', () => {
    const stateDir = withRun();
    const run = withFailing(stateDir, 'rename', 1, exec);
    expectRanAndKnown(stateDir, run);
    expect(said(run)).toContain('NOT RECORDED');
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it('when settling syncs: the dead run counts once, and is told of at once', () => {
    const stateDir = withRun();
    plantStartRecord(stateDir, 'job');
    const run = withFailing(stateDir, 'fdatasync', 1, exec);
    expect(run.status).toBe(7);
    expect(said(run)).toContain('INTERRUPTED');
    expect(runNext(stateDir, 'job')).toMatchObject({ stderr: '', env: { CRONRUN_LAST_EXIT_CODE: '7' } });
    const { stdout } = cronrun(stateDir, ['ls', '--get', 'status', 'job']);
    expect(stdout).toBe('completed\nfailed\ninterrupted\ncompleted\n');
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it('when settling writes: the dead run stays where it is, and is told of by the run that settles it', () => {
    const stateDir = withRun();
    const id = plantStartRecord(stateDir, 'job');
    const run = withFailing(stateDir, 'write', 1, exec, journalFile(stateDir, 'job'));
    expect(run).toMatchObject({ status: 7, stderr: '' });
    expect(runningOf(stateDir, 'job')).toEqual([`${id}.jsonl`]);
    expectToldOnce(stateDir, 'job', `cron:${id}`, 'lost');
  });
});

const GROUP = 54_321;
const noOthers = firstObstacle(needsLinux, needsRoot, needsReachableBin);

/** What somebody else sees; in `group` where one is given. */
function asOther(stateDir: string, args: readonly string[], group?: number): Result {
  const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
  return runProgram('setpriv', [...asAnotherUser(group), BIN, ...args], { env });
}

describeUnless(noOthers, 'somebody else', () => {
  const READERS = [
    ['status', '--json', 'job'],
    ['status', '--exit-code', 'job'],
    ['last', '--json', 'job'],
    ['last', '--exit-code', 'job'],
    ['ls', '--json'],
    ['ls', '--json', 'job'],
  ];

  function sharedStateDir(): string {
    const stateDir = scratch();
    chownSync(stateDir, 0, GROUP);
    chmodSync(stateDir, 0o2750);
    return stateDir;
  }

  it('of the group of a 2750 directory: sees what its owner sees, at every stage', async () => {
    const stateDir = sharedStateDir();
    const same = () => {
      const owner = READERS.map((args) => cronrun(stateDir, args));
      expect(READERS.map((args) => asOther(stateDir, args, GROUP))).toEqual(owner);
      return owner[1]?.status;
    };
    runProgram('sh', [
      '-c',
      'umask 077; exec "$@"',
      'sh',
      BIN,
      '--state-dir',
      stateDir,
      'exec',
      'job',
      '--',
      ...EXITS_7,
    ]);
    expect(same()).toBe(7);
    const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo ready; exec sleep 1000']);
    await run.says('ready');
    const { pid } = await poll(() => startLine(onlyStartRecord(stateDir, 'job'), 2), 'line 2');
    expect(same()).toBe(194);
    run.child.kill('SIGKILL');
    await poll(() => run.child.signalCode, 'the end of the wrapper');
    expect(same()).toBe(196);
    process.kill(Number(pid), 'SIGKILL');
    await poll(
      () => cronrun(stateDir, ['status', '--exit-code', 'job']).status === 195,
      'the end of the command',
    );
    expect(same()).toBe(195);
  });

  it('finds modes that let the group read, and nobody else', () => {
    const stateDir = sharedStateDir();
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    const modes = ['jobs', 'jobs/job', 'jobs/job/running', 'jobs/job/journal.jsonl', '.reserve'].map(
      (name) => {
        const { mode, gid } = statSync(`${stateDir}/${name}`);
        return `${(mode & 0o7777).toString(8)} ${gid}`;
      },
    );
    const [directory, file] = [`2750 ${GROUP}`, `640 ${GROUP}`];
    expect(modes).toEqual([directory, directory, directory, file, file]);
  });

  it.each([
    ['a 2750 directory', 0o2750, undefined],
    ['a 0700 directory, and of its group', 0o700, GROUP],
  ])('outside %s: a clear error and 125', (_, mode, group) => {
    const stateDir = sharedStateDir();
    chmodSync(stateDir, mode);
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    for (const args of READERS) {
      const { status, stdout, stderr } = asOther(stateDir, args, group);
      expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
      expect(stderr).toContain(`cronrun: cannot read ${stateDir}`);
      expect(stderr).toContain('EACCES: permission denied');
      expect(stderr).toContain('records are readable by their owner, by root, and by the group');
    }
  });

  it('who may read and not write: the job runs, unrecorded', () => {
    const stateDir = sharedStateDir();
    cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 5']);
    const run = asOther(
      stateDir,
      ['exec', 'job', '--', 'sh', '-c', 'echo $CRONRUN_LAST_EXIT_CODE; exit 7'],
      GROUP,
    );
    expect(run).toMatchObject({ status: 7, stdout: '5\n' });
    expect(said(run)).toContain('NOT RECORDED');
    expect(truth(stateDir, 'job')).toEqual(endedTruth('failed exited', 5));
  });
});
