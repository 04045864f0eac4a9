import type { ProcessStat } from '../model/liveness.js';
import { ownerOf, programOf, readStat } from '../platform/identity.js';
import { effectiveUid } from '../platform/user.js';
import type { NamedStart } from '../state/judging.js';
import { processesOfRun } from '../state/survey.js';

/**
 * Who carries the id of a run whose child was never written down, by the rule of readers: of the record's user, who is
 * the one that asks, or of root, and not older than the wrapper.
 */
export function carriersOf(run: NamedStart): ProcessStat[] {
  const { wrapper } = run.start;
  const users = [effectiveUid(), 0];
  const since = wrapper.start_ticks ?? 0;
  return processesOfRun(run)
    .filter((pid) => pid !== wrapper.pid && pid !== process.pid && users.includes(ownerOf(pid) ?? -1))
    .map(readStat)
    .filter((stat): stat is ProcessStat => stat !== null && stat.start_ticks >= since);
}

/** A process, and the name of its program. */
export interface Program {
  readonly pid: number;
  /** Whatever it calls itself. */
  readonly name: string;
}

/**
 * Who carries the id of a run and is not of it: an agent or a build daemon that the job started in a session of its own.
 * @param except processes of the run that are still there.
 */
export function programsElsewhere(run: NamedStart, except: readonly number[]): Program[] {
  const programs: Program[] = [];
  for (const pid of processesOfRun(run)) {
    const name = pid === process.pid || except.includes(pid) ? null : programOf(pid);
    if (name !== null) programs.push({ pid, name });
  }
  return programs;
}
