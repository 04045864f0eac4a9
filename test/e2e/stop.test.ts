import { chmodSync, chownSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  afterwards,
  BIN,
  cronEnvironment,
  cronrun,
  fixture,
  isAlive,
  journalOf,
  lastOf,
  poll,
  runProgram,
  said,
  scratch,
  start,
} from '../helpers/cronrun.js';
import {
  asAnotherUser,
  describeUnless,
  firstObstacle,
  needsLinux,
  needsReachableBin,
  needsRoot,
} from '../helpers/needs.js';
import { processesOf, stateOf } from '../helpers/processes.js';
import { OUTSIDE } from '../helpers/spaces.js';
import {
  onlyStartRecord,
  plantStartRecord,
  rewriteStartLine,
  rewriteWrapper,
} from '../helpers/start-records.js';
import { gist, startStranger } from '../helpers/stopped.js';
import { endedTruth, goingTruth, truth } from '../helpers/truth.js';

const STOPPED = { status: 'interrupted', reason: 'stopped', signal: 'SIGTERM' };

describeUnless(needsLinux(), 'a run with its wrapper', () => {
  it('is told by that and recorded as stopped; exec, stop and last agree', async () => {
    const stateDir = scratch();
    const run = await OUTSIDE.exec(stateDir, 'job');
    const result = cronrun(stateDir, ['stop', 'job']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(gist(result)).toBe('job: stopped run RUN: SIGTERM ended it in time\n');
    expect(await run.going.ended).toMatchObject({ signal: 'SIGTERM', status: 143 });
    expect(journalOf(stateDir, 'job')).toMatchObject([STOPPED]);
    expect(cronrun(stateDir, ['last', '--exit-code', 'job']).status).toBe(143);
    expect(isAlive(run.child)).toBe(false);
  });

  it('and is found by its id, and told another signal', async () => {
    const stateDir = scratch();
    const run = await OUTSIDE.exec(stateDir, 'job');
    expect(cronrun(stateDir, ['stop', '-s', 'int', run.id]).status).toBe(0);
    expect(await run.going.ended).toMatchObject({ signal: 'SIGINT' });
    expect(lastOf(stateDir, 'job')).toMatchObject({ reason: 'stopped', signal: 'SIGINT' });
  });

  it('that is deaf, with a grandchild that is, gets SIGKILL after the grace period; the wrapper lives to record it', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', fixture('deaf-with-deaf-grandchild')]);
    await run.ready();
    const result = cronrun(stateDir, ['stop', '-k', '200ms', 'job']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toMatch(/^job: stopped run \S+: SIGKILL was needed after 200ms\n$/);
    expect(await run.ended).toMatchObject({ signal: 'SIGTERM' });
    expect(journalOf(stateDir, 'job')).toMatchObject([{ ...STOPPED, exit_code: null }]);
    expect(processesOf(stateDir)).toEqual([]);
  });

  it('that is suspended, or whose wrapper is, hears it', async () => {
    const stateDir = scratch();
    const suspended = start(stateDir, ['exec', 'job', '--', fixture('stops-itself'), '5']);
    await suspended.ready();
    expect(cronrun(stateDir, ['stop', 'job']).status).toBe(0);
    await suspended.ended;
    expect(lastOf(stateDir, 'job')).toMatchObject({ ...STOPPED, exit_code: 5 });

    const run = await OUTSIDE.exec(stateDir, 'job');
    process.kill(run.wrapper, 'SIGSTOP');
    await poll(() => stateOf(run.wrapper) === 'T', 'the stop');
    expect(cronrun(stateDir, ['stop', 'job']).status).toBe(0);
    expect(await run.going.ended).toMatchObject({ signal: 'SIGTERM' });
    expect(lastOf(stateDir, 'job')).toMatchObject(STOPPED);
  });

  it('that is stopped again and again: the wrapper hangs, and is ended once its run is gone', async () => {
    const stateDir = scratch();
    const run = await OUTSIDE.exec(stateDir, 'job');
    const holding = setInterval(() => isAlive(run.wrapper) && process.kill(run.wrapper, 'SIGSTOP'), 1);
    afterwards(() => clearInterval(holding));
    process.kill(run.wrapper, 'SIGSTOP');
    await poll(() => stateOf(run.wrapper) === 'T', 'the stop');
    const result = await start(stateDir, ['stop', '-k', '200ms', 'job']).ended;
    clearInterval(holding);
    expect(result.status).toBe(0);
    expect([isAlive(run.wrapper), isAlive(run.child)]).toEqual([false, false]);
    // In a moment between two stops it may have heard, and recorded it.
    expect(result.stdout).toMatch(/hung and got SIGKILL|SIGTERM ended it|SIGKILL was needed after/);
    expect(['lost', 'stopped']).toContain(lastOf(stateDir, 'job').reason);
  });

  it('killed while it is stopped: its group is ended all the same', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', fixture('ignores-stops')]);
    const child = await run.ready();
    const stopping = start(stateDir, ['stop', '-k', '1s', 'job']);
    // Deaf, it outlives both: the wrapper has passed TERM on, or never came to it.
    await poll(() => stopping.child.exitCode === null && processesOf(stateDir).length >= 3, 'stop');
    run.child.kill('SIGKILL');
    const result = await stopping.ended;
    expect(result.status).toBe(0);
    expect(isAlive(child)).toBe(false);
    expect(truth(stateDir, 'job')).toEqual(endedTruth('interrupted lost', 195));
  });

  it('leaves a process of another group of its session: that is ended, too', async () => {
    const stateDir = scratch();
    const script = 'set -m; sleep 1000 & echo "ready $!"; wait';
    const run = start(stateDir, ['exec', 'job', '--', 'bash', '-c', script]);
    const other = await run.ready();
    expect(gist(cronrun(stateDir, ['stop', 'job']))).toContain(`pid ${other} of its session was ended, too`);
    expect(isAlive(other)).toBe(false);
    expect(lastOf(stateDir, 'job')).toMatchObject(STOPPED);
  });
});

describeUnless(needsLinux(), 'a run that lost its wrapper', () => {
  it('is ended itself, the whole of its group, and counts as lost', async () => {
    const stateDir = scratch();
    const run = await OUTSIDE.exec(stateDir, 'job', ['sh', '-c', 'sleep 1000 & wait']);
    OUTSIDE.kill(run.wrapper);
    const result = cronrun(stateDir, ['stop', 'job']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(gist(result)).toMatch(
      /^job: stopped run RUN \(orphaned\): SIGTERM ended pids \d+ \d+ in time. It counts as INTERRUPTED \(lost\): its exit code will never be known\n$/,
    );
    expect(processesOf(stateDir)).toEqual([]);
    expect(truth(stateDir, 'job')).toEqual(endedTruth('interrupted lost', 195));
    expect(journalOf(stateDir, 'job')).toEqual([]);
  });

  it('with a process that ignores TERM, whose leader is gone', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', fixture('has-deaf-grandchild')]);
    const deaf = await run.ready();
    const child = Number(await poll(() => pidOf(stateDir), 'the child in the record'));
    OUTSIDE.kill(run.pid, child);
    expect(truth(stateDir, 'job')).toEqual(goingTruth('running orphaned', 196));
    const result = cronrun(stateDir, ['stop', '-k', '200ms', 'job']);
    expect(gist(result)).toContain(`SIGKILL was needed for pid ${deaf} in time`);
    expect(result.status).toBe(0);
    expect(isAlive(deaf)).toBe(false);
  });

  it('and is suspended hears TERM', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', fixture('stops-itself'), '5']);
    const child = await run.ready();
    await poll(() => pidOf(stateDir), 'the child in the record');
    OUTSIDE.kill(run.pid);
    expect(gist(cronrun(stateDir, ['stop', '-k', '20s', 'job']))).toContain('SIGTERM ended pid');
    expect(isAlive(child)).toBe(false);
  });

  it('and whose child was never written down is known by its id', async () => {
    const stateDir = scratch();
    const run = await OUTSIDE.exec(stateDir, 'job', ['sh', '-c', 'sleep 1000 & wait']);
    rewriteStartLine(run.path, 2, null);
    OUTSIDE.kill(run.wrapper);
    expect(cronrun(stateDir, ['stop', 'job'])).toMatchObject({ status: 0, stderr: '' });
    expect(processesOf(stateDir)).toEqual([]);
  });

  it('has a daemon elsewhere: that is named and lives on', async () => {
    const stateDir = scratch();
    const run = start(stateDir, ['exec', 'job', '--', fixture('moves-grandchild-out')]);
    const daemon = await run.ready();
    await poll(() => pidOf(stateDir), 'the child in the record');
    OUTSIDE.kill(run.pid);
    const result = cronrun(stateDir, ['stop', 'job']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout).toContain(
      `\n  not of it, and not ended: pid ${daemon} (sleep) has its CRONRUN_ID\n`,
    );
    expect(isAlive(daemon)).toBe(true);
  });
});

function pidOf(stateDir: string): unknown {
  return JSON.parse(cronrun(stateDir, ['status', '--json', 'job']).stdout).pid;
}

describeUnless(needsLinux(), 'stop', () => {
  it('ends all runs of a job at once, in a line each, and no other job', async () => {
    const stateDir = scratch();
    const runs = [
      await OUTSIDE.exec(stateDir, 'job', [fixture('ignores-stops')]),
      await OUTSIDE.exec(stateDir, 'job'),
      await OUTSIDE.exec(stateDir, 'job'),
    ];
    const other = await OUTSIDE.exec(stateDir, 'other');
    const result = cronrun(stateDir, ['stop', '-k', '500ms', 'job']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(result.stdout.match(/^job: stopped run /gm)?.length).toBe(3);
    await Promise.all(runs.map((run) => run.going.ended));
    expect(journalOf(stateDir, 'job')).toMatchObject([STOPPED, STOPPED, STOPPED]);
    expect([isAlive(other.wrapper), isAlive(other.child)]).toEqual([true, true]);
  });

  it('says of what is over, or does not go on, that it is: 0; of what is not there 193', () => {
    const stateDir = scratch();
    expect(cronrun(stateDir, ['stop', 'job'])).toMatchObject({ status: 193, stdout: '' });
    cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 7']);
    const id = String(lastOf(stateDir, 'job').cron_job_id);
    expect(gist(cronrun(stateDir, ['stop', 'job']))).toBe(
      'job: no run goes on; the last one was FAILED (7) (run RUN)\n',
    );
    const ended = cronrun(stateDir, ['stop', id]);
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    expect(gist(ended)).toBe('job: ended already: FAILED (run RUN)\n');
    expect(cronrun(stateDir, ['stop', '00000000'])).toMatchObject({ status: 193, stdout: '' });
    const noTarget = cronrun(stateDir, ['stop']);
    expect(noTarget.status).toBe(125);
    expect(said(noTarget)).toContain('stop: name a job, or a run by its id');
  });

  it('signals nothing of a run that cannot be judged from here: 196', async () => {
    const stateDir = scratch();
    const run = await OUTSIDE.exec(stateDir, 'job');
    rewriteWrapper(run.path, { host_name: 'x' });
    const result = cronrun(stateDir, ['stop', 'job']);
    expect(result).toMatchObject({ status: 196, stdout: '' });
    expect(said(result)).toContain('was not signalled: ');
    expect([isAlive(run.wrapper), isAlive(run.child)]).toEqual([true, true]);
  });

  it('does not end the run around it, and ends the others', async () => {
    const stateDir = scratch();
    const other = await OUTSIDE.exec(stateDir, 'job');
    const script = '"$0" stop "$CRONRUN_JOB"; echo "stop $?"';
    const result = cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', script, BIN]);
    expect(result.status).toBe(0);
    expect(result.stdout).toMatch(/^job: stopped run .*\nstop 125\n$/s);
    expect(said(result)).toContain('goes on around this command and was not signalled');
    expect(isAlive(other.child)).toBe(false);
  });

  it('waits as long as it takes with --kill-after 0, and dies of SIGINT without a word', async () => {
    const stateDir = scratch();
    const run = await OUTSIDE.exec(stateDir, 'job', [fixture('ignores-stops')]);
    const stopping = start(stateDir, ['stop', '-k', '0', 'job']);
    await poll(() => cronrun(stateDir, ['status', 'job']).stdout.includes('running'), 'the run');
    await poll(() => /^SigCgt/m.test(OUTSIDE.shell('cat /proc/"$1"/status', stopping.pid)), 'stop');
    stopping.child.kill('SIGINT');
    expect(await stopping.ended).toEqual({ status: 130, signal: 'SIGINT', stdout: '', stderr: '' });
    expect(isAlive(run.child)).toBe(true);
  });

  it('takes signals that tell a run to stop, and has no variables', () => {
    const stateDir = scratch();
    const kill = cronrun(stateDir, ['stop', '-s', 'KILL', 'job']);
    expect(kill.status).toBe(125);
    expect(said(kill)).toBe(
      'cronrun: stop: --signal KILL tells no run to stop. Write TERM, INT, HUP or QUIT (SIGKILL at once: -k 1ms)\n',
    );
    const env = cronEnvironment({ CRONRUN_KILL_AFTER: 'nonsense', CRONRUN_SIGNAL: 'nonsense' });
    expect(cronrun(stateDir, ['stop', 'job'], { env }).status).toBe(193);
  });
});

const NOBODY = 65_534;

describeUnless(firstObstacle(needsLinux, needsRoot, needsReachableBin), 'users', () => {
  it('stop their own runs; root is refused there, and told how', async () => {
    const stateDir = scratch();
    chownSync(stateDir, NOBODY, NOBODY);
    const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
    const asUser = (...args: string[]) => ['setpriv', ...asAnotherUser(), BIN, ...args] as const;
    const [file, ...args] = asUser('exec', 'job', '--', 'sleep', '1000');
    await start(stateDir, ['--version']).ended; // whatever carries this state directory is ended after the test
    OUTSIDE.shell(
      'CRONRUN_STATE_DIR=$1; export CRONRUN_STATE_DIR; shift; "$@" >/dev/null 2>&1 &',
      stateDir,
      file,
      ...args,
    );
    const path = await poll(() => safely(() => onlyStartRecord(stateDir, 'job')), 'the start record');
    expect(path).toContain('/running/');
    const child = Number(await poll(() => pidOf(stateDir), 'the child in the record'));

    const asRoot = cronrun(stateDir, ['stop', 'job']);
    expect(asRoot).toMatchObject({ status: 125, stdout: '' });
    expect(said(asRoot)).toContain(`${stateDir} belongs to user ${NOBODY} and has to belong to user 0`);
    expect(said(asRoot)).toContain(`runuser -u nobody -- cronrun stop --state-dir ${stateDir} job`);
    expect(isAlive(child)).toBe(true);

    const [program, ...line] = asUser('stop', 'job');
    expect(runProgram(program, line, { env })).toMatchObject({ status: 0, stderr: '' });
    expect(isAlive(child)).toBe(false);
  });

  it("root's run whose command became another user is root's run", async () => {
    const stateDir = scratch();
    const run = await OUTSIDE.exec(stateDir, 'job', ['setpriv', ...asAnotherUser(), 'sleep', '1000']);
    await poll(() => OUTSIDE.shell('stat -c %u /proc/"$1"', run.child) === String(NOBODY), 'the other user');
    OUTSIDE.kill(run.wrapper);
    expect(cronrun(stateDir, ['stop', 'job'])).toMatchObject({ status: 0, stderr: '' });
    expect(isAlive(run.child)).toBe(false);
  });

  it('cannot stop what became root: it is named, and not waited for', async () => {
    const stateDir = scratch();
    const stranger = startStranger();
    // The child of the record is root's, the record this user's: as after sudo.
    const id = plantStartRecord(stateDir, 'job', {
      child: { pid: stranger.pid, start_ticks: ticksOf(stranger.pid) },
    });
    for (const name of ['', '/jobs', '/jobs/job', '/jobs/job/running', `/jobs/job/running/${id}.jsonl`]) {
      chownSync(`${stateDir}${name}`, NOBODY, NOBODY);
      chmodSync(`${stateDir}${name}`, name.endsWith('.jsonl') ? 0o600 : 0o700);
    }
    const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
    const result = runProgram('setpriv', [...asAnotherUser(), BIN, 'stop', 'job'], { env });
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(said(result)).toContain(`NOT STOPPED: pid ${stranger.pid} may not be signalled by this user`);
    expect(stranger.isUntouched()).toBe(true);
  });
});

function ticksOf(pid: number): number {
  return Number(OUTSIDE.shell('sed "s/.*) //" /proc/"$1"/stat | cut -d" " -f20', pid));
}

function safely<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
