// A bundle of its own (dist/ping.cjs): only a run that pings loads it.
import type { Scene, Teller } from './teller.js';

/** What the options say of pings. */
export interface PingOptions {
  /** The URL, or file:PATH of a file in which it stands. */
  readonly ping: string;
  readonly pingCreate: boolean;
  readonly pingWithout: readonly ('start' | 'body' | 'rid')[];
  readonly pingOnSuccess: PingKind;
  readonly pingOnFailure: PingKind;
  readonly pingOnNotStarted: PingKind;
  readonly pingHeader: string | null;
  /** Milliseconds; 0: no limit. */
  readonly pingTimeoutMs: number;
  readonly pingRetries: number;
}

type PingKind = 'success' | 'fail' | 'log' | 'exit-code';

export function pingTeller(_options: PingOptions, _scene: Scene): Teller {
  return { ended: () => Promise.resolve([]) };
}
