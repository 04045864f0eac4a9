import { describe, expect, it } from 'vitest';
import {
  aroundText,
  leftText,
  nothingGoesOnText,
  notJudgedText,
  type StopFacts,
  stoppedText,
  unseenText,
} from '../../src/view/stop.js';
import * as sample from './samples.js';

const JOB = sample.beginning('feeds', '2026-11-22 00:05:00');
const ID = JOB.cron_job_id.slice(5);
const STOPPED = sample.interrupted(JOB, { ended: '2026-11-22 00:06:00' }, 'stopped', 'SIGTERM');
const LOST = sample.lost(JOB);

function facts(over: Partial<StopFacts> = {}): StopFacts {
  return {
    record: STOPPED,
    job: 'feeds',
    id: ID,
    signal: 'SIGTERM',
    graceMs: 10_000,
    wrapperTold: true,
    pids: [],
    killed: false,
    killedWrapper: null,
    left: [],
    wrapperLeft: null,
    denied: [],
    tookMs: 2300,
    elsewhere: [],
    ...over,
  };
}

const flat = (text: string) => text.replace(/\n {2}(?=\S)/g, ' ');
const RUN = ID.slice(0, 13);

describe('what stop says of a run of which nothing is left', () => {
  it.each<[string, Partial<StopFacts>, string]>([
    ['the signal did it', {}, `stopped run ${RUN}: SIGTERM ended it after 2s`],
    ['at once', { tookMs: 12 }, `stopped run ${RUN}: SIGTERM ended it at once`],
    ['deaf', { killed: true, pids: [7] }, `stopped run ${RUN}: SIGKILL was needed after 10s`],
    [
      'the wrapper left somebody',
      { pids: [7, 9] },
      `stopped run ${RUN}: SIGTERM ended it after 2s; pids 7 9 of its session were ended, too`,
    ],
    [
      'orphaned',
      { record: LOST, wrapperTold: false, pids: [5120, 5133] },
      `stopped run ${RUN} (orphaned): SIGTERM ended pids 5120 5133 after 2s. It counts as INTERRUPTED (lost): its exit code will never be known`,
    ],
    [
      'the wrapper hung',
      { record: LOST, killed: true, pids: [5120], killedWrapper: 5119 },
      `stopped run ${RUN} (orphaned): SIGKILL was needed for pid 5120 after 10s. Its wrapper, pid 5119, hung and got SIGKILL. It counts as INTERRUPTED (lost): its exit code will never be known`,
    ],
    [
      'it was faster',
      { record: sample.failed(JOB, { ended: '2026-11-22 00:06:00' }, 3) },
      `run ${RUN} had ended when it was told: FAILED (3)`,
    ],
    ['its records were removed', { record: null }, `stopped run ${RUN}: SIGTERM ended it after 2s`],
  ])('%s', (_what, over, words) => {
    const text = stoppedText(facts(over));
    expect(flat(text)).toBe(`feeds: ${words}\n`);
    expect(sample.widest(text)).toBeLessThanOrEqual(80);
  });

  it('names who has its id elsewhere, whatever that calls itself', () => {
    const text = stoppedText(facts({ elsewhere: [{ pid: 5301, name: 'ssh\u001b[2J-agent' }] }));
    expect(text.split('\n')[1]).toBe('  not of it, and not ended: pid 5301 (ssh-agent) has its CRONRUN_ID');
  });
});

describe('what stop says where something is left', () => {
  it.each<[string, Partial<StopFacts>, string]>([
    ['SIGKILL did not do', { killed: true, left: [7, 9] }, 'pids 7 9 still there 5s after SIGKILL'],
    ['not ours', { left: [7], denied: [7] }, 'pid 7 may not be signalled by this user'],
    ['the wrapper', { wrapperLeft: 5 }, 'its wrapper, pid 5, does not end'],
    [
      'all of it',
      { killed: true, left: [7, 9], denied: [9], wrapperLeft: 5 },
      'pid 7 still there 5s after SIGKILL; pid 9 may not be signalled by this user; its wrapper, pid 5, does not end',
    ],
  ])('%s', (_what, over, words) => {
    const text = leftText(facts(over));
    expect(flat(text)).toBe(`cronrun: stop: feeds: run ${RUN} is NOT STOPPED: ${words}\n`);
    expect(sample.widest(text)).toBeLessThanOrEqual(80);
  });

  it('or may be', () => {
    expect(flat(unseenText(facts({ pids: [7] })))).toBe(
      `cronrun: stop: feeds: run ${RUN}: SIGTERM was sent, pid 7 ended; whether something of it is left cannot be judged from here\n`,
    );
  });

  it('or nothing was signalled', () => {
    const { record } = sample.going({ ...JOB, host: 'web2' }, 'unverifiable');
    expect(flat(notJudgedText('feeds', record, 'db1'))).toBe(
      `cronrun: stop: feeds: run ${RUN} was not signalled: it was started on web2, and this is db1. If it goes on, end it where it was started: cronrun stop ${RUN}\n`,
    );
    expect(flat(aroundText('feeds', ID))).toContain('goes on around this command');
  });
});

it('what stop says where nothing goes on', () => {
  expect(nothingGoesOnText('feeds', null)).toBe('feeds: no run goes on\n');
  expect(flat(nothingGoesOnText('feeds', LOST))).toBe(
    `feeds: no run goes on; the last one was INTERRUPTED (lost) (run ${RUN})\n`,
  );
});
