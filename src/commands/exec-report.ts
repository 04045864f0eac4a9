// A bundle of its own (dist/report.cjs): only a run of which others are told loads it, and of what tells them only what was
// asked for.
import { explainErrno } from '../errors.js';
import type { Beginning, EndedRecord } from '../model/record.js';
import type { ReporterName } from '../model/report.js';
import { type RunId, readRunId, shortRunId } from '../model/run-id.js';
import type { SignalName } from '../model/signal.js';
import { within } from '../platform/within.js';
import { dueHooks } from '../report/due-hooks.js';
import type { Manner } from '../report/ping-post.js';
import type { Failure, Scene, Teller } from '../report/teller.js';
import type { Reporter } from '../run/reporter.js';
import { keepReportFailures } from '../state/report-failures.js';
import type { ExecOptions, ReportOptions } from './types.js';

/** Whom a run is told to, and how the runs of its job are judged. */
export type Wishes = ReportOptions & Pick<ExecOptions, 'exclusiveState'>;

/** Takes every signal from now on; see receiveSignals, of which this bundle has none of its own. */
type Receive = (next: (signal: SignalName) => void) => () => void;

/** What exec gives to its reporter. */
export interface Stage extends Omit<Scene, 'stop' | 'say' | 'headline'> {
  readonly receive: Receive;
  readonly isStop: (signal: SignalName) => boolean;
  /** Says on stderr what could not be told. */
  readonly tell: (failure: Omit<Failure, 'reporter'> & { readonly reporter: string }) => void;
}

/** A teller, and whose failure it is where it does not keep its promises. */
export interface NamedTeller {
  readonly reporter: ReporterName;
  readonly teller: Teller;
  /** Of so many runs that were found cut short it is told, the newest; all if there is no such number. */
  readonly mostLate?: number;
}

/** Of so many runs that were found cut short hooks are run, for the newest: each may take a minute. */
export const MOST_LATE = 5;

/** Tellers settle within a second when cronrun is told to stop; one that does not is left behind. */
const STOPPING_MS = 1000;
const LEFT_BEHIND = 'no answer yet, and cronrun was told to stop';

/** Tells others of a run as the options say. */
export function reporterFor(options: Wishes, stage: Stage): Reporter {
  return new Report((scene) => tellersFor(options, scene), stage);
}

export class Report implements Reporter {
  readonly #tellers: readonly NamedTeller[];
  readonly #stage: Stage;
  readonly #stopping = new AbortController();
  /** Runs that were found cut short, whom nobody has been told of yet. */
  #late: readonly EndedRecord[] = [];
  /** The same of those that have an end on record. */
  #untold: readonly RunId[] = [];
  /** What is under way, which resolves when it is told and noted; and what says that it was left behind. */
  readonly #underWay = new Map<Promise<void>, () => void>();

  constructor(tellers: (scene: Scene) => readonly NamedTeller[], stage: Stage) {
    this.#stage = stage;
    const { job, stateDir, env, now, tell } = stage;
    const { signal } = this.#stopping;
    this.#tellers = tellers({ job, stateDir, env, now, headline, say: tell, stop: signal });
  }

  recorded(records: readonly EndedRecord[]): void {
    for (const record of records) {
      for (const { reporter, teller } of this.#tellers) {
        try {
          teller.recorded?.(record);
        } catch (error) {
          this.#stage.tell({ reporter, why: explainErrno(error) });
        }
      }
    }
  }

  settled(records: readonly EndedRecord[], untold: readonly RunId[]): void {
    this.#late = [...this.#late, ...records];
    this.#untold = [...this.#untold, ...untold];
  }

  started(run: Beginning): void {
    this.#tellLate();
    for (const { reporter, teller } of this.#tellers) {
      if (teller.started !== undefined)
        this.#await(reporter, run.cron_job_id, false, () => teller.started?.(run));
    }
  }

  async ended(record: EndedRecord | null): Promise<boolean> {
    const undo = this.#stage.receive((signal) => {
      if (this.#stage.isStop(signal)) this.#stopping.abort();
    });
    this.#tellLate();
    if (record !== null) this.#tellAll(record);
    await within(Promise.all(this.#underWay.keys()), { stop: this.#stopping.signal, stopMs: STOPPING_MS });
    for (const leave of this.#underWay.values()) leave();
    undo();
    return !this.#stopping.signal.aborted;
  }

  #tellLate(): void {
    const { stateDir } = this.#stage;
    const untold = stateDir === null ? [] : endsOnRecord(stateDir, this.#untold);
    const late = [...untold, ...this.#late];
    this.#untold = [];
    this.#late = [];
    for (const teller of this.#tellers) this.#tellOf(late, teller);
  }

  /** Each in the order in which they ended. What is left out is said once, and noted for each. */
  #tellOf(late: readonly EndedRecord[], { reporter, teller, mostLate = late.length }: NamedTeller): void {
    const left = late.slice(0, Math.max(0, late.length - mostLate));
    if (left.length > 0) this.#stage.tell({ reporter, why: leftOutWords(left.length) });
    for (const { cron_job_id } of left) {
      const run = readRunId(cron_job_id);
      if (run !== null) this.#keep(run, [{ reporter, why: LEFT_OUT }]);
    }
    for (const record of late.slice(left.length)) {
      this.#await(reporter, record.cron_job_id, true, () => {
        teller.recorded?.(record);
        return teller.ended(record, { late: true });
      });
    }
  }

  #tellAll(record: EndedRecord): void {
    for (const { reporter, teller } of this.#tellers) {
      this.#await(reporter, record.cron_job_id, false, () => teller.ended(record, { late: false }));
    }
  }

  /** Never in the way of the command: nothing of it begins before the event loop had its turn. Never rejects. */
  #await(
    reporter: ReporterName,
    id: string,
    late: boolean,
    tell: () => Promise<readonly Failure[]> | undefined,
  ): void {
    const told = new Promise<void>((resolve) => setImmediate(resolve))
      .then(tell)
      .catch((error: unknown): readonly Failure[] => [{ reporter, why: explainErrno(error) }])
      .then((failures = []) => this.#note(id, late, failures))
      .catch(() => undefined)
      .then(() => void this.#underWay.delete(told));
    this.#underWay.set(told, () => this.#note(id, late, [{ reporter, why: LEFT_BEHIND }]));
  }

  #note(id: string, late: boolean, failures: readonly Failure[]): void {
    if (failures.length === 0) return;
    const run = readRunId(id);
    const mark = late && run !== null ? ` (run ${shortRunId(run)})` : '';
    for (const failure of failures) this.#stage.tell({ ...failure, why: `${failure.why}${mark}` });
    if (run !== null) this.#keep(run, failures);
  }

  /** In the record of a run that is on record. */
  #keep(run: RunId, failures: readonly Failure[]): void {
    const { stateDir, job, now } = this.#stage;
    if (stateDir !== null) keepReportFailures(stateDir, job, run, failures, now());
  }
}

const LEFT_OUT = `not run: hooks are run for the newest ${MOST_LATE} runs found cut short`;

function leftOutWords(count: number): string {
  const runs = count === 1 ? '1 older run' : `${count} older runs`;
  return `not run for ${runs} found cut short, only for the newest ${MOST_LATE}`;
}

/** It happens to one run in a million, so it is a bundle of its own. */
function endsOnRecord(stateDir: string, ids: readonly RunId[]): readonly EndedRecord[] {
  if (ids.length === 0) return [];
  try {
    const untold = require('./untold.cjs') as typeof import('../report/untold.js');
    return untold.endsOnRecord(stateDir, ids);
  } catch {
    return []; // what nobody can read now, nobody can tell
  }
}

/** An upgrade may have removed the words meanwhile. */
function headline(record: EndedRecord): string {
  try {
    const { headlineFor } = require('./words.cjs') as typeof import('./exec-words.js');
    return headlineFor(record);
  } catch {
    return `${record.job}: ${record.status}`;
  }
}

/**
 * Sends the pings that earlier runs left, whatever their job: the end of our own run is on record. Resolves when that is done,
 * its time is over, or somebody tells us to stop.
 */
export async function sendLeft(
  stage: Stage,
  { pingTimeoutMs }: Pick<ReportOptions, 'pingTimeoutMs'>,
): Promise<void> {
  const stopping = new AbortController();
  const undo = stage.receive((signal) => {
    if (stage.isStop(signal)) stopping.abort();
  });
  const { deliverOthers } = require('./delivery.cjs') as typeof import('../report/ping-delivery.js');
  const { stateDir, env, now, tell } = stage;
  const manner: Manner = {
    timeoutMs: pingTimeoutMs,
    retries: 0,
    stop: stopping.signal,
    hurry: null,
    caFile: env.NODE_EXTRA_CA_CERTS || null,
    now,
  };
  const office = { stateDir, path: env.PATH, now, limits: new Map<string, number>() };
  try {
    await deliverOthers(office, manner, (why) => tell({ reporter: 'ping', why }));
  } finally {
    undo();
  }
}

/** Each in a bundle of its own. */
function tellersFor(options: Wishes, scene: Scene): NamedTeller[] {
  const tellers: NamedTeller[] = [];
  const { ping, onSuccess, onFailure, onEnd, textfile } = options;
  if (ping !== null) {
    const load = () => {
      const { pingTeller } = require('./ping.cjs') as typeof import('../report/ping-teller.js');
      return pingTeller({ ...options, ping }, scene);
    };
    tellers.push({ reporter: 'ping', teller: loaded(load, () => ['ping']) });
  }
  if (onSuccess !== null || onFailure !== null || onEnd !== null) {
    const load = () => {
      const { hookTeller } = require('./hooks.cjs') as typeof import('../report/hook-teller.js');
      return hookTeller(options, scene);
    };
    const due = (record: EndedRecord) => dueHooks(options, record).map(({ reporter }) => reporter);
    const reporter = onFailure === null ? 'on-end' : 'on-failure'; // what a run has that was cut short
    tellers.push({ reporter, teller: loaded(load, due), mostLate: MOST_LATE });
  }
  if (textfile !== null) {
    const load = () => {
      const { textfileTeller } = require('./textfile.cjs') as typeof import('../report/textfile-teller.js');
      return textfileTeller(textfile, options.exclusiveState, scene);
    };
    tellers.push({ reporter: 'textfile', teller: loaded(load, () => ['textfile']) });
  }
  return tellers;
}

/** An upgrade may have removed one of them: the others tell all the same, and this one says of each run that it cannot. */
function loaded(load: () => Teller, due: (record: EndedRecord) => readonly ReporterName[]): Teller {
  try {
    return load();
  } catch (error) {
    const why = `cannot be loaded (${explainErrno(error)})`;
    return { ended: async (record) => due(record).map((reporter) => ({ reporter, why })) };
  }
}
