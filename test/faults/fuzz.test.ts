import { mkdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeLine, idOf } from '../../src/model/record.js';
import { inBatches } from '../helpers/batches.js';
import { uncleanIn, uncleanJson, withoutColours } from '../helpers/clean.js';
import { type Result, scratch, start } from '../helpers/cronrun.js';
import { expectNoLies, FULL } from '../helpers/figures.js';
import { mutations, rawLines } from '../helpers/mutations.js';
import { Random } from '../helpers/random.js';
import { completed, failed, lost, runId } from '../helpers/records.js';
import { journalFile, runningPath } from '../helpers/start-records.js';
import { deadChild, deadHere, otherBoot, startBytes } from '../helpers/state.js';

// What test/state/fuzz.test.ts asks ten thousand times of the modules, asked of the program itself.

const JOBS = FULL ? 120 : 10;

const RECORDS = [completed(1), failed(2), lost(3), completed(4, { user: 'jürgen' })];
const LINES = RECORDS.map((record) => Buffer.from(`${encodeLine(record)}\n`).toString('latin1'));
const STARTS = [
  startBytes(10, { wrapper: deadHere(), child: deadChild() }),
  startBytes(11, { wrapper: otherBoot() }),
];

/** A job to whose files anything may have happened. */
interface Fuzzed {
  readonly job: string;
  /** Ids of the records that are whole. */
  readonly whole: readonly string[];
}

function fuzz(stateDir: string, random: Random): Fuzzed[] {
  const all = fc.sample(mutations, { numRuns: JOBS * 2, seed: random.seed });
  return Array.from({ length: JOBS }, (_, number) => {
    const job = `job-${number}`;
    const [mutateJournal, mutateStart] = [all[2 * number], all[2 * number + 1]];
    const plain = Buffer.from(LINES.join(''), 'latin1');
    const journal = number % 4 === 0 ? plain : (mutateJournal?.(plain) ?? plain);
    mkdirSync(runningPath(stateDir, job), { recursive: true });
    writeFileSync(journalFile(stateDir, job), journal);
    STARTS.forEach((bytes, i) => {
      writeFileSync(
        `${runningPath(stateDir, job)}/${runId(10 + i)}.jsonl`,
        i === 0 ? (mutateStart?.(bytes) ?? bytes) : bytes,
      );
    });
    const lines = new Set(rawLines(journal).map((line) => `${line}\n`));
    const whole = RECORDS.filter((_record, i) => lines.has(LINES[i] ?? '')).map(idOf);
    return { job, whole: [...whole, runId(11)] };
  });
}

/** Answers that were asked for so far, and what was wrong with them. */
class Asking {
  points = 0;
  readonly lies: string[] = [];
  readonly #stateDir: string;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  async ask(args: readonly string[], wrongs: (answer: Result) => readonly string[]): Promise<Result> {
    const answer = await start(this.#stateDir, args).ended;
    this.points++;
    const crashed = /\n\s+at |internal error/.test(answer.stderr) || answer.signal !== null;
    const wrong = [...wrongs(answer), ...uncleanIn(answer.stderr), ...(crashed ? ['crashed'] : [])];
    this.lies.push(...wrong.map((what) => `${args.join(' ')}: ${what}: ${answer.stderr.slice(0, 300)}`));
    return answer;
  }

  async askForPeople(args: readonly string[]): Promise<void> {
    await this.ask([...args, '--color', 'never'], ({ stdout }) => uncleanIn(stdout));
    await this.ask([...args, '--color', 'always'], ({ stdout }) => uncleanIn(withoutColours(stdout)));
  }
}

async function askAllOf(asking: Asking, { job, whole }: Fuzzed): Promise<void> {
  const hasAll = ({ stdout }: Result) =>
    whole.filter((id) => !stdout.includes(id)).map((id) => `${id} is whole and not found`);
  const list = ['ls', '--json', '-n', '1000', job];
  await asking.ask(list, (answer) => [...uncleanJson(answer.stdout), ...hasAll(answer)]);
  await asking.ask(['last', '--json', job], ({ stdout }) => uncleanJson(stdout));
  await asking.ask(['status', '--json', job], ({ stdout }) => uncleanJson(stdout));
  await asking.askForPeople(['status', job]);
  await asking.askForPeople(['ls', job]);
  await asking.ask(['exec', job, '--', 'sh', '-c', 'exit 7'], ({ status }) =>
    status === 7 ? [] : [`exit status ${status}`],
  );
  await asking.ask(list, (answer) => [...uncleanJson(answer.stdout), ...hasAll(answer)]);
  await asking.ask(['last', '--exit-code', job], ({ status }) =>
    [7, 196].includes(status) ? [] : [`exit status ${status}`],
  );
}

it(`the files of ${JOBS} jobs damaged: readers answer, and the next run goes its way`, async ({ task }) => {
  const [stateDir, random] = [scratch(), new Random()];
  const jobs = fuzz(stateDir, random);
  const asking = new Asking(stateDir);
  await asking.ask(['ls', '--json'], ({ stdout }) => uncleanJson(stdout));
  await asking.askForPeople(['ls']);
  await asking.ask(['last', '--json'], ({ stdout }) => uncleanJson(stdout));
  await asking.askForPeople(['status', runId(11)]);
  await inBatches(jobs, 2, (job) => askAllOf(asking, job));
  const lies = asking.lies.map((lie) => `${lie} (CRONRUN_TEST_SEED=${random.seed})`);
  expectNoLies(task, 'journals and start records damaged', asking.points, lies);
  expect(jobs.some(({ whole }) => whole.length < RECORDS.length)).toBe(true);
});
