import {
  type GroupJudgement,
  judgeGroup,
  leaderless,
  type ProcessId,
  type ProcessTable,
} from '../model/liveness.js';
import { formatRunId, type RunId } from '../model/run-id.js';
import { hasEnvironmentEntry } from '../platform/identity.js';

/** The entry of the environment that the processes of a run are started with; see cronrun(1), ENVIRONMENT. */
export function environmentEntry(id: RunId): string {
  return `CRONRUN_ID=${formatRunId(id)}`;
}

/**
 * Judges the session and process group of a run's child as they are in `table`. Who is there without the child itself is
 * asked for the id.
 *
 * @param proved start ticks by pid of who was of the run when it was looked at before, and need not be asked.
 */
export function judgeChildGroup(
  child: ProcessId,
  id: RunId,
  table: ProcessTable,
  proved: ReadonlyMap<number, number> = NONE,
): GroupJudgement {
  const entry = environmentEntry(id);
  const ours = leaderless(child, table)
    .filter(
      ({ pid, start_ticks }) => proved.get(pid) === start_ticks || hasEnvironmentEntry(pid, entry) === true,
    )
    .map(({ pid }) => pid);
  return judgeGroup(child, table, new Set(ours));
}

const NONE: ReadonlyMap<number, number> = new Map();
