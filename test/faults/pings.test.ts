import { existsSync } from 'node:fs';
import { it } from 'vitest';
import { inBatches } from '../helpers/batches.js';
import { type Checks, startChecks } from '../helpers/checks.js';
import { BIN, journalOf, poll, type Result, said, scratch, start, statusOf } from '../helpers/cronrun.js';
import { mountDisk, needsDisk } from '../helpers/disk.js';
import { expectNoLies, sample } from '../helpers/figures.js';
import { runInjected } from '../helpers/injected.js';
import { describeUnless, needsStrace } from '../helpers/needs.js';

/** What changes a file or goes to the server, and what starts a process. */
const SEEN = [
  'mkdir',
  'rename',
  'unlink',
  'rmdir',
  'write',
  'writev',
  'pwrite64',
  'fsync',
  'fdatasync',
  'ftruncate',
  'connect',
  'sendto',
  'clone',
  'clone3',
  'wait4',
  'exit_group',
];

/** Those that deal with files. */
const FILE_CALLS =
  'openat mkdir chmod fchmod rename unlink write pwrite64 pread64 read fsync fdatasync getdents64 statx ftruncate rmdir'.split(
    ' ',
  );

interface Stage {
  readonly checks: Checks;
  readonly stateDir: string;
}

/** Where runs of a job go, beside one that was lost where `withLost` says so. */
async function prepare(checks: Checks, withLost: boolean): Promise<Stage> {
  const stateDir = `${scratch()}/state`;
  if (withLost) {
    const going = start(stateDir, ['exec', 'job', '--', 'sleep', '60']);
    await poll(() => /^\d+$/.test(String(statusOf(stateDir, 'job').pid)), 'the run');
    const { pid } = statusOf(stateDir, 'job');
    going.child.kill('SIGKILL');
    await going.exited;
    process.kill(-Number(pid), 'SIGKILL');
    await poll(() => statusOf(stateDir, 'job').status === 'interrupted', 'the loss');
  }
  return { checks, stateDir };
}

function ping({ checks }: Stage, script: string): string[] {
  return ['exec', '--ping', checks.url(), '--ping-retries', '0', 'job', '--', 'sh', '-c', script];
}

async function inject(stage: Stage, fault: string | null, seen: readonly string[]) {
  const place = { bin: BIN, stateDir: stage.stateDir, trace: `${scratch()}/trace` };
  const injection = { faults: fault === null ? [] : [fault], only: null, seen };
  return runInjected(place, ping(stage, 'exit 3'), injection);
}

function endsOf({ checks }: Stage, id: unknown): { words: string[]; ends: string[] } {
  const words = checks.pings.filter(({ rid }) => `cron:${rid}` === id).map(({ word }) => word);
  return { words, ends: words.filter((word) => word !== 'start') };
}

/** Of each run that is on record the end is told as the record has it, behind its start, and twice at most. */
async function liesAfter(stage: Stage): Promise<string[]> {
  const { stateDir } = stage;
  // The command may be about to end without its wrapper.
  await poll(() => statusOf(stateDir, 'job').reason !== 'orphaned', 'the command');
  const after = await start(stateDir, ping(stage, 'exit 0')).ended;
  const lies = after.status === 0 ? [] : [`the next run exits with ${after.status}`];
  for (const { cron_job_id: id, status, exit_code: code } of journalOf(stateDir, 'job')) {
    const { words, ends } = endsOf(stage, id);
    const expected = status === 'interrupted' ? 'fail' : String(code);
    if (ends.length === 0) lies.push(`nobody was told of a run that is ${status}`);
    if (ends.length > 2) lies.push(`told ${ends.length} times`);
    if (ends.some((end) => end !== expected)) lies.push(`${ends} was told of a run that is ${status}`);
    if (words.lastIndexOf('start') > 0) lies.push(`told in the order ${words}`);
  }
  if (existsSync(`${stateDir}/pings`)) lies.push('something waits still');
  return lies;
}

const RUNS: readonly (readonly [string, boolean])[] = [
  ['a run', false],
  ['a run that finds a lost one', true],
];

describeUnless(needsStrace(), 'pings of a wrapper that is killed at each of its calls', () => {
  for (const [title, withLost] of RUNS) {
    it(title, async ({ task }) => {
      const checks = await startChecks();
      const { calls } = await inject(await prepare(checks, withLost), null, SEEN);
      const points = sample(calls, 12);
      const lies = await inBatches(points, 3, async ({ name, nth, where }) => {
        const stage = await prepare(checks, withLost);
        await inject(stage, `${name}:signal=KILL:when=${nth}`, SEEN);
        const found = await liesAfter(stage);
        return found.map((lie) => `${name} ${nth} ${where}: ${lie}`);
      });
      expectNoLies(task, `pings of ${title}, wrapper killed`, points.length, lies.flat());
    });
  }
});

const ERRORS = ['EIO', 'ENOSPC', 'EROFS', 'EMFILE'];

/** It ends as its command did; the end was told, or it says that it was not, or waits. */
function judge(stage: Stage, { status, stderr }: Result): string[] {
  const [record] = journalOf(stage.stateDir, 'job');
  const lies = status === 3 ? [] : [`it exits with ${status}`];
  const { words, ends } = endsOf(stage, record?.cron_job_id ?? endlessRun(stage));
  const isSaid = /ping: |NOT RECORDED|journal cannot be written/.test(said({ stderr }));
  if (ends.length === 0 && !isSaid) lies.push(`nobody was told, and it says ${stderr}`);
  if (words.lastIndexOf('start') > 0) lies.push(`told in the order ${words}`);
  if (ends.some((end) => end !== '3')) lies.push(`${ends} was told`);
  return lies;
}

/** Of a run that could not be recorded the server knows more than the journal. */
function endlessRun({ checks }: Stage): string {
  return `cron:${checks.pings.at(-1)?.rid}`;
}

describeUnless(needsStrace(), 'pings where the disk fails', () => {
  it('at each call on the spool', async ({ task }) => {
    const checks = await startChecks();
    const reference = await prepare(checks, false);
    const { calls } = await inject(reference, null, FILE_CALLS);
    const points = sample(
      calls.filter(({ where }) => where.startsWith('/pings')),
      16,
    );
    const lies: string[] = [];
    for (const [index, { name, nth, where }] of points.entries()) {
      // One after the other: the last ping is that of the run which is looked at.
      const stage = await prepare(checks, false);
      const fault = `${name}:error=${ERRORS[index % ERRORS.length]}:when=${nth}`;
      const { result } = await inject(stage, fault, FILE_CALLS);
      const found = result === null ? ['it hangs'] : judge(stage, result);
      lies.push(...found.map((lie) => `${fault} ${where}: ${lie}`));
    }
    expectNoLies(task, 'pings, each call on the spool fails', points.length, lies);
  });
});

describeUnless(needsDisk('tmpfs'), 'pings on a full disk', () => {
  it('are delivered all the same, or it is said that they cannot be kept', async ({ task }) => {
    const checks = await startChecks();
    const disk = mountDisk('tmpfs');
    const stage = { checks, stateDir: disk.stateDir };
    const run = () => start(disk.stateDir, ping(stage, 'exit 3')).ended;
    await run();
    disk.fill();
    const lies: string[] = [];
    checks.pings.splice(0);
    const well = await run();
    if (well.status !== 3 || !checks.words().includes('3')) lies.push(`not delivered: ${well.stderr}`);
    checks.always = { kind: 'status', status: 500 };
    const ill = await run();
    if (ill.status !== 3) lies.push(`it exits with ${ill.status}`);
    if (!/the end (is not told|was not told at once): the server answers 500/.test(said(ill)))
      lies.push(`it says ${ill.stderr}`);
    checks.always = null;
    disk.free();
    const after = await start(disk.stateDir, ['pings', '--send']).ended;
    if (after.status !== 0) lies.push(`the rest is not sent: ${after.stdout}${after.stderr}`);
    expectNoLies(task, 'pings on a full disk', 2, lies);
  });
});
