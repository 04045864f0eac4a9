import { beforeEach, describe, expect, it, vi } from 'vitest';
import { resolveTarget } from '../../src/commands/target.js';
import { CronrunError } from '../../src/errors.js';
import type { JobRuns } from '../../src/model/job-runs.js';
import { idOf, type RunRecord } from '../../src/model/record.js';
import { matchesReference, type RunReference } from '../../src/model/run-id.js';
import * as sample from '../view/samples.js';

const state = vi.hoisted(() => ({
  jobs: new Map<string, JobRuns>(),
  records: [] as RunRecord[],
}));
vi.mock('../../src/state/runs.js', () => ({
  readJobRuns: (_: string, job: string) => state.jobs.get(job) ?? null,
  findRuns: (_: string, reference: RunReference) =>
    state.records.filter((record) => matchesReference(idOf(record), reference)),
}));

const ID = '01a200df-de74-7c3e-9b1d-2f6f0c5a9e11';
const TWIN = '01a200df-de74-7c3e-9b1d-2f6f0c5a9e12';
const record = sample.failed(
  sample.beginning('backup', '2026-11-22 02:30:01', { cron_job_id: `cron:${ID}` }),
  { ended: '2026-11-22 02:34:17' },
  23,
);
const running = sample.going(
  sample.beginning('sync', '2026-11-22 02:30:01', { cron_job_id: `cron:${TWIN}` }),
  'running',
);
const backup = sample.job('backup', 'x', record, null);
const sync = sample.job('sync', '>', null, null, [running]);

beforeEach(() => {
  state.jobs = new Map([
    ['backup', backup],
    ['sync', sync],
  ]);
  state.records = [record, running.record];
});

const resolve = (argument: string | undefined, env: Record<string, string> = {}) =>
  resolveTarget('status', { stateDir: '/state', isExclusive: false }, argument, env);

function errorOf(call: () => unknown): CronrunError {
  try {
    call();
  } catch (error) {
    if (error instanceof CronrunError) return error;
  }
  throw new Error('no CronrunError');
}

describe('an argument', () => {
  it('that is a job', () => {
    expect(resolve('backup')).toEqual({ kind: 'job', runs: backup, self: null });
  });

  it.each([ID, `cron:${ID}`, ID.replaceAll('-', ''), ID.toUpperCase(), '2f6f0c5a9e11'])(
    'that is a run: %s',
    (text) => {
      expect(resolve(text)).toEqual({ kind: 'run', record });
    },
  );

  it('that is both is the job, unless "cron:" says otherwise', () => {
    const job = { ...backup, job: '2f6f0c5a9e11' };
    state.jobs.set('2f6f0c5a9e11', job);
    expect(resolve('2f6f0c5a9e11')).toEqual({ kind: 'job', runs: job, self: null });
    expect(resolve('cron:2f6f0c5a9e11')).toEqual({ kind: 'run', record });
  });

  it('that is not on record', () => {
    expect(resolve('bakcup')).toEqual({ kind: 'missing', asked: 'bakcup', job: 'bakcup', mayBeRun: false });
    expect(resolve('01a20000')).toEqual({
      kind: 'missing',
      asked: '01a20000',
      job: '01a20000',
      mayBeRun: true,
    });
    expect(resolve('cron:01a20000')).toEqual({
      kind: 'missing',
      asked: 'cron:01a20000',
      job: null,
      mayBeRun: true,
    });
  });

  it('that fits several runs', () => {
    const error = errorOf(() => resolve('01a200df-de74'));
    expect(error.code).toBe('ambiguous-run');
    expect(error.message).toBe('status: 01a200df-de74 fits several runs. Write more of one:');
    expect(error.hint).toBe(`${ID} (backup)\n${TWIN} (sync)`);
  });

  it.each(['my backup', '../etc', '-x', '', 'a\u001b[2J', 'é'])('that can be neither: %j', (text) => {
    expect(errorOf(() => resolve(text)).code).toBe('usage');
  });

  it('that can be neither is answered with the rule and a proposal', () => {
    const error = errorOf(() => resolve('my backup'));
    expect(error.message).toBe(
      'status: "my backup" is not a job name: letters, digits and . _ - only, a letter or digit first, at most 64. Perhaps my-backup',
    );
    expect(errorOf(() => resolve('cron:xyz')).message).toContain('is not a run id');
  });
});

describe('no argument', () => {
  const inside = { CRONRUN_ID: `cron:${TWIN}`, CRONRUN_JOB: 'sync' };

  it('outside of a run', () => {
    expect(resolve(undefined)).toEqual({ kind: 'any' });
  });

  it('inside a run', () => {
    expect(resolve(undefined, inside)).toEqual({ kind: 'job', runs: sync, self: TWIN });
  });

  it('inside a run whose wrapper was killed', () => {
    const orphan = { ...sync, going: [sample.going(running.record, 'orphaned')] };
    state.jobs.set('sync', orphan);
    expect(resolve(undefined, inside)).toEqual({ kind: 'job', runs: orphan, self: TWIN });
  });

  it('in an environment that is left from a run that is over', () => {
    expect(resolve(undefined, { CRONRUN_ID: `cron:${ID}`, CRONRUN_JOB: 'backup' })).toEqual({ kind: 'any' });
    state.jobs.delete('sync');
    expect(resolve(undefined, inside)).toEqual({ kind: 'any' });
  });

  it('inside a run that could not be recorded', () => {
    expect(resolve(undefined, { CRONRUN_ID: '', CRONRUN_JOB: 'backup' })).toEqual({
      kind: 'job',
      runs: backup,
      self: null,
    });
    expect(resolve(undefined, { CRONRUN_ID: '', CRONRUN_JOB: 'first' })).toEqual({
      kind: 'missing',
      asked: 'first',
      job: 'first',
      mayBeRun: false,
    });
  });

  it.each([
    [{ CRONRUN_JOB: 'backup' }],
    [{ CRONRUN_ID: '' }],
    [{ CRONRUN_ID: 'nonsense', CRONRUN_JOB: 'sync' }],
    [{ CRONRUN_ID: '', CRONRUN_JOB: '../etc' }],
  ])('with variables that say nothing: %j', (env) => {
    expect(resolve(undefined, env)).toEqual({ kind: 'any' });
  });
});
