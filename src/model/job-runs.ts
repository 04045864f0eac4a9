import type { EndedGist, EndedRecord, RunningRecord, RunStatus } from './record.js';

/** A run that goes on, and what only this moment knows of it. */
export interface GoingRun {
  readonly record: RunningRecord;
  /** Processes of the run that live; known for orphaned runs only. */
  readonly alivePids: readonly number[];
  /** The journal has not grown since it started: it is younger than every run in there, whatever the clock said. */
  readonly sinceJournal?: boolean;
}

/** A job's runs as a reader finds them at one moment. `Ended`: how much of the last one there is. */
export interface JobRuns<Ended extends EndedGist = EndedRecord> {
  readonly job: string;
  /** Running, orphaned or unverifiable; the one that started last comes first. */
  readonly going: readonly GoingRun[];
  /** The last run that ended, as cronrun-journal(5) orders them. */
  readonly last: Ended | null;
  /** When a run of this job last completed, whichever it was. */
  readonly lastCompletedAt: string | null;
  /** The newest checkpoint since the last completed run: where the next one can go on. */
  readonly resumeCheckpoint: string | null;
  /** Statuses of the last runs, oldest first, those that go on at the end; at most 12. What was skipped is no run. */
  readonly recent: readonly RunStatus[];
  /** Journal lines and start records passed over because they could not be understood. */
  readonly unreadable: number;
}

/** How many statuses `recent` holds at most. */
export const RECENT = 12;

/**
 * Going runs that nobody can judge and that started after the last run that ended: exit status 196. Of two that
 * started in one millisecond either may be the later one.
 */
export function unsureRuns(runs: Pick<JobRuns<EndedGist>, 'going' | 'last'>): RunningRecord[] {
  const { going, last } = runs;
  return going
    .filter((run) => run.record.reason !== 'running' && !isOvertaken(run, last))
    .map((run) => run.record);
}

/**
 * The run that `status` speaks of: the one that started last among those going on, else the last that ended. What
 * nobody can judge does not hide a run that ended since it started.
 */
export function newestRun<Ended extends EndedGist>(runs: JobRuns<Ended>): RunningRecord | Ended | null {
  const { going, last } = runs;
  const current = going.find((run) => !isOvertaken(run, last));
  return current?.record ?? last;
}

/** Whether a run that nobody can judge began before the last run that ended: then it is not the newest any more. */
export function isOvertaken({ record, sinceJournal }: GoingRun, last: EndedGist | null): boolean {
  if (last === null || record.reason === 'running' || sinceJournal === true) return false;
  return record.started_at < last.started_at;
}
