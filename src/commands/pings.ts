import { CronrunError, explainErrno } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import { monotonicMs } from '../platform/clock.js';
import { deliverQueue, isHeld, noteLost, type Office } from '../report/ping-delivery.js';
import { pingsDirectory } from '../state/directory.js';
import {
  hasOwnSpool,
  listQueues,
  listSpool,
  readQueueState,
  readSpooled,
  removeEmptySpool,
} from '../state/ping-spool.js';
import { lostText, type Sent, sentText, type WaitingPing, waitingText } from '../view/pings.js';
import { statePlace } from './state-place.js';
import type { PingsOptions, Surroundings } from './types.js';
import { requireOwnership, writing } from './writable.js';

/**
 * `cronrun pings`: what waits, or with --send sends it. Returns the exit status. CronrunError 'unreadable', 'unwritable',
 * 'no-state-directory'.
 */
export async function pings(options: PingsOptions, io: Surroundings): Promise<number> {
  const stateDir = statePlace(options.stateDir, io.env);
  if (options.send) return send(options, stateDir, io);
  io.out(
    waitingText(
      reading(stateDir, () => waiting(stateDir, io.now())),
      io.now(),
    ),
  );
  return EXIT.ok;
}

function reading<T>(stateDir: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const why = `pings: cannot read ${pingsDirectory(stateDir)} (${explainErrno(error)})`;
    throw new CronrunError('unreadable', why, { cause: error });
  }
}

function waiting(stateDir: string, now: number): WaitingPing[] {
  let queue: string | null = null;
  return listSpool(stateDir).flatMap((name): WaitingPing[] => {
    const ping = readSpooled(stateDir, name.name, null);
    if (ping === null) return [];
    const isFirst = name.queue !== queue;
    ({ queue } = name);
    const { run } = name;
    if (typeof ping === 'string') return [{ job: null, run, word: null, at: null, why: ping }];
    const { job, word, at } = ping;
    if (!isFirst) return [{ job, run, word, at, why: 'an earlier ping waits' }];
    const isOfItsRun = isHeld(ping.heldUntil, now);
    const why = isOfItsRun ? 'its own run is about to send it' : readQueueState(stateDir, queue)?.why;
    return [{ job, run, word, at, why: why ?? '' }];
  });
}

/** Somebody else may be sending. */
const OTHERS_MS = 30_000;

/** Everything at once, whatever pause was to be made: somebody wants it now. */
async function send(options: PingsOptions, stateDir: string, io: Surroundings): Promise<number> {
  requireOwnership('pings', stateDir, null);
  if (!writing('pings', stateDir, () => hasOwnSpool(stateDir))) {
    io.out(sentText({ sent: 0, waiting: 0, whys: [] }));
    return EXIT.ok;
  }
  const stop = new AbortController().signal;
  const manner = {
    timeoutMs: options.pingTimeoutMs,
    retries: options.pingRetries,
    stop,
    hurry: null,
    caFile: io.env.CRONRUN_KEPT_NODE_EXTRA_CA_CERTS || io.env.NODE_EXTRA_CA_CERTS || null,
    now: io.now,
  };
  const office: Office = { stateDir, path: io.env.PATH, now: io.now, limits: new Map() };
  const done = await sendQueues(office, stateDir, manner, io);
  io.out(sentText({ ...done, waiting: listSpool(stateDir).length }));
  return listSpool(stateDir).length === 0 ? EXIT.ok : EXIT.ownFailure;
}

async function sendQueues(
  office: Office,
  stateDir: string,
  manner: Parameters<typeof deliverQueue>[3],
  io: Surroundings,
): Promise<Omit<Sent, 'waiting'>> {
  const patience = {
    own: null,
    until: Number.POSITIVE_INFINITY,
    waitUntil: monotonicMs() + OTHERS_MS,
    heed: 'none',
  } as const;
  const whys = new Set<string>();
  let sent = 0;
  for (const queue of listQueues(stateDir)) {
    const outcome = await deliverQueue(office, stateDir, queue, manner, patience);
    sent += outcome.sent;
    if (outcome.why !== null) whys.add(outcome.why);
    noteLost(stateDir, outcome.lost, io.now(), (why) => io.err(lostText(why)));
  }
  removeEmptySpool(stateDir);
  return { sent, whys: [...whys] };
}
