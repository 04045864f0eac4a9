import {
  chmodSync,
  existsSync,
  lstatSync,
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
  afterwards,
  BIN,
  cronEnvironment,
  cronrun,
  type Going,
  journalOf,
  lastOf,
  poll,
  runProgram,
  said,
  scratch,
  start,
  statusOf,
} from '../helpers/cronrun.js';
import { describeUnless, needsLinux, needsStrace } from '../helpers/needs.js';
import { plantStartRecord } from '../helpers/start-records.js';
import { traceCalls } from '../helpers/strace.js';

const KEEP = ['--output', 'on-failure'];

function exec(script: string, ...options: string[]): string[] {
  return ['exec', ...KEEP, ...options, 'job', '--', 'sh', '-c', script];
}

function run(stateDir: string, script: string, ...options: string[]) {
  return cronrun(stateDir, exec(script, ...options));
}

function outputOf(stateDir: string): string {
  return `${stateDir}/jobs/job/output`;
}

function logsOf(stateDir: string): string[] {
  return existsSync(outputOf(stateDir)) ? readdirSync(outputOf(stateDir)).sort() : [];
}

/** The text of the only log. */
function logOf(stateDir: string): string {
  expect(logsOf(stateDir)).toHaveLength(1);
  return readFileSync(`${outputOf(stateDir)}/${logsOf(stateDir)[0]}`, 'utf8');
}

function shown(stateDir: string, ...args: string[]): string {
  const result = cronrun(stateDir, ['output', ...args]);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  return result.stdout;
}

/** What differs from run to run: the host, times and ids. */
function plain(stderr: string): string {
  return stderr
    .replace(/ on \S+: /, ' on HOST: ')
    .replace(/started \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d/, 'started TIME')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}\b/g, 'ID')
    .replace(/(after|completed) \d+m?s/g, '$1 0s');
}

/** A run that goes on, its pid known to the record. */
async function going(stateDir: string, script: string, ...options: string[]): Promise<Going> {
  const one = start(stateDir, exec(`${script}`, ...options));
  await poll(
    () => cronrun(stateDir, ['status', '--get', 'pid', 'job']).stdout.trim().match(/^\d+$/),
    'the run',
  );
  return one;
}

/** Kills wrapper and command. */
async function killAll(stateDir: string, one: Going): Promise<void> {
  const pid = Number(statusOf(stateDir, 'job').pid);
  one.child.kill('SIGKILL');
  await one.exited;
  process.kill(-pid, 'SIGKILL');
}

const LAST_LINES = `  started TIME, never completed\n  cronrun status ID\n`;

describeUnless(needsLinux(), 'a run whose output is kept', () => {
  it('is silent where it completes, and its log holds both streams in their order', () => {
    const stateDir = scratch();
    const script = 'for i in 1 2 3; do echo out $i; echo err $i >&2; done';
    expect(run(stateDir, script)).toEqual({ status: 0, signal: null, stdout: '', stderr: '' });
    const all = 'out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n';
    expect(shown(stateDir, 'job')).toBe(all);
    const [log] = logsOf(stateDir);
    const path = `${outputOf(stateDir)}/${log}`;
    expect(lastOf(stateDir, 'job').output).toEqual({ path, bytes: all.length });
    expect(log).toBe(`${String(lastOf(stateDir, 'job').cron_job_id).slice(5)}.log`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(outputOf(stateDir)).mode & 0o7777).toBe(0o700);
  });

  it('reads what it would read, and appends whatever else writes there', () => {
    const stateDir = scratch();
    const result = cronrun(stateDir, exec('cat; grep flags /proc/$$/fdinfo/1'), { input: 'asked\n' });
    expect(result.status).toBe(0);
    const [answer, flags] = shown(stateDir).split('\n');
    expect(answer).toBe('asked');
    expect(Number.parseInt(flags?.split('\t')[1] ?? '', 8) & 0o2000).toBe(0o2000); // O_APPEND
  });

  it('may be read by the group of a state directory that was made for one', () => {
    const stateDir = scratch();
    chmodSync(stateDir, 0o2750);
    const result = runProgram('sh', ['-c', 'umask 077; exec "$@"', 'sh', BIN, ...exec('echo x')], {
      env: { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir },
    });
    expect(result.status).toBe(0);
    expect(statSync(outputOf(stateDir)).mode & 0o7777).toBe(0o2750);
    expect(statSync(`${outputOf(stateDir)}/${logsOf(stateDir)[0]}`).mode & 0o777).toBe(0o640);
  });

  it('where it is not asked for leaves nothing, and makes no call for it', () => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    expect(lastOf(stateDir, 'job').output).toBeNull();
    expect(existsSync(outputOf(stateDir))).toBe(false);
  });
});

describeUnless(needsLinux(), 'the head above kept output', () => {
  it('of a run that failed', () => {
    const stateDir = scratch();
    const result = run(stateDir, 'echo a; echo b >&2; exit 23');
    expect(result).toMatchObject({ status: 23, stdout: '' });
    expect(plain(result.stderr)).toBe(
      `cronrun: job on HOST: FAILED, exit code 23, after 0s\n${LAST_LINES}\na\nb\n`,
    );
  });

  it('says when it last completed, and how many runs did not since', () => {
    const stateDir = scratch();
    run(stateDir, 'true');
    expect(plain(run(stateDir, 'exit 1').stderr)).toContain(
      'started TIME, last completed 0s ago, 1 failed since\n',
    );
    expect(plain(run(stateDir, 'exit 1').stderr)).toContain(', 2 failed since\n');
    expect(plain(run(stateDir, 'kill -9 $$').stderr)).toContain(', 3 runs since\n');
  });

  it('of a run that hit its time limit', () => {
    const result = run(
      scratch(),
      'echo a; trap "" TERM; sleep 100 & wait; sleep 100',
      '-t',
      '300ms',
      '-k',
      '100ms',
    );
    expect(result).toMatchObject({ status: 124, stdout: '' });
    expect(plain(result.stderr)).toBe(
      `cronrun: job on HOST: TIMEOUT, ended after 0s; SIGKILL was needed 100ms later\n${LAST_LINES}\na\n`,
    );
  });

  it('of a run that was told to stop', async () => {
    const stateDir = scratch();
    const one = await going(stateDir, 'echo a; sleep 1000');
    await poll(() => logOf(stateDir) === 'a\n', 'its output');
    one.child.kill('SIGTERM');
    const result = await one.ended;
    expect(result).toMatchObject({ signal: 'SIGTERM', stdout: '' });
    expect(plain(result.stderr).replace(/after \S+(?= *\n)/, 'after 0s')).toBe(
      `cronrun: job on HOST: INTERRUPTED, stopped by SIGTERM after 0s\n${LAST_LINES}\na\n`,
    );
  });

  it('of a run that was killed from outside', () => {
    const result = run(scratch(), 'echo a; kill -9 $$');
    expect(result.status).toBe(137);
    expect(plain(result.stderr)).toBe(
      'cronrun: job on HOST: INTERRUPTED, killed by SIGKILL after 0s, not by cronrun\n' +
        `  (the kernel does that when memory runs out: dmesg | grep -i oom)\n${LAST_LINES}\na\n`,
    );
  });

  it('of a command that could not be started', () => {
    const result = cronrun(scratch(), ['exec', ...KEEP, 'job', '--', '/nonexistent']);
    expect(result).toMatchObject({ status: 127, stdout: '' });
    expect(plain(result.stderr)).toBe(`cronrun: job on HOST: FAILED, /nonexistent: not found\n${LAST_LINES}`);
  });

  it('of a run without the checkpoint that was required', () => {
    const result = run(scratch(), 'echo a', '--require-checkpoint', 'done');
    expect(result.status).toBe(198);
    expect(plain(result.stderr)).toBe(
      `cronrun: job on HOST: FAILED, exit code 0 without the checkpoint 'done'; it wrote\n  none\n${LAST_LINES}\na\n`,
    );
  });

  it('is on stderr, to which nothing is changed, and nothing is held back by a reader that has gone', () => {
    const stateDir = scratch();
    expect(run(stateDir, "printf '\\033[31mred\\r\\n'; exit 1").stderr).toContain('\u001b[31mred\r\n');
    const gone = runProgram(
      'sh',
      ['-c', '"$@" 2>&1 >/dev/null | true', 'sh', BIN, ...exec('seq 1 100000; exit 4')],
      {
        env: { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir },
      },
    );
    expect(gone.status).toBe(0);
    expect(lastOf(stateDir, 'job')).toMatchObject({ exit_code: 4, output: { bytes: 588_895 } });
    const closed = runProgram('sh', ['-c', 'exec "$@" >&- 2>&-', 'sh', BIN, ...exec('echo x; exit 5')], {
      env: { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir },
    });
    expect(closed.status).toBe(5);
    expect(shown(stateDir, 'job')).toBe('x\n');
  });

  it('stands on record before anything is printed: a stderr that nobody reads delays no record', async () => {
    const stateDir = scratch();
    const one = start(stateDir, exec('seq 1 100000; exit 4'));
    one.child.stderr?.pause();
    await poll(() => journalOf(stateDir, 'job').length === 1, 'the record');
    expect(one.child.exitCode).toBeNull();
    one.child.stderr?.resume();
    expect((await one.ended).status).toBe(4);
  });

  it('stands above head and tail of what is too long for a mail, cut at ends of lines', () => {
    const stateDir = scratch();
    const { stderr } = run(stateDir, 'seq 1 100000; exit 1');
    const lines = stderr.slice(stderr.indexOf('\n\n') + 2).split('\n');
    expect(stderr.length).toBeLessThan(110_000);
    const gap = lines.findIndex((line) => line.includes('left out'));
    const match = /^ {2}\.\.\. ([\d,]+) lines left out: cronrun output ([0-9a-f-]{13})$/.exec(
      lines[gap] ?? '',
    );
    expect(Number(match?.[1]?.replaceAll(',', '')) + lines.length - 2).toBe(100_000);
    expect(lines[gap - 1]).toBe(String(gap));
    expect(lines.slice(-2)).toEqual(['100000', '']);
    expect(shown(stateDir, match?.[2] ?? '')).toBe(
      `${Array.from({ length: 100_000 }, (_, i) => i + 1).join('\n')}\n`,
    );
  });
});

describeUnless(needsLinux(), 'a log', () => {
  it('is whole where the wrapper was killed in the middle, and the next run says how to see it', async () => {
    const stateDir = scratch();
    const fifo = `${scratch()}/fifo`;
    runProgram('mkfifo', [fifo]);
    const one = await going(stateDir, `echo before; read line <${fifo}; echo after; echo end >&2`);
    await poll(() => logOf(stateDir) === 'before\n', 'its output');
    one.child.kill('SIGKILL');
    await one.exited;
    expect(statusOf(stateDir, 'job')).toMatchObject({ reason: 'orphaned', output: { bytes: null } });
    expect(shown(stateDir, 'job')).toBe('before\n');
    writeFileSync(fifo, 'go\n');
    await poll(() => lastOf(stateDir, 'job').reason === 'lost', 'its end');
    expect(shown(stateDir, 'job')).toBe('before\nafter\nend\n');
    const id = String(lastOf(stateDir, 'job').cron_job_id).slice(5, 18);
    const next = cronrun(stateDir, ['exec', 'job', '--', 'true']);
    expect(said(next)).toContain(`what it wrote: cronrun output ${id}`);
    expect(journalOf(stateDir, 'job')[0]).toMatchObject({ reason: 'lost', output: { bytes: null } });
  });

  it('above its limit keeps head and tail, and says what is missing; the record keeps the size', () => {
    const stateDir = scratch();
    run(stateDir, 'seq 1 1000', '--output-limit', '1K');
    const text = shown(stateDir, 'job');
    const lines = text.split('\n');
    const gap = lines.findIndex((line) => line.includes('...'));
    const match = /^ {2}\.\.\. (\d+) lines, 2\.\d KiB, not kept: more than 1 KiB \(--output-limit\)$/.exec(
      lines[gap] ?? '',
    );
    expect(Number(match?.[1]) + lines.length - 2).toBe(1000);
    expect(lines[gap - 1]).toBe(String(gap));
    expect(lines.slice(-2)).toEqual(['1000', '']);
    expect(text.length).toBeLessThan(1100);
    expect(lastOf(stateDir, 'job').output).toMatchObject({ bytes: 3893 });
    expect(cronrun(stateDir, ['status', 'job']).stdout).toMatch(
      /output +3\.8 KiB, of which 1 KiB are kept: cronrun output [0-9a-f-]{13}\n|output +3\.8 KiB, of which 1\.\d KiB are kept:/,
    );
    expect(statSync(`${outputOf(stateDir)}/${logsOf(stateDir)[0]}`).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['0', 3893],
    ['4K', 3893],
  ])('within its limit of %s is as it was', (limit, bytes) => {
    const stateDir = scratch();
    run(stateDir, 'seq 1 1000', '--output-limit', limit);
    expect(shown(stateDir, 'job')).toHaveLength(bytes);
  });

  it('without a newline is cut between characters', () => {
    const stateDir = scratch();
    run(
      stateDir,
      "i=0; while [ $i -lt 500 ]; do printf '\\303\\244'; i=$((i+1)); done",
      '--output-limit',
      '101',
    );
    expect(shown(stateDir, 'job')).toBe(
      `${'ä'.repeat(25)}\n  ... 900 bytes not kept: more than 101 bytes (--output-limit)\n${'ä'.repeat(25)}`,
    );
  });

  it('goes when newer ones are enough, but not that of a run that goes on, nor its own', async () => {
    const stateDir = scratch();
    const one = await going(stateDir, 'echo long; read line');
    const first = logsOf(stateDir)[0];
    for (let i = 0; i < 4; i++) run(stateDir, `echo ${i}`, '--keep-output', '2');
    expect(logsOf(stateDir)).toHaveLength(3);
    expect(logsOf(stateDir)[0]).toBe(first);
    expect(shown(stateDir, 'job')).toBe('3\n');
    one.child.stdin?.end('\n');
    await one.ended;
    expect(logsOf(stateDir)[0]).toBe(first);
    run(stateDir, 'echo 4', '--keep-output', '1');
    expect(shown(stateDir, 'job')).toBe('4\n');
    expect(logsOf(stateDir)).toHaveLength(1);
  });

  it('above its limit is cut by the next run where its wrapper was killed, but not while that goes on', async () => {
    const stateDir = scratch();
    const one = await going(stateDir, 'seq 1 100000; echo done; exec sleep 1000', '--output-limit', '1K');
    await poll(() => logOf(stateDir).endsWith('done\n'), 'its output');
    const path = `${outputOf(stateDir)}/${logsOf(stateDir)[0]}`;
    const whole = statSync(path).size;
    const pid = Number(statusOf(stateDir, 'job').pid);
    one.child.kill('SIGKILL');
    await one.exited;
    run(stateDir, 'true', '--output-limit', '1K');
    expect(statSync(path).size).toBe(whole);
    process.kill(-pid, 'SIGKILL');
    await poll(() => lastOf(stateDir, 'job').reason !== 'exited', 'its end');

    run(stateDir, 'true', '--output-limit', '0');
    expect(statSync(path).size).toBe(whole);
    run(stateDir, 'true', '--output-limit', '1K');
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(
      /^1\n2\n[\s\S]*\n {2}\.\.\. [\d,]+ lines, .* not kept: more than 1 KiB .*\n[\s\S]*\ndone\n$/,
    );
    expect(text.length).toBeLessThan(1200);
    const { ino } = statSync(path);
    run(stateDir, 'true', '--output-limit', '1K');
    expect(statSync(path).ino).toBe(ino); // it is cut once
    expect(logsOf(stateDir).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('that somebody left half made goes when its time has come, and what is not ours stays', () => {
    const stateDir = scratch();
    run(stateDir, 'true');
    const left = `${outputOf(stateDir)}/.01a200df-de74-7c3e-9b1d-2f6f0c5a9e11.tmp`;
    const stranger = `${outputOf(stateDir)}/notes`;
    for (const path of [left, stranger]) writeFileSync(path, '');
    run(stateDir, 'true');
    expect(existsSync(left)).toBe(true);
    for (const path of [left, stranger]) utimesSync(path, 1, 1);
    run(stateDir, 'true');
    expect([existsSync(left), existsSync(stranger)]).toEqual([false, true]);
  });

  it('cannot be made: the command runs all the same, and its output comes as it is written', () => {
    const stateDir = scratch();
    run(stateDir, 'true');
    rmSync(outputOf(stateDir), { recursive: true });
    const elsewhere = scratch();
    symlinkSync(elsewhere, outputOf(stateDir));
    const result = run(stateDir, 'echo out; echo err >&2; exit 3');
    expect(result).toMatchObject({ status: 3, stdout: 'out\n' });
    expect(said(result)).toMatch(
      /^cronrun: job: OUTPUT NOT KEPT, it comes as it is written: \S+\/output is a symbolic link where a directory has to be; remove it\nerr\n$/,
    );
    expect(readdirSync(elsewhere)).toEqual([]);
    expect(lastOf(stateDir, 'job')).toMatchObject({ exit_code: 3, output: null });
  });

  it.each([
    ['is no directory', (path: string) => writeFileSync(path, '')],
    ['is open to others', (path: string) => chmodSync(mkdirSync(path, { recursive: true }) ?? path, 0o777)],
  ])('is not made in what %s', (_, plant) => {
    const stateDir = scratch();
    run(stateDir, 'true');
    rmSync(outputOf(stateDir), { recursive: true });
    plant(outputOf(stateDir));
    const result = run(stateDir, 'echo out');
    expect(result).toMatchObject({ status: 0, stdout: 'out\n' });
    expect(said(result)).toContain('OUTPUT NOT KEPT');
  });

  it('is not there of a run that is not recorded', () => {
    const stateDir = `${scratch()}/file`;
    writeFileSync(stateDir, '');
    const result = run(stateDir, 'echo out');
    expect(result).toMatchObject({ status: 0, stdout: 'out\n' });
    expect(said(result)).toContain('NOT RECORDED');
    expect(said(result)).not.toContain('OUTPUT NOT KEPT');
  });

  it('that the command replaced by a link is neither followed nor cut', () => {
    const stateDir = scratch();
    const victim = `${scratch()}/victim`;
    writeFileSync(victim, 'x'.repeat(5000));
    const script = `seq 1 1000; f=$(echo ${outputOf(stateDir)}/*.log); rm $f; ln -s ${victim} $f; exit 1`;
    expect(run(stateDir, script, '--output-limit', '1K').stderr).toContain('\n1000\n');
    expect(statSync(victim).size).toBe(5000);
    expect(lstatSync(`${outputOf(stateDir)}/${logsOf(stateDir)[0]}`).isSymbolicLink()).toBe(true);
    const result = cronrun(stateDir, ['output', 'job']);
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(said(result)).toContain('ELOOP');
  });
});

describeUnless(needsStrace(), 'on disk', () => {
  it('is the log before the journal speaks of it, and nothing is printed before that', () => {
    const stateDir = scratch();
    run(stateDir, 'true');
    const { calls } = traceCalls(stateDir, 'fsync,fdatasync,write,unlink', exec('echo x; exit 1'));
    const steps = calls.flatMap(({ name, args }) => {
      if (name === 'write') return /^2<.*FAILED/.test(args) ? ['print'] : [];
      const path = /[<"](\/[^>"]*)[>"]/.exec(args)?.[1] ?? '';
      if (!path.startsWith(stateDir)) return [];
      const what = path.endsWith('.log')
        ? 'log'
        : path.slice(path.lastIndexOf('/') + 1).replace(/^[0-9a-f-]{36}/, 'ID');
      return [`${name} ${what}`];
    });
    const at = (step: string) => steps.indexOf(step);
    expect(at('fdatasync log')).toBeGreaterThan(0);
    expect(at('fsync output')).toBeGreaterThan(at('fdatasync log'));
    expect(at('fdatasync journal.jsonl')).toBeGreaterThan(at('fsync output'));
    expect(at('unlink ID.jsonl')).toBeGreaterThan(at('fdatasync journal.jsonl'));
    expect(at('print')).toBeGreaterThan(at('unlink ID.jsonl'));
  });
});

describeUnless(needsLinux(), 'cronrun output', () => {
  it('shows the last lines', () => {
    const stateDir = scratch();
    run(stateDir, 'seq 1 100; printf end');
    expect(shown(stateDir, '-n', '2', 'job')).toBe('100\nend');
    expect(shown(stateDir, '--lines=1', 'job')).toBe('end');
    expect(shown(stateDir, '-n', '1000', 'job')).toHaveLength(295);
  });

  it('of a job is its newest run that has a log; without an argument that of the run that ended last', () => {
    const stateDir = scratch();
    run(stateDir, 'echo first');
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    expect(shown(stateDir, 'job')).toBe('first\n');
    const bare = cronrun(stateDir, ['output']);
    expect(bare).toMatchObject({ status: 193, stdout: '' });
    expect(said(bare)).toMatch(
      /^cronrun: the output of run \S+ of job was not kept; this keeps it: cronrun exec --output on-failure\n$/,
    );
    run(stateDir, 'echo second');
    expect(shown(stateDir)).toBe('second\n');
  });

  it('inside a run speaks of an earlier one', () => {
    const stateDir = scratch();
    const inner = `"${BIN}" output; echo "=> $?"`;
    run(stateDir, inner);
    expect(shown(stateDir, 'job')).toMatch(
      /^cronrun: no other run of job has its output kept; this keeps it:\n {2}cronrun exec --output on-failure\n=> 193\n$/,
    );
    run(stateDir, `echo new; ${inner}`);
    expect(shown(stateDir, 'job')).toMatch(/^new\ncronrun: no other[^=]*=> 193\n=> 0\n$/);
  });

  it('does not read what it writes', () => {
    const stateDir = scratch();
    run(stateDir, `echo x; "${BIN}" output "$CRONRUN_ID"; echo "=> $?"`);
    expect(shown(stateDir, 'job')).toContain('=> 125\n');
    expect(shown(stateDir, 'job')).toContain('stdout is the very log');
  });

  it('says why there is none', () => {
    const stateDir = scratch();
    expect(cronrun(stateDir, ['output', 'job']).status).toBe(193);
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    const none = cronrun(stateDir, ['output', 'job']);
    expect(none).toMatchObject({ status: 193, stdout: '' });
    expect(said(none)).toBe(
      'cronrun: no run of job has its output kept; this keeps it: cronrun exec --output on-failure\n',
    );
    run(stateDir, 'true');
    const id = String(lastOf(stateDir, 'job').cron_job_id);
    run(stateDir, 'true', '--keep-output', '1');
    const gone = cronrun(stateDir, ['output', id]);
    expect(gone.status).toBe(193);
    expect(said(gone)).toMatch(
      /^cronrun: there is no log of run \S+ of job: .*newer ones took its place \(--keep-output\)\n$/,
    );
    expect(cronrun(stateDir, ['output', 'ffffffff']).status).toBe(193);
    expect(cronrun(stateDir, ['output', 'a', 'b']).status).toBe(125);
  });

  it('shows no control character on a terminal, and every byte to a pipe', () => {
    const stateDir = scratch();
    run(stateDir, "printf '\\033[31mred\\033[0m\\tcolumn\\007\\r\\nnext\\033]0;title\\007'");
    const raw = '\u001b[31mred\u001b[0m\tcolumn\u0007\r\nnext\u001b]0;title\u0007';
    expect(shown(stateDir, 'job')).toBe(raw);
    const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
    const typed = runProgram('script', ['-qec', `${BIN} output job`, '/dev/null'], { env });
    expect(typed.stdout).toBe('red\tcolumn\r\nnext');
    const failed = runProgram(
      'script',
      ['-qec', [BIN, ...exec('\'printf "\\033[31mred\\n"; exit 1\'')].join(' '), '/dev/null'],
      { env },
    );
    expect(failed.stdout).toMatch(/\r\n\r\nred\r\n$/);
  });

  it('ends quietly where its reader goes, and loudly where nothing can be written', () => {
    const stateDir = scratch();
    run(stateDir, 'seq 1 100000');
    const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
    const piped = runProgram('bash', ['-c', 'set -o pipefail; "$0" output job | head -n 1', BIN], {
      env,
    });
    expect(piped).toMatchObject({ status: 0, stdout: '1\n', stderr: '' });
    const full = runProgram('sh', ['-c', '"$0" output job >/dev/full', BIN], { env });
    expect(full.status).toBe(125);
    expect(full.stderr).toContain('ENOSPC');
  });
});

describeUnless(needsLinux(), 'cronrun output --follow', () => {
  it('shows what comes, ends with the run, and survives the cutting of its log', async () => {
    const stateDir = scratch();
    const one = await going(stateDir, 'echo begin; read line; seq 1 20000; exit 1', '--output-limit', '1K');
    const following = start(stateDir, ['output', '-f', 'job']);
    await following.says('begin\n');
    one.child.stdin?.end('\n');
    const { status, stdout } = await following.ended;
    expect(status).toBe(0);
    expect(stdout).toBe(`begin\n${Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join('')}`);
    await one.ended;
    expect(shown(stateDir, 'job').length).toBeLessThan(1200);
  });

  it('begins with the last lines', async () => {
    const stateDir = scratch();
    const one = await going(stateDir, 'seq 1 100; read line; echo end');
    await poll(() => logOf(stateDir).endsWith('100\n'), 'its output');
    const following = start(stateDir, ['output', '--follow', '-n', '1', 'job']);
    await following.says('100\n');
    one.child.stdin?.end('\n');
    expect(await following.ended).toMatchObject({ status: 0, stdout: '100\nend\n' });
    await one.ended;
  });

  it('goes on with an orphan, and ends when nothing of the run lives', async () => {
    const stateDir = scratch();
    const fifo = `${scratch()}/fifo`;
    runProgram('mkfifo', [fifo]);
    const one = await going(stateDir, `echo begin; read line <${fifo}; echo orphan; sleep 1000`);
    const following = start(stateDir, ['output', '-f', 'job']);
    await following.says('begin\n');
    const pid = Number(statusOf(stateDir, 'job').pid);
    one.child.kill('SIGKILL');
    await one.exited;
    writeFileSync(fifo, 'go\n');
    await following.says('orphan\n');
    process.kill(-pid, 'SIGKILL');
    expect(await following.ended).toMatchObject({ status: 0, stdout: 'begin\norphan\n' });
  });

  it('ends where everything is killed at once', async () => {
    const stateDir = scratch();
    const one = await going(stateDir, 'echo begin; sleep 1000');
    const following = start(stateDir, ['output', '-f', 'job']);
    await following.says('begin\n');
    await killAll(stateDir, one);
    expect(await following.ended).toMatchObject({ status: 0, stdout: 'begin\n', stderr: '' });
  });

  it('of a run that is over shows it', () => {
    const stateDir = scratch();
    run(stateDir, 'echo x');
    expect(shown(stateDir, '-f', 'job')).toBe('x\n');
  });

  it('of a run that cannot be judged says so, and follows', async () => {
    const stateDir = scratch();
    run(stateDir, 'true');
    const first = { output: { path: 'whatever', bytes: null } };
    const id = plantStartRecord(stateDir, 'job', { wrapper: { host_name: 'elsewhere' }, first });
    writeFileSync(`${outputOf(stateDir)}/${id}.log`, 'x\n');
    const following = start(stateDir, ['output', '-f', String(id)]);
    await following.says('x\n');
    await poll(() => following.stderr.includes('cannot be judged from here'), 'the remark');
    writeFileSync(`${outputOf(stateDir)}/${id}.log`, 'x\ny\n');
    await following.says('y\n');
    following.child.kill('SIGINT');
    expect(await following.ended).toMatchObject({ signal: 'SIGINT', stdout: 'x\ny\n' });
  });
});

describe('the memory of a wrapper', () => {
  it('does not grow with the output', () => {
    const stateDir = scratch();
    afterwards(() => rmSync(stateDir, { recursive: true, force: true }));
    // Sparse, so that it takes neither time nor room: a gigabyte in front of one line.
    const script = 'echo begin; truncate -s 1G /proc/self/fd/1; echo end; exit 1';
    const result = runProgram('sh', ['-c', 'ulimit -d 400000; exec "$@"', 'sh', BIN, ...exec(script)], {
      env: { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir },
    });
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/\.\.\. (?:\d+ lines?|1 GiB|\d+ MiB) left out/);
    expect(result.stderr.endsWith('end\n')).toBe(true);
    expect(lastOf(stateDir, 'job').output).toMatchObject({ bytes: 1_073_741_828 });
    expect(statSync(`${outputOf(stateDir)}/${logsOf(stateDir)[0]}`).size).toBeLessThan(1_100_000);
  });
});

describe('output -f inside the run itself', () => {
  it('is refused: neither would end before the other', () => {
    const stateDir = scratch();
    const script = '"$0" output -f "$CRONRUN_ID" >/dev/null 2>"$1"; true';
    const words = `${scratch()}/words`;
    const result = cronrun(stateDir, [
      'exec',
      ...KEEP,
      '--timeout',
      '20s',
      'job',
      '--',
      'sh',
      '-c',
      script,
      BIN,
      words,
    ]);
    expect(result.status).toBe(0);
    expect(readFileSync(words, 'utf8').replace(/\s+/g, ' ')).toMatch(
      /^cronrun: output: run \S+ goes on around this command and cannot be followed here /,
    );
  });
});
