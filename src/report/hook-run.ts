import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { explainErrno } from '../errors.js';
import type { Environment } from '../model/environment.js';
import { monotonicMs } from '../platform/clock.js';
import { livingMembers, signalAndContinue, signalGroup } from '../platform/process-group.js';
import { within } from '../platform/within.js';
import { Tail } from './tail.js';

/** What a hook is started with. */
export interface HookStart {
  /** For sh. */
  readonly command: string;
  readonly env: Environment;
  /** What it may read. */
  readonly input: string;
}

/** How long is waited for a hook, milliseconds. */
export interface HookLimits {
  /** For its end. */
  readonly deadlineMs: number;
  /** Between TERM and KILL where that is over. */
  readonly graceMs: number;
  /** Between TERM and KILL where cronrun is told to stop. */
  readonly hasteMs: number;
  /** For what KILL ends to be gone. */
  readonly dyingMs: number;
}

/** How a hook came to its end, and the last of what it wrote. */
export interface HookEnd {
  readonly end:
    | { readonly kind: 'exited'; readonly code: number }
    | { readonly kind: 'signaled'; readonly signal: string }
    /** It was ended. `left`: it could not be, or it cannot be seen that it is gone. */
    | {
        readonly kind: 'deadline' | 'stopped';
        readonly killed: boolean;
        readonly left: boolean;
      }
    | { readonly kind: 'not-started'; readonly why: string };
  readonly output: string;
}

/** So much is kept of what a hook writes. */
const OUTPUT_BYTES = 65_536;

/** What it wrote before its exit is in the pipe by then; whoever else has that open may keep it for ever. */
const DRAIN_MS = 100;

/**
 * Runs a hook in a session and process group of its own. When its time is over, and when `stop` is aborted, the whole group
 * is ended. What a hook that ended by itself left in the background is left alone, and not waited for. Never rejects.
 */
export async function runHook(start: HookStart, limits: HookLimits, stop: AbortSignal): Promise<HookEnd> {
  try {
    return await run(start, limits, stop);
  } catch (error) {
    return { end: { kind: 'not-started', why: explainErrno(error) }, output: '' };
  }
}

async function run({ command, env, input }: HookStart, limits: HookLimits, stop: AbortSignal) {
  // A module of the other kind, and 28 ms to load.
  const { execa } = await import('execa');
  const child = execa('/bin/sh', ['-c', command], {
    env: { ...env },
    extendEnv: false,
    cwd: workingDirectory(),
    detached: true, // execa ends only the child itself, so its group is ended here
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
  });
  const result = child.catch((error: unknown) => error);
  if (child.pid === undefined) throw causeOf(await result);

  const tail = new Tail(OUTPUT_BYTES);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (block: Buffer) => tail.take(block));
    stream.on('error', ignore);
  }
  child.stdin.on('error', ignore); // EPIPE: it does not want to know
  child.stdin.end(input);

  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const watched = new Watched(child.pid, limits, stop);
  child.once('exit', (code, signal) => watched.exited(code, signal));
  const end = await watched.end;
  await within(closed, { ms: DRAIN_MS });
  for (const stream of [child.stdout, child.stderr]) letGo(stream);
  return { end, output: tail.text() };
}

/** A hook that is running: ends it where nobody may wait any longer. */
class Watched {
  readonly end: Promise<HookEnd['end']>;
  readonly #group: number;
  readonly #limits: HookLimits;
  readonly #stop: AbortSignal;
  readonly #deadline: NodeJS.Timeout;
  #resolve: (end: HookEnd['end']) => void = ignore;
  /** The child is waited for: from then on its number is only that of a group that is not empty. */
  #isGone = false;
  #isEnding = false;

  constructor(group: number, limits: HookLimits, stop: AbortSignal) {
    this.#group = group;
    this.#limits = limits;
    this.#stop = stop;
    this.end = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    // A turn later: a wrapper that was suspended finds its time over and the end of the hook at once.
    this.#deadline = setTimeout(() => setImmediate(() => this.#cut('deadline')), limits.deadlineMs);
    stop.addEventListener('abort', this.#onStop);
    if (stop.aborted) this.#onStop();
  }

  exited(code: number | null, signal: string | null): void {
    this.#isGone = true;
    if (this.#isEnding) return;
    this.#settle(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'signaled', signal });
  }

  readonly #onStop = () => this.#cut('stopped');

  #cut(kind: 'deadline' | 'stopped'): void {
    if (this.#isGone || this.#isEnding) return;
    this.#isEnding = true;
    void this.#endGroup().then((how) => this.#settle({ kind, ...how }));
  }

  #settle(end: HookEnd['end']): void {
    clearTimeout(this.#deadline);
    this.#stop.removeEventListener('abort', this.#onStop);
    this.#resolve(end);
  }

  /** TERM, and KILL where that does not help in time. */
  async #endGroup(): Promise<{ killed: boolean; left: boolean }> {
    const since = monotonicMs();
    const { graceMs, hasteMs, dyingMs } = this.#limits;
    let stoppedAt: number | null = null;
    const over = () => {
      if (this.#stop.aborted) stoppedAt ??= monotonicMs();
      const patience = stoppedAt === null ? since + graceMs : Math.min(since + graceMs, stoppedAt + hasteMs);
      return monotonicMs() >= patience;
    };
    signalAndContinue(this.#group, 'SIGTERM');
    if (await this.#isEmpty(over)) return { killed: false, left: false };
    signalGroup(this.#group, 'SIGKILL');
    const killedAt = monotonicMs();
    return { killed: true, left: !(await this.#isEmpty(() => monotonicMs() >= killedAt + dyingMs)) };
  }

  /** True as soon as nobody of the group lives; false when it is over with waiting. */
  async #isEmpty(over: () => boolean): Promise<boolean> {
    for (;;) {
      // Who was seen to be gone is never signalled again.
      if (this.#isGone && livingMembers(this.#group).length === 0) return true;
      if (over()) return false;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}

const LOOK_MS = 10;

/** That of exec; where it was removed, one that is there. */
function workingDirectory(): string {
  try {
    // node remembers what it was.
    const directory = process.cwd();
    return existsSync(directory) ? directory : '/';
  } catch {
    return '/';
  }
}

/** What the system said, without the story that execa makes of it. */
function causeOf(result: unknown): unknown {
  const { cause } = result as { cause?: unknown };
  return cause ?? result;
}

function letGo(stream: Readable): void {
  stream.destroy();
}

function ignore(): void {}
