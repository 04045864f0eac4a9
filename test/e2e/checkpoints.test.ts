import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  BIN,
  cronrun,
  type Going,
  journalOf,
  lastOf,
  poll,
  runningOf,
  said,
  scratch,
  start,
  statusOf,
} from '../helpers/cronrun.js';
import { describeUnless, needsLinux } from '../helpers/needs.js';
import { runningPath } from '../helpers/start-records.js';
import { traceCalls } from '../helpers/strace.js';
import { runNext } from '../helpers/truth.js';

const APPEND = '>>"$CRONRUN_CHECKPOINT_FILE"';

/** A run whose command is a script. */
function run(stateDir: string, script: string, options: readonly string[] = []) {
  return cronrun(stateDir, ['exec', ...options, 'job', '--', 'sh', '-c', script]);
}

/** A run that has got to 2/7 and waits for a line. */
async function goingAt2(stateDir: string): Promise<Going> {
  const script = `echo 2/7 ${APPEND}; echo ready; read line`;
  const going = start(stateDir, ['exec', 'job', '--', 'sh', '-c', script]);
  await going.says('ready');
  return going;
}

describeUnless(needsLinux(), 'how far a run got', () => {
  it('is its last line, in the record and for the next run, and its file is gone', () => {
    const stateDir = scratch();
    run(stateDir, `echo 1/7 ${APPEND}; echo "3/7 uploaded" ${APPEND}; printf 4/7 ${APPEND}; exit 1`);
    expect(lastOf(stateDir, 'job')).toMatchObject({ status: 'failed', checkpoint: '3/7 uploaded' });
    expect(lastOf(stateDir, 'job').checkpoint_at).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(runningOf(stateDir, 'job')).toEqual([]);
    expect(runNext(stateDir, 'job').env).toMatchObject({
      CRONRUN_LAST_CHECKPOINT: '3/7 uploaded',
      CRONRUN_RESUME_CHECKPOINT: '3/7 uploaded',
    });
    expect(runNext(stateDir, 'job').env).toMatchObject({
      CRONRUN_LAST_CHECKPOINT: '',
      CRONRUN_RESUME_CHECKPOINT: '',
    });
  });

  it('is nothing where it never said, and then nothing is synced or kept for it', () => {
    const stateDir = scratch();
    run(stateDir, 'exit 0');
    const { calls } = traceCalls(stateDir, 'fsync,fdatasync', ['exec', 'job', '--', 'true']);
    expect(calls).toHaveLength(3);
    expect(lastOf(stateDir, 'job')).toMatchObject({ checkpoint: null, checkpoint_at: null });
  });

  it('goes into a file of 0600 that is there when the command starts', () => {
    const stateDir = scratch();
    const { stdout } = run(stateDir, 'stat -c "%a %s %n" "$CRONRUN_CHECKPOINT_FILE"');
    expect(stdout).toMatch(new RegExp(`^600 0 ${stateDir}/jobs/job/running/[0-9a-f-]{36}\\.checkpoint\n$`));
  });

  it('may be read by the group of a state directory that was made for one', () => {
    const stateDir = scratch();
    chmodSync(stateDir, 0o2750);
    expect(run(stateDir, 'umask 077; stat -c %a "$CRONRUN_CHECKPOINT_FILE"').stdout).toBe('640\n');
  });

  it('survives the death of everything, and two interruptions in a row lose nothing', async () => {
    const stateDir = scratch();
    await killedAfter(stateDir, `echo 3/7 ${APPEND}; echo ready; exec sleep 1000`);
    expect(lastOf(stateDir, 'job')).toMatchObject({ reason: 'lost', checkpoint: '3/7' });
    expect(cronrun(stateDir, ['status', 'job']).stdout).toContain("job: INTERRUPTED at '3/7'");

    await killedAfter(stateDir, 'echo "ready, from $CRONRUN_RESUME_CHECKPOINT"; exec sleep 1000');
    expect(lastOf(stateDir, 'job')).toMatchObject({
      reason: 'lost',
      checkpoint: null,
      previous_checkpoint: '3/7',
    });
    expect(statusOf(stateDir, 'job').resume_checkpoint).toBe('3/7');
    expect(cronrun(stateDir, ['status', 'job']).stdout).toMatch(/resume +3\/7, which an earlier run reached/);
    const next = runNext(stateDir, 'job');
    expect(next.env).toMatchObject({ CRONRUN_LAST_CHECKPOINT: '', CRONRUN_RESUME_CHECKPOINT: '3/7' });
    expect(runNext(stateDir, 'job').env.CRONRUN_RESUME_CHECKPOINT).toBe('');
    expect(journalOf(stateDir, 'job').map((line) => line.previous_checkpoint)).toEqual([
      null,
      '3/7',
      '3/7',
      null,
    ]);
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  /** A run whose wrapper and command are both killed once the command has said that it is ready. */
  async function killedAfter(stateDir: string, script: string): Promise<void> {
    const going = start(stateDir, ['exec', 'job', '--', 'sh', '-c', script]);
    await going.says('ready');
    await poll(() => statusOf(stateDir, 'job').pid, 'the child in the record');
    const pid = Number(statusOf(stateDir, 'job').pid);
    going.child.kill('SIGKILL');
    await going.exited;
    process.kill(-pid, 'SIGKILL');
    await poll(() => lastOf(stateDir, 'job').reason === 'lost', 'the end of the command');
  }

  it('is known of a run that goes on', async () => {
    const stateDir = scratch();
    const going = await goingAt2(stateDir);
    expect(statusOf(stateDir, 'job')).toMatchObject({ status: 'running', checkpoint: '2/7' });
    expect(cronrun(stateDir, ['ls', 'job']).stdout).toContain("running at '2/7'");
    going.child.stdin?.end('\n');
    await going.ended;
  });

  it('shows no control character to people, and all of it to programs', () => {
    const stateDir = scratch();
    run(stateDir, `printf '\\033[31mred\\007\\n' ${APPEND}; exit 1`);
    expect(lastOf(stateDir, 'job').checkpoint).toBe('\u001b[31mred\u0007');
    for (const args of [
      ['status', 'job'],
      ['last', 'job'],
      ['ls', 'job'],
      ['last', '--json', 'job'],
    ]) {
      const { stdout } = cronrun(stateDir, args);
      expect(stdout.includes('\u001b') || stdout.includes('\u0007'), stdout).toBe(false);
    }
  });

  it('may be written by cronrun checkpoint, on disk when that returns', () => {
    const stateDir = scratch();
    const script = `printf torn ${APPEND}; "$1" checkpoint 3/7 uploaded; cat "$CRONRUN_CHECKPOINT_FILE"`;
    const command = ['exec', 'job', '--', 'sh', '-c', script, 'sh', BIN];
    const { result, calls } = traceCalls(stateDir, 'fsync,fdatasync', command);
    expect(result).toMatchObject({ status: 0, stdout: 'torn\n3/7 uploaded\n', stderr: '' });
    const paths = calls.map(({ args }) => args.slice(args.indexOf('<') + 1, args.indexOf('>')));
    const synced = paths.findIndex((path) => path.endsWith('.checkpoint'));
    expect(paths[synced + 1]).toBe(`${stateDir}/jobs/job/running`);
    expect(lastOf(stateDir, 'job').checkpoint).toBe('3/7 uploaded');
  });

  it('cannot be said outside a run, nor after it', () => {
    const stateDir = scratch();
    const outside = cronrun(stateDir, ['checkpoint', 'x']);
    expect(outside).toMatchObject({ status: 125, stdout: '' });
    expect(said(outside)).toContain(
      'checkpoint: this is no run: CRONRUN_CHECKPOINT_FILE names no file of one',
    );
    const env = run(stateDir, 'echo "$CRONRUN_CHECKPOINT_FILE"').stdout.trim();
    const after = cronrun(stateDir, ['checkpoint', 'x'], {
      env: { PATH: '/usr/bin:/bin', CRONRUN_CHECKPOINT_FILE: env },
    });
    expect(after.status).toBe(125);
    expect(said(after)).toContain('checkpoint: the run is over');
    const stranger = `${scratch()}/file`;
    writeFileSync(stranger, '');
    const planted = { env: { PATH: '/usr/bin:/bin', CRONRUN_CHECKPOINT_FILE: stranger } };
    expect(cronrun(stateDir, ['checkpoint', 'x'], planted).status).toBe(125);
    expect(readFileSync(stranger, 'utf8')).toBe('');
  });

  it.each([[[]], [['']], [['  ']], [['a\nb']], [['x'.repeat(1025)]]])('cannot be %j', (words) => {
    const result = cronrun(scratch(), ['checkpoint', ...words]);
    expect(result.status).toBe(125);
    expect(said(result)).toMatch(/^cronrun: checkpoint: /);
  });

  it('is kept nowhere in a run that is not recorded, which fails no command', () => {
    const stateDir = `${scratch()}/file`;
    writeFileSync(stateDir, '');
    const script = `set -e; echo 1 ${APPEND}; "$1" checkpoint 2; echo end`;
    const result = cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', script, 'sh', BIN]);
    expect(result).toMatchObject({ status: 0, stdout: 'end\n' });
    expect(said(result)).toContain('checkpoint: this run is not on record');
  });

  it('is not lost by a command that removes or replaces its file', () => {
    const stateDir = scratch();
    expect(run(stateDir, 'rm "$CRONRUN_CHECKPOINT_FILE"').status).toBe(0);
    run(
      stateDir,
      'echo 5/7 >"$CRONRUN_CHECKPOINT_FILE.new"; mv "$CRONRUN_CHECKPOINT_FILE.new" "$CRONRUN_CHECKPOINT_FILE"',
    );
    expect(lastOf(stateDir, 'job').checkpoint).toBe('5/7');
    run(stateDir, 'ln -sf /etc/hostname "$CRONRUN_CHECKPOINT_FILE"'); // not ours to read
    expect(lastOf(stateDir, 'job').checkpoint).toBeNull();
  });

  it('that was left behind alone is removed by the next run, and never beside its start record', async () => {
    const stateDir = scratch();
    const going = await goingAt2(stateDir);
    writeFileSync(`${runningPath(stateDir, 'job')}/01a200df-de74-7c3e-9b1d-2f6f0c5a9e11.checkpoint`, '1/7\n');
    run(stateDir, 'exit 0');
    expect(runningOf(stateDir, 'job')).toHaveLength(2);
    expect(statusOf(stateDir, 'job').checkpoint).toBe('2/7');
    going.child.stdin?.end('\n');
    await going.ended;
    expect(runningOf(stateDir, 'job')).toEqual([]);
  });

  it('is found at the end of a long file', () => {
    const stateDir = scratch();
    run(stateDir, `seq 1 200000 ${APPEND}; exit 1`);
    expect(lastOf(stateDir, 'job').checkpoint).toBe('200000');
  });
});

describeUnless(needsLinux(), 'a checkpoint that is required', () => {
  it('and was not written makes success a failure: 198, and last says the same', () => {
    const stateDir = scratch();
    const result = run(stateDir, `echo almost ${APPEND}`, ['--require-checkpoint', 'done']);
    expect(result.status).toBe(198);
    expect(said(result)).toBe(
      "cronrun: job: FAILED: exit code 0 without the checkpoint 'done'; its last one is 'almost'\n",
    );
    expect(lastOf(stateDir, 'job')).toMatchObject({ status: 'failed', reason: 'incomplete', exit_code: 0 });
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(198);
    expect(runNext(stateDir, 'job').env).toMatchObject({
      CRONRUN_LAST_STATUS: 'failed',
      CRONRUN_LAST_REASON: 'incomplete',
      CRONRUN_RESUME_CHECKPOINT: 'almost',
    });
  });

  it('and was written, be it not as the last, is silent', () => {
    const stateDir = scratch();
    const result = run(stateDir, `echo done ${APPEND}; echo bye ${APPEND}`, ['--require-checkpoint=done']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
  });

  it('changes nothing where the command itself failed', () => {
    expect(run(scratch(), 'exit 3', ['--require-checkpoint', 'done']).status).toBe(3);
  });

  it('asks for a record, without which nobody could look it up', () => {
    const stateDir = `${scratch()}/file`;
    writeFileSync(stateDir, '');
    const result = run(stateDir, 'echo ran', ['--require-checkpoint', 'done']);
    expect(result).toMatchObject({ status: 125, stdout: '' });
  });
});
