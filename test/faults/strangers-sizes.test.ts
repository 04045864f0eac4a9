// What is far larger than anybody expects is read in bounded memory, and no further than it takes.
import { readFileSync, truncateSync } from 'node:fs';
import { it } from 'vitest';
import { type EndedRecord, encodeLine } from '../../src/model/record.js';
import {
  BIN,
  cronEnvironment,
  cronrun,
  journalOf,
  runningOf,
  runProgram,
  scratch,
} from '../helpers/cronrun.js';
import { expectNoLies, FULL } from '../helpers/figures.js';
import { REAL } from '../helpers/mutants.js';
import { describeUnless, firstObstacle, needsLinux, needsProgram, needsStrace } from '../helpers/needs.js';
import { Hearing } from '../helpers/readers.js';
import { at, completed, failed, lost } from '../helpers/records.js';
import { journalFile, plantStartRecord } from '../helpers/start-records.js';
import { putJournal } from '../helpers/state.js';
import { traceCalls } from '../helpers/strace.js';
import { endedTruth, jsonLines, runNext } from '../helpers/truth.js';

const { openRegistry } = REAL.library;

const TIME = '/usr/bin/time';
const needsTime = () => needsProgram(TIME, ['-f', '%M', 'true']);

const MB = 1_000_000;
const MOST_MEMORY = 150 * MB;

interface Measured {
  readonly status: number;
  readonly stdout: string;
  /** Peak resident set, bytes. */
  readonly memory: number;
}

function measured(stateDir: string, ...args: string[]): Measured {
  const peak = `${stateDir}.peak`;
  const env = cronEnvironment({ CRONRUN_STATE_DIR: stateDir });
  const { status, stdout } = runProgram(TIME, ['-f', '%M', '-o', peak, BIN, ...args], { env });
  const kibibytes = Number(/(\d+)\s*$/.exec(readFileSync(peak, 'utf8'))?.[1]);
  return { status, stdout, memory: kibibytes * 1024 };
}

const ASKING = [['last', 'job'], ['status', 'job'], ['ls'], ['ls', 'job'], ['ls', '--json', 'job']];

/** Nobody takes more memory than a small machine has. */
function expectSmall(hearing: Hearing, what: string, stateDir: string, most = MOST_MEMORY): void {
  for (const args of ASKING) {
    const { memory } = measured(stateDir, ...args);
    hearing.expect(`${what}: ${args.join(' ')}: ${memory} bytes: small`, memory < most, true);
  }
}

/** Runs from number `from` on. The last one failed with 23. */
function runsFrom(from: number, count: number): EndedRecord[] {
  const runs = Array.from({ length: count - 1 }, (_, n) => completed(from + n, { job: 'job' }));
  return [...runs, failed(from + count - 1, 23, { job: 'job' })];
}

const FAILED = endedTruth('failed exited', 23);

/** How much of the journal is read by a call. */
function bytesRead(stateDir: string, args: readonly string[]): number {
  const { calls } = traceCalls(stateDir, 'read,pread64', args);
  const ofJournal = calls.filter((call) => call.args.includes('/journal.jsonl>'));
  return ofJournal.reduce((sum, call) => sum + Math.max(0, Number.parseInt(call.result, 10) || 0), 0);
}

describeUnless(firstObstacle(needsLinux, needsTime, needsStrace), 'a journal of 2 GB', () => {
  /** Thirty runs, a hole, and the runs of `end`. */
  function withHole(size: number, end: readonly EndedRecord[]): string {
    const stateDir = scratch();
    putJournal(stateDir, runsFrom(0, 30), 'job');
    truncateSync(journalFile(stateDir, 'job'), size);
    putJournal(stateDir, ['\n', ...end], 'job');
    return stateDir;
  }

  it('is read from its end, in little memory', ({ task }) => {
    const hearing = new Hearing();
    // status counts the runs that completed in a row, a thousand at most.
    const stateDir = withHole(2 ** 31, runsFrom(40, 1010));
    hearing.ask('many runs behind the hole', stateDir, 'job', FAILED);
    expectSmall(hearing, 'many runs behind the hole', stateDir);
    const calls = [
      ['last', 'job'],
      ['status', 'job'],
      ['ls'],
      ['ls', '--json', 'job'],
      ['exec', 'job', '--', 'true'],
    ];
    for (const args of calls) {
      const bytes = bytesRead(stateDir, args);
      hearing.expect(`${args.join(' ')}: ${bytes} bytes read: few`, bytes > 0 && bytes < 2 * MB, true);
    }
    hearing.ask('one run more', stateDir, 'job', endedTruth('completed exited', 0));
    hearing.expect('exec: small', measured(stateDir, 'exec', 'job', '--', 'true').memory < MOST_MEMORY, true);

    // Who wants more runs than there are behind it has to go through it: in little memory, too.
    const one = withHole(FULL ? 2 ** 31 : 2 ** 28, runsFrom(40, 1));
    hearing.ask('one run behind the hole', one, 'job', FAILED);
    expectSmall(hearing, 'one run behind the hole', one);
    hearing.expect(
      'runs before the hole',
      jsonLines(cronrun(one, ['ls', '--json', 'job']).stdout).length,
      20,
    );
    hearing.expect('CRONRUN_LAST_EXIT_CODE', runNext(one, 'job').env.CRONRUN_LAST_EXIT_CODE, '23');
    expectNoLies(task, 'journal of 2 GB, most of it a hole', hearing.points, hearing.lies);
  });
});

describeUnless(firstObstacle(needsLinux, needsTime), 'a journal line of 50 MB', () => {
  const LONG = 50 * MB;
  const record = { ...completed(99, { job: 'job' }), command: ['x'.repeat(LONG)] };
  const LINES = {
    'garbage in the last line': `${'x'.repeat(LONG)}\n`,
    'garbage without an end': 'x'.repeat(LONG),
    'what says it is a record': `${encodeLine(record)}\n`,
  };

  it('is passed over', ({ task }) => {
    const hearing = new Hearing();
    for (const [what, line] of Object.entries(LINES)) {
      const stateDir = scratch();
      putJournal(stateDir, [...runsFrom(0, 30), line], 'job');
      hearing.ask(what, stateDir, 'job', FAILED);
      expectSmall(hearing, what, stateDir);
      const { env, status } = runNext(stateDir, 'job');
      hearing.expect(`${what}: exec`, [status, env.CRONRUN_LAST_EXIT_CODE], [0, '23']);
      hearing.ask(`${what}, one run behind it`, stateDir, 'job', endedTruth('completed exited', 0));
      const runs = jsonLines(cronrun(stateDir, ['ls', '--json', '-n', '50', 'job']).stdout);
      hearing.expect(`${what}: runs before and behind it`, runs.length, 31);
    }
    expectNoLies(task, 'journal line of 50 MB', hearing.points, hearing.lies);
  });
});

/** Files of 12 KiB, each of which is judged. */
const STARTS = FULL ? 10_000 : 500;

describeUnless(firstObstacle(needsLinux, needsTime, needsStrace), 'thousands of start records', () => {
  it('are judged in little memory, and settled with one sync before the command', ({ task }) => {
    const hearing = new Hearing();
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    for (let n = 0; n < STARTS; n++) plantStartRecord(stateDir, 'job', { startedAt: at(n / 60) });
    hearing.ask('all of them dead', stateDir, 'job', endedTruth('interrupted lost', 195));
    expectSmall(hearing, 'all of them dead', stateDir, 256 * MB);

    const watched = 'fsync,fdatasync,unlink,unlinkat,execve';
    const { result, calls } = traceCalls(stateDir, watched, ['exec', 'job', '--', 'true'], {
      timeoutMs: 300_000,
    });
    const ours = calls.filter((call) => call.args.includes(stateDir) || /\/true"/.test(call.args));
    const steps = ours.map((call) => (call.args.includes('/journal.jsonl>') ? 'journal' : call.name));
    const unlinks = steps.filter((step) => step === 'unlink').length;
    hearing.expect('exec', [result.status, /INTERRUPTED/.test(result.stderr)], [0, true]);
    hearing.expect('exec: steps before the first unlink', steps.slice(0, 3), ['journal', 'fsync', 'unlink']);
    hearing.expect('exec: unlinks', unlinks, STARTS + 2); // its own start record, and its checkpoints
    const settled = steps.slice(2, 2 + STARTS).every((step) => step === 'unlink');
    hearing.expect('exec: settled without another sync', settled, true);
    hearing.expect('exec: lines', journalOf(stateDir, 'job').length, STARTS + 2);
    hearing.expect('exec: running/', runningOf(stateDir, 'job'), []);
    hearing.ask('all of them settled', stateDir, 'job', endedTruth('completed exited', 0));
    expectNoLies(task, `${STARTS} start records of one job`, hearing.points, hearing.lies);
  });
});

const JOBS = FULL ? 10_000 : 500;

describeUnless(firstObstacle(needsLinux, needsTime), 'thousands of jobs', () => {
  it('are listed, each as it is, in little memory', ({ task }) => {
    const hearing = new Hearing();
    const stateDir = scratch();
    const ends = (job: string) => [completed(1, { job }), failed(2, 23, { job }), lost(3, { job })];
    const words = ['completed', 'failed', 'interrupted'];
    for (let n = 0; n < JOBS; n++) {
      const job = `job-${n}`;
      putJournal(stateDir, [completed(0, { job }), ends(job)[n % 3] as EndedRecord], job);
    }
    const { status, stdout, memory } = measured(stateDir, 'ls', '--get', 'job,status', '--sort', 'name');
    const said = new Map(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ') as [string, string]),
    );
    for (let n = 0; n < JOBS; n++) hearing.expect(`job-${n}`, said.get(`job-${n}`), words[n % 3]);
    hearing.expect('ls: exit status, jobs', [status, said.size], [0, JOBS]);
    hearing.expect(`ls --get: ${memory} bytes: small`, memory < MOST_MEMORY, true);
    expectSmall(hearing, 'all of them', stateDir);
    const names = openRegistry({ stateDir }).jobs();
    hearing.expect('library', [names.length, names[0]], [JOBS, 'job-0']);
    expectNoLies(task, `${JOBS} jobs`, hearing.points, hearing.lies);
  });
});
