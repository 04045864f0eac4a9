import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readPlace } from '../../src/platform/identity.js';
import { afterwards, cronrun, fixture, runningOf, scratch } from '../helpers/cronrun.js';
import {
  endOf,
  journalFile,
  onlyStartRecord,
  plantStartRecord,
  rewriteWrapper,
  runningPath,
} from '../helpers/start-records.js';
import { endedTruth, jsonLines, runNext, truth } from '../helpers/truth.js';

const FAILED = endedTruth('failed exited', 3);

/** A state directory with one run of "job" on record, which failed with 3. */
function withOneRun(): string {
  const stateDir = scratch();
  mkdirSync(runningPath(stateDir, 'job'), { recursive: true });
  writeFileSync(journalFile(stateDir, 'job'), lineWith({ ...EXITED_3, job: 'job' }));
  return stateDir;
}

const EXITED_3 = { status: 'failed', exit_code: 3, completed_at: null };

/** One line of a journal with other values here and there. */
function lineWith(changes: Record<string, unknown>): string {
  const [line = {}] = jsonLines(
    readFileSync(`${FROZEN}/jobs/backup/journal.jsonl`, 'utf8').split('\n', 1).join(),
  );
  return `${JSON.stringify({ ...line, ...changes })}\n`;
}

const FROZEN = fixture('state');

/** Bytes that must not be taken for a run, and how many lines of them a reader has to pass over. */
const GARBAGE: readonly (readonly [string, string | Buffer, number])[] = [
  ['a torn line', lineWith({}).slice(0, 200), 1],
  ['a torn line of one byte', '{', 1],
  ['a line without its first half', lineWith({}).slice(200), 1],
  ['NUL bytes, as a power cut leaves them', Buffer.alloc(5000), 1],
  ['every byte there is', Buffer.from(Array.from({ length: 256 }, (_, i) => i)), 2],
  ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0xc3, 0x28, 10]), 1],
  ['a line of 3 MB', `${'x'.repeat(3_000_000)}\n`, 1],
  ['a line of 3 MB without an end', 'x'.repeat(3_000_000), 1],
  ['200,000 brackets', `${'['.repeat(200_000)}\n`, 1],
  ['blank lines', '\n\n  \n\n', 0],
  ['JSON that is no object', '[]\nnull\n42\n"run"\n', 4],
  ['objects that are no record', '{}\n{"schema":1}\n{"__proto__":{"schema":1}}\n', 3],
  ['records without a valid id', lineWith({ cron_job_id: 'cron:1' }) + lineWith({ cron_job_id: 7 }), 2],
  ['records that started at no time', lineWith({ started_at: 'soon' }) + lineWith({ started_at: null }), 2],
  ['a status that there is not', lineWith({ status: 'done' }), 1],
  ['a reason that belongs to another status', lineWith({ reason: 'lost' }), 1],
  ['a run that completed without an end', lineWith({ ended_at: null }), 1],
  ['a run that failed and completed', lineWith({ status: 'failed', exit_code: 1 }), 1],
  ['a run that still runs', lineWith({ status: 'running', reason: 'running' }), 1],
  ['an exit code that no process has', lineWith({ exit_code: 256 }) + lineWith({ exit_code: -1 }), 2],
  ['a schema that is no number', lineWith({ schema: '1' }) + lineWith({ schema: 0 }), 2],
];

const ANOTHER = 'cron:01a200df-ffff-7c3e-9b1d-2f6f0c5affff';

describe('a journal that ends in', () => {
  it.each(GARBAGE)('%s: passed over, counted, and closed off by the next run', (_, garbage, count) => {
    const stateDir = withOneRun();
    const journal = journalFile(stateDir, 'job');
    appendFileSync(journal, garbage);
    const before = readFileSync(journal);
    const { stdout, stderr } = cronrun(stateDir, ['last', '--get', 'status,exit_code', 'job']);
    expect(stdout).toBe('failed 3\n');
    if (count === 0) expect(stderr).toBe('');
    else expect(stderr).toContain(`${count} line${count === 1 ? '' : 's'}`);

    const next = runNext(stateDir, 'job');
    expect(next).toMatchObject({ stderr: '', env: { CRONRUN_LAST_EXIT_CODE: '3' } });
    expect(cronrun(stateDir, ['ls', '--get', 'exit_code', 'job']).stdout).toBe('0\n3\n');
    expect(readFileSync(journal).subarray(0, before.length).equals(before)).toBe(true);
  });

  it('a line torn by somebody else in the middle of its characters: all readers agree', () => {
    const stateDir = withOneRun();
    appendFileSync(journalFile(stateDir, 'job'), Buffer.from(lineWith({ user: 'ä' })).subarray(0, -20));
    expect(truth(stateDir, 'job')).toEqual(FAILED);
  });
});

describe('a journal with', () => {
  it('garbage of every kind before the last line: all readers agree', () => {
    const stateDir = withOneRun();
    for (const [, garbage] of GARBAGE) appendFileSync(journalFile(stateDir, 'job'), garbage);
    appendFileSync(journalFile(stateDir, 'job'), `\n${lineWith({ job: 'job', cron_job_id: ANOTHER })}`);
    expect(truth(stateDir, 'job')).toEqual(endedTruth('completed exited', 0));
    const listed = cronrun(stateDir, ['ls', '--get', 'exit_code', 'job']);
    expect(listed.stdout).toBe('0\n3\n');
    expect(listed.stderr).toMatch(/\b\d\d lines on record that are no record/);
  });

  it('nothing but garbage: no run, and the next one is recorded', () => {
    const stateDir = scratch();
    mkdirSync(`${stateDir}/jobs/job`, { recursive: true });
    writeFileSync(journalFile(stateDir, 'job'), 'rubbish');
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(193);
    expect(runNext(stateDir, 'job').env.CRONRUN_LAST_STATUS).toBe('none');
    expect(truth(stateDir, 'job')).toEqual(endedTruth('completed exited', 0));
  });

  it('Windows line ends and a field of a later version: read as far as they are understood', () => {
    const stateDir = scratch();
    mkdirSync(`${stateDir}/jobs/job`, { recursive: true });
    const line = lineWith({ job: 'job', schema: 2, mood: ['x'] }).replace('\n', '\r\n');
    writeFileSync(journalFile(stateDir, 'job'), line);
    expect(truth(stateDir, 'job')).toEqual(endedTruth('completed exited', 0));
  });

  it('a last line of 200 KiB: the reader from the end finds where it begins', () => {
    const stateDir = withOneRun();
    const long = lineWith({ job: 'job', cron_job_id: ANOTHER, command: ['x'.repeat(200 * 1024)] });
    appendFileSync(journalFile(stateDir, 'job'), long);
    expect(truth(stateDir, 'job')).toEqual(endedTruth('completed exited', 0));
    expect(cronrun(stateDir, ['ls', '--get', 'exit_code', 'job']).stdout).toBe('0\n3\n');
  });
});

/** What somebody may have put where a file is expected. A fifo holds whoever opens it without care for ever. */
const NO_FILES: readonly (readonly [string, (path: string) => void])[] = [
  ['a directory', (path) => mkdirSync(path)],
  ['a fifo', (path) => void execFileSync('mkfifo', [path])],
  ['a socket', (path) => afterwards(listen(path))],
  ['a link to itself', (path) => symlinkSync(path, path)],
  ['a link to a device without an end', (path) => symlinkSync('/dev/zero', path)],
];

function listen(path: string): () => void {
  const server = createServer().listen(path);
  return () => void server.close();
}

describe('in the place of the journal', () => {
  it.each(NO_FILES)('%s: readers say so, the job runs, its end is kept', async (_, put) => {
    const stateDir = scratch();
    mkdirSync(runningPath(stateDir, 'job'), { recursive: true });
    cronrun(stateDir, ['exec', 'other', '--', 'true']);
    put(journalFile(stateDir, 'job'));
    await sockets();
    const before = treeOf(stateDir);
    for (const command of ['status', 'last']) {
      const { status, stdout, stderr } = cronrun(stateDir, [command, 'job']);
      expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
      expect(stderr).toContain(journalFile(stateDir, 'job'));
    }
    expect(treeOf(stateDir)).toEqual(before);

    const run = cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 6']);
    expect(run.status).toBe(6);
    expect(run.stderr).toContain('its journal cannot be written');
    rmSync(journalFile(stateDir, 'job'), { recursive: true });
    expect(truth(stateDir, 'job')).toEqual(endedTruth('failed exited', 6));
    expect(runNext(stateDir, 'job').env.CRONRUN_LAST_EXIT_CODE).toBe('6');
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it.each(NO_FILES)('%s: the other jobs are listed', async (_, put) => {
    const stateDir = scratch();
    mkdirSync(`${stateDir}/jobs/a-bad-one`, { recursive: true });
    put(journalFile(stateDir, 'a-bad-one'));
    await sockets();
    cronrun(stateDir, ['exec', 'good', '--', 'true']);
    const { status, stdout, stderr } = cronrun(stateDir, ['ls', '--get', 'job,status']);
    expect(stdout).toBe('good completed\n');
    expect(stderr).toContain(journalFile(stateDir, 'a-bad-one'));
    expect(status).toBe(125);
  });
});

function sparse(path: string, bytes: number): void {
  writeFileSync(path, '');
  truncateSync(path, bytes);
}

/** Lets a socket that was asked for appear. */
function sockets(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const UUID = '01a1f693-2b2f-7c3e-9b1d-2f6f0c5a9e11';

describe('in running/', () => {
  const IN_RUNNING: typeof NO_FILES = [
    ...NO_FILES,
    ['a link to nothing', (path) => symlinkSync('nowhere', path)],
    ['an empty file', (path) => writeFileSync(path, '')],
    ['NUL bytes', (path) => writeFileSync(path, Buffer.alloc(12_288))],
    [
      'noise',
      (path) => writeFileSync(path, Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 31) % 256))),
    ],
    ['one huge line', (path) => writeFileSync(path, 'x'.repeat(3_000_000))],
    ['a gigabyte of nothing', (path) => sparse(path, 2 ** 30)],
    ['a journal line', (path) => writeFileSync(path, lineWith({}))],
  ];

  it.each(IN_RUNNING)(
    '%s by the name of a start record: no run, no harm, and left alone in its boot',
    async (_, put) => {
      const stateDir = withOneRun();
      const path = `${runningPath(stateDir, 'job')}/${UUID}.jsonl`;
      put(path);
      await sockets();
      const before = treeOf(stateDir);
      expect(truth(stateDir, 'job')).toEqual(FAILED);
      expect(treeOf(stateDir)).toEqual(before);
      expect(runNext(stateDir, 'job')).toMatchObject({
        status: 0,
        stderr: '',
        env: { CRONRUN_LAST_EXIT_CODE: '3' },
      });
      expect(runningOf(stateDir, 'job')).toEqual([`${UUID}.jsonl`]);
    },
  );

  it.each(IN_RUNNING)('%s by any other name: nobody looks', async (_, put) => {
    const stateDir = withOneRun();
    put(`${runningPath(stateDir, 'job')}/${UUID}.jsonl~`);
    await sockets();
    expect(cronrun(stateDir, ['status', '--get', 'exit_code', 'job'])).toMatchObject({
      stdout: '3\n',
      stderr: '',
    });
    expect(runNext(stateDir, 'job')).toMatchObject({ status: 0, stderr: '' });
    expect(runningOf(stateDir, 'job')).toEqual([`${UUID}.jsonl~`]);
  });

  it('torn and temporary files go once their boot is over, what cronrun did not make stays', () => {
    const stateDir = withOneRun();
    const running = runningPath(stateDir, 'job');
    const names = [`${UUID}.jsonl`, `.${UUID}.tmp`, 'README'];
    mkdirSync(`${running}/01a1f693-0000-7c3e-9b1d-2f6f0c5a9e11.jsonl`);
    for (const name of names) writeFileSync(`${running}/${name}`, '{');
    for (const name of readdirSync(running)) utimesSync(`${running}/${name}`, 1, 1);
    runNext(stateDir, 'job');
    expect(runningOf(stateDir, 'job')).toEqual(['01a1f693-0000-7c3e-9b1d-2f6f0c5a9e11.jsonl', 'README']);
  });

  it('a third line that is torn: as if it were not there', () => {
    const stateDir = scratch();
    plantStartRecord(stateDir, 'job');
    const record = onlyStartRecord(stateDir, 'job');
    const lines = readFileSync(record, 'utf8').split('\n');
    const torn = '{"status":"completed","reason":"exi';
    writeFileSync(record, [lines[0], lines[1], torn + (lines[2] ?? '').slice(torn.length), ''].join('\n'));
    expect(truth(stateDir, 'job')).toEqual(endedTruth('interrupted lost', 195));
  });

  it('a second line that is torn: the run is looked for by its environment', () => {
    const stateDir = scratch();
    plantStartRecord(stateDir, 'job', { child: null });
    const record = onlyStartRecord(stateDir, 'job');
    const bytes = readFileSync(record);
    bytes.write('{"pid":47', bytes.indexOf(10) + 1);
    writeFileSync(record, bytes);
    expect(truth(stateDir, 'job')).toEqual(endedTruth('interrupted lost', 195));
  });

  it('an impossible third line: as if it were not there', () => {
    const stateDir = scratch();
    const end = endOf('2026-11-20T01:30:00.000Z', 4000, {
      status: 'completed',
      reason: 'lost',
      exit_code: 0,
    });
    plantStartRecord(stateDir, 'job', { end });
    expect(truth(stateDir, 'job')).toEqual(endedTruth('interrupted lost', 195));
  });
});

describe('in jobs/', () => {
  it('files and names that are no jobs are not listed', () => {
    const stateDir = withOneRun();
    for (const name of ['a-file', '.hidden', 'with space']) writeFileSync(`${stateDir}/jobs/${name}`, '');
    mkdirSync(`${stateDir}/jobs/-dash`);
    mkdirSync(`${stateDir}/jobs/empty`);
    symlinkSync('nowhere', `${stateDir}/jobs/dangling`);
    const { status, stdout, stderr } = cronrun(stateDir, ['ls', '-q']);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'job\n', stderr: '' });
    expect(cronrun(stateDir, ['last', '--exit-code', 'a-file']).status).toBe(193);
  });

  it('a file in the place of the job: the run is not recorded, and runs', () => {
    const stateDir = withOneRun();
    writeFileSync(`${stateDir}/jobs/other`, '');
    const { status, stderr } = cronrun(stateDir, ['exec', 'other', '--', 'sh', '-c', 'exit 5']);
    expect(status).toBe(5);
    expect(stderr).toContain('NOT RECORDED');
  });
});

type Tree = Record<string, string>;

/** Everything below a directory: types, sizes, times and contents. What a reader leaves as it was stays equal. */
function treeOf(directory: string): Tree {
  const tree: Tree = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = `${directory}/${name}`;
    const stat = lstatSync(path);
    tree[name] = `${stat.mode} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
    if (stat.isSymbolicLink()) tree[name] += readlinkSync(path);
  }
  return tree;
}

/** The readers' answers that are checked in, line by line. */
function expected(name: string): unknown[] {
  return jsonLines(readFileSync(`${fixture('state-read')}/${name}`, 'utf8'));
}

/** A sample of format version 1 that no later version may read otherwise. `--json` may grow, never change. */
describe('the frozen state directory', () => {
  it('ls --json', () => {
    const before = treeOf(FROZEN);
    const { stdout, stderr, status } = cronrun(FROZEN, ['ls', '--json', '--sort', 'name']);
    const lines = jsonLines(stdout);
    expect(lines).toMatchObject(expected('ls.jsonl'));
    expect({ status, count: lines.length }).toEqual({ status: 0, count: expected('ls.jsonl').length });
    expect(stderr).toContain('4 lines');
    expect(treeOf(FROZEN)).toEqual(before);
  });

  it.each(['backup', 'certs', 'feeds', 'mailq', 'report', 'sync'])('status, last and ls of %s', (job) => {
    const answers = [
      ...jsonLines(cronrun(FROZEN, ['status', '--json', job]).stdout),
      ...jsonLines(cronrun(FROZEN, ['last', '--json', job]).stdout),
      ...jsonLines(cronrun(FROZEN, ['ls', '--json', job]).stdout),
    ];
    expect(answers).toMatchObject(expected(`${job}.jsonl`));
    expect(answers).toHaveLength(expected(`${job}.jsonl`).length);
  });

  it('answers by exit status', () => {
    const exits = readdirSync(`${FROZEN}/jobs`).map((job) => [
      job,
      cronrun(FROZEN, ['status', '--exit-code', job]).status,
      cronrun(FROZEN, ['last', '--exit-code', job]).status,
    ]);
    expect(exits).toEqual([
      ['backup', 0, 0],
      ['certs', 196, 196],
      ['feeds', 2, 2],
      ['mailq', 196, 196],
      ['nothing', 193, 193],
      ['report', 124, 124],
      ['sync', 195, 195],
    ]);
  });

  it('a job without a run in it is not proposed to whoever asks for it', () => {
    const { status, stderr } = cronrun(FROZEN, ['last', 'nothing']);
    expect({ status, stderr }).toEqual({
      status: 193,
      stderr: `cronrun: no run of "nothing" is on record in ${FROZEN}\n`,
    });
  });

  it('on the host that wrote it, after a restart: cut short by that', () => {
    const stateDir = scratch();
    cpSync(FROZEN, stateDir, { recursive: true });
    const { machine_id, host_name } = readPlace();
    rewriteWrapper(onlyStartRecord(stateDir, 'certs'), { machine_id, host_name });
    expect(truth(stateDir, 'certs')).toEqual(endedTruth('interrupted rebooted', 195));
    expect(runNext(stateDir, 'certs').env).toMatchObject({
      CRONRUN_LAST_ID: 'cron:01a200df-0011-7c3e-9b1d-2f6f0c5a0011',
      CRONRUN_LAST_REASON: 'rebooted',
      CRONRUN_LAST_COMPLETED_AT: '2026-11-20T01:24:19.100Z',
    });
    expect(runningOf(stateDir, 'certs')).toEqual([]);
  });

  it('can be gone on with', () => {
    const stateDir = scratch();
    cpSync(FROZEN, stateDir, { recursive: true });
    for (const job of ['backup', 'feeds', 'report', 'sync']) {
      expect(runNext(stateDir, job)).toMatchObject({ status: 0, stderr: '' });
      expect(truth(stateDir, job)).toEqual(endedTruth('completed exited', 0));
      expect(runningOf(stateDir, job)).toEqual([]);
    }
  });
});
