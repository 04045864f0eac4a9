import { expect, it } from 'vitest';
import { cronrun, journalOf, runningOf, scratch } from '../helpers/cronrun.js';
import { describeUnless, needsStrace } from '../helpers/needs.js';
import { plantStartRecord } from '../helpers/start-records.js';
import { type Call, traceCalls } from '../helpers/strace.js';

const WATCHED = 'fsync,fdatasync,sync,syncfs,execve,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat';

/** The steps of a run that matter, in order: "sync running/", "exec", "unlink start record" ... */
function stepsOf(stateDir: string, args: readonly string[]): string[] {
  const { result, calls } = traceCalls(stateDir, WATCHED, args);
  expect(result.status).toBe(0);
  return calls.map((call) => stepOf(stateDir, call)).filter((step) => step !== null);
}

/** Null for what has nothing to do with the state directory, and is not the command. */
function stepOf(stateDir: string, { name, args, result }: Call): string | null {
  if (name === 'execve') return /"\/[^"]*\/true"/.test(args) && !result.startsWith('-1') ? 'exec' : null;
  const path =
    args
      .match(/[<"](\/[^>"]*)[>"]/g)
      ?.at(-1)
      ?.slice(1, -1) ?? '';
  if (!path.startsWith(stateDir) || result.startsWith('-1')) return null;
  return `${name.includes('sync') ? 'sync' : name.replace(/at2?$/, '')} ${nameOf(path.slice(stateDir.length))}`;
}

/** What a path below the state directory is, in the words of the protocol. */
function nameOf(path: string): string {
  if (/^\/jobs\/job\/running\/[0-9a-f-]{36}\.jsonl$/.test(path)) return 'start record';
  if (path.endsWith('.checkpoint')) return 'checkpoints';
  return path.replace('/jobs/job/journal.jsonl', 'journal') || '/';
}

describeUnless(needsStrace(), 'the syncs of a run', () => {
  it('a second run: two files and one directory, the start before the command, the journal before the unlink', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    expect(stepsOf(stateDir, ['exec', 'job', '--', 'true'])).toEqual([
      'rename start record',
      'sync start record',
      'sync /jobs/job/running',
      'exec',
      'sync journal',
      'unlink start record',
      'unlink checkpoints',
    ]);
  });

  it('the first run of a job: three directories more, each after what was made in it', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'other', '--', 'true']);
    expect(stepsOf(stateDir, ['exec', 'job', '--', 'true'])).toEqual([
      'mkdir /jobs/job',
      'sync /jobs',
      'mkdir /jobs/job/running',
      'sync /jobs/job',
      'rename start record',
      'sync start record',
      'sync /jobs/job/running',
      'exec',
      'sync journal',
      'sync /jobs/job',
      'unlink start record',
      'unlink checkpoints',
    ]);
  });

  it('the first run of all: the directories above as well', () => {
    const parent = scratch();
    const steps = stepsOf(`${parent}/state`, ['exec', 'job', '--', 'true']);
    expect(steps.slice(0, 4)).toEqual(['mkdir /', 'mkdir /jobs', 'sync /', 'mkdir /jobs/job']);
  });

  it('what a run settles: synced at once, before anything is unlinked and before the command', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    for (let i = 0; i < 20; i++) plantStartRecord(stateDir, 'job');
    const steps = stepsOf(stateDir, ['exec', 'job', '--', 'true']);
    const unlinked = Array.from({ length: 20 }, () => 'unlink start record');
    expect(steps.slice(0, 22)).toEqual(['sync journal', 'sync /jobs/job', ...unlinked]);
    expect(steps.slice(22)).toEqual([
      'rename start record',
      'sync start record',
      'sync /jobs/job/running',
      'exec',
      'sync journal',
      'unlink start record',
      'unlink checkpoints',
    ]);
    expect(journalOf(stateDir, 'job')).toHaveLength(22);
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it('a command that cannot be started: the same but for the command', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    const { result, calls } = traceCalls(stateDir, WATCHED, ['exec', 'job', '--', '/nonexistent']);
    expect(result.status).toBe(127);
    expect(calls.map((call) => stepOf(stateDir, call)).filter((step) => step !== null)).toEqual([
      'rename start record',
      'sync start record',
      'sync /jobs/job/running',
      'sync journal',
      'unlink start record',
      'unlink checkpoints',
    ]);
  });

  it('readers: none, and they write nothing', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    plantStartRecord(stateDir, 'job');
    for (const command of [['status', 'job'], ['last', 'job'], ['ls'], ['ls', 'job']]) {
      expect(stepsOf(stateDir, command)).toEqual([]);
    }
  });
});
