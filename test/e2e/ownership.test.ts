import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { cronrun, journalOf, poll, said, scratch, start } from '../helpers/cronrun.js';
import { describeUnless, firstObstacle, needsLinux, needsRoot } from '../helpers/needs.js';
import { onlyStartRecord, plantStartRecord, startLine } from '../helpers/start-records.js';
import { endedTruth, runNext, truth } from '../helpers/truth.js';

const NOBODY = 65_534;
const RUN = ['exec', 'job', '--', 'sh', '-c', 'echo "ran $CRONRUN_ID, $CRONRUN_LAST_EXIT_CODE"; exit 7'];

let stateDir: string;

beforeEach(() => {
  stateDir = `${scratch()}/state`;
  mkdirSync(stateDir, { mode: 0o700 });
  expect(cronrun(stateDir, ['exec', 'job', '--', 'sh', '-c', 'exit 5']).status).toBe(5);
});

/** The command runs and nothing is written; it is told what `last` tells. */
function expectUnrecorded(words: string): void {
  const result = cronrun(stateDir, RUN);
  expect(result).toMatchObject({ status: 7, stdout: 'ran , 5\n' });
  expect(said(result)).toBe(`cronrun: job: NOT RECORDED, running it all the same: ${words}\n`);
  expect(truth(stateDir, 'job')).toEqual(endedTruth('failed exited', 5));
}

function expectRecorded(): void {
  expect(cronrun(stateDir, RUN)).toMatchObject({ status: 7, stderr: '' });
  expect(truth(stateDir, 'job')).toEqual(endedTruth('failed exited', 7));
}

describe('a directory in which others can write', () => {
  it.each(['', '/jobs', '/jobs/job', '/jobs/job/running'])('state%s: nothing is recorded there', (name) => {
    const path = `${stateDir}${name}`;
    chmodSync(path, 0o770);
    const remedy = `only its owner may write there; chmod go-w ${path}`;
    expectUnrecorded(`${path} is writable by others (mode 770), ${remedy}`);
    chmodSync(path, 0o700);
    expectRecorded();
  });

  it('is no place for what must be recorded: nothing is run', () => {
    chmodSync(stateDir, 0o702);
    const result = cronrun(stateDir, ['exec', '--require-record', ...RUN.slice(1)]);
    expect(result).toMatchObject({ status: 125, stdout: '' });
    expect(said(result)).toContain('job: NOT STARTED: its start cannot be recorded (');
    expect(said(result)).toContain(`${stateDir} is writable by others (mode 702)`);
  });

  it('is nothing to settle in, either: the run stays where it is until the mode is mended', () => {
    plantStartRecord(stateDir, 'job', { startedAt: '2026-11-21T01:30:00.000Z' });
    chmodSync(`${stateDir}/jobs`, 0o707);
    const before = truth(stateDir, 'job');
    expect(before.last).toBe('interrupted lost');
    const result = cronrun(stateDir, RUN);
    expect(said(result)).toContain('NOT RECORDED');
    expect(said(result)).not.toContain('INTERRUPTED');
    expect(truth(stateDir, 'job')).toEqual(before);
    chmodSync(`${stateDir}/jobs`, 0o700);
    expect(runNext(stateDir, 'job').env).toMatchObject({ CRONRUN_LAST_REASON: 'lost' });
  });

  it('that is so since the run began: its end is kept in the start record', async () => {
    const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo ready; read line; exit 3']);
    await run.says('ready');
    await poll(() => startLine(onlyStartRecord(stateDir, 'job'), 2), 'line 2 of the start record');
    chmodSync(`${stateDir}/jobs/job`, 0o777);
    run.child.stdin?.end('go\n');
    const result = await run.ended;
    expect(result.status).toBe(3);
    expect(said(result)).toContain('its journal cannot be written; kept in the start record');
    expect(journalOf(stateDir, 'job').length).toBe(1);
    expect(truth(stateDir, 'job')).toEqual(endedTruth('failed exited', 3));
    chmodSync(`${stateDir}/jobs/job`, 0o700);
    expect(runNext(stateDir, 'job').env).toMatchObject({ CRONRUN_LAST_EXIT_CODE: '3' });
  });

  it('and that its group may only read is as good as any', () => {
    chmodSync(stateDir, 0o2750);
    expectRecorded();
    chmodSync(stateDir, 0o2770);
    const { stderr } = cronrun(stateDir, RUN);
    expect(stderr.replace(/\s+/g, ' ')).toContain('writable by others (mode 2770)');
  });
});

describe('a link in place of', () => {
  it.each(['jobs', 'jobs/job', 'jobs/job/running'])('%s is not followed', (name) => {
    const [path, away] = [`${stateDir}/${name}`, `${scratch()}/away`];
    renameSync(path, away);
    symlinkSync(away, path);
    expectUnrecorded(`${path} is a symbolic link where a directory has to be; remove it`);
  });

  it('the journal is not followed: the end is kept in the start record', () => {
    mkdirSync(`${stateDir}/jobs/new`, { mode: 0o700 });
    const away = `${scratch()}/away`;
    symlinkSync(away, `${stateDir}/jobs/new/journal.jsonl`);
    const result = cronrun(stateDir, ['exec', 'new', '--', 'sh', '-c', 'exit 7']);
    expect(result.status).toBe(7);
    expect(said(result)).toContain('its journal cannot be written (ELOOP); kept in the start record');
    expect(existsSync(away)).toBe(false);
    expect(truth(stateDir, 'new')).toEqual(endedTruth('failed exited', 7));
  });
});

describeUnless(firstObstacle(needsLinux, needsRoot), 'a directory of another user', () => {
  it.each(['', '/jobs', '/jobs/job', '/jobs/job/running'])('state%s: root records nothing', (name) => {
    const path = `${stateDir}${name}`;
    chownSync(path, NOBODY, NOBODY);
    const rule = `belongs to user ${NOBODY} and has to belong to user 0`;
    expectUnrecorded(`${path} ${rule}; chown it or name another --state-dir`);
  });

  it('above: who owns it could put another in the place of what is in it', () => {
    const srv = scratch();
    renameSync(stateDir, `${srv}/state`);
    stateDir = `${srv}/state`;
    chownSync(srv, NOBODY, NOBODY);
    const rule = `belongs to user ${NOBODY} and has to belong to user 0`;
    expectUnrecorded(`${srv} ${rule}; chown it or name another --state-dir`);
    chownSync(srv, 0, 0);
    chmodSync(srv, 0o1777);
    expectRecorded();
  });

  it('where there is no state directory yet: none is made', () => {
    const srv = scratch();
    chmodSync(srv, 0o777);
    expect(cronrun(`${srv}/state`, RUN)).toMatchObject({ status: 7, stdout: 'ran , \n' });
    expect(readdirSync(srv)).toEqual([]);
    expect(existsSync(`${srv}/state`)).toBe(false);
  });
});
