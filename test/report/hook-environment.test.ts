import { describe, expect, it } from 'vitest';
import { TWINS } from '../../src/model/environment.js';
import { hookEnvironment } from '../../src/report/hook-environment.js';
import { at, completed, failed, lost } from '../helpers/records.js';

const CRON = { PATH: '/usr/bin:/bin', HOME: '/root', LOGNAME: 'root' };
const PLACE = { job: 'backup', stateDir: '/var/lib/cronrun' };
const TRACE = { trace_id: '1'.repeat(32), span_id: '2'.repeat(16) };

describe('what a hook is told', () => {
  it('is the run that ended, beside all that the command would find without cronrun', () => {
    const record = failed(3, 23, { previous_completed_at: at(1) });
    expect(hookEnvironment(CRON, PLACE, record, false)).toEqual({
      ...CRON,
      CRONRUN_ID: '',
      CRONRUN_JOB: 'backup',
      CRONRUN_STATE_DIR: '/var/lib/cronrun',
      CRONRUN_LAST_ID: record.cron_job_id,
      CRONRUN_LAST_STATUS: 'failed',
      CRONRUN_LAST_REASON: 'exited',
      CRONRUN_LAST_EXIT_CODE: '23',
      CRONRUN_LAST_SIGNAL: '',
      CRONRUN_LAST_STARTED_AT: at(3),
      CRONRUN_LAST_ENDED_AT: at(3.5),
      CRONRUN_LAST_CHECKPOINT: '',
      CRONRUN_LAST_COMPLETED_AT: at(1),
    });
  });

  it('is when it completed, where that is what it did', () => {
    const env = hookEnvironment(CRON, PLACE, completed(3, { previous_completed_at: at(1) }), false);
    expect(env.CRONRUN_LAST_COMPLETED_AT).toBe(at(3.5));
  });

  it('is that somebody else found out, where that is so', () => {
    expect(hookEnvironment(CRON, PLACE, lost(1), true).CRONRUN_SETTLED).toBe('1');
    expect(hookEnvironment({ ...CRON, CRONRUN_SETTLED: '1' }, PLACE, lost(1), false)).not.toHaveProperty(
      'CRONRUN_SETTLED',
    );
  });

  it('is no directory where there is none', () => {
    expect(hookEnvironment(CRON, { job: 'backup', stateDir: null }, lost(1), false).CRONRUN_STATE_DIR).toBe(
      '',
    );
  });

  it('is nothing that configures a run, or that an outer run was told of itself', () => {
    const twins = Object.fromEntries(TWINS.map((twin) => [twin, '1']));
    const outer = {
      CRONRUN_ID: 'cron:x',
      CRONRUN_RUNNING: 'cron:y',
      CRONRUN_UNSURE: 'cron:y',
      CRONRUN_CHECKPOINT_FILE: '/s/c',
      CRONRUN_RESUME_CHECKPOINT: '3/7',
      CRONRUN_LAST_STATUS: 'completed',
    };
    expect(hookEnvironment({ ...CRON, ...twins, ...outer }, PLACE, lost(1), false)).toEqual(
      hookEnvironment(CRON, PLACE, lost(1), false),
    );
  });

  it('is the span of that run, with the flags of the trace that was handed over', () => {
    const env = { ...CRON, TRACEPARENT: `00-${TRACE.trace_id}-${'3'.repeat(16)}-00`, TRACESTATE: 'a=b' };
    expect(hookEnvironment(env, PLACE, failed(1, 1, TRACE), false)).toMatchObject({
      TRACEPARENT: `00-${TRACE.trace_id}-${TRACE.span_id}-00`,
      TRACESTATE: 'a=b',
    });
  });

  it('is the span of an earlier run in the trace of that, and nothing that was said of ours', () => {
    const env = { ...CRON, TRACEPARENT: `00-${'4'.repeat(32)}-${'3'.repeat(16)}-00`, TRACESTATE: 'a=b' };
    const found = hookEnvironment(env, PLACE, lost(1, TRACE), true);
    expect(found.TRACEPARENT).toBe(`00-${TRACE.trace_id}-${TRACE.span_id}-01`);
    expect(found).not.toHaveProperty('TRACESTATE');
  });
});
