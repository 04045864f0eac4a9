import { createServer } from 'node:net';
import { firstObstacle, needsProgram, type Obstacle } from './needs.js';

export function needsPrometheus(): Obstacle {
  return firstObstacle(
    () => needsProgram('promtool'),
    () => needsProgram('prometheus'),
    () => needsProgram('prometheus-node-exporter'),
  );
}

/** A port of the loopback address that nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** One sample of a result of Prometheus. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

const PAUSE_MS = 100;

/** Asks until there is an answer that `fits`, at most `boundMs`. Who does not answer yet is asked again. */
export async function askUntil<T>(
  url: string,
  fits: (answer: T) => boolean,
  read: (response: Response) => Promise<T>,
  boundMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + boundMs;
  let seen: unknown = null;
  while (performance.now() < deadline) {
    try {
      const answer = await read(await fetch(url));
      if (fits(answer)) return answer;
      seen = answer;
    } catch (error) {
      seen = error;
    }
    await new Promise((next) => setTimeout(next, PAUSE_MS));
  }
  throw new Error(`asked ${url} for ${boundMs} ms in vain; last: ${JSON.stringify(seen)?.slice(0, 500)}`);
}
