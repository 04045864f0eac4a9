import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  afterwards,
  BIN,
  cronEnvironment,
  cronrun,
  fixture,
  isAlive,
  journalOf,
  poll,
  runProgram,
  scratch,
  start,
  startProgram,
} from '../helpers/cronrun.js';
import { endProcessesOf } from '../helpers/processes.js';

describe('stdin, stdout and stderr are the command’s own', () => {
  it('3 MB of stdin arrive', () => {
    const input = Buffer.alloc(3 * 1024 * 1024, 'all work and no play\n');
    const { stdout, status } = cronrun(scratch(), ['exec', 'job', '--', 'sha256sum'], { input });
    expect(status).toBe(0);
    expect(stdout).toBe(`${createHash('sha256').update(input).digest('hex')}  -\n`);
  });

  it('nothing is added on success, nor where the command fails by itself', () => {
    const stateDir = scratch();
    for (const code of [0, 1, 42]) {
      const says = ['sh', '-c', `echo out; echo err >&2; exit ${code}`];
      expect(cronrun(stateDir, ['exec', 'job', '--', ...says])).toEqual({
        status: code,
        signal: null,
        stdout: 'out\n',
        stderr: 'err\n',
      });
    }
  });

  it('what cronrun says stands behind what the command wrote', () => {
    const line = '"$0" exec -t 500ms job -- sh -c "echo one; echo two >&2; exec sleep 1000" 2>&1';
    const { stdout } = runProgram('/bin/sh', ['-c', line, BIN], {
      env: cronEnvironment({ CRONRUN_STATE_DIR: scratch() }),
    });
    expect(stdout).toMatch(/^one\ntwo\ncronrun: job: TIMEOUT: /);
  });

  it('the command finds them as they would be without cronrun, blocking ones above all', () => {
    const stateDir = scratch();
    const look = 'for fd in 0 1 2; do grep ^flags: /proc/self/fdinfo/$fd; done';
    const without = runProgram('/bin/sh', ['-c', look]);
    expect(cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', look])).toEqual(without);
    expect(without.stdout.split('\n')).toHaveLength(4);
  });

  it.each(['<&-', '>&-', '2>&-', '<&- >&- 2>&-'])('closed ones (%s) do no harm', (closed) => {
    const stateDir = scratch();
    const run = (command: string) =>
      runProgram('/bin/sh', ['-c', `exec "$0" exec job -- sh -c '${command}' ${closed}`, BIN], {
        env: cronEnvironment({ CRONRUN_STATE_DIR: stateDir }),
      });
    expect(run('exit 7').status).toBe(7);
    expect(run('kill -9 $$').status).toBe(137); // and now cronrun has something to say
    expect(journalOf(stateDir, 'job')).toMatchObject([{ exit_code: 7 }, { signal: 'SIGKILL' }]);
  });
});

it('300 MB of output pass without going through the wrapper’s memory', async () => {
  const stateDir = scratch();
  const writes = 'head -c 314572800 /dev/zero; echo done >&2; exec sleep 1000';
  const child = spawn(BIN, ['exec', 'job', '--', 'sh', '-c', writes], {
    env: { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  afterwards(() => {
    child.kill('SIGKILL');
    endProcessesOf(stateDir);
  });
  let [bytes, talk] = [0, ''];
  child.stdout.on('data', (data: Buffer) => {
    bytes += data.length;
  });
  child.stderr.on('data', (data: Buffer) => {
    talk += data;
  });
  const quiet = start(stateDir, ['exec', 'quiet', '--', 'sh', '-c', 'echo "ready $$"; exec sleep 1000']);
  await quiet.ready();
  await poll(() => talk.includes('done') && bytes === 314_572_800, 'all of the output', 60_000);
  expect(peakMemoryKb(child.pid)).toBeLessThan(peakMemoryKb(quiet.pid) + 4096);
});

/** The most that a process ever had in memory, see proc(5). */
function peakMemoryKb(pid = -1): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

describe('a reader that has gone', () => {
  it('of stdout ends the command by SIGPIPE, as without cronrun, and that is on record', () => {
    const stateDir = scratch();
    // A pipe of the shell: node would give a socket, on which a writer may fail with ECONNRESET instead.
    const script = '{ "$0" exec job -- yes; echo "$?" >&2; } | head -n 1 > /dev/null';
    const env = cronEnvironment({ CRONRUN_STATE_DIR: stateDir });
    const { stderr } = runProgram('sh', ['-c', script, BIN], { env });
    expect(stderr.trimEnd().split('\n').at(-1)).toBe('141');
    expect(journalOf(stateDir, 'job')).toMatchObject([
      { status: 'interrupted', reason: 'signaled', signal: 'SIGPIPE' },
    ]);
  });

  it('of stderr keeps no end from being recorded', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo "ready $$"; exec sleep 1000']);
    await run.ready();
    run.child.stderr?.destroy();
    run.child.kill('SIGTERM');
    await run.exited;
    expect(run.child.signalCode).toBe('SIGTERM');
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'interrupted', reason: 'stopped' }]);
  });
});

describe('a process that the command leaves behind', () => {
  it('and that holds stdout delays nothing, and is left alone', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', fixture('leaves-sleeper-behind')]);
    const sleeper = await run.ready();
    await run.exited;
    expect(run.child.exitCode).toBe(0);
    expect(isAlive(sleeper)).toBe(true);
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'completed', exit_code: 0 }]);
    expect(run.stderr).toBe('');
  });

  it('is left alone after a failure too, and where the command died of a signal', async () => {
    const stateDir = scratch();
    for (const end of ['exit 3', 'kill -9 $$']) {
      const line = `"$0"; ${end}`;
      const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', line, fixture('leaves-sleeper-behind')]);
      const sleeper = await run.ready();
      await run.exited;
      expect(isAlive(sleeper)).toBe(true);
    }
    expect(journalOf(stateDir, 'job')).toMatchObject([{ exit_code: 3 }, { signal: 'SIGKILL' }]);
  });
});

it('a pipeline that closes early sees the command’s exit status, not cronrun’s trouble', async () => {
  const stateDir = scratch();
  // One write: a second one might find the reader gone, and end the command.
  const line = '"$0" exec job -- sh -c "printf \'one\\ntwo\\n\'; exit 5" | head -1';
  const run = startProgram(stateDir, '/bin/bash', ['-o', 'pipefail', '-c', line, BIN]);
  const { status, stdout, stderr } = await run.ended;
  expect([stdout, stderr]).toEqual(['one\n', '']);
  expect(status).toBe(5);
});
