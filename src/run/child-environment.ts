import { type RunVariables, TWINS } from '../model/environment.js';
import { unsureRuns } from '../model/job-runs.js';
import type { EndedRecord, RunningRecord } from '../model/record.js';
import { formatRunId, type RunId } from '../model/run-id.js';
import { formatTraceparent, type TraceContext } from '../model/trace.js';
import type { Past } from './look-back.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a run is told of itself and of the run before, see ENVIRONMENT in cronrun(1). Pure. */
export function childEnvironment(
  env: Environment,
  job: string,
  stateDir: string | null,
  recordedAs: { readonly id: RunId; readonly checkpoints: string } | null,
  past: Past,
  trace: TraceContext | null = null,
): Environment {
  const inherited: Record<string, string | undefined> = { ...env };
  for (const twin of TWINS) delete inherited[twin];
  const { going = [], last = null, lastCompletedAt = null, resumeCheckpoint = null } = past.runs ?? {};
  const variables: RunVariables = {
    CRONRUN_ID: recordedAs === null ? '' : formatRunId(recordedAs.id),
    CRONRUN_JOB: job,
    CRONRUN_STATE_DIR: stateDir ?? '',
    // Nothing is on record, so nothing would be kept; a command that appends must not fail for that.
    CRONRUN_CHECKPOINT_FILE: recordedAs?.checkpoints ?? '/dev/null',
    CRONRUN_RUNNING: idList(going.map((run) => run.record)),
    CRONRUN_UNSURE: idList(unsureRuns({ going, last })),
    ...lastVariables(last, past.known),
    CRONRUN_LAST_COMPLETED_AT: lastCompletedAt ?? '',
    CRONRUN_RESUME_CHECKPOINT: resumeCheckpoint ?? '',
  };
  if (trace === null) return { ...inherited, ...variables };
  // What a vendor said of a trace counts only for that trace.
  if (trace.parentSpanId === null) delete inherited.TRACESTATE;
  return { ...inherited, ...variables, TRACEPARENT: formatTraceparent(trace) };
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

function lastVariables(last: EndedRecord | null, known: boolean) {
  return {
    CRONRUN_LAST_ID: last?.cron_job_id ?? '',
    CRONRUN_LAST_STATUS: last?.status ?? (known ? 'none' : ''),
    CRONRUN_LAST_REASON: last?.reason ?? '',
    CRONRUN_LAST_EXIT_CODE: last?.exit_code?.toString() ?? '',
    CRONRUN_LAST_SIGNAL: last?.signal ?? '',
    CRONRUN_LAST_STARTED_AT: last?.started_at ?? '',
    CRONRUN_LAST_ENDED_AT: last?.ended_at ?? '',
    CRONRUN_LAST_CHECKPOINT: last?.checkpoint ?? '',
  };
}
