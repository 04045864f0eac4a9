import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { last } from '../../src/commands/last.js';
import { ls } from '../../src/commands/ls.js';
import { status } from '../../src/commands/status.js';
import type { AnswerOptions, LsOptions, Surroundings } from '../../src/commands/types.js';
import { CronrunError } from '../../src/errors.js';
import type { JobRuns } from '../../src/model/job-runs.js';
import { idOf, type RunRecord, type Status } from '../../src/model/record.js';
import { matchesReference, type RunReference } from '../../src/model/run-id.js';
import * as sample from '../view/samples.js';

/** A state directory in memory: what the readers of state/ would find. */
const state = vi.hoisted(() => ({
  places: {} as Record<string, Record<string, JobRuns>>,
  history: [] as RunRecord[],
  terminal: false,
}));
vi.mock('../../src/commands/terminal.js', () => ({
  stdoutIsTerminal: () => state.terminal,
}));
vi.mock('../../src/state/runs.js', () => ({
  listJobs: (dir: string) => Object.keys(state.places[dir] ?? {}),
  readJobRuns: (dir: string, job: string) => state.places[dir]?.[job] ?? null,
  readJobGist: (dir: string, job: string) => state.places[dir]?.[job] ?? null,
  completedInARow: () => ({ count: 12, more: false }),
  skipsSince: () => ({ last: null, count: 0, more: false }),
  findRuns: (dir: string, reference: RunReference) =>
    Object.values(state.places[dir] ?? {})
      .flatMap((runs) => [
        ...runs.going.map((run) => run.record as RunRecord),
        ...(runs.last ? [runs.last] : []),
      ])
      .filter((record) => matchesReference(idOf(record), reference)),
  listRuns: (dir: string, job: string, limit: number, status: Status | null) => {
    const { history } = state;
    if (state.places[dir]?.[job] === undefined) return null;
    return {
      records: history.filter((run) => status === null || run.status === status).slice(0, limit),
      total: history.length,
      since: history.at(-1)?.started_at ?? null,
      unreadable: 0,
    };
  },
}));

const DIR = mkdtempSync(join(tmpdir(), 'cronrun-view-'));
const OTHER = mkdtempSync(join(tmpdir(), 'cronrun-view-'));
afterAll(() => {
  for (const dir of [DIR, OTHER]) rmSync(dir, { recursive: true });
});

const answer: AnswerOptions = {
  stateDir: DIR,
  exclusiveState: false,
  color: 'auto',
  json: false,
  get: null,
  exitCode: false,
  maxAgeMs: null,
};
const list: LsOptions = {
  stateDir: DIR,
  exclusiveState: false,
  color: 'never',
  json: false,
  get: null,
  quiet: false,
  status: null,
  sort: 'trouble',
  watch: false,
  limit: null,
};

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly writes: number;
}

async function run(
  call: (io: Surroundings) => number | Promise<number>,
  env: Record<string, string> = {},
): Promise<Said> {
  let [out, err, writes] = ['', '', 0];
  const io: Surroundings = {
    env,
    out: (text) => {
      out += text;
      writes++;
    },
    err: (text) => {
      err += text;
    },
    now: () => sample.NOW,
  };
  const code = await call(io);
  return { code, out, err, writes };
}

const runLast = (options: Partial<AnswerOptions>, target?: string, env?: Record<string, string>) =>
  run((io) => last({ ...answer, ...options }, target, io), env);
const runStatus = (options: Partial<AnswerOptions>, target?: string, env?: Record<string, string>) =>
  run((io) => status({ ...answer, ...options }, target, io), env);
const runLs = (options: Partial<LsOptions>, job?: string, env?: Record<string, string>) =>
  run((io) => ls({ ...list, ...options }, job, io), env);

const id = (digit: number): string => `01a200df-de7${digit}-7c3e-9b1d-2f6f0c5a9e1${digit}`;
const start = (job: string, at: string, digit: number) =>
  sample.beginning(job, at, { cron_job_id: `cron:${id(digit)}` });

const backupRun = sample.failed(
  start('backup', '2026-11-22 02:30:01', 1),
  { ended: '2026-11-22 02:34:17' },
  23,
);
const backup = sample.job('backup', '...x', backupRun, '2026-11-21 02:51:16');
const certsRun = sample.completed(start('certs', '2026-11-22 01:00:00', 2), { ended: '2026-11-22 01:00:05' });
const certs = sample.job('certs', '....', certsRun, '2026-11-22 01:00:05');
const firstRun = sample.going(start('first', '2026-11-22 03:00:00', 3), 'running');
const first = sample.job('first', '>', null, null, [firstRun]);
const orphan = sample.going(start('feeds', '2026-11-22 02:00:00', 4), 'orphaned', 5120, [5120]);
const feedsRun = sample.completed(start('feeds', '2026-11-21 02:00:00', 5), { ended: '2026-11-21 03:00:00' });
const feeds = sample.job('feeds', '..>', feedsRun, '2026-11-21 03:00:00', [orphan]);
const lostRun = sample.lost(start('old', '2026-11-22 00:30:00', 6));
const old = sample.job('old', '!', lostRun, null);

beforeEach(() => {
  state.places = { [DIR]: { backup, certs, first, feeds, old } };
  state.history = [];
  state.terminal = false;
});

describe('last --exit-code', () => {
  const cases: [string, number][] = [
    ['backup', 23],
    ['certs', 0],
    ['first', 194],
    ['feeds', 196],
    ['old', 195],
    [id(1), 23],
    [id(3), 194],
    [id(4), 196],
    [id(5), 0],
  ];
  it.each(cases)('%s: %i, and not a word', async (target, code) => {
    expect(await runLast({ exitCode: true }, target)).toEqual({ code, out: '', err: '', writes: 0 });
  });

  it('193 says one line on stderr', async () => {
    const line = `cronrun: no run of "bakcup" is on record in ${DIR}\n`;
    expect(await runLast({ exitCode: true, json: true }, 'bakcup')).toMatchObject({
      code: 193,
      out: '',
      err: line,
    });
  });

  it('--max-age', async () => {
    const hour = 3_600_000;
    expect((await runLast({ exitCode: true, maxAgeMs: 3 * hour }, 'certs')).code).toBe(0);
    expect((await runLast({ exitCode: true, maxAgeMs: 2 * hour }, 'certs')).code).toBe(197);
    expect((await runLast({ exitCode: true, maxAgeMs: 1 }, 'backup')).code).toBe(23);
  });
});

describe('last', () => {
  it('speaks to people', async () => {
    expect(await runLast({}, 'backup')).toEqual({
      code: 0,
      out: 'backup: FAILED 31m ago: exit code 23, after 4m 16s (run 01a200df-de71)\n',
      err: '',
      writes: 1,
    });
    expect((await runLast({}, 'feeds')).out).toContain('\n  a newer run has lost its wrapper and goes on');
  });

  it('colours when told to', async () => {
    expect((await runLast({ color: 'always' }, 'backup')).out).toContain('\u001b[');
    expect((await runLast({}, 'backup', { FORCE_COLOR: '1' })).out).toContain('\u001b[');
    expect((await runLast({}, 'backup', { FORCE_COLOR: '1', NO_COLOR: '1' })).out).not.toContain('\u001b[');
  });

  it('speaks to scripts', async () => {
    const json = await runLast({ json: true }, 'backup');
    expect(JSON.parse(json.out)).toEqual(backupRun);
    expect(json.out.endsWith('}\n')).toBe(true);
    expect((await runLast({ get: ['status', 'reason'] }, 'backup')).out).toBe('failed exited\n');
  });

  it('of a job that never ran', async () => {
    const text = await runLast({}, 'bakcup');
    expect(text).toMatchObject({ code: 193, out: '' });
    expect(text.err).toContain('\n  jobs there with a name like it: backup\n');
    const json = await runLast({ json: true }, 'bakcup');
    expect(json.code).toBe(193);
    expect(JSON.parse(json.out)).toMatchObject({ job: 'bakcup', status: 'none', cron_job_id: null });
    expect(json.err.split('\n')).toHaveLength(2);
    expect(await runLast({ get: ['status'] }, 'bakcup')).toMatchObject({ code: 193, out: 'none\n' });
  });

  it('of a job that runs for the first time', async () => {
    expect(await runLast({}, 'first')).toEqual({
      code: 193,
      out: '',
      err: 'cronrun: no run of "first" has ended yet; one goes on (run 01a200df-de73)\n',
      writes: 0,
    });
    expect(await runLast({ get: ['status'] }, 'first')).toMatchObject({ code: 193, out: 'none\n' });
  });

  it('of any job is the one that ended last; one whose end nobody saw counts by its start', async () => {
    expect((await runLast({})).out).toMatch(/^backup: FAILED/);
    state.places[DIR] = { certs, old };
    expect((await runLast({})).out).toMatch(/^certs: completed/);
    const settled = { ...lostRun, settled_at: sample.at('2026-11-22 02:00:00') };
    state.places[DIR] = { certs, old: { ...old, last: settled } };
    expect((await runLast({})).out).toMatch(/^old: INTERRUPTED/);
    expect((await runLast({ exitCode: true })).code).toBe(195);
  });

  it('of any job where there is none, or none has ended', async () => {
    state.places[DIR] = {};
    expect(await runLast({ get: ['status'] })).toMatchObject({ code: 193, out: 'none\n' });
    expect((await runLast({ exitCode: true })).err).toBe(`cronrun: no run is on record in ${DIR}\n`);
    state.places[DIR] = { first };
    expect((await runLast({ exitCode: true })).code).toBe(194);
    expect((await runLast({})).err).toContain('one of "first" goes on');
  });

  it('inside a run is never that run itself', async () => {
    const inside = { CRONRUN_ID: `cron:${id(3)}`, CRONRUN_JOB: 'first' };
    expect(await runLast({ exitCode: true }, undefined, inside)).toMatchObject({
      code: 193,
      err: 'cronrun: no run of "first" has ended yet\n',
    });
    const again = { ...first, last: certsRun };
    state.places[DIR] = { first: again };
    expect((await runLast({ exitCode: true }, undefined, inside)).code).toBe(0);
    expect((await runLast({}, undefined, inside)).out).not.toContain('newer');
    // Not even where its wrapper was killed.
    state.places[DIR] = { first: { ...again, going: [sample.going(firstRun.record, 'orphaned')] } };
    expect((await runLast({ exitCode: true }, undefined, inside)).code).toBe(0);
  });

  it('says what was passed over', async () => {
    state.places[DIR] = { backup: { ...backup, unreadable: 2 } };
    expect((await runLast({ json: true }, 'backup')).err).toContain('backup: 2 lines on record');
    expect((await runLast({ exitCode: true }, 'backup')).err).toBe('');
  });

  it('refuses fields that do not exist', async () => {
    const error = await runLast({ get: ['status', 'colour'] }, 'backup').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(CronrunError);
    expect(error).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('"colour" is not a field'),
    });
  });
});

describe('status', () => {
  it('speaks to people', async () => {
    const { code, out } = await runStatus({}, 'backup');
    expect(code).toBe(0);
    expect(out).toMatch(/^backup: FAILED 31m ago: exit code 23, after 4m 16s\n\n {2}started/);
    expect(out).toContain('12 in a row');
  });

  it('speaks to scripts', async () => {
    const json = JSON.parse((await runStatus({ json: true }, 'feeds')).out);
    expect(json).toMatchObject({ status: 'running', reason: 'orphaned', running: [`cron:${id(4)}`] });
    expect(json.last).toEqual(feedsRun);
    expect((await runStatus({ get: ['status', 'last_completed_at'] }, 'first')).out).toBe('running -\n');
    const none = await runStatus({ json: true }, 'bakcup');
    expect(none.code).toBe(193);
    expect(none.out).toMatch(
      /^\{"schema":1,"cron_job_id":null,"job":"bakcup","status":"none","reason":null,/,
    );
  });

  it.each([
    ['backup', 23],
    ['certs', 0],
    ['first', 194],
    ['feeds', 196],
    ['old', 195],
    [id(5), 0],
    ['bakcup', 193],
  ])('--exit-code of %s: %i', async (target, code) => {
    expect(await runStatus({ exitCode: true }, target)).toMatchObject({ code, out: '' });
  });

  it('needs a job outside of a run, and is that run inside', async () => {
    await expect(runStatus({})).rejects.toMatchObject({ code: 'usage' });
    const inside = { CRONRUN_ID: `cron:${id(3)}`, CRONRUN_JOB: 'first' };
    expect((await runStatus({ get: ['cron_job_id'] }, undefined, inside)).out).toBe(`cron:${id(3)}\n`);
  });

  it('of an older run speaks of that run', async () => {
    const { out } = await runStatus({}, id(5));
    expect(out).toMatch(/^feeds: completed 1d ago/);
    expect(out).toContain('  newest     RUNNING (orphaned), started 1h ago: cronrun status feeds\n');
  });
});

describe('ls', () => {
  it('writes a table at once, with a footer on a terminal only', async () => {
    const piped = await runLs({});
    expect(piped).toMatchObject({ code: 0, err: '', writes: 1 });
    expect(piped.out.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'JOB',
      'backup',
      'feeds',
      'old',
      'first',
      'certs',
      '',
    ]);
    state.terminal = true;
    const shown = await runLs({});
    expect(shown.out.startsWith(piped.out)).toBe(true);
    expect(shown.out).toContain('\n5 jobs of ');
    expect(shown.out).toMatch(/; 3 need a look:\s+cronrun status backup\nruns, newest right: /);
  });

  it('-q, --status, --sort, --limit', async () => {
    expect((await runLs({ quiet: true, sort: 'name' })).out).toBe('backup\ncerts\nfeeds\nfirst\nold\n');
    expect((await runLs({ quiet: true, status: 'running' })).out).toBe('feeds\nfirst\n');
    expect((await runLs({ quiet: true, sort: 'recent', limit: 2 })).out).toBe('first\nbackup\n');
    expect(await runLs({ status: 'timeout' })).toMatchObject({
      code: 0,
      out: '',
      err: 'cronrun: none of 5 jobs has the status timeout\n',
    });
  });

  it('--json and --get: a line a job', async () => {
    const lines = (await runLs({ json: true, sort: 'name' })).out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).job)).toEqual(['backup', 'certs', 'feeds', 'first', 'old']);
    expect(JSON.parse(lines[0] ?? '').recent).toEqual(['completed', 'completed', 'completed', 'failed']);
    expect((await runLs({ get: ['job', 'status'], sort: 'name', limit: 1 })).out).toBe('backup failed\n');
  });

  it('where nothing is on record says so, and where to look', async () => {
    state.places = { [DIR]: {}, [join(OTHER, '.local/state/cronrun')]: { backup } };
    expect(await runLs({}, undefined, { HOME: '/nonexistent' })).toMatchObject({ code: 0, out: '' });
    expect((await runLs({ quiet: true })).err).toBe('');
  });
});

describe('ls JOB', () => {
  const runs = Array.from({ length: 500 }, (_, index) =>
    index % 100 === 99
      ? sample.failed(start('backup', '2026-11-22 02:30:01', 1), { ended: '2026-11-22 02:34:17' }, 23)
      : sample.completed(start('backup', '2026-11-22 02:30:01', 2), { ended: '2026-11-22 02:34:17' }),
  );
  beforeEach(() => {
    state.history = runs;
  });

  it('shows 20 runs and says so', async () => {
    const { out } = await runLs({}, 'backup');
    expect(out.split('\n')).toHaveLength(1 + 20 + 1 + 1 + 1);
    expect(out).toContain('\n20 of 500 runs since ');
  });

  it('says so only where there is more, unless on a terminal', async () => {
    state.history = runs.slice(0, 3);
    expect((await runLs({}, 'backup')).out).not.toContain('3 runs');
    state.terminal = true;
    expect((await runLs({}, 'backup')).out).toContain('\n3 runs since ');
  });

  it('--status leaves the others out', async () => {
    expect(
      (await runLs({ quiet: true, status: 'failed', limit: 3 }, 'backup')).out.trimEnd().split('\n'),
    ).toHaveLength(3);
    expect(
      (await runLs({ quiet: true, status: 'failed', limit: 100 }, 'backup')).out.trimEnd().split('\n'),
    ).toHaveLength(5);
  });

  it('--json and --get: a line a run', async () => {
    const { out } = await runLs({ json: true, limit: 2 }, 'backup');
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(runs.slice(0, 2));
    expect((await runLs({ get: ['exit_code'], limit: 2 }, 'backup')).out).toBe('0\n0\n');
    await expect(runLs({ get: ['recent'] }, 'backup')).rejects.toMatchObject({ code: 'usage' });
  });

  it('of no such job', async () => {
    expect(await runLs({}, 'bakcup')).toMatchObject({ code: 193, out: '' });
    await expect(runLs({}, 'my backup')).rejects.toMatchObject({ code: 'usage' });
  });
});

describe('the trap of XDG_STATE_HOME', () => {
  it('where this shell looks there is nothing, where cron looks there is', async () => {
    // Root looks into the one system directory whatever XDG says, so the place is named by its own flag here.
    const { mkdirSync } = await import('node:fs');
    const cronPlace = join(OTHER, '.local', 'state', 'cronrun');
    mkdirSync(cronPlace, { recursive: true });
    const shellPlace = join(OTHER, 'xdg', 'cronrun');
    state.places = { [shellPlace]: {}, [cronPlace]: { backup } };
    const env = { HOME: OTHER, XDG_STATE_HOME: join(OTHER, 'xdg') };
    const { err } = await runLs({ stateDir: shellPlace }, undefined, env);
    expect(err).toContain(`1 job is in`);
    expect(err.replaceAll('\n  ', ' ')).toContain(
      `${cronPlace}, which cron uses: it does not see XDG_STATE_HOME`,
    );
    expect(err).toContain(`cronrun ls --state-dir ${cronPlace}\n`);
    expect((await runStatus({ stateDir: shellPlace }, 'backup', env)).err).toContain(
      `cronrun status backup --state-dir ${cronPlace}\n`,
    );
    expect(
      (await runStatus({ stateDir: shellPlace, exitCode: true }, 'backup', env)).err.split('\n'),
    ).toHaveLength(2);
  });
});
