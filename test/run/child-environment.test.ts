import { describe, expect, it } from 'vitest';
import { TWINS } from '../../src/model/environment.js';
import type { JobRuns } from '../../src/model/job-runs.js';
import { type EndedRecord, endedRecord, goingRecord } from '../../src/model/record.js';
import { formatRunId } from '../../src/model/run-id.js';
import { childEnvironment } from '../../src/run/child-environment.js';
import { NOTHING_KNOWN, type Past } from '../../src/run/look-back.js';
import { at, beginning, completed, endOf, failed, lost, runId } from '../helpers/records.js';

const CRON = { PATH: '/usr/bin:/bin', HOME: '/root', LOGNAME: 'root' };

function pastWith(runs: Partial<JobRuns> | null, known = true): Past {
  const none: JobRuns = {
    job: 'backup',
    going: [],
    last: null,
    lastCompletedAt: null,
    resumeCheckpoint: null,
    recent: [],
    unreadable: 0,
  };
  return { ...NOTHING_KNOWN, runs: runs && { ...none, ...runs }, known };
}

const NEVER_RAN = pastWith(null);
const lastWas = (last: EndedRecord, lastCompletedAt: string | null = null) =>
  pastWith({ last, lastCompletedAt });

const AS_9 = { id: runId(9), checkpoints: '/var/lib/cronrun/9.checkpoint' };

function environment(past: Past, env: Record<string, string | undefined> = CRON) {
  return childEnvironment(env, 'backup', '/var/lib/cronrun', AS_9, past);
}

/** The CRONRUN_LAST_* of an environment, without their common beginning. */
function told(past: Past): Record<string, string | undefined> {
  const entries = Object.entries(environment(past)).filter(([name]) => name.startsWith('CRONRUN_LAST_'));
  return Object.fromEntries(entries.map(([name, value]) => [name.replace('CRONRUN_LAST_', ''), value]));
}

const UNKNOWN = {
  ID: '',
  STATUS: '',
  REASON: '',
  EXIT_CODE: '',
  SIGNAL: '',
  STARTED_AT: '',
  ENDED_AT: '',
  CHECKPOINT: '',
  COMPLETED_AT: '',
};

describe('what a run is told of itself', () => {
  it('is its id, its job and where it is recorded, beside all that it would have had without', () => {
    const env = environment(NEVER_RAN);
    expect(env).toMatchObject({
      ...CRON,
      CRONRUN_ID: formatRunId(runId(9)),
      CRONRUN_JOB: 'backup',
      CRONRUN_STATE_DIR: '/var/lib/cronrun',
    });
  });

  it('is an empty id where nothing could be recorded, and no directory where there is none', () => {
    const env = childEnvironment(CRON, 'backup', null, null, pastWith(null, false));
    expect(env).toMatchObject({ CRONRUN_ID: '', CRONRUN_JOB: 'backup', CRONRUN_STATE_DIR: '' });
  });

  it('names the newest of the other runs, and not more than the kernel takes in one variable', () => {
    const record = goingRecord(beginning(1), 'unverifiable', null);
    const newest = goingRecord(beginning(2), 'unverifiable', null);
    const going = [newest, ...Array(4999).fill(record)].map((one) => ({ record: one, alivePids: [] }));
    const env = environment(pastWith({ going }));
    for (const list of [env.CRONRUN_RUNNING, env.CRONRUN_UNSURE]) {
      expect(list?.startsWith(`${newest.cron_job_id} ${record.cron_job_id} `)).toBe(true);
      expect(list?.length).toBeLessThan(128 * 1024 - 'CRONRUN_RUNNING='.length);
    }
  });

  it('is the span of its run, and of another trace nothing', () => {
    const trace = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), parentSpanId: null, flags: '01' };
    const inherited = {
      ...CRON,
      TRACEPARENT: `00-${'3'.repeat(32)}-${'4'.repeat(16)}-01`,
      TRACESTATE: 'a=b',
    };
    const env = childEnvironment(inherited, 'backup', '/s', AS_9, NEVER_RAN, trace);
    expect(env.TRACEPARENT).toBe(`00-${trace.traceId}-${trace.spanId}-01`);
    expect(Object.hasOwn(env, 'TRACESTATE')).toBe(false);
  });

  it('is not what the hook was told that it is started by', () => {
    expect(environment(NEVER_RAN, { ...CRON, CRONRUN_SETTLED: '1' })).toEqual(environment(NEVER_RAN));
  });

  it('replaces what an outer run was told', () => {
    const outer = environment(lastWas(failed(1, 3), at(-5)), CRON);
    const inner = childEnvironment(outer, 'inner', '/s', { id: runId(10), checkpoints: '/s/c' }, NEVER_RAN);
    expect(inner).toEqual({
      ...environment(NEVER_RAN),
      CRONRUN_ID: formatRunId(runId(10)),
      CRONRUN_JOB: 'inner',
      CRONRUN_STATE_DIR: '/s',
      CRONRUN_CHECKPOINT_FILE: '/s/c',
    });
  });
});

describe('the twins of the options', () => {
  it('configure this run and reach no other', () => {
    const twins = Object.fromEntries(TWINS.map((twin) => [twin, '1']));
    const env = environment(NEVER_RAN, {
      ...CRON,
      ...twins,
      CRONRUN_STATE_DIR: 'relative',
      CRONRUNNER: 'kept',
    });
    for (const twin of TWINS) expect(Object.hasOwn(env, twin)).toBe(false);
    expect(env).toMatchObject({ CRONRUN_STATE_DIR: '/var/lib/cronrun', CRONRUNNER: 'kept' });
  });

  it('are all of those that exec has', () => {
    expect([...TWINS].sort()).toEqual([
      'CRONRUN_COLOR',
      'CRONRUN_EXCLUSIVE_STATE',
      'CRONRUN_GRACE',
      'CRONRUN_JOURNAL_LIMIT',
      'CRONRUN_KEEP_OUTPUT',
      'CRONRUN_KILL_AFTER',
      'CRONRUN_ON_END',
      'CRONRUN_ON_FAILURE',
      'CRONRUN_ON_SUCCESS',
      'CRONRUN_OUTPUT',
      'CRONRUN_OUTPUT_LIMIT',
      'CRONRUN_OVERLAP',
      'CRONRUN_OVERLAP_EXIT_CODE',
      'CRONRUN_OVERLAP_WAIT',
      'CRONRUN_PING',
      'CRONRUN_PING_CREATE',
      'CRONRUN_PING_HEADER',
      'CRONRUN_PING_ON_FAILURE',
      'CRONRUN_PING_ON_NOT_STARTED',
      'CRONRUN_PING_ON_SUCCESS',
      'CRONRUN_PING_RETRIES',
      'CRONRUN_PING_TIMEOUT',
      'CRONRUN_PING_WITHOUT',
      'CRONRUN_RECORD_COMMAND',
      'CRONRUN_REQUIRE_CHECKPOINT',
      'CRONRUN_REQUIRE_RECORD',
      'CRONRUN_SCHEDULE',
      'CRONRUN_SIGNAL',
      'CRONRUN_SUCCESS_CODES',
      'CRONRUN_TEXTFILE_DIR',
      'CRONRUN_TIMEOUT',
    ]);
  });

  it('leaves the environment that it was given as it was', () => {
    const given = Object.freeze({ ...CRON, CRONRUN_TIMEOUT: '1h' });
    expect(() => environment(NEVER_RAN, given)).not.toThrow();
    expect(given.CRONRUN_TIMEOUT).toBe('1h');
  });
});

describe('what a run is told of the one before', () => {
  it('is none where there is none, and nothing where it cannot be known', () => {
    expect(told(NEVER_RAN)).toEqual({ ...UNKNOWN, STATUS: 'none' });
    expect(told(pastWith({}))).toEqual({ ...UNKNOWN, STATUS: 'none' });
    expect(told(pastWith(null, false))).toEqual(UNKNOWN);
  });

  it.each<[string, EndedRecord, Record<string, string>]>([
    ['completed', completed(1), { STATUS: 'completed', REASON: 'exited', EXIT_CODE: '0', ENDED_AT: at(1.5) }],
    ['failed', failed(1, 23), { STATUS: 'failed', REASON: 'exited', EXIT_CODE: '23', ENDED_AT: at(1.5) }],
    [
      'timeout',
      endedRecord(
        beginning(1),
        endOf(1, { status: 'timeout', reason: 'timed-out', exit_code: null, signal: 'SIGKILL' }),
        1,
      ),
      { STATUS: 'timeout', REASON: 'timed-out', SIGNAL: 'SIGKILL', ENDED_AT: at(1.5) },
    ],
    [
      'stopped',
      endedRecord(
        beginning(1),
        endOf(1, { status: 'interrupted', reason: 'stopped', exit_code: 0, signal: 'SIGTERM' }),
        1,
      ),
      { STATUS: 'interrupted', REASON: 'stopped', EXIT_CODE: '0', SIGNAL: 'SIGTERM', ENDED_AT: at(1.5) },
    ],
    ['lost', lost(1), { STATUS: 'interrupted', REASON: 'lost' }],
  ])('%s', (_what, last, words) => {
    expect(told(lastWas(last))).toEqual({ ...UNKNOWN, ID: last.cron_job_id, STARTED_AT: at(1), ...words });
  });

  it('is when one last completed, whichever it was', () => {
    expect(told(lastWas(failed(5), at(2))).COMPLETED_AT).toBe(at(2));
    expect(told(lastWas(completed(5), at(5.5))).COMPLETED_AT).toBe(at(5.5));
  });
});

describe('what a run is told of others that go on', () => {
  const running = { record: goingRecord(beginning(7), 'running', 1), alivePids: [] };
  const orphan = { record: goingRecord(beginning(6), 'orphaned', 1), alivePids: [1] };
  const old = { record: goingRecord(beginning(2), 'unverifiable', 1), alivePids: [] };

  it('is nothing where there are none', () => {
    expect(environment(NEVER_RAN)).toMatchObject({ CRONRUN_RUNNING: '', CRONRUN_UNSURE: '' });
  });

  it('is their ids, and which of them nobody can judge that began after the last one that ended', () => {
    const env = environment(pastWith({ going: [running, orphan, old], last: completed(4) }));
    const [a, b, c] = [7, 6, 2].map((n) => formatRunId(runId(n)));
    expect(env.CRONRUN_RUNNING).toBe(`${a} ${b} ${c}`);
    expect(env.CRONRUN_UNSURE).toBe(b);
  });
});
