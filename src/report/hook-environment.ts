import { type Environment, type HookVariables, inheritedBy, lastVariables } from '../model/environment.js';
import type { EndedRecord } from '../model/record.js';
import { enterTrace, recordedTrace } from '../model/trace.js';

/** What a hook is told of a run that ended, see ENVIRONMENT in cronrun(1). Pure. */
export function hookEnvironment(
  env: Environment,
  { job, stateDir }: { readonly job: string; readonly stateDir: string | null },
  record: EndedRecord,
  late: boolean,
): Environment {
  const variables: HookVariables = {
    // Set and empty: readers without an argument speak of the job. There is no run around a hook.
    CRONRUN_ID: '',
    CRONRUN_JOB: job,
    CRONRUN_STATE_DIR: stateDir ?? '',
    ...lastVariables(record, record.completed_at ?? record.previous_completed_at),
    ...(late ? { CRONRUN_SETTLED: '1' } : {}),
  };
  const found = { ...inheritedBy(env), ...variables };
  const trace = recordedTrace(record, env.TRACEPARENT);
  return trace === null ? found : enterTrace(found, trace);
}
