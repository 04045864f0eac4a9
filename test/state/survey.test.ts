import { mkdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeLine, idOf } from '../../src/model/record.js';
import { formatRunId } from '../../src/model/run-id.js';
import { processId } from '../../src/platform/identity.js';
import { listDirectory } from '../../src/platform/list-directory.js';
import { journalPath, runningDirectory } from '../../src/state/directory.js';
import type { Survey } from '../../src/state/judging.js';
import { findRuns, readJobRuns } from '../../src/state/runs.js';
import { surveyJob } from '../../src/state/survey.js';
import { startSleeper } from '../helpers/children.js';
import { scratch } from '../helpers/cronrun.js';
import { at, COMPLETED, completed, ELSEWHERE, endOf, failed, failedWith, runId } from '../helpers/records.js';
import {
  aliveHere,
  deadChild,
  deadHere,
  JOB,
  markNow,
  otherBoot,
  putJournal,
  putRunning,
  putStart,
  startBytes,
} from '../helpers/state.js';

/** What somebody else does while a wrapper is being judged. */
const others = vi.hoisted(() => ({ act: () => undefined as unknown }));

vi.mock('../../src/platform/identity.js', async (original) => {
  const { onlySleepers } = await import('../helpers/sleepers.js');
  const identity = onlySleepers(await original<typeof import('../../src/platform/identity.js')>());
  const probe: typeof identity.probe = (pid) => {
    others.act();
    return identity.probe(pid);
  };
  return { ...identity, probe };
});

let stateDir: string;

beforeEach(() => {
  stateDir = scratch();
  others.act = () => undefined;
});

const survey = (): Survey => surveyJob(stateDir, JOB, (found) => found);
const ids = (runs: Survey['over']) => runs.map((run) => run.start.id);

describe('an empty place', () => {
  it.each([
    ['without a state directory', () => undefined],
    ['with a job that never ran', () => putJournal(stateDir, [], 'other')],
    ['with an empty running/', () => mkdirSync(runningDirectory(stateDir, JOB), { recursive: true })],
    ['with a journal only', () => putJournal(stateDir, [completed(1)])],
  ])('%s has nothing to judge', (_what, prepare) => {
    prepare();
    expect(survey()).toEqual({ going: [], over: [], recorded: [], leftovers: [], garbage: 0 });
  });

  it('hands the journal on, or that there is none', () => {
    expect(surveyJob(stateDir, JOB, (_, journal) => journal)).toBeNull();
    putJournal(stateDir, [completed(1)]);
    expect(surveyJob(stateDir, JOB, (_, journal) => journal?.size)).toBe(encodeLine(completed(1)).length + 1);
  });

  it('lists nothing where a file stands in the way', () => {
    putJournal(stateDir, [completed(1)]);
    expect(listDirectory(`${stateDir}/jobs/${JOB}/journal.jsonl`)).toEqual([]);
    expect(listDirectory(`${stateDir}/none`)).toEqual([]);
  });
});

describe('files that are no start record', () => {
  it('are leftovers; those with the name of one are counted as well', () => {
    const torn = `${runId(1)}.jsonl`;
    const empty = `${runId(2)}.jsonl`;
    putRunning(stateDir, torn, startBytes(1).subarray(0, 100));
    putRunning(stateDir, empty, '');
    putRunning(stateDir, `.${runId(3)}.tmp`, startBytes(3));
    putRunning(stateDir, 'README', 'hello');
    putRunning(stateDir, '.nfs0000', '');
    const { leftovers, garbage, ...rest } = survey();
    expect([...leftovers].sort()).toEqual(['.nfs0000', `.${runId(3)}.tmp`, torn, empty, 'README'].sort());
    expect(garbage).toBe(2);
    expect(rest).toEqual({ going: [], over: [], recorded: [] });
  });

  it('do not hide the runs beside them', () => {
    putRunning(stateDir, `${runId(1)}.jsonl`, '\0'.repeat(4096));
    putRunning(stateDir, 'core', '\0');
    mkdirSync(`${runningDirectory(stateDir, JOB)}/${runId(2)}.jsonl`);
    symlinkSync('nowhere', `${runningDirectory(stateDir, JOB)}/${runId(3)}.jsonl`);
    putStart(stateDir, 4);
    expect(ids(survey().over)).toEqual([runId(4)]);
    expect(readJobRuns(stateDir, JOB)?.last).toMatchObject({ reason: 'rebooted', started_at: at(4) });
  });

  it('are not taken for torn where line 1 is whole and only strange: a newer version may have written it', () => {
    const strange = JSON.stringify({ schema: 2, run: { id: runId(1) }, supervisor: 7 });
    putRunning(stateDir, `${runId(1)}.jsonl`, `${strange}\n\n\n`);
    expect(survey()).toMatchObject({ leftovers: [], garbage: 1, over: [] });
  });
});

describe('a start record of a newer schema', () => {
  it('is never judged over, though its wrapper is dead', () => {
    putStart(stateDir, 1, { over: { schema: 2 } });
    putStart(stateDir, 2, { wrapper: deadHere(), child: deadChild(), over: { schema: 2 } });
    const { going, over } = survey();
    expect(over).toEqual([]);
    expect(going.map(({ record }) => [record.schema, record.reason])).toEqual([
      [2, 'unverifiable'],
      [2, 'unverifiable'],
    ]);
  });

  it('is shown with the end that it has', () => {
    putStart(stateDir, 1, { over: { schema: 2 }, end: endOf(1, COMPLETED) });
    expect(survey().over.map((run) => run.record.status)).toEqual(['completed']);
  });
});

describe('an orphan', () => {
  it('is the child of a dead wrapper, found by the identity that was written down', async () => {
    const sleeper = startSleeper();
    putStart(stateDir, 1, { wrapper: deadHere(), child: sleeper.identity });
    const [orphan] = survey().going;
    expect(orphan?.record).toMatchObject({ reason: 'orphaned', pid: sleeper.identity.pid });
    expect(orphan?.alivePids).toEqual([sleeper.identity.pid]);
    await sleeper.end();
    expect(survey().over.map((run) => run.record.reason)).toEqual(['lost']);
  });

  it('is not somebody who was given the pid of the child', () => {
    const { pid, start_ticks } = startSleeper().identity;
    putStart(stateDir, 1, { wrapper: deadHere(), child: { pid, start_ticks: (start_ticks ?? 0) - 1 } });
    expect(survey().over.map((run) => run.record.reason)).toEqual(['lost']);
  });

  it('is found by its environment where the child was never written down', async () => {
    const sleeper = startSleeper({ CRONRUN_ID: formatRunId(runId(1)) });
    putStart(stateDir, 1, { wrapper: deadHere() });
    putStart(stateDir, 2, { wrapper: deadHere() });
    const { going, over } = survey();
    expect(going.map((run) => [idOf(run.record), ...run.alivePids])).toEqual([
      [runId(1), sleeper.identity.pid],
    ]);
    expect(ids(over)).toEqual([runId(2)]);
    await sleeper.end();
    expect(ids(survey().over)).toEqual([runId(1), runId(2)]);
  });

  it('is not an agent that carries the id of a run whose child is known to be gone', () => {
    startSleeper({ CRONRUN_ID: formatRunId(runId(1)) });
    putStart(stateDir, 1, { wrapper: deadHere(), child: deadChild() });
    expect(survey().over.map((run) => run.record.reason)).toEqual(['lost']);
  });

  it('is not a process that carries the id in another variable, or a longer one', () => {
    const id = formatRunId(runId(1));
    startSleeper({ CRONRUN_LAST_ID: id, CRONRUN_RUNNING: `CRONRUN_ID=${id}`, XCRONRUN_ID: id });
    startSleeper({ CRONRUN_ID: `${id}0` });
    putStart(stateDir, 1, { wrapper: deadHere() });
    expect(survey().over.map((run) => run.record.reason)).toEqual(['lost']);
  });
});

describe('a run whose wrapper cannot be judged', () => {
  it.each([
    ['of another host', { machine_id: 'ffffffffffffffffffffffffffffffff' }],
    ['of a clone with another name', { host_name: 'clone' }],
    ['of another host and boot', { machine_id: ELSEWHERE.machine_id, boot_id: ELSEWHERE.boot_id }],
    ['of another pid namespace', { pid_ns: 'pid:[1]' }],
    ['of another time namespace', { time_ns: 'time:[1]' }],
    ['that did not know its boot', { boot_id: null }],
    ['that did not know its own start', { start_ticks: null }],
  ])('%s is unverifiable', (_what, difference) => {
    putStart(stateDir, 1, { wrapper: { ...aliveHere(), ...difference }, child: deadChild() });
    expect(survey().going.map((run) => run.record.reason)).toEqual(['unverifiable']);
    expect(survey().over).toEqual([]);
  });

  it('is rebooted on the same host after a restart, in whatever namespace it was', () => {
    putStart(stateDir, 1, { wrapper: { ...otherBoot(), pid_ns: 'pid:[1]' } });
    const [run] = survey().over;
    expect(run?.record).toMatchObject({ reason: 'rebooted', ended_at: null, exit_code: null });
    expect(Date.parse(run?.record.booted_at ?? '')).toBeLessThan(Date.now());
  });
});

describe('what is over', () => {
  it('stands in the order in which it counts as ended: seen ends by their time, then lost runs by start', () => {
    putStart(stateDir, 5);
    putStart(stateDir, 1);
    putStart(stateDir, 2, { end: endOf(2, COMPLETED, at(60)) });
    putStart(stateDir, 3, { end: endOf(3, failedWith(1), at(30)) });
    putStart(stateDir, 4, { wrapper: deadHere(), child: deadChild() });
    expect(ids(survey().over)).toEqual([3, 2, 1, 4, 5].map((n) => runId(n)));
  });

  it('and what goes on, with the one that started last first', () => {
    for (const n of [2, 3, 1]) putStart(stateDir, n, { wrapper: aliveHere() });
    expect(survey().going.map((run) => idOf(run.record))).toEqual([3, 2, 1].map((n) => runId(n)));
  });

  it('keeps what its wrapper wrote down of the child', () => {
    putStart(stateDir, 1, { child: processId(process.pid) });
    putStart(stateDir, 2);
    expect(survey().over.map((run) => run.record.pid)).toEqual([process.pid, null]);
  });
});

describe('what the journal has already', () => {
  it('is no longer judged, and its start record may go when nobody will touch it any more', () => {
    putJournal(stateDir, [completed(1), failed(2), completed(3), failed(4), completed(5)]);
    putStart(stateDir, 1, { wrapper: aliveHere() });
    putStart(stateDir, 2);
    putStart(stateDir, 3, { wrapper: deadHere(), child: deadChild() });
    putStart(stateDir, 4, { wrapper: ELSEWHERE });
    putStart(stateDir, 5, { wrapper: ELSEWHERE, end: endOf(5, COMPLETED) });
    const { recorded, ...rest } = survey();
    expect(recorded.map(({ start }) => start.id).sort()).toEqual([2, 3, 5].map((n) => runId(n)));
    expect(rest).toEqual({ going: [], over: [], leftovers: [], garbage: 0 });
  });

  it('is looked for from where the journal stood when the run began', () => {
    putJournal(stateDir, [completed(1)]);
    const mark = markNow(stateDir);
    putStart(stateDir, 1, { journal: mark });
    putStart(stateDir, 2, { journal: mark });
    putJournal(stateDir, [completed(2)]);
    const { recorded, over } = survey();
    expect(recorded.map(({ start }) => start.id)).toEqual([runId(2)]);
    expect(ids(over)).toEqual([runId(1)]);
  });
});

describe('a run that ends while a reader looks', () => {
  it('is found in the journal: it is read after running/, never before', () => {
    putStart(stateDir, 1, { wrapper: aliveHere() });
    const path = `${runningDirectory(stateDir, JOB)}/${runId(1)}.jsonl`;
    putJournal(stateDir, [completed(1)]);
    unlinkSync(path);
    expect(readJobRuns(stateDir, JOB)?.last).toEqual(completed(1));
    expect(findRuns(stateDir, { hex: runId(1).replaceAll('-', ''), forced: true })).toEqual([completed(1)]);
  });
});

describe('a run that ends while it is judged', () => {
  const journal = () => journalPath(stateDir, JOB);

  /** What a wrapper does at its end; somebody moves the journal away before or after. */
  function endOnce(name: string, ...acts: (() => void)[]): void {
    others.act = () => {
      others.act = () => undefined;
      for (const act of acts) act();
      unlinkSync(`${runningDirectory(stateDir, JOB)}/${name}`);
    };
  }

  it('is what the journal says', () => {
    endOnce(putStart(stateDir, 1, { wrapper: deadHere(), child: deadChild() }), () =>
      putJournal(stateDir, [completed(1)]),
    );
    expect(survey()).toMatchObject({ going: [], over: [], recorded: [{ start: { id: runId(1) } }] });
  });

  it('is not over without an end where its journal was moved away in that moment', () => {
    putJournal(stateDir, [completed(1)]);
    const name = putStart(stateDir, 2, { wrapper: deadHere(), child: deadChild() });
    endOnce(
      name,
      () => putJournal(stateDir, [completed(2)]),
      () => renameSync(journal(), `${stateDir}/elsewhere`),
    );
    expect(survey()).toMatchObject({ going: [], over: [], recorded: [] });
  });
});
