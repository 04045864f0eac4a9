import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runningOf, scratch } from '../helpers/cronrun.js';
import { expectCaught, expectNoLies, FULL } from '../helpers/figures.js';
import { buildMutant, REAL } from '../helpers/mutants.js';
import { Random } from '../helpers/random.js';
import { journalFile } from '../helpers/start-records.js';
import { Storm, type StormPlan } from '../helpers/storm.js';
import { NUMBER_AT, sayingOf } from '../helpers/storm-answers.js';
import { Judge } from '../helpers/storm-judge.js';
import { runNext } from '../helpers/truth.js';

/** What came of one storm or of several. */
interface Outcome {
  answers: number;
  begun: number;
  cutShort: number;
  readonly lies: string[];
}

async function rage(plan: StormPlan, outcome: Outcome): Promise<void> {
  const storm = new Storm(plan);
  await storm.rage();
  const runs = storm.book.read();
  const judge = new Judge(runs, storm.answers);
  const lies = [...judge.lies, ...liesOfWrappers(storm), ...liesAfterwards(storm, judge)];
  outcome.answers += storm.answers.length;
  outcome.begun += [...runs.values()].filter((run) => run.id !== null).length;
  outcome.cutShort += [...runs.values()].filter((run) => run.status === null).length;
  outcome.lies.push(...lies.map((lie) => `${lie} (CRONRUN_TEST_SEED=${plan.random.seed})`));
}

/** Who was not killed exits with the command's own code, and says nothing but that it found others cut short. */
function liesOfWrappers({ book, wrappers }: Storm): string[] {
  const runs = book.read();
  return [...wrappers].flatMap(([number, { stderr }]) => {
    const { status, code } = runs.get(number) ?? {};
    const foundOthers = /^cronrun: job: the run before, of .*\n? .*INTERRUPTED/.test(stderr);
    const wrong = stderr === '' || foundOthers ? [] : [`wrapper ${number} says ${stderr}`];
    return status === null || status === code ? wrong : [...wrong, `wrapper ${number} exits with ${status}`];
  });
}

/** One more run settles what the storm left: each run that began stands there once, as readers said before. */
function liesAfterwards(storm: Storm, judge: Judge): string[] {
  const { stateDir, book } = storm;
  const registry = REAL.library.openRegistry({ stateDir });
  const lastBefore = registry.last('job')?.cron_job_id;
  const next = runNext(stateDir, 'job');
  const lies: string[] = [];
  if (next.status !== 0 || next.env.CRONRUN_LAST_ID !== lastBefore)
    lies.push('the next run is told another last run');

  const records = registry
    .runs('job', { limit: 100_000 })
    .filter((run) => run.cron_job_id !== next.env.CRONRUN_ID);
  const listed = new Map(records.map((record) => [Number(record.command[NUMBER_AT]), record]));
  if (listed.size < records.length) lies.push('in the end a run is there twice');
  for (const [number, run] of book.read()) {
    const record = listed.get(number);
    if (record === undefined) {
      if (run.id !== null) lies.push(`in the end run ${number} is lost`);
      continue;
    }
    const verdict = sayingOf(record).split(' ').slice(2).join(' ');
    const wanted = judge.verdictOf(number) ?? verdict;
    if (record.status === 'running' || verdict !== wanted) {
      lies.push(`in the end run ${number} is ${verdict}, and was ${wanted}`);
    }
  }
  return [...lies, ...clutterIn(stateDir)];
}

/** Lines that are no record, and start records. Temporary files stay for an hour, in case their writer is only slow. */
function clutterIn(stateDir: string): string[] {
  const { unreadable } = REAL.library.openRegistry({ stateDir }).status('job') ?? { unreadable: 0 };
  const lines = readFileSync(journalFile(stateDir, 'job'), 'utf8').split('\n').slice(0, -1);
  return [
    ...(unreadable > 0 ? [`in the end ${unreadable} lines are no record`] : []),
    ...lines.filter((line) => !isWhole(line)).map((line) => `in the end a line is not whole: ${line}`),
    ...runningOf(stateDir, 'job')
      .filter((name) => !name.endsWith('.tmp'))
      .map((name) => `in the end ${name} is left`),
  ];
}

function isWhole(line: string): boolean {
  try {
    return (JSON.parse(line) as { cron_job_id?: unknown }).cron_job_id !== undefined;
  } catch {
    return false;
  }
}

describe('two hundred wrappers of one job at once, of which half are killed', () => {
  it('readers say nothing that is not so, and each run that began is there once in the end', async ({
    task,
  }) => {
    const outcome: Outcome = { answers: 0, begun: 0, cutShort: 0, lies: [] };
    for (let storm = 0; storm < (FULL ? 3 : 1); storm++) {
      await rage(
        { built: REAL, runs: 200, killed: 100, random: new Random(), directory: scratch() },
        outcome,
      );
    }
    console.log(`${outcome.begun} commands ran, ${outcome.cutShort} wrappers were killed`);
    expectNoLies(task, 'half of 200 wrappers killed, readers asking', outcome.answers, outcome.lies);
    expect(outcome.cutShort).toBeGreaterThan(50);
  });

  it('readers that look into the journal first are caught', async ({ task }) => {
    const built = await buildMutant('journal read before running/');
    const outcome: Outcome = { answers: 0, begun: 0, cutShort: 0, lies: [] };
    for (let storm = 0; storm < 8 && outcome.lies.length === 0; storm++) {
      await rage({ built, runs: 80, killed: 0, random: new Random(), directory: scratch() }, outcome);
    }
    expectCaught(task, 'journal read before running/ (storm)', outcome.answers, outcome.lies);
    expect(outcome.lies.some((lie) => lie.includes('not there') || lie.includes('vanished'))).toBe(true);
  });
});
