import { cpSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jobDirectory, journalPath } from '../../src/state/directory.js';
import { segmentName } from '../../src/state/segments.js';
import { cronrun, scratch } from '../helpers/cronrun.js';
import { expectNoLies, sample } from '../helpers/figures.js';
import { REAL } from '../helpers/mutants.js';
import { describeUnless, needsStrace } from '../helpers/needs.js';
import { completed, failed, runId } from '../helpers/records.js';
import { JOB, putJournal } from '../helpers/state.js';
import { type CallPoint, callPoints, runWith } from '../helpers/sweep-calls.js';

/** So many calls of each command are tried where not all are. */
const MOST = 8;

const RUNS = 12;

/** Three pieces of four runs each, of which the last one failed. */
function template(isLong = false): string {
  const stateDir = `${scratch()}/state`;
  for (let n = 0; n < RUNS; n++) {
    putJournal(stateDir, [n === RUNS - 1 ? failed(n) : completed(n)]);
    if (n === 3 || n === 7) {
      const name = segmentName((n + 1) / 4, runId(100 + n));
      renameSync(journalPath(stateDir, JOB), `${jobDirectory(stateDir, JOB)}/${name}`);
    }
  }
  mkdirSync(`${jobDirectory(stateDir, JOB)}/running`);
  if (isLong) fillJournal(stateDir);
  return stateDir;
}

const LONG_LINES = 100;

/** Up to less than a line below 4 MiB, with few runs, and blank lines that readers pass over. */
function fillJournal(stateDir: string): void {
  const command = ['x'.repeat(32_000)];
  const lines = Array.from({ length: LONG_LINES }, (_, n) => completed(200 + n, { command }));
  putJournal(stateDir, lines);
  const rest = 4 * 1024 * 1024 - 100 - statSync(journalPath(stateDir, JOB)).size;
  putJournal(stateDir, [
    `${' '.repeat(1023)}\n`.repeat(Math.floor(rest / 1024)),
    `${' '.repeat(rest % 1024)}\n`,
  ]);
}

interface Seen {
  readonly runs: readonly string[];
  readonly last: string | undefined;
  readonly completedAt: string | null | undefined;
  readonly complaints: readonly string[];
}

/** What readers say, and what of it cannot be. */
function look(stateDir: string): Seen {
  const registry = REAL.library.openRegistry({ stateDir });
  const status = registry.status(JOB);
  const records = registry.runs(JOB, { limit: 10_000 });
  const runs = records.map((record) => record.cron_job_id.slice('cron:'.length));
  const complaints = [
    ...(new Set(runs).size < runs.length ? ['a run is there twice'] : []),
    ...(status !== null && status.unreadable > 0 ? [`${status.unreadable} lines are no record`] : []),
    ...(status?.last?.cron_job_id === records.find((one) => one.status !== 'running')?.cron_job_id
      ? []
      : ['last and ls disagree']),
  ];
  return { runs, last: status?.last?.cron_job_id, completedAt: status?.lastCompletedAt, complaints };
}

/** Tries `args` with `what` at each call that touches the state directory. @returns what was wrong, and how many calls. */
function sweep(
  from: string,
  args: readonly string[],
  what: string,
  judge: (stateDir: string, status: number | null) => string[],
): { points: number; lies: string[] } {
  const copy = () => {
    const stateDir = `${scratch()}/state`;
    cpSync(from, stateDir, { recursive: true });
    return stateDir;
  };
  const all = callPoints(copy(), args);
  // What is removed last goes by the last calls.
  const points = [...new Set([...sample(all, MOST), ...all.slice(-1)])];
  const lies = points.flatMap((point: CallPoint) => {
    const stateDir = copy();
    const { status, stderr } = runWith(stateDir, args, point, what);
    return judge(stateDir, status).map((lie) => `${lie}, ${what} at ${point.line}; ${status} ${stderr}`);
  });
  return { points: points.length, lies };
}

const FAULTS = sample(['signal=KILL', 'error=ENOSPC', 'error=EIO'], 2);

describeUnless(needsStrace(), 'what removes records', () => {
  describe.each(FAULTS)('%s at each call', (fault) => {
    const PRUNE = ['prune', '--keep-runs', '3', JOB];

    it('of prune: what stays is there, once, and another prune ends it', { timeout: 600_000 }, ({ task }) => {
      const from = template();
      const before = look(from);
      const stay = [runId(11), runId(10), runId(9)];
      const { points, lies } = sweep(from, PRUNE, fault, (stateDir, status) => {
        const seen = look(stateDir);
        const wrong = [...seen.complaints];
        if (stay.some((id) => !seen.runs.includes(id))) wrong.push(`only ${seen.runs.length} runs are left`);
        if (seen.last !== before.last || seen.completedAt !== before.completedAt)
          wrong.push('another last run');
        if (status === 0 && seen.runs.length > 3) wrong.push('it did nothing and said that all was well');
        if (fault !== 'signal=KILL' && status !== 0 && status !== 125) wrong.push(`exit status ${status}`);
        const again = cronrun(stateDir, PRUNE);
        if (again.status !== 0 || look(stateDir).runs.join() !== stay.join())
          wrong.push(`then: ${again.stderr}`);
        const left = readdirSync(jobDirectory(stateDir, JOB)).filter((name) => name.startsWith('.'));
        return [...wrong, ...left.map((name) => `${name} is left`)];
      });
      expectNoLies(task, `prune, ${fault}`, points, lies);
    });

    it('of forget: all is there or nothing, and another forget ends it', { timeout: 600_000 }, ({ task }) => {
      const { points, lies } = sweep(template(), ['forget', JOB], fault, (stateDir, status) => {
        const seen = look(stateDir);
        const wrong = [...seen.complaints];
        if (seen.runs.length !== 0 && seen.runs.length !== RUNS)
          wrong.push(`${seen.runs.length} runs are left`);
        if (status === 0 && seen.runs.length > 0) wrong.push('it did nothing and said that all was well');
        if (fault !== 'signal=KILL' && status !== 0 && status !== 125) wrong.push(`exit status ${status}`);
        const again = cronrun(stateDir, ['forget', JOB]);
        if (again.status !== 0 && again.status !== 193) wrong.push(`then: ${again.stderr}`);
        return [...wrong, ...readdirSync(`${stateDir}/jobs`).map((name) => `${name} is left`)];
      });
      expectNoLies(task, `forget, ${fault}`, points, lies);
    });

    it('of a run that rotates and removes: the newest are there, once', { timeout: 600_000 }, ({ task }) => {
      const from = template(true);
      const must = look(from).runs.slice(0, RUNS - 8 + LONG_LINES);
      const args = ['exec', '--journal-limit', '4M', JOB, '--', 'true'];
      let rotated = 0;
      const { points, lies } = sweep(from, args, fault, (stateDir, status) => {
        const seen = look(stateDir);
        const wrong = [...seen.complaints];
        if (must.some((id) => !seen.runs.includes(id))) wrong.push('a run is lost');
        if (fault !== 'signal=KILL' && status !== 0) wrong.push(`exit status ${status}`);
        if (seen.runs.length < RUNS + LONG_LINES) rotated++;
        const again = cronrun(stateDir, args);
        const then = look(stateDir);
        if (again.status !== 0 || must.some((id) => !then.runs.includes(id)))
          wrong.push(`then: ${again.stderr}`);
        return [...wrong, ...then.complaints];
      });
      expectNoLies(task, `a run that rotates, ${fault}`, points, lies);
      expect(rotated).toBeGreaterThan(0);
    });
  });
});
