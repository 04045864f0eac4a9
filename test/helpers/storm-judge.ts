import type { Answer } from './storm-answers.js';
import type { TrueRun } from './storm-book.js';

/** One run in an answer, see sayingOf. */
interface Saying {
  readonly number: number;
  readonly id: string;
  /** "failed exited 3" */
  readonly verdict: string;
  readonly isEnded: boolean;
}

/** Processes of other users cannot be looked into by anybody but root: a run may rightly be unverifiable for a while. */
const SEES_ALL = process.getuid?.() === 0;

/**
 * Holds every answer against what may truly have been said at some moment between question and answer, and against all
 * other answers: what was on record stays on record, and how a run ended is never told otherwise.
 */
export class Judge {
  readonly #runs: ReadonlyMap<number, TrueRun>;
  readonly #sayings = new Map<string, Saying>();
  /** When it was first known, by any reader, that a run is on record, and that it has ended; by its number. */
  readonly #recorded = new Map<number, number>();
  readonly #ended = new Map<number, number>();
  readonly #verdicts = new Map<number, string>();
  readonly lies: string[] = [];

  constructor(runs: ReadonlyMap<number, TrueRun>, answers: readonly Answer[]) {
    this.#runs = runs;
    for (const answer of answers) this.#note(answer);
    for (const answer of answers) this.#judge(answer);
  }

  /** How a run ended, if any reader said so. */
  verdictOf(number: number): string | null {
    return this.#verdicts.get(number) ?? null;
  }

  #note(answer: Answer): void {
    for (const { number, verdict, isEnded } of this.#mentioned(answer)) {
      noteEarliest(this.#recorded, number, answer.answered);
      if (!isEnded) continue;
      noteEarliest(this.#ended, number, answer.answered);
      const known = this.#verdicts.get(number) ?? verdict;
      if (known !== verdict) this.#lie(answer, `run ${number} is ${verdict}, and was ${known}`);
      this.#verdicts.set(number, known);
    }
  }

  #judge(answer: Answer): void {
    const { facts } = answer;
    if (facts.complaint !== undefined) this.#lie(answer, facts.complaint);
    for (const saying of this.#mentioned(answer)) {
      const wrong = this.#wrongWith(saying, answer);
      if (wrong !== null) this.#lie(answer, `run ${saying.number} is ${saying.verdict}, but ${wrong}`);
    }
    if (facts.runs !== undefined) this.#judgeList(this.#read(facts.runs), answer);
    if (facts.running !== undefined) this.#judgeRunning(facts.running, answer);
    if (facts.last !== undefined) this.#judgeLast(facts.last, answer);
  }

  #read(sayings: readonly string[]): Saying[] {
    return sayings.map((saying) => {
      const known = this.#sayings.get(saying) ?? parseSaying(saying);
      this.#sayings.set(saying, known);
      return known;
    });
  }

  #mentioned({ facts }: Answer): Saying[] {
    const { runs = [], newest = null, last = null } = facts;
    return this.#read([...runs, newest, last].filter((saying) => saying !== null));
  }

  /** Why that cannot be said of a run at that time; null where it can. */
  #wrongWith({ number, id, verdict, isEnded }: Saying, { from, to, asked }: Answer): string | null {
    const run = this.#runs.get(number);
    if (run === undefined || run.start > to) return 'it was not started yet';
    if (run.id !== null && run.id !== id) return `its id is ${run.id}`;
    if (!isEnded && (this.#ended.get(number) ?? asked) < asked) return 'it was said to have ended before';
    switch (verdict) {
      case 'running running':
        return run.dead > from ? null : 'its wrapper was dead';
      case 'running orphaned':
        return orphanedWrongly(run, from, to);
      case 'running unverifiable':
        return SEES_ALL ? 'everything can be seen' : orphanedWrongly(run, from, to);
      case 'interrupted lost':
        return lostWrongly(run, to);
      default:
        return endedWrongly(run, verdict, to);
    }
  }

  #judgeList(sayings: readonly Saying[], answer: Answer): void {
    const listed = new Set(sayings.map(({ number }) => number));
    if (listed.size < sayings.length) this.#lie(answer, 'a run is there twice');
    for (const [number, run] of this.#runs) {
      if (listed.has(number)) continue;
      if (run.begin <= answer.from) this.#lie(answer, `run ${number} had begun and is not there`);
      else if ((this.#recorded.get(number) ?? answer.asked) < answer.asked) {
        this.#lie(answer, `run ${number} was there and has vanished`);
      }
    }
    this.#judgeOrder(sayings, answer);
  }

  /** Of two runs whose own wrappers recorded them, one after the other, the later one stands on top. */
  #judgeOrder(sayings: readonly Saying[], answer: Answer): void {
    let latest = { end: 0, number: 0 };
    for (const { number, verdict } of sayings.toReversed().filter(isOwnWord)) {
      const { dead, end } = this.#runs.get(number) ?? { dead: 0, end: 0 };
      if (dead < latest.end) {
        this.#lie(answer, `run ${number} (${verdict}) stands above ${latest.number}, which ended after it`);
      }
      if (end > latest.end) latest = { end, number };
    }
  }

  #judgeRunning(ids: readonly string[], answer: Answer): void {
    const { from, to } = answer;
    for (const [number, run] of this.#runs) {
      const goesOn = run.begin <= from && run.end > to;
      if (goesOn && !ids.includes(run.id ?? ''))
        this.#lie(answer, `run ${number} goes on and is not said to`);
    }
  }

  #judgeLast(last: string | null, answer: Answer): void {
    const over = [...this.#runs.values()].filter((run) => run.status !== null && run.dead <= answer.from);
    const [saying] = last === null ? [] : this.#read([last]);
    if (saying === undefined) {
      if (over.length > 0) this.#lie(answer, 'runs have ended, and there is no last one');
      return;
    }
    if (!saying.isEnded) this.#lie(answer, `the last one is ${saying.verdict}`);
    const dead = this.#runs.get(saying.number)?.dead ?? 0;
    if (isOwnWord(saying) && over.some((run) => dead < run.end)) {
      this.#lie(answer, `run ${saying.number} is the last one, and another ended after it`);
    }
  }

  #lie({ reader, from, to }: Answer, what: string): void {
    this.lies.push(`${reader}, book ${from} to ${to}: ${what}`);
  }
}

function noteEarliest(times: Map<number, number>, number: number, time: number): void {
  if (time < (times.get(number) ?? Number.POSITIVE_INFINITY)) times.set(number, time);
}

function parseSaying(saying: string): Saying {
  const [number, id = '', ...verdict] = saying.split(' ');
  return { number: Number(number), id, verdict: verdict.join(' '), isEnded: verdict[0] !== 'running' };
}

function isOwnWord({ verdict }: Saying): boolean {
  return verdict.startsWith('failed ') || verdict.startsWith('completed ');
}

function orphanedWrongly(run: TrueRun, from: number, to: number): string | null {
  if (run.kill > to) return 'its wrapper was not killed';
  return run.gone > from ? null : 'its command was gone';
}

/** A command that begins later, or has not ended yet, lives. */
function lostWrongly(run: TrueRun, to: number): string | null {
  if (run.kill > to) return 'its wrapper was not killed';
  if (run.status !== null) return 'its wrapper lived to record it';
  return run.end <= to || run.begin === Number.POSITIVE_INFINITY ? null : 'its command had not ended';
}

function endedWrongly(run: TrueRun, verdict: string, to: number): string | null {
  if (run.end > to) return 'its command had not ended';
  const wanted = run.code === 0 ? 'completed exited 0' : `failed exited ${run.code}`;
  return verdict === wanted ? null : `it was ${wanted}`;
}
