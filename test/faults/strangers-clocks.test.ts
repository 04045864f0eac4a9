// A wall clock that jumps bends no duration, and does not change which run was the last.

import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { it } from 'vitest';
import {
  BIN,
  cronEnvironment,
  fixture,
  journalOf,
  poll,
  runningOf,
  runProgram,
  scratch,
  startProgram,
} from '../helpers/cronrun.js';
import { expectNoLies } from '../helpers/figures.js';
import { Hearing } from '../helpers/readers.js';
import { OUTSIDE } from '../helpers/spaces.js';
import { onlyStartRecord, startLine } from '../helpers/start-records.js';
import { endedTruth, goingTruth } from '../helpers/truth.js';

const DAY = 86_400_000;

/** Back to 1970 as a board without a battery starts, a day back, a day ahead, and 40 years. */
const JUMPS = {
  'to 1970': 1000 - Date.now(),
  'a day back': -DAY,
  'a day ahead': DAY,
  '40 years ahead': 14_610 * DAY,
};

/** A cronrun whose clock is moved by a file. */
class Moved {
  readonly stateDir = scratch();
  readonly #clock = `${scratch()}/clock`;

  constructor() {
    this.set(0);
  }

  set(offsetMs: number): void {
    writeFileSync(this.#clock, String(offsetMs));
  }

  #call(command: readonly string[]): [string[], Record<string, string>] {
    const door = `${dirname(BIN)}/door.cjs`;
    const args = ['--require', fixture('moved-clock.cjs'), door, 'exec', 'job', '--', ...command];
    return [args, cronEnvironment({ MOVED_CLOCK: this.#clock, CRONRUN_STATE_DIR: this.stateDir })];
  }

  /** A run whose command moves the clock, shows what it was told, and exits with `code`. */
  run(offsetMs: number, code: number): { status: number; lastId: string | undefined } {
    const script = 'echo "$CRONRUN_LAST_ID"; echo "$1" >"$MOVED_CLOCK"; exit "$2"';
    const [args, env] = this.#call(['sh', '-c', script, 'sh', String(offsetMs), String(code)]);
    const { status, stdout } = runProgram(process.execPath, args, { env });
    return { status, lastId: stdout.trim() };
  }

  /** A run whose wrapper was killed. @returns the pid of its child. */
  async orphan(): Promise<number> {
    const [args, env] = this.#call(['sleep', '1000']);
    const going = startProgram(this.stateDir, process.execPath, args, { env });
    await poll(
      () => runningOf(this.stateDir, 'job').some((name) => name.endsWith('.jsonl')),
      'a start record',
    );
    const child = await poll(() => startLine(onlyStartRecord(this.stateDir, 'job'), 2), 'its child');
    OUTSIDE.kill(going.pid);
    return child.pid as number;
  }

  last(): Record<string, unknown> {
    return journalOf(this.stateDir, 'job').at(-1) ?? {};
  }
}

async function jump(hearing: Hearing, what: string, offsetMs: number): Promise<void> {
  const clock = new Moved();
  clock.run(0, 0);
  hearing.expect(`${what}: exit status`, clock.run(offsetMs, 3).status, 3);
  const { cron_job_id, duration_ms, started_at, ended_at } = clock.last();
  hearing.expect(
    `${what}: duration ${duration_ms}`,
    Number(duration_ms) >= 0 && Number(duration_ms) < 60_000,
    true,
  );
  const seen = Date.parse(String(ended_at)) - Date.parse(String(started_at)) - Number(duration_ms);
  hearing.expect(`${what}: the clock really moved`, Math.abs(seen - offsetMs) < 60_000, true);
  hearing.ask(`${what}, in the middle of a run`, clock.stateDir, 'job', endedTruth('failed exited', 3));
  hearing.expect(`${what}: the next is told of it`, clock.run(offsetMs, 0).lastId, cron_job_id);
  hearing.ask(`${what}, and a run later`, clock.stateDir, 'job', endedTruth('completed exited', 0));
  const child = await clock.orphan();
  const orphaned = goingTruth('running orphaned', 196, 'completed exited');
  hearing.ask(`${what}, and an orphan`, clock.stateDir, 'job', orphaned);
  OUTSIDE.kill(child);
  hearing.ask(`${what}, and a lost run`, clock.stateDir, 'job', endedTruth('interrupted lost', 195));
}

/** The clock was ahead, or had not been set yet, when everything began; then it is right. */
async function corrected(hearing: Hearing, what: string, offsetMs: number): Promise<void> {
  const clock = new Moved();
  clock.set(offsetMs);
  clock.run(offsetMs, 0);
  clock.set(0);
  await clock.orphan();
  const orphaned = goingTruth('running orphaned', 196, 'completed exited');
  hearing.ask(`${what}, corrected, and an orphan`, clock.stateDir, 'job', orphaned);
}

it('a wall clock that jumps', async ({ task }) => {
  const hearing = new Hearing();
  for (const [what, offsetMs] of Object.entries(JUMPS)) {
    await jump(hearing, what, offsetMs);
    await corrected(hearing, what, offsetMs);
  }
  expectNoLies(task, 'wall clock that jumps', hearing.points, hearing.lies);
});
