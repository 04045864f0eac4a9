// A bundle of its own (dist/report.cjs): only a run of which others are told loads it, and of what tells them only what was
// asked for.
import type { Beginning, EndedRecord } from '../model/record.js';
import { readRunId } from '../model/run-id.js';
import type { SignalName } from '../model/signal.js';
import type { Failure, Scene, Teller } from '../report/teller.js';
import type { Reporter } from '../run/reporter.js';
import { inspectOwnership } from '../state/ownership.js';
import { appendReportFailures } from '../state/report-failures.js';
import type { ExecOptions, ReportOptions } from './types.js';

/** Whom a run is told to, and how the runs of its job are judged. */
type Wishes = ReportOptions & Pick<ExecOptions, 'exclusiveState'>;

/** Takes every signal from now on; see receiveSignals, of which this bundle has none of its own. */
type Receive = (next: (signal: SignalName) => void) => () => void;

/** What exec gives to its reporter. */
export interface Stage extends Omit<Scene, 'stop' | 'say'> {
  readonly receive: Receive;
  readonly isStop: (signal: SignalName) => boolean;
  /** Says on stderr what could not be told. */
  readonly tell: (failure: Failure) => void;
}

/** Tells others of a run as the options say. */
export function reporterFor(options: Wishes, stage: Stage): Reporter {
  return new Report(options, stage);
}

class Report implements Reporter {
  readonly #tellers: readonly Teller[];
  readonly #stage: Stage;
  readonly #stopping = new AbortController();
  /** Runs that were found cut short, whom nobody has been told of yet. */
  #late: readonly EndedRecord[] = [];
  /** What is under way; each resolves when it is told and noted. */
  readonly #underWay: Promise<void>[] = [];

  constructor(options: Wishes, stage: Stage) {
    this.#stage = stage;
    const { job, stateDir, env, now, tell } = stage;
    this.#tellers = tellersFor(options, { job, stateDir, env, now, say: tell, stop: this.#stopping.signal });
  }

  settled(records: readonly EndedRecord[]): void {
    this.#late = [...this.#late, ...records];
  }

  started(run: Beginning): void {
    this.#tellLate();
    for (const teller of this.#tellers) {
      if (teller.started !== undefined) this.#await(run.cron_job_id, () => teller.started?.(run));
    }
  }

  async ended(record: EndedRecord | null): Promise<void> {
    const undo = this.#stage.receive((signal) => {
      if (this.#stage.isStop(signal)) this.#stopping.abort();
    });
    this.#tellLate();
    if (record !== null) this.#tellAll(record, false);
    await Promise.all(this.#underWay);
    undo();
  }

  #tellLate(): void {
    for (const record of this.#late) this.#tellAll(record, true);
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

/** Each in a bundle of its own. */
function tellersFor(options: Wishes, scene: Scene): Teller[] {
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
    tellers.push(textfileTeller(options.textfile, options.exclusiveState, scene));
  }
  return tellers;
}
