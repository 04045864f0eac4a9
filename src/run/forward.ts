import { type SignalName, STOPS, signalNumber } from '../model/signal.js';

/** Forwarded to the process group as they come. USR1 is here first of all: unhandled it opens node's debugger. */
const FORWARDED: readonly SignalName[] = [
  'SIGUSR1',
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR2',
  'SIGALRM',
  'SIGWINCH',
  'SIGCONT',
];

/** These stop the process group and the wrapper, until CONT. */
export const SUSPENDING: readonly SignalName[] = ['SIGTSTP', 'SIGTTIN', 'SIGTTOU'];

/** Of those, the ones by which cronrun itself dies afterwards. QUIT would leave a core dump of node. */
const DIES_BY: readonly SignalName[] = ['SIGHUP', 'SIGINT', 'SIGTERM'];

export function isStop(signal: SignalName): boolean {
  return STOPS.includes(signal);
}

export function isSuspending(signal: SignalName): boolean {
  return SUSPENDING.includes(signal);
}

type Receiver = (signal: SignalName) => void;

const held: SignalName[] = [];
const hold: Receiver = (signal) => held.push(signal);
let receiver = hold;
const listeners = new Map<SignalName, () => void>();

/**
 * Catches every signal that is forwarded, from now until the process ends: with a handler removed earlier the
 * exit status could disagree with the record. What comes before `receiveSignals` is held, in order.
 */
export function holdSignals(): void {
  for (const signal of [...FORWARDED, ...SUSPENDING]) {
    const listener = () => receiver(signal);
    listeners.set(signal, listener);
    process.on(signal, listener);
  }
}

/** Hands every signal to `next` from now on, those held so far first. Returns its own undo: then they are held again. */
export function receiveSignals(next: Receiver): () => void {
  receiver = next;
  for (const signal of held.splice(0)) next(signal);
  return () => {
    receiver = hold;
  };
}

/**
 * Ends cronrun as a shell expects of what was told to stop: killed by that signal. Where that has no effect (as
 * pid 1), or is not ours to do (QUIT), the exit status says the same.
 */
export function dieOf(signal: SignalName): never {
  const listener = listeners.get(signal);
  if (DIES_BY.includes(signal) && listener !== undefined) {
    process.off(signal, listener);
    process.kill(process.pid, signal);
  }
  process.exit(128 + signalNumber(signal));
}
