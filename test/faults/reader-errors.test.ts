import { it } from 'vitest';
import { inBatches } from '../helpers/batches.js';
import { scratch } from '../helpers/cronrun.js';
import { expectNoLies, sample } from '../helpers/figures.js';
import { type FileCall, isInjected, type Place, runInjected } from '../helpers/injected.js';
import { REAL } from '../helpers/mutants.js';
import { describeUnless, needsStrace } from '../helpers/needs.js';
import {
  ABSENT,
  type Inhabited,
  inhabit,
  JOBS,
  LIST,
  type Question,
  questionsTo,
} from '../helpers/reader-errors.js';

/**
 * What a reader asks of the machine: its records, and those of whom they speak. Of other processes it asks the same.
 * To close a file of /proc never fails, see proc(5), and node ends itself where it seems to.
 */
function isOfReader({ name, where, path }: FileCall, { pids }: Inhabited): boolean {
  if (where !== '' || name === 'close') return where !== '';
  const pid = /^\/proc\/(\d+)(\/|$)/.exec(path)?.[1];
  if (pid !== undefined) return pids.includes(Number(pid));
  return /^\/proc(\/self\/|\/sys\/|\/stat$|$)|^\/etc\/machine-id$/.test(path);
}

async function pointsOf(question: Question, inhabited: Inhabited, trace: string): Promise<FileCall[]> {
  const place: Place = { bin: REAL.bin, stateDir: inhabited.stateDir, trace };
  const { calls } = await runInjected(place, question.args, { faults: [], only: null });
  const first = calls.findIndex(({ where }) => where !== '');
  return calls.slice(first).filter((call) => isOfReader(call, inhabited));
}

interface Asked {
  readonly question: Question;
  readonly point: FileCall;
  readonly fault: string;
}

/** What was asked, of those where a call failed, and the lies among the answers. */
async function sweep(
  questions: readonly Question[],
  wanted: (point: FileCall) => boolean = () => true,
): Promise<{ points: number; lies: string[] }> {
  const directory = scratch();
  const inhabited = inhabit(`${directory}/state`);
  const { stateDir } = inhabited;
  const points = await inBatches(questions, 2, async (question) =>
    pointsOf(question, inhabited, `${directory}/${questions.indexOf(question)}`),
  );
  const asked: Asked[] = questions.flatMap((question, i) =>
    (points[i] ?? [])
      .filter(wanted)
      .flatMap((point) => faultsAt(point).map((fault) => ({ question, point, fault }))),
  );
  let tried = 0;
  const chosen = sample(asked, SAMPLE);
  const lies = await inBatches(chosen, 2, async (one) => {
    const { question, point, fault } = one;
    const trace = `${directory}/trace-${chosen.indexOf(one)}`;
    const { calls, result } = await runInjected({ bin: REAL.bin, stateDir, trace }, question.args, {
      faults: [fault],
      only: null,
      seen: [point.name],
    });
    // Node does not always make the same calls: one that only it makes is not what was meant.
    const met = calls.find(isInjected);
    if (met === undefined || !isOfReader(met, inhabited)) return [];
    tried++;
    const lie = result === null ? 'it hung' : question.lieIn(result);
    return lie === null ? [] : [`${question.args.join(' ')}, ${fault} ${point.path}: ${lie}`];
  });
  return { points: tried, lies: lies.flat() };
}

/** A process that has too many files open cannot open one, now or ever; what is open it can read. */
function faultsAt({ name, nth }: FileCall): string[] {
  const once = [`${name}:error=EIO:when=${nth}`];
  return name === 'openat'
    ? [...once, `${name}:error=EMFILE:when=${nth}`, `${name}:error=EMFILE:when=${nth}+`]
    : once;
}

/** So many are asked of each set of questions, unless all are. */
const SAMPLE = 12;

describeUnless(needsStrace(), 'errors that readers meet', () => {
  for (const job of sample(JOBS, 3)) {
    it(`asked for a run: ${job}`, async ({ task }) => {
      const { points, lies } = await sweep(questionsTo(job));
      expectNoLies(task, `error at a file call, readers of a run: ${job}`, points, lies);
    });
  }

  // Who asks for one job asks the machine the same.
  it('asked for all jobs, and for one that is not there', async ({ task }) => {
    const { points, lies } = await sweep([LIST, ...ABSENT], ({ where }) => where !== '');
    expectNoLies(task, 'error at a file call, readers of all jobs', points, lies);
  });
});
