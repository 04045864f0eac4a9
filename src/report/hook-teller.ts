// A bundle of its own (dist/hooks.cjs): only a run that has a hook loads it, and execa is loaded only where one is run.
import { formatLimit } from '../model/duration.js';
import { type EndedRecord, encodeRecord } from '../model/record.js';
import { type DueHook, dueHooks, type Hooks } from './due-hooks.js';
import { hookEnvironment } from './hook-environment.js';
import { type HookEnd, type HookLimits, runHook } from './hook-run.js';
import type { Failure, Scene, Teller } from './teller.js';

/** A minute for each hook; whoever is told to stop ends it within a second. */
const LIMITS: HookLimits = { deadlineMs: 60_000, graceMs: 2000, hasteMs: 400, dyingMs: 300 };

/**
 * Runs the hooks that the options of this exec name, one after the other, whatever run they are for: nothing that a record
 * says is ever executed.
 */
export function hookTeller(hooks: Hooks, scene: Scene, limits = LIMITS): Teller {
  let before: Promise<unknown> = Promise.resolve();
  return {
    ended: (record, { late }) => {
      const turn = before.then(() => runAll(dueHooks(hooks, record), record, late, scene, limits));
      before = turn;
      return turn;
    },
  };
}

async function runAll(
  due: readonly DueHook[],
  record: EndedRecord,
  late: boolean,
  scene: Scene,
  limits: HookLimits,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  const env = hookEnvironment(scene.env, scene, record, late);
  for (const { reporter, command } of due) {
    if (scene.stop.aborted) {
      failures.push({ reporter, why: 'not run, as cronrun was told to stop' });
      continue;
    }
    const { end, output } = await runHook({ command, env, input: inputFor(record) }, limits, scene.stop);
    const why = whatFailed(end, limits);
    if (why !== null) failures.push({ reporter, why, output });
  }
  return failures;
}

/** The record as --json prints it, but for the command: what stands in its arguments goes nowhere from here. */
function inputFor(record: EndedRecord): string {
  return `${encodeRecord({ ...record, command: [] })}\n`;
}

/** Null: all went well. */
export function whatFailed(
  end: HookEnd['end'],
  { deadlineMs }: Pick<HookLimits, 'deadlineMs'>,
): string | null {
  switch (end.kind) {
    case 'exited':
      return end.code === 0 ? null : `exit code ${end.code}`;
    case 'signaled':
      return `killed by ${end.signal}`;
    case 'not-started':
      return `cannot be started (${end.why})`;
    case 'deadline':
      return `no end after ${formatLimit(deadlineMs)}${howEnded(end)}`;
    case 'stopped':
      return `cronrun was told to stop${howEnded(end)}`;
  }
}

function howEnded({ killed, left }: { readonly killed: boolean; readonly left: boolean }): string {
  if (left) return ', and SIGKILL has not ended it yet';
  return `, so it was ended${killed ? ' by SIGKILL' : ''}`;
}
