import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  BIN,
  cronEnvironment,
  cronrun,
  type Going,
  poll,
  type Result,
  runProgram,
  said,
  scratch,
  start,
  startProgram,
} from '../helpers/cronrun.js';
import { mountDisk, needsDisk } from '../helpers/disk.js';
import { asAnotherUser, describeUnless, needsRoot, needsStrace } from '../helpers/needs.js';
import { plantStartRecord } from '../helpers/start-records.js';
import { traceCalls } from '../helpers/strace.js';

interface Place {
  readonly stateDir: string;
  /** The directory of the node exporter. */
  readonly directory: string;
  readonly file: string;
}

function place(): Place {
  const directory = scratch();
  return { stateDir: `${scratch()}/state`, directory, file: `${directory}/cronrun.prom` };
}

/** A run of a job that exits with `code` and keeps the metrics. */
function exec({ stateDir, directory }: Place, job: string, code = 0): Result {
  return cronrun(stateDir, ['exec', '--textfile', directory, job, '--', 'sh', '-c', `exit ${code}`]);
}

/** The value of a sample, "last_exit_code" of a job; undefined where there is none. */
function valueIn(text: string, metric: string, job: string, labels = ''): number | undefined {
  const prefix = `cronrun_job_${metric}{job_name="${job}"${labels}} `;
  const line = text.split('\n').find((one) => one.startsWith(prefix));
  return line === undefined ? undefined : Number(line.slice(prefix.length));
}

const sampleOf = ({ file }: Place, metric: string, job: string, labels = '') =>
  valueIn(readFileSync(file, 'utf8'), metric, job, labels);

const totalOf = (where: Place, job: string, status: string) =>
  sampleOf(where, 'runs_total', job, `,status="${status}"`);

const jobsIn = ({ file }: Place) =>
  [...readFileSync(file, 'utf8').matchAll(/^cronrun_job_running\{job_name="([^"]+)"/gm)].map(
    ([, job]) => job,
  );

const printed = (stateDir: string) => cronrun(stateDir, ['metrics']).stdout;

/** What the state directory knows of the file. */
function deskOf({ stateDir }: Place): string {
  const [desk = ''] = readdirSync(`${stateDir}/textfile`);
  return `${stateDir}/textfile/${desk}`;
}

const notesIn = (where: Place) => readdirSync(deskOf(where)).filter((name) => name.startsWith('ended-'));

/** The name of a note that was left by a run of the job `ageMs` ago. */
function plantNote(where: Place, job: string, ageMs: number): string {
  const name = `ended-${job}-${randomUUID()}`;
  plantFile(`${deskOf(where)}/${name}`, ageMs);
  return name;
}

function plantFile(path: string, ageMs: number): void {
  writeFileSync(path, '');
  const at = new Date(Date.now() - ageMs);
  utimesSync(path, at, at);
}

/** Everything below a directory, with what tells whether somebody wrote there. */
function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => {
    const { size, mtimeMs, ino } = statSync(`${directory}/${name}`);
    return `${name} ${ino} ${size} ${mtimeMs}`;
  });
}

describe('cronrun metrics', () => {
  it('prints what is known of all jobs, and writes nothing', () => {
    const where = place();
    for (const code of [0, 3, 0])
      cronrun(where.stateDir, ['exec', `job-${code}`, '--', 'sh', '-c', `exit ${code}`]);
    plantStartRecord(where.stateDir, 'cut');
    const before = filesBelow(where.stateDir);
    const { status, stdout, stderr } = cronrun(where.stateDir, ['metrics']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(filesBelow(where.stateDir)).toEqual(before);
    expect(valueIn(stdout, 'last_exit_code', 'job-3')).toBe(3);
    expect(valueIn(stdout, 'runs_total', 'job-0', ',status="completed"')).toBe(2);
    expect(valueIn(stdout, 'last_exit_code', 'cut')).toBe(195);
    expect(valueIn(stdout, 'interrupted', 'cut')).toBe(1);
    expect(valueIn(stdout, 'runs_total', 'cut', ',status="interrupted"')).toBe(1);
  });

  it('says so where there is nothing, and prints what is no error to Prometheus', () => {
    const { status, stdout, stderr } = cronrun(scratch(), ['metrics']);
    expect(status).toBe(0);
    expect(stdout).toContain('# TYPE cronrun_job_runs_total counter\n');
    expect(stdout).not.toMatch(/^[^#]/m);
    expect(stderr).toContain('no run is on record');
  });

  it('with a directory, or the variable for one, writes a file that everybody may read', () => {
    for (const how of ['option', 'variable']) {
      const where = place();
      cronrun(where.stateDir, ['exec', 'job', '--', 'true']);
      const args = how === 'option' ? ` --textfile ${where.directory}` : '';
      const env = cronEnvironment({
        CRONRUN_STATE_DIR: where.stateDir,
        ...(how === 'variable' ? { CRONRUN_TEXTFILE_DIR: where.directory } : {}),
      });
      const result = runProgram('sh', ['-c', `umask 077; exec ${BIN} metrics${args}`], { env });
      expect(result).toMatchObject({ status: 0, stdout: '', stderr: '' });
      expect(statSync(where.file).mode & 0o7777).toBe(0o644);
      expect(readdirSync(where.directory)).toEqual(['cronrun.prom']);
      const [first, ...rest] = readFileSync(where.file, 'utf8').split('\n');
      expect(first).toBe(`# Written by cronrun: the records of "${where.stateDir}"`);
      expect(rest.join('\n')).toBe(printed(where.stateDir));
    }
  });

  it('prints all the same where the variable is empty', () => {
    const where = place();
    exec(where, 'job');
    const env = cronEnvironment({ CRONRUN_TEXTFILE_DIR: '' });
    expect(valueIn(cronrun(where.stateDir, ['metrics'], { env }).stdout, 'last_exit_code', 'job')).toBe(0);
  });

  it('shows what it can, and says of which job it cannot', () => {
    const where = place();
    for (const job of ['a', 'b']) cronrun(where.stateDir, ['exec', job, '--', 'true']);
    rmSync(`${where.stateDir}/jobs/a/journal.jsonl`);
    mkdirSync(`${where.stateDir}/jobs/a/journal.jsonl`);
    for (const args of [[], ['--textfile', where.directory]]) {
      const { status, stderr } = cronrun(where.stateDir, ['metrics', ...args]);
      expect(status).toBe(125);
      expect(stderr).toContain(`${where.stateDir}/jobs/a/journal.jsonl`);
    }
    expect(jobsIn(where)).toEqual(['b']);
    expect(valueIn(printed(where.stateDir), 'running', 'b')).toBe(0);
  });

  it('refuses a directory in which it cannot write: 125, and which it was', () => {
    const where = place();
    cronrun(where.stateDir, ['exec', 'job', '--', 'true']);
    const result = cronrun(where.stateDir, ['metrics', '--textfile', '/nowhere/at/all']);
    expect(result.status).toBe(125);
    expect(said(result)).toBe(
      'cronrun: metrics: cannot write in /nowhere/at/all (ENOENT: no such file or directory)\n',
    );
  });
});

describeUnless(needsStrace(), 'a command that ends early', () => {
  it('leaves nothing half written', async () => {
    const where = place();
    exec(where, 'job');
    const before = readFileSync(where.file);
    const log = `${scratch()}/trace`;
    const slow = ['-f', '-o', log, '-e', 'trace=fchmod', '-e', 'inject=fchmod:delay_exit=1500000:when=1'];
    const run = startProgram(where.stateDir, 'strace', [
      ...slow,
      BIN,
      'metrics',
      '--textfile',
      where.directory,
    ]);
    await poll(() => readdirSync(where.directory).length > 1, 'something half written');
    const pid = await poll(() => /^(\d+) +fchmod/m.exec(readFileSync(log, 'utf8'))?.[1], 'who writes it');
    process.kill(Number(pid), 'SIGINT');
    expect((await run.ended).status).toBe(130);
    expect(readdirSync(where.directory)).toEqual(['cronrun.prom']);
    expect(readFileSync(where.file)).toEqual(before);
  });
});

describe('exec --textfile', () => {
  it('tells of its job, and keeps what was told of the others', () => {
    const where = place();
    exec(where, 'b', 3);
    exec(where, 'a');
    const before = sampleOf(where, 'last_run_timestamp_seconds', 'b');
    expect(exec(where, 'a', 7)).toMatchObject({ status: 7, stdout: '', stderr: '' });
    expect(jobsIn(where)).toEqual(['a', 'b']);
    expect(sampleOf(where, 'last_exit_code', 'a')).toBe(7);
    expect(sampleOf(where, 'last_run_timestamp_seconds', 'b')).toBe(before);
    expect([totalOf(where, 'a', 'completed'), totalOf(where, 'a', 'failed')]).toEqual([1, 1]);
  });

  it('has its variable, which the command does not find', () => {
    const where = place();
    const env = cronEnvironment({ CRONRUN_TEXTFILE_DIR: where.directory });
    const { stdout } = cronrun(
      where.stateDir,
      ['exec', 'job', '--', 'sh', '-c', 'echo "[$CRONRUN_TEXTFILE_DIR]"'],
      {
        env,
      },
    );
    expect(stdout).toBe('[]\n');
    expect(sampleOf(where, 'last_exit_code', 'job')).toBe(0);
  });

  it.each<[string, (where: Place) => void]>([
    ['removed', ({ file }) => rmSync(file)],
    ['emptied', ({ file }) => writeFileSync(file, '')],
    ['cut', ({ file }) => writeFileSync(file, readFileSync(file, 'utf8').slice(0, 700))],
    [
      'edited',
      ({ file }) =>
        writeFileSync(file, readFileSync(file, 'utf8').replaceAll('job_name="b"', 'job_name="x"')),
    ],
    ['touched', ({ file }) => utimesSync(file, 1, 1)],
    ['another user’s to read', ({ file }) => chmodSync(file, 0o600)],
    ['replaced by what is no metric', ({ file }) => writeFileSync(file, 'oops')],
  ])('makes all of it anew where it was %s', (_, change) => {
    const where = place();
    exec(where, 'b', 3);
    exec(where, 'a');
    change(where);
    expect(exec(where, 'a').stderr).toBe('');
    expect(jobsIn(where)).toEqual(['a', 'b']);
    expect(sampleOf(where, 'last_exit_code', 'b')).toBe(3);
    expect(statSync(where.file).mode & 0o777).toBe(0o644);
  });

  it('does not follow a link that stands there', () => {
    const where = place();
    const victim = `${scratch()}/victim`;
    writeFileSync(victim, 'precious', { mode: 0o600 });
    symlinkSync(victim, where.file);
    expect(exec(where, 'job').stderr).toBe('');
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(statSync(victim).mode & 0o777).toBe(0o600);
    expect(sampleOf(where, 'last_exit_code', 'job')).toBe(0);
  });

  const asFile = ({ file }: Place) => {
    writeFileSync(file, '');
    return file;
  };
  const withDirectory = ({ directory, file }: Place) => {
    mkdirSync(file);
    return directory;
  };

  it.each<[string, (where: Place) => string, RegExp]>([
    ['is not there', () => '/nowhere/at/all', /^\/nowhere\/at\/all: ENOENT: no such file or directory$/],
    ['is a file', asFile, /^\S+: ENOTDIR: not a directory$/],
    ['has a directory in its place', withDirectory, /: EISDIR: /],
  ])('where the directory %s says so, and keeps the exit status', (_, make, why) => {
    const where = place();
    const result = exec({ ...where, directory: make(where) }, 'job', 5);
    expect(result.status).toBe(5);
    expect(said(result)).toMatch(/^cronrun: job: textfile: .*\n$/);
    expect(said(result).slice('cronrun: job: textfile: '.length, -1)).toMatch(why);
    const noted = readFileSync(`${where.stateDir}/jobs/job/report-failures.jsonl`, 'utf8');
    expect(JSON.parse(noted)).toMatchObject({
      reporter: 'textfile',
      why: expect.stringMatching(why) as string,
    });
  });

  it('makes up for it with the next run of any job', () => {
    const where = place();
    exec(where, 'a');
    rmSync(where.directory, { recursive: true });
    expect(exec(where, 'b', 3).stderr).toContain('textfile');
    mkdirSync(where.directory);
    expect(exec(where, 'a').stderr).toBe('');
    expect(sampleOf(where, 'last_exit_code', 'b')).toBe(3);
  });

  it('keeps one note of a job, however often the file cannot be written', () => {
    const where = place();
    exec(where, 'a');
    rmSync(where.directory, { recursive: true });
    for (let n = 1; n <= 9; n++) expect(exec(where, 'b', n).stderr).toContain('ENOENT');
    exec(where, 'c', 3);
    expect(notesIn(where).map((name) => name.slice(0, 8))).toEqual(['ended-b-', 'ended-c-']);
    mkdirSync(where.directory);
    expect(exec(where, 'a').stderr).toBe('');
    expect([sampleOf(where, 'last_exit_code', 'b'), totalOf(where, 'b', 'failed')]).toEqual([9, 9]);
    expect(sampleOf(where, 'last_exit_code', 'c')).toBe(3);
    expect(notesIn(where)).toEqual([]);
  });

  it('drops old notes of its job where it does not even come to write', async () => {
    const where = place();
    exec(where, 'a');
    const [old, recent] = [120_000, 5000].map((ms) => plantNote(where, 'a', ms));
    const other = plantNote(where, 'b', 120_000);
    const holder = startProgram(where.stateDir, 'flock', [
      `${deskOf(where)}/lock`,
      'sh',
      '-c',
      'echo locked; read line',
    ]);
    await holder.says('locked');
    const run = start(where.stateDir, ['exec', '--textfile', where.directory, 'a', '--', 'true']);
    await poll(() => !notesIn(where).includes(old ?? ''), 'the old note to go');
    run.child.kill('SIGTERM');
    expect((await run.ended).stderr).toContain('a: textfile: it was told to stop');
    expect(notesIn(where)).toEqual(expect.arrayContaining([recent, other]));
    expect(notesIn(where).length).toBe(3);
    holder.child.stdin?.end('\n');
    await holder.ended;
  });

  it('does not follow a link in the place of what it noted, and does without that', () => {
    const where = place();
    exec(where, 'job');
    const written = `${deskOf(where)}/written.json`;
    const victim = `${scratch()}/victim`;
    const noted = readFileSync(written);
    writeFileSync(victim, noted, { mode: 0o640 });
    rmSync(written);
    symlinkSync(victim, written);
    expect(exec(where, 'job', 3)).toMatchObject({ status: 3, stderr: '' });
    expect(readFileSync(victim)).toEqual(noted);
    expect(statSync(victim).mode & 0o777).toBe(0o640);
    expect(lstatSync(written).isFile()).toBe(true);
    expect(statSync(written).mode & 0o777).toBe(0o600);
    expect(sampleOf(where, 'last_exit_code', 'job')).toBe(3);
  });

  const LEFT = `.cronrun-${randomUUID()}.tmp`;

  it.each([
    ['the lines of its job', () => undefined],
    ['all of the file', ({ file }: Place) => rmSync(file)],
  ])('removes what was left half written hours ago, where it writes %s', (_, change) => {
    const where = place();
    exec(where, 'job');
    const path = (name: string) => `${where.directory}/${name}`;
    const kept = [LEFT.replace('.tmp', '.tmp.7'), '.cronrun-1.tmp', 'node.prom.tmp', `x${LEFT}`];
    plantFile(path(LEFT), 3 * 3_600_000);
    plantFile(path(`${LEFT}.1234`), 3 * 3_600_000);
    plantFile(path(kept[0] ?? ''), 1_800_000);
    for (const name of kept.slice(1)) plantFile(path(name), 3 * 3_600_000);
    change(where);
    expect(exec(where, 'job').stderr).toBe('');
    expect(readdirSync(where.directory).sort()).toEqual([...kept, 'cronrun.prom'].sort());
  });

  it('leaves links and directories that have such a name', () => {
    const where = place();
    exec(where, 'job');
    symlinkSync('/nowhere', `${where.directory}/${LEFT}`);
    lutimesSync(`${where.directory}/${LEFT}`, 1, 1);
    mkdirSync(`${where.directory}/${LEFT}.1`);
    utimesSync(`${where.directory}/${LEFT}.1`, 1, 1);
    expect(exec(where, 'job').stderr).toBe('');
    expect(readdirSync(where.directory).sort()).toEqual([LEFT, `${LEFT}.1`, 'cronrun.prom']);
  });

  it('does not share a file with another state directory', () => {
    const where = place();
    exec(where, 'ours');
    const other = { ...where, stateDir: `${scratch()}/other` };
    const result = exec(other, 'theirs', 4);
    expect(result.status).toBe(4);
    expect(said(result)).toContain(`has the records of "${where.stateDir}"; name another directory`);
    expect(jobsIn(where)).toEqual(['ours']);
    rmSync(where.file);
    expect(exec(other, 'theirs').stderr).toBe('');
    expect(jobsIn(where)).toEqual(['theirs']);
  });

  it('says at once that an earlier run was cut short, while the next one goes on', async () => {
    const where = place();
    plantStartRecord(where.stateDir, 'job');
    const run = start(where.stateDir, [
      'exec',
      '--textfile',
      where.directory,
      'job',
      '--',
      'sh',
      '-c',
      'read line',
    ]);
    await poll(() => existsSync(where.file), 'the metrics');
    expect(sampleOf(where, 'interrupted', 'job')).toBe(1);
    expect(sampleOf(where, 'running', 'job')).toBe(1);
    run.child.stdin?.end('\n');
    await run.ended;
    expect(sampleOf(where, 'interrupted', 'job')).toBe(0);
    expect(sampleOf(where, 'running', 'job')).toBe(0);
    expect(totalOf(where, 'job', 'interrupted')).toBe(1);
  });

  it('has no job any more that was forgotten', () => {
    const where = place();
    exec(where, 'a');
    exec(where, 'b');
    cronrun(where.stateDir, ['forget', 'a']);
    exec(where, 'b');
    expect(jobsIn(where)).toEqual(['b']);
  });

  it('counts what is not on record any more', () => {
    const where = place();
    for (const code of [0, 0, 1, 0, 1]) exec(where, 'job', code);
    cronrun(where.stateDir, ['prune', '--keep-runs', '1', 'job']);
    const both = (text: string) =>
      ['completed', 'failed'].map((s) => valueIn(text, 'runs_total', 'job', `,status="${s}"`));
    expect(both(printed(where.stateDir))).toEqual([3, 2]);
    exec(where, 'job');
    expect(both(readFileSync(where.file, 'utf8'))).toEqual([4, 2]);
    rmSync(where.file);
    exec(where, 'job', 1);
    expect(both(readFileSync(where.file, 'utf8'))).toEqual([4, 3]);
  });

  it('loses nobody’s end where many come at once, and writes for many at once', async () => {
    const where = place();
    const jobs = ['a', 'b', 'c', 'd'];
    const env = cronEnvironment({ CRONRUN_TEXTFILE_DIR: where.directory });
    const runs: Going[] = [];
    for (let n = 0; n < 24; n++)
      runs.push(
        start(where.stateDir, ['exec', jobs[n % 4] ?? '', '--', 'sh', '-c', `exit ${n % 2}`], { env }),
      );
    const results = await Promise.all(runs.map((run) => run.ended));
    expect(results.map(({ stderr }) => stderr).filter((text) => text !== '')).toEqual([]);
    for (const job of jobs) {
      const [completed = 0, failed = 0] = ['completed', 'failed'].map((status) =>
        totalOf(where, job, status),
      );
      expect(completed + failed).toBe(6);
    }
    expect(readdirSync(where.directory)).toEqual(['cronrun.prom']);
    expect(readdirSync(deskOf(where)).sort()).toEqual(['lock', 'written.json']);
  });

  it('leaves soon where it is told to stop while others write', async () => {
    const where = place();
    exec(where, 'a');
    const lock = `${deskOf(where)}/lock`;
    const holder = startProgram(where.stateDir, 'flock', [lock, 'sh', '-c', 'echo locked; read line']);
    await holder.says('locked');
    const run = start(where.stateDir, [
      'exec',
      '--textfile',
      where.directory,
      'a',
      '--',
      'sh',
      '-c',
      'exit 6',
    ]);
    await poll(() => notesIn(where).length > 0, 'the run to wait');
    run.child.kill('SIGTERM');
    const result = await run.ended;
    expect(result.status).toBe(6);
    expect(said(result)).toMatch(/^cronrun: a: textfile: it was told to stop.*\n$/);
    holder.child.stdin?.end('\n');
    await holder.ended;
    exec(where, 'b');
    expect(sampleOf(where, 'last_exit_code', 'a')).toBe(6);
    expect(notesIn(where)).toEqual([]);
  });
});

describeUnless(needsStrace(), 'what exec --textfile does', () => {
  it('opens nothing of other jobs', () => {
    const where = place();
    for (const job of ['a', 'b', 'c']) exec(where, job);
    const { calls } = traceCalls(where.stateDir, 'openat,open', [
      'exec',
      '--textfile',
      where.directory,
      'b',
      '--',
      'true',
    ]);
    const opened = calls
      .map(({ args }) => /\/jobs\/([^/"]*)/.exec(args)?.[1])
      .filter((job) => job !== undefined);
    expect([...new Set(opened)]).toEqual(['b']);
  });

  it('loads what writes it only when the command has ended', () => {
    const where = place();
    const { calls } = traceCalls(where.stateDir, 'openat,open,exit_group', [
      'exec',
      '--textfile',
      where.directory,
      'b',
      '--',
      'sh',
      '-c',
      'exit 9',
    ]);
    const ended = calls.findIndex(({ name, args }) => name === 'exit_group' && args === '9');
    const loaded = calls.findIndex(({ args }) => args.includes('write-file-atomic'));
    expect(loaded).toBeGreaterThan(ended);
    expect(ended).toBeGreaterThan(-1);
  });

  it('waits for who writes: neither takes away what the other tells', async () => {
    const where = place();
    for (const job of ['a', 'b']) exec(where, job);
    const args = ['exec', '--textfile', where.directory, 'a', '--', 'sh', '-c', 'exit 4'];
    const made = traceCalls(where.stateDir, 'fchmod', args).calls;
    const staged = made.findIndex(({ args: path }) => path.includes('/.cronrun-'));
    expect(made.every(({ pid }) => pid === made[0]?.pid)).toBe(true);
    const slow = `inject=fchmod:delay_exit=1500000:when=${staged + 1}`;
    const first = startProgram(where.stateDir, 'strace', ['-f', '-o', '/dev/null', '-e', slow, BIN, ...args]);
    await poll(() => readdirSync(where.directory).length > 1, 'the first to write');
    expect(exec(where, 'b', 3)).toMatchObject({ status: 3, stderr: '' });
    expect((await first.ended).status).toBe(4);
    expect([sampleOf(where, 'last_exit_code', 'a'), sampleOf(where, 'last_exit_code', 'b')]).toEqual([4, 3]);
  });

  it('leaves a whole file, killed where it makes or renames one, and the next run makes up for it', () => {
    const where = place();
    for (const job of ['a', 'b']) exec(where, job);
    const args = ['exec', '--textfile', where.directory, 'a', '--', 'true'];
    for (const call of ['rename', 'fchmod']) {
      const points = traceCalls(where.stateDir, call, args).calls.length;
      expect(points).toBeGreaterThan(1);
      for (let n = 1; n <= points; n++) killAt(where, args, call, n);
    }
  });
});

function killAt(where: Place, args: readonly string[], call: string, n: number): void {
  const before = readFileSync(where.file).length;
  const inject = [
    '-f',
    '-o',
    '/dev/null',
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:signal=KILL:when=${n}`,
  ];
  const env = cronEnvironment({ CRONRUN_STATE_DIR: where.stateDir });
  runProgram('strace', [...inject, BIN, ...args], { env });
  expect(jobsIn(where)).toEqual(['a', 'b']);
  // No line less: only durations and times have another length.
  expect(readFileSync(where.file).length).toBeGreaterThan(before - 20);
  expect(exec(where, 'b', 3).status).toBe(3);
  const rest = readFileSync(where.file, 'utf8').split('\n').slice(1).join('\n');
  expect(rest).toBe(printed(where.stateDir));
}

describeUnless(needsDisk('tmpfs'), 'a full disk', () => {
  it('keeps the file that was there, and says so; with room again all is told', () => {
    const disk = mountDisk('tmpfs');
    const directory = `${disk.stateDir}-textfile`;
    mkdirSync(directory);
    const where = { stateDir: `${scratch()}/state`, directory, file: `${directory}/cronrun.prom` };
    for (let n = 0; n < 10; n++) exec(where, `job-${n}`);
    const before = readFileSync(where.file);
    expect(before.length).toBeGreaterThan(8192);
    // One page is left: the write is short, which is no error of its own.
    writeFileSync(`${directory}/page`, Buffer.alloc(4096));
    disk.fill();
    rmSync(`${directory}/page`);
    const result = exec(where, 'job-3', 9);
    expect(result.status).toBe(9);
    expect(said(result)).toMatch(
      /^cronrun: job-3: textfile: .*ENOSPC: only \d+ of \d+ bytes could be written\n$/,
    );
    expect(readFileSync(where.file)).toEqual(before);
    expect(readdirSync(directory)).toEqual(['cronrun.prom']);
    disk.free();
    expect(exec(where, 'job-4').stderr).toBe('');
    expect(sampleOf(where, 'last_exit_code', 'job-3')).toBe(9);
  });
});

describeUnless(needsRoot(), 'a directory of somebody else', () => {
  it('is written by root without following what stands there, and read by all', () => {
    const where = place();
    const victim = `${scratch()}/victim`;
    writeFileSync(victim, 'precious', { mode: 0o600 });
    chmodSync(where.directory, 0o777);
    runProgram('setpriv', [...asAnotherUser(), 'ln', '-s', victim, where.file]);
    expect(exec(where, 'job').stderr).toBe('');
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(statSync(victim).mode & 0o777).toBe(0o600);
    const read = runProgram('setpriv', [...asAnotherUser(), 'cat', where.file]);
    expect(valueIn(read.stdout, 'last_exit_code', 'job')).toBe(0);
  });

  it('keeps what he left half written', () => {
    const where = place();
    exec(where, 'job');
    const left = `${where.directory}/.cronrun-${randomUUID()}.tmp`;
    plantFile(left, 3 * 3_600_000);
    chownSync(left, 65_534, 65_534);
    expect(exec(where, 'job').stderr).toBe('');
    expect(existsSync(left)).toBe(true);
  });
});
