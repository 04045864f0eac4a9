// A bundle of its own (dist/ping.cjs): only a run that pings loads it. It is loaded before the command is started, so what it
// sends with is another one.
import { resolve } from 'node:path';
import { explainErrno } from '../errors.js';
import {
  filePath,
  LAST_TRY_MS,
  type PingAddress,
  type PingKinds,
  readPingAddress,
  type Tail,
  USUAL_BODY_BYTES,
  wordFor,
} from '../model/ping.js';
import { type Beginning, type EndedRecord, idOf } from '../model/record.js';
import { monotonicMs } from '../platform/clock.js';
import { type Kept, queueOf, type SpooledPing, spoolPing } from '../state/ping-spool.js';
import { readTail } from './ping-body.js';
import type * as Delivery from './ping-delivery.js';
import type { Failure, Scene, Teller, Telling } from './teller.js';

/** What the options say of pings. */
export interface PingOptions extends PingKinds {
  /** The URL, or file:PATH of a file in which it stands. */
  readonly ping: string;
  readonly pingCreate: boolean;
  readonly pingWithout: readonly ('start' | 'body' | 'rid')[];
  /** "Name: value", or file:PATH; null: none. */
  readonly pingHeader: string | null;
  /** Milliseconds; 0: no limit. */
  readonly pingTimeoutMs: number;
  readonly pingRetries: number;
}

export function pingTeller(options: PingOptions, scene: Scene): Teller {
  const teller = new PingTeller(options, scene);
  return {
    recorded: (record) => teller.keep(record),
    started: (run) => teller.started(run),
    ended: (record, telling) => teller.ended(record, telling),
  };
}

/** A ping that is put aside, or why it could not be. */
type Stored =
  | { readonly ping: SpooledPing; readonly kept: Kept }
  | { readonly ping: SpooledPing; readonly error: unknown };

/** A start that comes later than this, after the run has ended, would tell the server a wrong time. */
const LATEST_START_MS = 1000;

class PingTeller {
  readonly #options: PingOptions;
  readonly #scene: Scene;
  /** Null: it is relative to a working directory that is gone. */
  readonly #address: PingAddress | null;
  readonly #queue: string;
  readonly #header: string | null;
  /** What is to be told, by run. */
  readonly #stored = new Map<string, Stored>();
  readonly #limits = new Map<string, number>();
  /** Aborted when our own run has ended. */
  readonly #over = new AbortController();
  /** One ping is under way at a time, so that the server sees them in their order. */
  #line: Promise<unknown> = Promise.resolve();
  /** The start is to be told, or is being told. */
  #starting = false;
  /** An end that was told late could not be delivered: nor can the next one. */
  #lateFailure: string | null = null;

  constructor(options: PingOptions, scene: Scene) {
    this.#options = options;
    this.#scene = scene;
    this.#address = absolute(() => readPingAddress(options.ping, (path) => resolve(path)));
    this.#queue = this.#address === null ? '' : queueOf(this.#address);
    const { pingHeader } = options;
    const path = pingHeader === null ? null : filePath(pingHeader);
    this.#header = path === null ? pingHeader : `file:${absolute(() => resolve(path)) ?? path}`;
  }

  /** Puts the ping of an end on disk before it is sent, and before anything could forget that there is one. */
  keep(record: EndedRecord): void {
    if (this.#address === null || this.#stored.has(record.cron_job_id)) return;
    const ping = this.#pingOf(record, this.#address);
    const { stateDir } = this.#scene;
    try {
      if (stateDir === null) throw new Error('there is no state directory');
      this.#stored.set(record.cron_job_id, { ping, kept: spoolPing(stateDir, ping) });
    } catch (error) {
      this.#stored.set(record.cron_job_id, { ping, error });
    }
  }

  started(run: Beginning): Promise<readonly Failure[]> {
    const since = monotonicMs();
    this.#starting = !this.#options.pingWithout.includes('start');
    return this.#next(async () => {
      try {
        // While it is there for sure: hours later an upgrade may have removed it.
        const delivery = loadDelivery();
        if (!this.#starting) return [];
        if (this.#over.signal.aborted && monotonicMs() - since > LATEST_START_MS) return [];
        return await this.#start(run, delivery);
      } finally {
        this.#starting = false;
      }
    });
  }

  ended(record: EndedRecord, { late }: Telling): Promise<readonly Failure[]> {
    if (!late) this.#over.abort();
    this.keep(record);
    return this.#next(() => this.#tell(record, late));
  }

  /** Behind what is under way. Never rejects: an upgrade may have removed what is loaded late. */
  #next(act: () => Promise<readonly Failure[]>): Promise<readonly Failure[]> {
    const acted = this.#line.then(act).catch((error: unknown) => [failure(explainErrno(error))]);
    this.#line = acted;
    return acted;
  }

  async #start(run: Beginning, delivery: typeof Delivery): Promise<readonly Failure[]> {
    if (this.#address === null) return [notTold('the start', GONE)];
    const ping: SpooledPing = {
      ...this.#pingAt(run, this.#address),
      word: 'start',
      headline: null,
      tail: Buffer.alloc(0),
      printed: 0,
      heldUntil: null,
    };
    const manner = { ...this.#manner(), hurry: this.#over.signal };
    const posted = await delivery.sendPing(this.#office(), this.#queue, ping, manner);
    if (posted.verdict === 'delivered') return [];
    return [notTold('the start', posted.why)];
  }

  async #tell(record: EndedRecord, late: boolean): Promise<readonly Failure[]> {
    const stored = this.#stored.get(record.cron_job_id);
    if (stored === undefined) return [notTold('the end', GONE)];
    const delivery = loadDelivery();
    return 'kept' in stored
      ? [...droppedFor(stored.kept), ...(await this.#tellKept(delivery, stored.kept, late))]
      : this.#tellUnkept(delivery, stored.ping, stored.error);
  }

  async #tellKept(delivery: typeof Delivery, { name }: Kept, late: boolean): Promise<readonly Failure[]> {
    if (late && this.#lateFailure !== null) return [waits(this.#lateFailure, true)];
    const { stateDir, now, say } = this.#scene;
    if (stateDir === null) return [];
    const manner = { ...this.#manner(), hurry: late ? this.#over.signal : null };
    const until = monotonicMs() + this.#budgetMs();
    const patience = { own: name.name, until, waitUntil: until, heed: 'asked' } as const;
    const { why, isAhead, lost } = await delivery.deliverQueue(
      this.#office(),
      stateDir,
      name.queue,
      manner,
      patience,
    );
    const own = lost.find(({ run }) => run === name.run);
    const others = lost.filter((one) => one !== own);
    delivery.noteLost(stateDir, others, now(), (words) => say(failure(words)));
    if (own !== undefined) return [notTold('the end', own.why)];
    if (why === null || !delivery.isWaiting(stateDir, name)) return [];
    if (late) this.#lateFailure = why;
    return [waits(why, isAhead)];
  }

  /** There is no room for it, or others could have put theirs beside it: now or never. */
  async #tellUnkept(
    delivery: typeof Delivery,
    ping: SpooledPing,
    error: unknown,
  ): Promise<readonly Failure[]> {
    const { verdict, why } = await delivery.sendPing(this.#office(), this.#queue, ping, {
      ...this.#manner(),
      hurry: null,
    });
    if (verdict === 'delivered') return [];
    if (verdict === 'refused') return [notTold('the end', why)];
    return [notTold('the end', `${why}; it cannot be kept (${explainErrno(error)})`)];
  }

  #pingAt(run: Beginning, address: PingAddress) {
    const { pingWithout, pingCreate } = this.#options;
    return {
      job: run.job,
      run: idOf(run),
      at: new Date(this.#scene.now()).toISOString(),
      address,
      rid: !pingWithout.includes('rid'),
      create: pingCreate,
      header: this.#header,
    };
  }

  #pingOf(record: EndedRecord, address: PingAddress): SpooledPing {
    const { bytes, of } = this.#tailOf(record);
    return {
      ...this.#pingAt(record, address),
      word: wordFor(record, this.#options),
      headline: record.status === 'completed' ? null : this.#scene.headline(record),
      tail: bytes,
      printed: of,
      heldUntil: this.#starting ? this.#scene.now() + 2 * (this.#options.pingTimeoutMs || LAST_TRY_MS) : null,
    };
  }

  #tailOf(record: EndedRecord): Tail {
    const { stateDir } = this.#scene;
    const most = this.#limits.get(this.#queue) ?? USUAL_BODY_BYTES;
    const wanted = record.output !== null && !this.#options.pingWithout.includes('body');
    const tail = wanted && stateDir !== null ? readTail(stateDir, record.job, idOf(record), most) : null;
    return tail ?? { bytes: Buffer.alloc(0), of: 0 };
  }

  #office(): Delivery.Office {
    const { stateDir, env, now } = this.#scene;
    return { stateDir, path: env.PATH, now, limits: this.#limits };
  }

  #manner() {
    const { pingTimeoutMs, pingRetries } = this.#options;
    const { env, stop, now } = this.#scene;
    const caFile = env.NODE_EXTRA_CA_CERTS || null;
    return { timeoutMs: pingTimeoutMs, retries: pingRetries, stop, caFile, now };
  }

  /** What a ping may take, and as long again for what waits before it. */
  #budgetMs(): number {
    const { pingTimeoutMs, pingRetries } = this.#options;
    return 2 * ((pingTimeoutMs || 30_000) * (pingRetries + 1));
  }
}

const GONE = 'its path is relative to a working directory that is gone';

function failure(why: string): Failure {
  return { reporter: 'ping', why };
}

function notTold(subject: 'the start' | 'the end', why: string): Failure {
  return failure(`${subject} is not told: ${why}`);
}

/** It stands in the record for ever, also when a later run has sent it. `isAhead`: an earlier ping is why. */
function waits(why: string, isAhead: boolean): Failure {
  const reason = isAhead ? `an earlier ping waits: ${why}` : why;
  return failure(`the end was not told at once: ${reason}; it is kept for a later run`);
}

function droppedFor({ dropped }: Kept): Failure[] {
  if (dropped.length === 0) return [];
  return [failure(`too many pings wait; ${dropped.length} of them, the oldest, will not be sent`)];
}

function absolute<T>(resolvePath: () => T): T | null {
  try {
    return resolvePath();
  } catch {
    return null; // getcwd(3) failed
  }
}

function loadDelivery(): typeof Delivery {
  return require('./delivery.cjs') as typeof Delivery;
}
