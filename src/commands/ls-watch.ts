import { dirname } from 'node:path';
import { CronrunError } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import { Bell } from '../platform/bell.js';
import { jobDirectory, jobsDirectory, runningDirectory } from '../state/directory.js';
import { listJobs } from '../state/runs.js';
import { clockTime } from '../view/time.js';
import { LiveScreen } from './live-screen.js';
import { stdoutIsTerminal } from './terminal.js';
import type { LsOptions, Surroundings } from './types.js';
import { openScreen } from './viewing.js';

/** Longest pause between two looks, milliseconds: ages grow, and a SIGKILL changes no file. */
const SLOW_MS = 2000;

/** Shortest: many changes at once are one. */
const QUICK_MS = 200;

/** A look that takes much work, at ten thousand jobs, is taken the less often: most of the time this process sleeps. */
const REST_AFTER = 2;
const SLOW_AFTER = 5;

/** More than so many directories are not watched: the system has not many watches for each user (inotify(7)). */
const MOST_WATCHED = 4000;

/**
 * `cronrun ls --watch`: the same list again and again, whenever something changes, on a screen of its own. Does not resolve
 * but where there is nothing to watch; a signal ends it. CronrunError 'usage' where stdout is no terminal, and those of
 * `show`, which writes one list.
 */
export async function lsWatch(
  options: LsOptions,
  stateDir: string,
  job: string | null,
  show: (io: Surroundings) => Promise<number>,
  io: Surroundings,
): Promise<number> {
  refuseElsewhere(io);
  const bell = new Bell();
  let screen: LiveScreen | null = null;
  for (;;) {
    const before = process.cpuUsage();
    // First: whatever changes from here on rings.
    attend(bell, stateDir, job);
    const { text, status } = await capture(show, io);
    if (screen === null) {
      if (status === EXIT.noSuchRun) {
        io.err(text);
        return status;
      }
      const { onExit } = await import('signal-exit');
      screen = new LiveScreen(io.out, onExit);
    }
    screen.show(text, await noteOf(options, io));
    const workMs = workSince(before);
    await new Promise((resolve) => setTimeout(resolve, Math.max(QUICK_MS, REST_AFTER * workMs)));
    await bell.ring(Math.max(SLOW_MS, SLOW_AFTER * workMs));
  }
}

/** Time of the processor, not of the clock: others may keep it busy. Milliseconds. */
function workSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function refuseElsewhere({ env }: Surroundings): void {
  if (!stdoutIsTerminal()) {
    const hint = 'for programs: cronrun ls --json, as often as you like';
    throw new CronrunError('usage', 'ls: --watch is for a terminal, and stdout is none', { hint });
  }
  if (env.TERM && env.TERM !== 'dumb') return;
  const term = env.TERM ? `TERM=${env.TERM} is none` : 'TERM is not set';
  throw new CronrunError(
    'usage',
    `ls: --watch is for a terminal that can move its cursor, and ${term}. Leave it out`,
  );
}

/** Where a run of a job that is shown begins, and where it ends. */
function attend(bell: Bell, stateDir: string, job: string | null): void {
  const jobs = jobsDirectory(stateDir);
  const shown = job === null ? listJobs(stateDir) : [job];
  const running = shown.slice(0, MOST_WATCHED).map((one) => runningDirectory(stateDir, one));
  // Of one job what is skipped or pruned shows, too.
  const above = job === null ? [jobs] : [jobs, jobDirectory(stateDir, job)];
  const missing = bell.attend([...above, ...running]).filter((directory) => running.includes(directory));
  if (missing.length > 0) bell.attend([...above, ...running, ...missing.map((one) => dirname(one))]);
}

/** What a command writes, answer and talk in one text, and its exit status. */
async function capture(
  show: (io: Surroundings) => Promise<number>,
  { env, now }: Surroundings,
): Promise<{ text: string; status: number }> {
  let text = '';
  const take = (more: string) => {
    text += more;
  };
  const status = await show({ env, now, out: take, err: take });
  return { text, status };
}

async function noteOf(options: LsOptions, io: Surroundings): Promise<string> {
  const { viewing } = await openScreen(options, io);
  const now = new Date(viewing.now).toISOString();
  return viewing.style.faint(`cronrun ls at ${clockTime(now, now, viewing.zone)}; Ctrl-C ends it`);
}
