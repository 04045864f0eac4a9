import { type Environment, inheritedBy, lastVariables, type RunVariables } from '../model/environment.js';
import { unsureRuns } from '../model/job-runs.js';
import type { RunningRecord } from '../model/record.js';
import { formatRunId, type RunId } from '../model/run-id.js';
import { enterTrace, type TraceContext } from '../model/trace.js';
import type { Past } from './look-back.js';

/** What a run is told of itself and of the run before, see ENVIRONMENT in cronrun(1). Pure. */
export function childEnvironment(
  env: Environment,
  job: string,
  stateDir: string | null,
  recordedAs: { readonly id: RunId; readonly checkpoints: string } | null,
  past: Past,
  trace: TraceContext | null = null,
): Environment {
  const { going = [], last = null, lastCompletedAt = null, resumeCheckpoint = null } = past.runs ?? {};
  const variables: RunVariables = {
    CRONRUN_ID: recordedAs === null ? '' : formatRunId(recordedAs.id),
    CRONRUN_JOB: job,
    CRONRUN_STATE_DIR: stateDir ?? '',
    // Nothing is on record, so nothing would be kept; a command that appends must not fail for that.
    CRONRUN_CHECKPOINT_FILE: recordedAs?.checkpoints ?? '/dev/null',
    CRONRUN_RUNNING: idList(going.map((run) => run.record)),
    CRONRUN_UNSURE: idList(unsureRuns({ going, last })),
    ...lastVariables(last, lastCompletedAt, past.known),
    CRONRUN_RESUME_CHECKPOINT: resumeCheckpoint ?? '',
  };
  const found = { ...inheritedBy(env), ...variables };
  return trace === null ? found : enterTrace(found, trace);
}

/**
 * The kernel starts no command with a variable of more than 128 KiB, and runs in containers that were killed stay
 * unverifiable for ever: the oldest must not cost a job its run.
 */
const MOST_IDS = 1000;

function idList(records: readonly RunningRecord[]): string {
  return records
    .slice(0, MOST_IDS)
    .map((record) => record.cron_job_id)
    .join(' ');
}
