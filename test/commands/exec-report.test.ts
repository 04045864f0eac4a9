import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  MOST_LATE,
  type NamedTeller,
  Report,
  reporterFor,
  type Stage,
  type Wishes,
} from '../../src/commands/exec-report.js';
import type { ReporterName } from '../../src/model/report.js';
import { shortRunId } from '../../src/model/run-id.js';
import type { SignalName } from '../../src/model/signal.js';
import type { Failure, Scene, Teller } from '../../src/report/teller.js';
import { poll, scratch } from '../helpers/cronrun.js';
import { beginning, completed, failed, lost, runId } from '../helpers/records.js';

const NOW = Date.UTC(2026, 10, 22, 5);

let stateDir: string;
let said: { reporter: string; why: string; output?: string }[];
/** Whoever takes signals now; null: nobody does. */
let receiver: ((signal: SignalName) => void) | null;

beforeEach(() => {
  stateDir = scratch();
  mkdirSync(`${stateDir}/jobs/backup/running`, { recursive: true, mode: 0o700 });
  for (const path of ['jobs', 'jobs/backup', 'jobs/backup/running']) chmodSync(`${stateDir}/${path}`, 0o700);
  said = [];
  receiver = null;
});

function stage(over: Partial<Stage> = {}): Stage {
  return {
    job: 'backup',
    stateDir,
    env: {},
    now: () => NOW,
    receive: (next) => {
      receiver = next;
      return () => {
        receiver = null;
      };
    },
    isStop: (signal) => signal === 'SIGTERM',
    tell: (failure) => void said.push(failure),
    ...over,
  };
}

/** A reporter with these tellers; `scenes` gets what they were made with. */
function reportWith(
  tellers: readonly NamedTeller[],
  over: Partial<Stage> = {},
  scenes: Scene[] = [],
): Report {
  return new Report((scene) => {
    scenes.push(scene);
    return tellers;
  }, stage(over));
}

const named = (teller: Teller, reporter: ReporterName = 'ping'): NamedTeller => ({ reporter, teller });

/** Writes down whom it is told of. */
function scribe(log: string[], name = ''): Teller {
  const word = (record: { started_at: string }) => `${name}${record.started_at.slice(14, 16)}`;
  return {
    started: async (run) => {
      log.push(`${word(run)} started`);
      return [];
    },
    ended: async (record, { late }) => {
      log.push(`${word(record)} ${record.status}${late ? ' late' : ''}`);
      return [];
    },
  };
}

const failing = (...failures: Failure[]): Teller => ({ ended: async () => failures });
const FAILURE: Failure = { reporter: 'ping', why: 'HTTP 500 (2 tries)' };

const onRecord = () => {
  const path = `${stateDir}/jobs/backup/report-failures.jsonl`;
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
};

describe('who is told', () => {
  it('is everybody, of the start and of the end', async () => {
    const log: string[] = [];
    const report = reportWith([named(scribe(log, 'a')), named(scribe(log, 'b'))]);
    report.started(beginning(1));
    expect(log).toEqual([]); // the event loop has its turn first
    await report.ended(completed(1));
    expect(log).toEqual(['a31 started', 'b31 started', 'a31 completed', 'b31 completed']);
    expect(said).toEqual([]);
  });

  it('is told of runs that were found cut short first, the oldest first, as soon as the command runs', async () => {
    const log: string[] = [];
    const report = reportWith([named(scribe(log))]);
    report.settled([lost(1), lost(2)], []);
    report.started(beginning(3));
    await poll(() => log.length === 3, 'the start');
    expect(log).toEqual(['31 interrupted late', '32 interrupted late', '33 started']);
    await report.ended(failed(3));
    expect(log.slice(3)).toEqual(['33 failed']);
  });

  it('is told of them also where nothing was started', async () => {
    const log: string[] = [];
    const report = reportWith([named(scribe(log))]);
    report.settled([lost(1)], []);
    await report.ended(null);
    expect(log).toEqual(['31 interrupted late']);
  });

  it('is told of all where there are many, and who takes long of the newest: that is said, and noted for the others', async () => {
    const [slow, quick]: [string[], string[]] = [[], []];
    const hooks = { ...named(scribe(slow), 'on-failure'), mostLate: MOST_LATE };
    const report = reportWith([hooks, named(scribe(quick), 'ping')]);
    report.settled(
      Array.from({ length: 20 }, (_, n) => lost(n)),
      [],
    );
    await report.ended(null);
    expect(slow).toEqual([45, 46, 47, 48, 49].map((minute) => `${minute} interrupted late`));
    expect(quick.length).toBe(20);
    expect(said).toEqual([
      { reporter: 'on-failure', why: 'not run for 15 older runs found cut short, only for the newest 5' },
    ]);
    expect(onRecord().length).toBe(15);
  });

  it('has what exec has, and no more', () => {
    const scenes: Scene[] = [];
    reportWith([], { env: { A: 'b' } }, scenes);
    expect(scenes).toEqual([
      {
        job: 'backup',
        stateDir,
        env: { A: 'b' },
        now: expect.any(Function),
        headline: expect.any(Function),
        say: expect.any(Function),
        stop: expect.any(AbortSignal),
      },
    ]);
  });
});

describe('what could not be told', () => {
  const IN_RECORD = { cron_job_id: failed(1).cron_job_id, ...FAILURE, at: '2026-11-22T05:00:00.000Z' };

  it('is said, and noted for the run', async () => {
    const other: Failure = { reporter: 'textfile', why: 'EACCES: permission denied' };
    await reportWith([named(failing(FAILURE, other))]).ended(failed(1));
    expect(said).toEqual([FAILURE, other]);
    expect(onRecord()).toEqual([IN_RECORD, { ...IN_RECORD, ...other }]);
  });

  it('of the start is no other', async () => {
    const teller: Teller = { started: async () => [FAILURE], ended: async () => [] };
    const report = reportWith([named(teller)]);
    report.started(beginning(1));
    await report.ended(completed(1));
    expect([said, onRecord()]).toEqual([[FAILURE], [IN_RECORD]]);
  });

  it('of an earlier run is said with its id, and noted for that one', async () => {
    const report = reportWith([named(failing(FAILURE))]);
    report.settled([lost(1)], []);
    await report.ended(null);
    expect(said).toEqual([{ ...FAILURE, why: `${FAILURE.why} (run ${shortRunId(runId(1))})` }]);
    expect(onRecord()).toEqual([IN_RECORD]);
  });

  it('is noted without what a hook wrote', async () => {
    await reportWith([named(failing({ ...FAILURE, output: 'a secret' }))]).ended(failed(1));
    expect(said).toEqual([{ ...FAILURE, output: 'a secret' }]);
    expect(onRecord()).toEqual([IN_RECORD]);
  });

  it.each<[string, Teller]>([
    ['rejects', { ended: () => Promise.reject(new Error('a defect')) }],
    [
      'throws',
      {
        ended: () => {
          throw new Error('a defect');
        },
      },
    ],
    [
      'throws in the start',
      {
        started: () => {
          throw new Error('a defect');
        },
        ended: async () => [],
      },
    ],
  ])('is said of a teller that %s as well, and the others tell', async (_, teller) => {
    const log: string[] = [];
    const report = reportWith([named(teller, 'textfile'), named(scribe(log))]);
    report.started(beginning(1));
    await report.ended(completed(1));
    expect(said).toEqual([{ reporter: 'textfile', why: 'a defect' }]);
    expect(onRecord()).toMatchObject([{ reporter: 'textfile', why: 'a defect' }]);
    expect(log).toEqual(['31 started', '31 completed']);
  });

  it('is said of each that cannot be loaded, of every run', async () => {
    const options = {
      ping: 'http://127.0.0.1/',
      onSuccess: 'a',
      onFailure: 'b',
      onEnd: null,
      textfile: '/m',
    };
    // Here there are no bundles.
    const report = reporterFor(options as unknown as Wishes, stage());
    report.settled([lost(1)], []);
    await report.ended(completed(2));
    const why = expect.stringMatching(/^cannot be loaded \(/);
    expect(said.map((one) => one.reporter)).toEqual([
      'ping',
      'on-failure',
      'textfile',
      'ping',
      'on-success',
      'textfile',
    ]);
    for (const one of said) expect(one.why).toEqual(why);
    expect(onRecord().length).toBe(6);
  });
});

describe('where nothing can be noted', () => {
  async function saidAlone(over: Partial<Stage> = {}): Promise<void> {
    await reportWith([named(failing(FAILURE))], over).ended(failed(1));
    expect(said).toEqual([FAILURE]);
  }

  it('it is said: no place for records', () => saidAlone({ stateDir: null }));

  it('it is said, and nothing is made: no such job', async () => {
    await saidAlone({ job: 'other' });
    expect(existsSync(`${stateDir}/jobs/other`)).toBe(false);
  });

  it('it is said, and nothing is written: others can write there', async () => {
    chmodSync(`${stateDir}/jobs/backup`, 0o777);
    await saidAlone();
    expect(onRecord()).toEqual([]);
  });

  it('it is said: no such state directory', () => saidAlone({ stateDir: '/dev/null/state' }));

  it('and where it cannot even be said, nothing comes of it', async () => {
    const tell = () => {
      throw new Error('stderr is gone');
    };
    await reportWith([named(failing(FAILURE))], { tell }).ended(failed(1));
  });
});

describe('a stop while others are told', () => {
  /** Waits until `stop` is aborted, which it may be before it is told of anything. */
  const patient = (stop: () => AbortSignal): Teller => ({
    ended: () =>
      new Promise((resolve) => {
        const leave = () => resolve([FAILURE]);
        if (stop().aborted) leave();
        else stop().addEventListener('abort', leave);
      }),
  });

  it('reaches whoever tells, and nobody else takes it', async () => {
    const scenes: Scene[] = [];
    const report = reportWith([named(patient(() => scenes[0]?.stop as AbortSignal))], {}, scenes);
    const ended = report.ended(failed(1));
    receiver?.('SIGUSR1');
    expect(scenes[0]?.stop.aborted).toBe(false);
    await new Promise((resolve) => setTimeout(resolve));
    receiver?.('SIGTERM');
    await ended;
    expect(said).toEqual([FAILURE]);
    expect(receiver).toBeNull();
  });

  it('before it is over with the command is none', async () => {
    const scenes: Scene[] = [];
    const report = reportWith([named(scribe([]))], {}, scenes);
    report.started(beginning(1));
    expect(receiver).toBeNull();
    await report.ended(completed(1));
    expect(scenes[0]?.stop.aborted).toBe(false);
  });

  it('leaves behind who does not settle, and says so', async () => {
    const never: Teller = { ended: () => new Promise<never>(() => undefined) };
    const log: string[] = [];
    const report = reportWith([named(never, 'textfile'), named(scribe(log))]);
    const ended = report.ended(failed(1));
    receiver?.('SIGTERM');
    const before = performance.now();
    await ended;
    expect(performance.now() - before).toBeGreaterThan(900);
    expect(said).toEqual([{ reporter: 'textfile', why: 'no answer yet, and cronrun was told to stop' }]);
    expect(onRecord().length).toBe(1);
    expect(log).toEqual(['31 failed']);
  });
});

describe('the end', () => {
  it('is not told before it has begun to be', async () => {
    const ended = vi.fn<Teller['ended']>(async () => []);
    const report = reportWith([named({ ended })]);
    const done = report.ended(completed(1));
    expect(ended).not.toHaveBeenCalled();
    await done;
    expect(ended).toHaveBeenCalledTimes(1);
  });

  it('is said of a teller that throws while the end is recorded, and the others are asked', () => {
    const kept: string[] = [];
    const throws: Teller = {
      recorded: () => {
        throw new Error('a defect');
      },
      ended: async () => [],
    };
    const keeps: Teller = { recorded: (record) => void kept.push(record.status), ended: async () => [] };
    reportWith([named(throws, 'ping'), named(keeps)]).recorded([completed(1)]);
    expect(said).toEqual([{ reporter: 'ping', why: 'a defect' }]);
    expect(kept).toEqual(['completed']);
  });

  it('does not keep the run from going on where nobody can look up whom to tell of', () => {
    const report = reportWith([named(scribe([]))]);
    report.settled([], [runId(1)]);
    expect(() => report.started(beginning(2))).not.toThrow();
  });
});
