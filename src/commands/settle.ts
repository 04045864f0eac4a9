import { CronrunError } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import { type EndedRecord, idOf, isEnded, type RunRecord, recordBySay, SCHEMA } from '../model/record.js';
import { parseRunReference, shortRunId } from '../model/run-id.js';
import { findUnsettled, type Unsettled } from '../state/runs.js';
import { settle as moveIntoJournal } from '../state/settle.js';
import { processesOfRun } from '../state/survey.js';
import { endedAlreadyText, settledText } from '../view/settle.js';
import { answerMissing } from './missing.js';
import { statePlace } from './state-place.js';
import { findRun, type Place } from './target.js';
import type { CommonOptions, Surroundings } from './types.js';
import { requireOwnership, writing } from './writable.js';

/**
 * `cronrun settle <run-id>`: a person says that a run is over. Returns the exit status. CronrunError 'goes-on' while
 * anything of it can be seen to live, 'unwritable', 'ambiguous-run', 'unreadable', 'no-state-directory'.
 */
export async function settle(options: CommonOptions, asked: string, io: Surroundings): Promise<number> {
  const stateDir = statePlace(options.stateDir, io.env);
  const place = { stateDir, isExclusive: options.exclusiveState };
  const record = look(place, asked);
  if (record === null) {
    const question = { command: 'settle', stateDir, asked, job: null, mayBeRun: true };
    const manner = { get: null, json: false, exitCode: false, noRun: () => '' };
    return answerMissing(question, manner, io);
  }
  const run = findUnsettled(stateDir, idOf(record), place.isExclusive);
  io.out(run === null ? endedAlready(place, asked) : settledText(settleRun(stateDir, run, io.now())));
  return EXIT.ok;
}

function look(place: Place, asked: string): RunRecord | null {
  const reference = parseRunReference(asked);
  return reference === null ? null : findRun('settle', place, asked, reference);
}

/** Looked up once more: it may have ended since. */
function endedAlready(place: Place, asked: string): string {
  const record = look(place, asked);
  if (record !== null && record.status !== 'running') return endedAlreadyText(record);
  throw new CronrunError('goes-on', `settle: ${asked} changes just now. Ask once more`);
}

/** The order is that of every settler: judged first, then the journal, synced, then the start record goes. */
function settleRun(stateDir: string, run: Unsettled, nowMs: number): EndedRecord {
  const { modes } = requireOwnership('settle', stateDir, run.job);
  const record = endOf(run);
  const over = { ...run, record };
  const settledAt = new Date(nowMs).toISOString();
  writing('settle', stateDir, () =>
    moveIntoJournal(stateDir, run.job, { over: [over], recorded: [] }, modes, settledAt),
  );
  return record;
}

/** What the records prove, else what the person says, unless the run can be seen to live. */
function endOf(run: Unsettled): EndedRecord {
  const { record, start, alivePids, job } = run;
  if (record.schema > SCHEMA) {
    const why = `settle: a newer cronrun recorded this run of ${job} (schema ${record.schema})`;
    throw new CronrunError('goes-on', why, { hint: 'it has to be settled with that' });
  }
  if (isEnded(record)) return record;
  const { pid } = start.wrapper;
  const stopping = `cronrun stop ${shortRunId(start.id)}`;
  if (record.reason === 'running') throw goesOn(job, `its wrapper lives, pid ${pid}`, stopping);
  if (record.reason === 'orphaned') throw goesOn(job, livingWords(alivePids), stopping);
  const seen = processesOfRun(run);
  if (seen.length > 0) throw goesOn(job, livingWords(seen), `kill -TERM ${seen.join(' ')}`);
  return recordBySay(start.beginning, record.pid, run.reached);
}

function goesOn(job: string, why: string, remedy: string): CronrunError {
  return new CronrunError('goes-on', `settle: this run of ${job} goes on: ${why}. To end it:`, {
    hint: remedy,
  });
}

function livingWords(pids: readonly number[]): string {
  return pids.length === 1 ? `pid ${pids[0]} is of it` : `pids ${pids.join(' ')} are of it`;
}
