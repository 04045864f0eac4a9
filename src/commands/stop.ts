import { hostname } from 'node:os';
import { CronrunError } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import type { GoingRun } from '../model/job-runs.js';
import { type Breach, explainBreach } from '../model/ownership.js';
import { idOf, isEnded, type RunRecord } from '../model/record.js';
import type { RunId } from '../model/run-id.js';
import { exitStatusOfStop, type StopResult } from '../model/stopping.js';
import { effectiveUid, passwdEntry } from '../platform/user.js';
import { programsElsewhere } from '../run/carriers.js';
import { isOfGroup } from '../run/members.js';
import { stopRun } from '../run/stop-run.js';
import { runningDirectory } from '../state/directory.js';
import { inspectOwnership, inspectRecord } from '../state/ownership.js';
import { findRuns, findUnsettled, lookAtUnsettled, type Unsettled } from '../state/runs.js';
import { quoteArgument } from '../view/command.js';
import { endedAlreadyText } from '../view/settle.js';
import {
  aroundText,
  leftText,
  nothingGoesOnText,
  notJudgedText,
  type StopFacts,
  stoppedText,
  unseenText,
} from '../view/stop.js';
import { answerMissing } from './missing.js';
import { statePlace } from './state-place.js';
import { type Place, resolveTarget } from './target.js';
import type { StopOptions, Surroundings } from './types.js';

/**
 * `cronrun stop JOB | RUN-ID`: ends that run, of a job all that go on, and waits. Resolves with the exit status, 0 only
 * where nothing of them is left. CronrunError 'not-ours' where somebody else could have written the records, 'usage',
 * 'ambiguous-run', 'unreadable', 'no-state-directory'.
 */
export async function stop(options: StopOptions, asked: string, io: Surroundings): Promise<number> {
  const stateDir = statePlace(options.stateDir, io.env);
  const place = { stateDir, isExclusive: options.exclusiveState };
  const target = resolveTarget('stop', place, asked, io.env);
  switch (target.kind) {
    case 'run':
      return stopAll(options, place, asked, [target.record], io);
    case 'job':
      if (target.runs.going.length === 0) {
        io.out(nothingGoesOnText(target.runs.job, target.runs.last));
        return EXIT.ok;
      }
      return stopAll(options, place, asked, recordsOf(target.runs.going), io);
    default: {
      const missing = target.kind === 'missing' ? target : { asked, job: asked, mayBeRun: false };
      const manner = { get: null, json: false, exitCode: false, noRun: () => '' };
      return answerMissing({ command: 'stop', stateDir, ...missing }, manner, io);
    }
  }
}

function recordsOf(going: readonly GoingRun[]): RunRecord[] {
  return going.map((run) => run.record);
}

/** All at once: several deaf runs take one grace period. Of which one is not ours to judge, none is signalled. */
async function stopAll(
  options: StopOptions,
  place: Place,
  asked: string,
  records: readonly RunRecord[],
  io: Surroundings,
): Promise<number> {
  const found = records.map((record) => ({
    record,
    run: isEnded(record) ? null : findUnsettled(place.stateDir, idOf(record), place.isExclusive),
  }));
  for (const { run } of found) {
    if (run !== null && goesOn(run)) requireOwn(place, asked, run);
  }
  const results = await Promise.all(
    found.map(({ record, run }) =>
      run === null ? endedAlready(place, idOf(record), record, io) : stopOne(options, place, run, io),
    ),
  );
  return exitStatusOfStop(results);
}

/** Whether it can be judged, and is not over: then processes are signalled. */
function goesOn({ record }: Unsettled): boolean {
  return record.reason === 'running' || record.reason === 'orphaned';
}

/** Whoever can write a record says whom to signal. The start times in it are everybody's to read, and prove nothing. */
function requireOwn(place: Place, asked: string, { job, name }: Unsettled): void {
  const { stateDir } = place;
  const breach =
    inspectOwnership(stateDir, job).breach ?? inspectRecord(`${runningDirectory(stateDir, job)}/${name}`);
  if (breach === null) return;
  const why = `stop: nothing was signalled: ${explainBreach(breach)}`;
  throw new CronrunError('not-ours', why, remedyFor(breach, stateDir, asked));
}

/** Who owns the records may stop what they speak of. */
function remedyFor({ rule, entry }: Breach, stateDir: string, asked: string): { hint?: string } {
  const owner = rule === 'owner' && effectiveUid() === 0 ? passwdEntry(entry.uid) : null;
  if (owner === null) return {};
  const where = `--state-dir ${quoteArgument(stateDir)} ${asked}`;
  return {
    hint: `to stop that user's runs as that user:\nrunuser -u ${owner.name} -- cronrun stop ${where}`,
  };
}

async function stopOne(
  options: StopOptions,
  { stateDir, isExclusive }: Place,
  found: Unsettled,
  io: Surroundings,
): Promise<StopResult> {
  const { job } = found;
  const { id } = found.start;
  const again = () => lookAtUnsettled(stateDir, job, id, isExclusive);
  // Read once more, now that nobody else can have written it.
  const run = again();
  if (run === null || isEnded(run.record))
    return endedAlready({ stateDir, isExclusive }, id, run?.record ?? null, io);
  if (run.record.reason === 'unverifiable') {
    io.err(notJudgedText(job, run.record, hostname()));
    return 'unverifiable';
  }
  if (run.start.child !== null && isOfGroup(process.pid, run.start.child)) {
    io.err(aroundText(job, id));
    return 'left';
  }
  const manner = { signal: options.signal, graceMs: options.killAfterMs };
  const stopped = await stopRun(run, again, manner);
  const record = again()?.record ?? endOf({ stateDir, isExclusive }, id);
  const elsewhere = programsElsewhere(run, [...stopped.left, run.start.wrapper.pid]);
  return tell({ ...stopped, ...manner, record, job, id, elsewhere }, io);
}

function tell(facts: StopFacts, io: Surroundings): StopResult {
  const { record, left, wrapperLeft } = facts;
  if (left.length > 0 || wrapperLeft !== null) {
    io.err(leftText(facts));
    return 'left';
  }
  if (record?.reason === 'unverifiable') {
    io.err(unseenText(facts));
    return 'unverifiable';
  }
  if (record !== null && !isEnded(record)) {
    io.err(leftText(facts));
    return 'left';
  }
  io.out(stoppedText(facts));
  return 'over';
}

/** Null where somebody removed its records. */
function endOf({ stateDir, isExclusive }: Place, id: RunId): RunRecord | null {
  return findRuns(stateDir, { hex: id.replaceAll('-', ''), forced: true }, isExclusive)[0] ?? null;
}

function endedAlready(
  place: Place,
  id: RunId,
  known: RunRecord | null,
  io: Surroundings,
): Promise<StopResult> {
  const record = known !== null && known.status !== 'running' ? known : endOf(place, id);
  if (record !== null && record.status !== 'running') io.out(endedAlreadyText(record));
  return Promise.resolve('over');
}
