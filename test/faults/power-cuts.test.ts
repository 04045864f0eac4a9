import { appendFileSync, existsSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { basename } from 'node:path';
import { it } from 'vitest';
import type { RunRecord } from '../../src/index.js';
import type { RunId } from '../../src/model/run-id.js';
import { endedFileName } from '../../src/state/start-record.js';
import { inBatches } from '../helpers/batches.js';
import { journaledIds, runningOf, scratch } from '../helpers/cronrun.js';
import {
  type DiskFileSystem,
  fill,
  makeImage,
  mountImage,
  needsDisk,
  padJournal,
  run,
} from '../helpers/disk.js';
import { expectCaught, expectNoLies, FULL, sample } from '../helpers/figures.js';
import { type Built, buildMutant, REAL } from '../helpers/mutants.js';
import { describeUnless, firstObstacle, needsStrace } from '../helpers/needs.js';
import { type Cut, cutPower, type Failing, stateOn, WRITTEN } from '../helpers/power.js';
import { endOf, plantStartRecord, rewriteWrapper, runningPath } from '../helpers/start-records.js';
import { runNext } from '../helpers/truth.js';

const DISKS: readonly DiskFileSystem[] = ['ext4', 'xfs', 'btrfs'];
const FAILING: readonly Failing[] = ['at once', 'after a commit'];

/** What was on record, and synced, when the run began in which the power is cut: by run id, in the words of `wordsOf`. */
type Past = ReadonlyMap<string, string>;

/** A run, and how the place is prepared where it begins. */
interface Course {
  readonly name: string;
  /** In an empty state directory. */
  readonly prepare: (stateDir: string) => Past;
  /** Of exec. */
  readonly options?: readonly string[];
  /** While its command runs; where the disk is mounted. */
  readonly meanwhile?: (path: string) => void;
  /** What readers say beside the runs and must be true: each thing that is not. */
  readonly check?: (stateDir: string, records: readonly RunRecord[]) => readonly string[];
}

const OTHER_BOOT = { boot_id: '6d9a2f3e-0000-4000-8000-000000000000' };

const SECOND_RUN: Course = { name: 'a second run', prepare: (stateDir) => completed(stateDir) };

const COURSES: readonly Course[] = [
  { name: 'the first run', prepare: () => new Map() },
  SECOND_RUN,
  {
    name: 'a run that settles others',
    prepare: (stateDir) => {
      const began = '2026-11-20T01:30:00.000Z';
      const failed = endOf(began, 5000, { status: 'failed', reason: 'exited', exit_code: 9 });
      const past = new Map(completed(stateDir));
      const wrapper = OTHER_BOOT;
      past.set(plantStartRecord(stateDir, 'job', { wrapper }), 'interrupted rebooted null');
      past.set(plantStartRecord(stateDir, 'job', { wrapper, end: failed }), 'failed exited 9');
      const name = (id: RunId) => endedFileName(id, failed);
      past.set(plantStartRecord(stateDir, 'job', { wrapper, name }), 'failed exited 9');
      return past;
    },
  },
  {
    name: 'a run that ends on a full disk',
    prepare: (stateDir) => {
      const past = completed(stateDir);
      rmSync(`${stateDir}/.reserve`);
      padJournal(stateDir, 'job');
      return past;
    },
    meanwhile: (path) => fill(`${path}/filler`),
  },
];

/** What only some runs do; on all file systems in full. */
const RARER: readonly Course[] = [
  {
    name: 'a run whose output is kept, and cut',
    prepare: (stateDir) => completed(stateDir),
    options: ['--output', 'on-failure', '--output-limit', '1K'],
    check: wrongLogs,
  },
  {
    name: 'a run whose output is kept whole',
    prepare: (stateDir) => completed(stateDir),
    options: ['--output', 'on-failure'],
    check: wrongLogs,
  },
  {
    name: 'a run that moves its journal away',
    prepare: (stateDir) => {
      const past = completed(stateDir);
      appendFileSync(`${stateDir}/jobs/job/journal.jsonl`, `${' '.repeat(1023)}\n`.repeat(4096));
      return past;
    },
  },
];

/** A record that says how much its command wrote has a log of all that, or of its head and its tail. */
function wrongLogs(stateDir: string, records: readonly RunRecord[]): string[] {
  return records.flatMap(({ output }) => {
    if (output?.bytes == null) return [];
    if (output.bytes !== WRITTEN.length) return [`a log of ${output.bytes} bytes`];
    const path = `${stateDir}/jobs/job/output/${basename(output.path)}`; // the disk is mounted elsewhere now
    const log = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const isCut = log.startsWith('1\n2\n') && log.endsWith('399\n400\n') && log.includes(' not kept: ');
    return log === WRITTEN || isCut ? [] : [`a log that is not: ${JSON.stringify(log.slice(0, 60))} ...`];
  });
}

function completed(stateDir: string): Past {
  const { env } = runNext(stateDir, 'job');
  return new Map([[env.CRONRUN_ID?.slice(5) ?? '', 'completed exited 0']]);
}

function wordsOf({ status, reason, exit_code }: RunRecord): string {
  return `${status} ${reason} ${exit_code}`;
}

interface Swept {
  readonly points: number;
  readonly lies: readonly string[];
}

/** Lets a run take its course, cuts the power behind every call of it, and looks at what `most` of the cuts left. */
async function sweep(
  type: DiskFileSystem,
  course: Course,
  failing: Failing,
  built: Built,
  most: number,
): Promise<Swept> {
  const image = `${scratch()}/disk`;
  const past = prepare(type, course, image);
  const cuts = await cutPower({
    type,
    image,
    failing,
    bin: built.bin,
    options: course.options ?? [],
    meanwhile: course.meanwhile,
  });
  const looks = sample(alike(cuts).reverse(), most); // the last one, behind the return of exec, always is looked at
  const lies = looks.flatMap((same) => liesOnCopy(type, same, past, course));
  const where = `${type}, ${course.name}, ${failing}`;
  return { points: looks.flat().length, lies: lies.map((lie) => `${where}, ${lie}`) };
}

/**
 * Synced and copied: a process elsewhere with mounts of its own (unshare(1)) may keep what is unmounted here, and then
 * neither is it written nor would it be mounted anew.
 */
function prepare(type: DiskFileSystem, course: Course, image: string): Past {
  const prepared = `${image}-prepared`;
  makeImage(type, prepared);
  const past = onImage(type, prepared, (path) => {
    const known = course.prepare(stateOn(path));
    run('sync', '-f', path);
    return known;
  });
  run('cp', '--sparse=always', prepared, image);
  return past;
}

/** Cuts that left the same, and of which the same is true, side by side: one look is enough for them. */
function alike(cuts: readonly Cut[]): Cut[][] {
  const groups = new Map<string, Cut[]>();
  for (const cut of cuts) {
    const key = `${cut.image} ${JSON.stringify(cut.truth)}`;
    groups.set(key, [...(groups.get(key) ?? []), cut]);
  }
  return [...groups.values()];
}

/** Mounts an image for as long as `use` takes. A copy of xfs has the id of what it is a copy of. */
function onImage<T>(type: DiskFileSystem, image: string, use: (path: string) => T): T {
  const path = `${image}-mounted`;
  mountImage(image, path, type === 'xfs' ? ['nouuid'] : []);
  try {
    return use(path);
  } finally {
    run('umount', path);
  }
}

let looked = 0;

/** Each lie once for each of the cuts that left the same. */
function liesOnCopy(type: DiskFileSystem, same: readonly Cut[], past: Past, course: Course): string[] {
  const [{ image, truth }] = same as [Cut];
  // Each look at a file of its own: the loop device may still hold what it knows of an earlier one by that name.
  const copy = `${image}-${++looked}`;
  run('cp', '--sparse=always', image, copy);
  const lies = onImage(type, copy, (path) => {
    rmSync(`${path}/filler`, { recursive: true, force: true });
    return liesOf(stateOn(path), truth, past, course);
  });
  rmSync(copy);
  return same.flatMap(({ after }) => lies.map((lie) => `${after}: ${lie}`));
}

/** A run of which something is true. */
interface Known extends Omit<Cut['truth'], 'id'> {
  readonly id: string;
  /** How it ended, or will. */
  readonly end: string;
}

function liesOf(stateDir: string, truth: Cut['truth'], past: Past, { check }: Course): string[] {
  const known = [...past].map(([id, end]): Known => ({ id, end, began: true, ended: true, returned: true }));
  if (truth.id !== null) known.push({ ...truth, id: truth.id, end: 'failed exited 3' });
  const answers = answersOf(stateDir);
  const lies = answers.wrongs(known, 'interrupted lost null');
  lies.push(...(check?.(stateDir, answers.records) ?? []));
  for (const name of runningOf(stateDir, 'job')) afterReboot(`${runningPath(stateDir, 'job')}/${name}`);
  const rebooted = answersOf(stateDir);
  lies.push(...rebooted.wrongs(known, 'interrupted rebooted null'));
  return [...lies, ...wrongsOnceSettled(stateDir, rebooted)];
}

/**
 * The machine was not really restarted. One that was has another boot id than the wrapper of a start record, and came
 * up after the record was last written.
 */
function afterReboot(path: string): void {
  try {
    rewriteWrapper(path, OTHER_BOOT);
  } catch {
    // torn, as readers will find it
  }
  utimesSync(path, 1, 1);
}

/** What readers say of a job. */
class Answers {
  constructor(
    readonly records: readonly RunRecord[],
    readonly last: RunRecord | null,
  ) {}

  /** @param inferred what they must say of a run whose end nobody saw. */
  wrongs(known: readonly Known[], inferred: string): string[] {
    const wrongs = known.flatMap((one) => this.wrongsOf(one, inferred));
    const ids = new Set(known.map((one) => one.id));
    const strangers = this.records.filter((record) => !ids.has(idOf(record)));
    wrongs.push(...strangers.map((record) => `a run from nowhere: ${idOf(record)}`));
    if (this.last?.cron_job_id !== this.records[0]?.cron_job_id) wrongs.push('ls and last disagree');
    return wrongs;
  }

  private wrongsOf({ id, began, ended, returned, end }: Known, inferred: string): string[] {
    const [said, ...more] = this.records.filter((record) => idOf(record) === id).map(wordsOf);
    if (said === undefined) {
      if (returned) return ['a run whose exec had returned is not on record'];
      return began ? ['a command that ran is not on record'] : [];
    }
    if (more.length > 0) return ['a run is there twice'];
    if (said === end) return ended ? [] : [`${said}, before its command had ended`];
    if (said !== inferred) return [`${said}, where it is ${end} or ${inferred}`];
    return returned ? [`${said}, where exec had returned: ${end}`] : [];
  }
}

function answersOf(stateDir: string): Answers {
  const registry = REAL.library.openRegistry({ stateDir });
  return new Answers(registry.runs('job', { limit: 100 }), registry.last('job'));
}

function idOf({ cron_job_id }: RunRecord): string {
  return cron_job_id.slice('cron:'.length);
}

/** What is wrong with the next run, or after it: it is told what readers say, and leaves each run once in the journal. */
function wrongsOnceSettled(stateDir: string, before: Answers): string[] {
  const journaled = journaledIds(stateDir, 'job');
  const isUnsaid = before.records.some((record) => isInferred(record) && !journaled.includes(idOf(record)));
  const keptTwice = idsWithEnd(stateDir);
  const { env, status, stderr } = runNext(stateDir, 'job');
  const after = answersOf(stateDir).records.filter((record) => record.cron_job_id !== env.CRONRUN_ID);
  const ids = journaledIds(stateDir, 'job').filter((id) => !keptTwice.includes(id));
  const isOnce = ids.length === after.length + 1 - keptTwice.length && new Set(ids).size === ids.length;
  const wrongs = {
    [`the next exec returns ${status}`]: status !== 0,
    [`the next run is told of ${env.CRONRUN_LAST_ID}`]:
      env.CRONRUN_LAST_ID !== (before.last?.cron_job_id ?? ''),
    [`the next exec says: ${stderr}`]: stderr.includes('INTERRUPTED') !== isUnsaid,
    [`once settled it is ${listOf(after)}`]: listOf(after) !== listOf(before.records),
    [`not once in the journal: ${ids}`]: !isOnce,
    [`there stays ${runningOf(stateDir, 'job')}`]: runningOf(stateDir, 'job').length > 0,
  };
  return Object.keys(wrongs).filter((wrong) => wrongs[wrong]);
}

function isInferred({ reason }: RunRecord): boolean {
  return reason === 'lost' || reason === 'rebooted';
}

/**
 * The runs whose start record has their end. Whether the journal has it too, and on disk, nobody knows who did not sync
 * it, so it is written there again; readers drop the second.
 */
function idsWithEnd(stateDir: string): string[] {
  const hasEnd = (name: string) =>
    name.includes('.end-') ||
    readFileSync(`${runningPath(stateDir, 'job')}/${name}`, 'latin1')
      .split('\n')[2]
      ?.startsWith('{');
  return runningOf(stateDir, 'job')
    .filter(hasEnd)
    .map((name) => name.slice(0, UUID_LENGTH));
}

const UUID_LENGTH = 36;

function listOf(records: readonly RunRecord[]): string {
  return records.map((record) => `${idOf(record)} ${wordsOf(record)}`).join(', ');
}

/** The moment that each of them is wrong at. */
const MUTANTS = [
  ['spawn before the record is durable', 'at once'],
  ['unlink before sync', 'after a commit'],
] as const;

/** Of the first run on a disk alone 33 cuts leave something else. */
const LOOKS = 6;

for (const type of DISKS) {
  describeUnless(
    firstObstacle(needsStrace, () => needsDisk(type)),
    `power cuts, ${type}`,
    () => {
      it('behind every call that touches the state directory', async ({ task }) => {
        const courses = type === 'ext4' || FULL ? [...COURSES, ...RARER] : COURSES;
        const all = courses.flatMap((course) => FAILING.map((failing) => ({ course, failing })));
        // A sample has each course with one of both ways to fail.
        const some = all.filter((_, i) => FULL || i % 4 === 0 || i % 4 === 3);
        const runs = type === 'ext4' ? some : sample(some, 3);
        const swept = await inBatches(runs, 2, ({ course, failing }) =>
          sweep(type, course, failing, REAL, LOOKS),
        );
        const points = swept.reduce((sum, one) => sum + one.points, 0);
        expectNoLies(
          task,
          `power cut at a call, ${type}`,
          points,
          swept.flatMap(({ lies }) => lies),
        );
      });

      for (const [mutant, failing] of type === 'ext4' || FULL ? MUTANTS : []) {
        it(`finds the mutant: ${mutant}`, async ({ task }) => {
          const built = await buildMutant(mutant);
          const { points, lies } = await sweep(type, SECOND_RUN, failing, built, Number.POSITIVE_INFINITY);
          expectCaught(task, `${mutant}: power cut, ${type}`, points, lies);
        });
      }
    },
  );
}
