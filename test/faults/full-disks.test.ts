import { existsSync, rmSync } from 'node:fs';
import { it } from 'vitest';
import type { RunRecord } from '../../src/index.js';
import { inBatches } from '../helpers/batches.js';
import { cronrun, journaledIds, poll, type Result, runningOf, said, start } from '../helpers/cronrun.js';
import {
  type Disk,
  FILE_SYSTEMS,
  type FileSystem,
  mountDisk,
  needsDisk,
  padJournal,
} from '../helpers/disk.js';
import { expectNoLies, sample } from '../helpers/figures.js';
import { REAL } from '../helpers/mutants.js';
import { describeUnless } from '../helpers/needs.js';
import { onlyStartRecord, plantStartRecord, startLine } from '../helpers/start-records.js';
import { type NextRun, runNext } from '../helpers/truth.js';

/** How a run meets a full disk. */
interface Course {
  readonly full: 'at the start' | 'in the middle';
  readonly run:
    | 'the first run of all'
    | 'the first run of a job'
    | 'a second run'
    | 'a run that settles another';
  readonly reserve: boolean;
  readonly required: boolean;
  /** How much of its line the journal still takes. */
  readonly bytesLeft: 0 | 100;
}

const COURSES: readonly Course[] = cross({
  full: ['at the start', 'in the middle'],
  run: ['the first run of all', 'the first run of a job', 'a second run', 'a run that settles another'],
  reserve: [true, false],
  required: [true, false],
  bytesLeft: [0, 100],
} as const).filter(isPossible);

/** The first run of all makes the reserve when it is over, and only a job that has one has a journal to be filled. */
function isPossible({ full, run, reserve, bytesLeft }: Course): boolean {
  if (run === 'the first run of all' && reserve) return false;
  return bytesLeft === 0 || (full === 'in the middle' && run === 'a second run');
}

/** All ways to take one of each. */
function cross<T>(lists: { readonly [K in keyof T]: readonly T[K][] }): T[] {
  let taken: Partial<T>[] = [{}];
  for (const key of Object.keys(lists) as (keyof T)[]) {
    taken = taken.flatMap((some) => lists[key].map((one) => ({ ...some, [key]: one })));
  }
  return taken as T[];
}

const SAYS_WHO = ['sh', '-c', 'echo "ready $CRONRUN_ID"; read line; exit 7'];

function prepare({ stateDir }: Disk, { run, reserve, bytesLeft }: Course): void {
  if (run === 'the first run of all') return;
  const job = run === 'the first run of a job' ? 'other' : 'job';
  cronrun(stateDir, ['exec', job, '--', 'true']);
  padJournal(stateDir, job, bytesLeft);
  if (run === 'a run that settles another') plantStartRecord(stateDir, 'job');
  if (!reserve) rmSync(`${stateDir}/.reserve`);
}

/** Lets the run take its course on a disk that is full when it is over. */
async function runOn(disk: Disk, { full, required }: Course): Promise<Result> {
  const { stateDir } = disk;
  const exec = ['exec', ...(required ? ['--require-record'] : []), 'job', '--', ...SAYS_WHO];
  if (full === 'at the start') {
    disk.fill();
    return cronrun(stateDir, exec);
  }
  const run = start(stateDir, exec);
  await run.says('ready');
  await poll(() => startLine(onlyStartRecord(stateDir, 'job'), 2), 'line 2 of the start record');
  disk.fill();
  run.child.stdin?.end('go\n');
  return run.ended;
}

/** What readers say of the job's runs, oldest first. */
function told({ stateDir }: Disk): string[] {
  const words = ({ status, reason, exit_code }: RunRecord) => `${status} ${reason} ${exit_code}`;
  return REAL.library.openRegistry({ stateDir }).runs('job').map(words).reverse();
}

const PAST: Readonly<Record<Course['run'], readonly string[]>> = {
  'the first run of all': [],
  'the first run of a job': [],
  'a second run': ['completed exited 0'],
  'a run that settles another': ['completed exited 0', 'interrupted lost null'],
};

const ENDED = 'failed exited 7';

async function liesOn(type: FileSystem, course: Course): Promise<string[]> {
  const disk = mountDisk(type);
  try {
    prepare(disk, course);
    const result = await runOn(disk, course);
    const full = told(disk);
    const lastExit = cronrun(disk.stateDir, ['last', '--exit-code', 'job']).status;
    disk.free();
    const next = runNext(disk.stateDir, 'job');
    const lies = [
      ...wrongsOfRun(course, result, full),
      // btrfs gives the room back when it commits, which may be too late for this run.
      ...(type === 'btrfs' ? [] : wrongsOfReserve(course, full)),
      ...wrongsOfReaders(course, full, lastExit),
      ...wrongsOfNext(disk, result, full, next),
    ];
    return lies.map((lie) => `${type}, ${Object.values(course).join(', ')}: ${lie}`);
  } finally {
    disk.unmount();
  }
}

/** The job comes first, and somebody knows of it. */
function wrongsOfRun({ run, required }: Course, result: Result, full: readonly string[]): string[] {
  const id = /^ready (.*)$/m.exec(result.stdout)?.[1];
  const talk = said(result);
  const recorded = full.length - PAST[run].length;
  if (id === undefined) {
    return which({
      'the command was not run': !required,
      [`125 is ${result.status}`]: result.status !== 125,
      [`it does not say that nothing was started: ${talk}`]: !talk.includes('NOT STARTED'),
      'a run that never was is on record': recorded !== 0,
    });
  }
  return which({
    [`7 is ${result.status}`]: result.status !== 7,
    'it ran without the record that is required': required && id === '',
    'not recorded, and not said': id === '' && !talk.includes('NOT RECORDED'),
    'nobody knows its end': recorded === 0 && !hasPrinted(result),
  });
}

/** Where there is one every run is on record, the first of a job as well. */
function wrongsOfReserve({ run, reserve }: Course, full: readonly string[]): string[] {
  return which({ 'not recorded for all the reserve': reserve && full.length === PAST[run].length });
}

/** The whole record, for want of any other place. */
function hasPrinted({ stderr }: Result): boolean {
  const line = stderr.split('\n').find((one) => one.startsWith('{"schema"'));
  return line !== undefined && (JSON.parse(line) as { exit_code: unknown }).exit_code === 7;
}

/** What could not be settled stands behind everything in the journal, which may have taken the line of this run. */
function wrongsOfReaders({ run }: Course, full: readonly string[], lastExit: number): string[] {
  const past = PAST[run];
  const inAnyOrder = [past, [...past, ENDED]].map((words) => [...words].sort().join());
  const exits: Record<string, number> = { [ENDED]: 7, 'completed exited 0': 0, 'interrupted lost null': 195 };
  const expected = exits[full.at(-1) ?? ''] ?? 193;
  return which({
    [`on the full disk there is ${full.join()}`]: !inAnyOrder.includes([...full].sort().join()),
    [`last --exit-code is ${lastExit}`]: lastExit !== expected,
  });
}

/** With room again everything is settled, once, and what was cut short is said once. */
function wrongsOfNext(disk: Disk, result: Result, full: readonly string[], next: NextRun): string[] {
  const { stateDir } = disk;
  const now = told(disk);
  const lines = journaledIds(stateDir, 'job');
  const cutShort = full.filter((words) => words.startsWith('interrupted')).length;
  const timesSaid = (result.stderr + next.stderr).split('INTERRUPTED').length - 1;
  return which({
    [`the next exec returns ${next.status}`]: next.status !== 0,
    [`the next exec says: ${next.stderr}`]: timesSaid !== cutShort,
    [`the next run is told of ${next.env.CRONRUN_LAST_EXIT_CODE}`]:
      next.env.CRONRUN_LAST_EXIT_CODE !== (full.at(-1)?.split(' ')[2] ?? '').replace('null', ''),
    [`settled, there is ${now.join()}`]: now.join() !== [...full, 'completed exited 0'].join(),
    [`${lines.length} lines for ${now.length} runs`]:
      lines.length !== now.length || new Set(lines).size !== lines.length,
    [`there stays ${runningOf(stateDir, 'job')}`]: runningOf(stateDir, 'job').length > 0,
    'there is no reserve': !existsSync(`${stateDir}/.reserve`),
  });
}

function which(wrongs: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(wrongs).filter((wrong) => wrongs[wrong]);
}

/** Every seventh: an even step would take one and the same of each pair. */
const MOST = 5;

for (const type of FILE_SYSTEMS) {
  describeUnless(needsDisk(type), `full disks, ${type}`, () => {
    it('at the start and in the middle, with and without a reserve, whichever run it is', async ({
      task,
    }) => {
      const courses = sample(COURSES, MOST);
      const lies = await inBatches(courses, 2, (course) => liesOn(type, course));
      expectNoLies(task, `full disk, ${type}`, courses.length, lies.flat());
    });
  });
}
