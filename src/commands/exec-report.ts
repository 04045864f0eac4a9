// A bundle of its own (dist/report.cjs): only a run of which others are told loads it, and of what tells them only what was
// asked for.
import type { Beginning, EndedRecord } from '../model/record.js';
import { type RunId, readRunId } from '../model/run-id.js';
import type { SignalName } from '../model/signal.js';
import type { Manner } from '../report/ping-post.js';
import type { Failure, Scene, Teller } from '../report/teller.js';
import type { Reporter } from '../run/reporter.js';
import { inspectOwnership } from '../state/ownership.js';
import { appendReportFailures } from '../state/report-failures.js';
import type { ReportOptions } from './types.js';

/** Takes every signal from now on; see receiveSignals, of which this bundle has none of its own. */
type Receive = (next: (signal: SignalName) => void) => () => void;

/** What exec gives to its reporter. */
export interface Stage extends Omit<Scene, 'stop' | 'say' | 'headline'> {
  readonly receive: Receive;
  readonly isStop: (signal: SignalName) => boolean;
  /** Says on stderr what could not be told. */
  readonly tell: (failure: Failure) => void;
}

/** Tells others of a run as the options say. */
export function reporterFor(options: ReportOptions, stage: Stage): Reporter {
  return new Report(options, stage);
}

class Report implements Reporter {
  readonly #tellers: readonly Teller[];
  readonly #stage: Stage;
  readonly #stopping = new AbortController();
  /** Runs that were found cut short, whom nobody has been told of yet. */
  #late: readonly EndedRecord[] = [];
  /** The same of those that have an end on record. */
  #untold: readonly RunId[] = [];
  /** What is under way; each resolves when it is told and noted. */
  readonly #underWay: Promise<void>[] = [];

  constructor(options: ReportOptions, stage: Stage) {
    this.#stage = stage;
    const { job, stateDir, env, now, tell } = stage;
    const { signal } = this.#stopping;
    this.#tellers = tellersFor(options, { job, stateDir, env, now, headline, say: tell, stop: signal });
  }

  recorded(records: readonly EndedRecord[]): void {
    for (const record of records) {
      for (const teller of this.#tellers) teller.recorded?.(record);
    }
  }

  settled(records: readonly EndedRecord[], untold: readonly RunId[]): void {
    this.#late = [...this.#late, ...records];
    this.#untold = [...this.#untold, ...untold];
  }

  started(run: Beginning): void {
    this.#tellLate();
    for (const teller of this.#tellers) {
      if (teller.started !== undefined) this.#await(run.cron_job_id, () => teller.started?.(run));
    }
  }

  async ended(record: EndedRecord | null): Promise<boolean> {
    const undo = this.#stage.receive((signal) => {
      if (this.#stage.isStop(signal)) this.#stopping.abort();
    });
    this.#tellLate();
    if (record !== null) this.#tellAll(record, false);
    await Promise.all(this.#underWay);
    undo();
    return !this.#stopping.signal.aborted;
  }

  #tellLate(): void {
    const { stateDir } = this.#stage;
    const untold = stateDir === null ? [] : endsOnRecord(stateDir, this.#untold);
    for (const record of [...untold, ...this.#late]) this.#tellAll(record, true);
    this.#untold = [];
    this.#late = [];
  }

  #tellAll(record: EndedRecord, late: boolean): void {
    for (const teller of this.#tellers) this.#await(record.cron_job_id, () => teller.ended(record, { late }));
  }

  /** Never in the way of the command: nothing of it begins before the event loop had its turn. */
  #await(id: string, tell: () => Promise<readonly Failure[]> | undefined): void {
    this.#underWay.push(
      new Promise<void>((resolve) => setImmediate(resolve)).then(tell).then(
        (failures = []) => this.#note(id, failures),
        () => undefined,
      ),
    );
  }

  #note(id: string, failures: readonly Failure[]): void {
    if (failures.length === 0) return;
    for (const failure of failures) this.#stage.tell(failure);
    const { stateDir, job, now } = this.#stage;
    const run = readRunId(id);
    if (stateDir === null || run === null) return;
    const at = new Date(now()).toISOString();
    try {
      const { breach, modes } = inspectOwnership(stateDir, job);
      if (breach === null)
        appendReportFailures(
          stateDir,
          job,
          run,
          failures.map((one) => ({ ...one, at })),
          modes,
        );
    } catch {
      // it was said on stderr
    }
  }
}

/** It happens to one run in a million, so it is a bundle of its own. */
function endsOnRecord(stateDir: string, ids: readonly RunId[]): readonly EndedRecord[] {
  if (ids.length === 0) return [];
  const untold = require('./untold.cjs') as typeof import('../report/untold.js');
  return untold.endsOnRecord(stateDir, ids);
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
  await deliverOthers(office, manner, (why) => tell({ reporter: 'ping', why }));
  undo();
}

/** Each in a bundle of its own. */
function tellersFor(options: ReportOptions, scene: Scene): Teller[] {
  const tellers: Teller[] = [];
  if (options.ping !== null) {
    const { pingTeller } = require('./ping.cjs') as typeof import('../report/ping-teller.js');
    tellers.push(pingTeller({ ...options, ping: options.ping }, scene));
  }
  if (options.onSuccess !== null || options.onFailure !== null || options.onEnd !== null) {
    const { hookTeller } = require('./hooks.cjs') as typeof import('../report/hook-teller.js');
    tellers.push(hookTeller(options, scene));
  }
  if (options.textfile !== null) {
    const { textfileTeller } = require('./textfile.cjs') as typeof import('../report/textfile-teller.js');
    tellers.push(textfileTeller(options.textfile, scene));
  }
  return tellers;
}
