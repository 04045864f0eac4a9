import { fixture, type Going, poll, start } from './cronrun.js';

/** The command line of a child, and a grandchild in its group, that say which signals reach them. */
export function reporter(last: string, count = 1): string[] {
  return [process.execPath, fixture('reports-signals.mjs'), 'child', last, String(count)];
}

/** Starts a run of `job` whose processes report signals and end with 0 after `count` of `last`. */
export async function startReporter(
  stateDir: string,
  job: string,
  last: string,
  count = 1,
  options: readonly string[] = [],
): Promise<Going> {
  const run = start(stateDir, ['exec', ...options, job, '--', ...reporter(last, count)]);
  await bothReady(run);
  return run;
}

export async function bothReady(run: Going): Promise<void> {
  await run.ready('child');
  await run.ready('grandchild');
}

/** Waits until child and grandchild have each got `signal` so many times. */
export async function bothGot(run: Going, signal: string, times = 1): Promise<void> {
  for (const who of ['child', 'grandchild']) {
    await poll(() => run.count(`${who} ${signal}`) >= times, `${who} ${signal}, ${times} times`);
  }
}
