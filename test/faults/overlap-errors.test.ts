import { it } from 'vitest';
import { cronrun, journalOf, lastOf, said, scratch, start } from '../helpers/cronrun.js';
import { type Fault, injectionAt, type Point, pointsOf } from '../helpers/error-points.js';
import { expectNoLies, sample } from '../helpers/figures.js';
import { type FileCall, type Injected, runInjected } from '../helpers/injected.js';
import { REAL } from '../helpers/mutants.js';
import { describeUnless, firstObstacle, needsProgram, needsStrace } from '../helpers/needs.js';

const EXEC = ['exec', '--overlap', 'skip', 'job', '--', 'echo', 'ran'];
const LOCK = '/jobs/job/lock';

/** Of each point one error, in turn. */
const FAULTS: readonly Fault[] = ['EIO', 'ENOSPC', 'EMFILE', 'EROFS'].map((error) => ({
  what: `error=${error}`,
  lasts: 'once',
}));

interface Tried extends Injected {
  readonly words: string;
}

/** Asks for a run at each point of one, and hands what came of it to `judge`. */
async function sweep(
  stateDir: string,
  wanted: (point: Point) => boolean,
  judge: (tried: Tried) => readonly string[],
): Promise<{ points: number; lies: string[] }> {
  const place = { bin: REAL.bin, stateDir, trace: `${scratch()}/trace` };
  const { calls } = await runInjected(place, EXEC, { faults: [], only: null });
  const points = sample(pointsOf(calls).filter(wanted), 60);
  const lies: string[] = [];
  for (const [index, point] of points.entries()) {
    const fault = FAULTS[index % FAULTS.length] as Fault;
    const injection = injectionAt(point, fault, stateDir, calls as readonly FileCall[]);
    if (injection === null) continue;
    const words = `${fault.what}, ${point.name} ${point.nth} ${point.where}`;
    const found = judge({ ...(await runInjected(place, EXEC, injection)), words });
    lies.push(...found.map((lie) => `${words}: ${lie}`));
  }
  return { points: points.length, lies };
}

/** It ran, or it says that it did not and why. */
function judgeFree({ result }: Tried): string[] {
  if (result === null) return ['it hangs'];
  if (result.status === 0 && result.stdout === 'ran\n') return [];
  const isRefused = result.status === 125 && result.stdout === '';
  if (isRefused && /NOT STARTED: its (lock cannot be had|start cannot be recorded)/.test(said(result)))
    return [];
  return [`it exits with ${result.status}, and says ${result.stderr}`];
}

describeUnless(
  firstObstacle(needsStrace, () => needsProgram('flock')),
  'errors under --overlap skip',
  () => {
    it('where the job is free: it runs, or says why not', async ({ task }) => {
      const stateDir = scratch();
      cronrun(stateDir, EXEC);
      const isBefore = ({ where, afterStart }: Point) => where === LOCK || !afterStart;
      const { points, lies } = await sweep(stateDir, isBefore, judgeFree);
      expectNoLies(task, 'error at a file call, a run that wants the lock', points, lies);
    });

    it('where it is not: nothing runs, and that is on record or said', async ({ task }) => {
      const stateDir = scratch();
      cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 5']);
      const hold = ['exec', '--overlap', 'skip', 'job', '--', 'sh', '-c', 'echo ready; read line'];
      const run = start(stateDir, hold);
      await run.says('ready');
      const last = JSON.stringify(lastOf(stateDir, 'job'));
      let lines = 2; // that one, and what the sweep skips to see which calls there are
      const judge = ({ result }: Tried): string[] => {
        const now = wholeLines(stateDir);
        const added = now - lines;
        lines = now;
        if (result === null) return ['it hangs'];
        const talk = said(result);
        const isSaid = talk.includes('cannot be recorded') || talk.includes('its lock cannot be had');
        const isKnown = result.status === 75 ? added === 1 || isSaid : result.status === 125 && isSaid;
        return [
          ...(isKnown ? [] : [`it exits with ${result.status}, ${added} lines more, and says ${talk}`]),
          ...(result.stdout === '' ? [] : ['it ran']),
          ...(JSON.stringify(lastOf(stateDir, 'job')) === last ? [] : ['the last run is another one']),
        ];
      };
      const { points, lies } = await sweep(
        stateDir,
        () => true,
        (tried) => judge(tried),
      );
      run.child.stdin?.end('\n');
      await run.ended;
      expectNoLies(task, 'error at a file call, a run that is skipped', points, lies);
    });
  },
);

/** Runs on record, each once: a line whose sync failed is said not to be there, and may be. */
function wholeLines(stateDir: string): number {
  return new Set(journalOf(stateDir, 'job').map((line) => line.cron_job_id)).size;
}
