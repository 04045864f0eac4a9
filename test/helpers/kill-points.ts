import { rmSync } from 'node:fs';
import { makeStage, runTraced, SCENARIOS, type ScenarioName } from './kill-stage.js';
import { type Step, steadySteps, type Trace } from './kill-trace.js';
import { type Finding, inquire } from './kill-verdict.js';
import type { Built } from './mutants.js';

/** A system call at which a wrapper is killed. */
export interface Point extends Step {
  /** Its place among all of a run. */
  readonly index: number;
  /** It comes before anything in the state directory is touched. */
  readonly before: boolean;
}

export interface Outcome extends Finding {
  readonly point: Point;
  /** The wrapper was killed where it was meant to be, after at most so many others. */
  readonly hit: boolean;
  /** Where the other shots went. */
  readonly missed: readonly string[];
}

/** A cronrun, a run of it, and where to let it go on; for as long as one process of ours lives. */
export interface Ground {
  readonly built: Built;
  readonly scenario: ScenarioName;
  readonly directory: string;
}

/** Runs that go the same way, by which it is known which calls all of them make. */
const REFERENCES = 3;

/** On a busy machine a run may go another way: it is late for a timer, or for a signal. */
const TRIES = 12;

/** Every call from the first touch of the state directory on, and the ones before. */
export async function findPoints(ground: Ground): Promise<Point[]> {
  const template = makeTemplate(ground);
  const steps = steadySteps(await findReferences(ground, template));
  const first = steps.findIndex(({ where }) => where !== '');
  return steps.map((step, index) => ({ ...step, index, before: index < first }));
}

async function findReferences({ built, scenario, directory }: Ground, template: string): Promise<Trace[]> {
  const traces: Trace[] = [];
  for (let i = 0; i < TRIES; i++) {
    const stage = makeStage(`${directory}/reference-${i}`, template);
    const trace = await runTraced(built.bin, stage, SCENARIOS[scenario], []);
    traces.push(trace);
    const alike = traces.filter(({ landmarks }) => landmarks === trace.landmarks);
    if (alike.length === REFERENCES) return alike;
  }
  throw new Error(`${scenario}: no ${REFERENCES} of ${TRIES} runs went the same way`);
}

/** Kills a wrapper at each of the points; `all` tells where it is when it is somewhere else. */
export async function killAtEach(
  ground: Ground,
  points: readonly Point[],
  all: readonly Point[],
): Promise<Outcome[]> {
  const template = makeTemplate(ground);
  const { built } = ground;
  const earlier = built.library.openRegistry({ stateDir: template }).runs('job');
  const scenario = SCENARIOS[ground.scenario];
  const outcomes: Outcome[] = [];
  for (const [i, point] of points.entries()) {
    const askBin = i % BIN_EVERY === 0;
    const shoot = async (aim: Aim, name: string) => {
      const stage = makeStage(`${ground.directory}/${name}`, template);
      aim.see(await runTraced(built.bin, stage, scenario, aim.fault(stage.stateDir)));
      const finding = await inquire({ built, stage, scenario, earlier, askBin });
      rmSync(stage.directory, { recursive: true });
      return finding;
    };
    outcomes.push(await killAt(point, all, shoot));
  }
  return outcomes;
}

/** What a shot leaves has to be true wherever it went; it is tried again until one has hit. */
async function killAt(
  point: Point,
  all: readonly Point[],
  shoot: (aim: Aim, name: string) => Promise<Finding>,
): Promise<Outcome> {
  const aim = new Aim(point, all);
  const missed: string[] = [];
  const lies: string[] = [];
  for (;;) {
    const finding = await shoot(aim, `${point.index}-${missed.length}`);
    lies.push(...finding.lies.map((lie) => `${aim.place}: ${lie}`));
    if (!aim.hit) missed.push(aim.place);
    if (aim.hit || missed.length === ATTEMPTS) return { ...finding, lies, point, hit: aim.hit, missed };
  }
}

/** Of so many points the built bin is asked at one. */
const BIN_EVERY = 10;

const ATTEMPTS = 20;

function makeTemplate({ built, scenario, directory }: Ground): string {
  const template = `${directory}/template`;
  SCENARIOS[scenario].prepare(built.bin, template);
  return template;
}

/**
 * strace counts calls by their name from the start, or those by their name at one place. Where a run makes others than
 * usual on the way, the next shot is corrected.
 */
class Aim {
  hit = false;
  /** Where the last shot went. */
  place = '';
  #nth: number;
  readonly #point: Point;
  readonly #all: readonly Point[];
  /** It can be told by its place, which is the same in all runs. */
  readonly #byPlace: boolean;

  constructor(point: Point, all: readonly Point[]) {
    this.#point = point;
    this.#all = all;
    this.#nth = point.nth;
    this.#byPlace = point.where !== '' && !point.where.includes('UUID');
  }

  /** How strace is told. */
  fault(stateDir: string): string[] {
    const { call, nthThere, where } = this.#point;
    const inject = (nth: number) => ['-e', `inject=${call}:signal=KILL:when=${nth}`];
    if (!this.#byPlace) return inject(this.#nth);
    return ['-P', where === '/' ? stateDir : `${stateDir}${where}`, ...inject(nthThere)];
  }

  see({ steps, killed }: Trace): void {
    const { call, key, nthThere, where } = this.#point;
    const last = steps.at(-1);
    this.place = killed ? `killed at ${last?.key}` : `not killed at ${key}`;
    const isThere = last?.call === call && last.where === where && last.nthThere === nthThere;
    this.hit = killed && (this.#byPlace ? isThere : last?.key === key);
    if (this.hit) this.place = `killed at ${key}`;
    else if (!this.#byPlace) this.#correct(steps, last);
  }

  #correct(steps: readonly Step[], last: Step | undefined): void {
    const { key, landmark, nth } = this.#point;
    const passed = steps.find((step) => step.key === key);
    const usual = this.#all.find((point) => point.key === last?.key);
    if (passed !== undefined) this.#nth = passed.nth;
    else if (usual !== undefined) this.#nth += nth - usual.nth;
    else this.#nth += (last?.landmark ?? 0) > landmark ? -1 : 1; // at a call that runs seldom make
    this.#nth = Math.max(1, this.#nth); // strace takes nothing below
  }
}
