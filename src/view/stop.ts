import { formatDuration, formatLimit } from '../model/duration.js';
import { type EndedRecord, idOf, isInferred, type RunningRecord, type RunRecord } from '../model/record.js';
import { shortRunId } from '../model/run-id.js';
import type { StoppedRun } from '../model/stopping.js';
import { unverifiableWords } from './run-lines.js';
import { sanitize } from './sanitize.js';
import { paragraph, pidList, tied } from './text.js';
import { statusWords } from './words.js';

/** What `stop` did to one run, and how. */
export interface StopFacts extends StoppedRun {
  /** What readers say of it now; null where its records were removed. */
  readonly record: RunRecord | null;
  readonly job: string;
  readonly id: string;
  /** The first signal, and the grace period in milliseconds. */
  readonly signal: string;
  readonly graceMs: number;
  /** Who carries its id and is not of it. */
  readonly elsewhere: readonly { readonly pid: number; readonly name: string }[];
}

/** The answer about a run of which nothing is left. */
export function stoppedText(facts: StopFacts): string {
  const { record } = facts;
  const words =
    record !== null && endedByItself(record, facts) ? byItself(record, facts) : stoppedWords(facts);
  return line(`${sanitize(facts.job)}: ${words}`) + elsewhereText(facts);
}

/** A run may have reached its end before it was told. */
function endedByItself(record: RunRecord, { killed }: StopFacts): boolean {
  return record.reason !== 'stopped' && !(record.status !== 'running' && isInferred(record)) && !killed;
}

function byItself(record: RunRecord, facts: StopFacts): string {
  return `run ${mark(facts)} had ended when it was told: ${statusWords(record)}`;
}

function stoppedWords(facts: StopFacts): string {
  const { record, pids } = facts;
  const isLost = record !== null && record.status !== 'running' && isInferred(record);
  if (!isLost) return `stopped run ${mark(facts)}: ${howItEnded('it', facts)}${restWords(facts)}`;
  const ended = howItEnded(pids.length === 0 ? 'it' : pidsWord(pids), facts);
  const means = `It counts as ${tied(statusWords(record))}: its exit code will never be known`;
  return `stopped run ${mark(facts)} (orphaned): ${ended}. ${wrapperWords(facts)}${means}`;
}

function howItEnded(who: string, { killed, signal, graceMs, tookMs }: StopFacts): string {
  if (killed) return `SIGKILL was needed ${who === 'it' ? '' : `for ${who} `}after ${formatLimit(graceMs)}`;
  return `${signal} ended ${who} ${tookMs < SOON_MS ? 'at once' : `after ${formatDuration(tookMs)}`}`;
}

/** Below, a duration would be shown as 0s. */
const SOON_MS = 50;

function wrapperWords({ killedWrapper }: StopFacts): string {
  return killedWrapper === null ? '' : `Its wrapper, pid ${killedWrapper}, hung and got SIGKILL. `;
}

/** What the wrapper had left of it, in a process group of its own or because it was told to kill nobody. */
function restWords({ pids, wrapperTold, killed }: StopFacts): string {
  if (!wrapperTold || killed || pids.length === 0) return '';
  return `; ${pidsWord(pids)} of its session ${pids.length === 1 ? 'was' : 'were'} ended, too`;
}

function elsewhereText({ elsewhere }: StopFacts): string {
  return elsewhere
    .map(({ pid, name }) =>
      line(`  not of it, and not ended: pid ${pid} (${sanitize(name)}) has its CRONRUN_ID`),
    )
    .join('');
}

/** What of it could not be ended; for stderr. */
export function leftText(facts: StopFacts): string {
  const { left, denied, wrapperLeft, killed } = facts;
  const mine = left.filter((pid) => !denied.includes(pid));
  const wrapper = wrapperLeft === null ? [] : [`its wrapper, pid ${wrapperLeft}, does not end`];
  const others = denied.length === 0 ? [] : [`${pidsWord(denied)} may not be signalled by this user`];
  const after = killed ? '5s after SIGKILL' : 'and was not signalled: who is of the run cannot be told';
  const still = mine.length === 0 ? [] : [`${pidsWord(mine)} still there ${after}`];
  const why = [...still, ...others, ...wrapper].join('; ') || 'it goes on';
  return (
    line(`cronrun: stop: ${sanitize(facts.job)}: run ${mark(facts)} is NOT STOPPED: ${why}`) +
    elsewhereText(facts)
  );
}

/** What is left, if anything, cannot be seen by this user; for stderr. */
export function unseenText(facts: StopFacts): string {
  const who = facts.pids.length === 0 ? '' : `, ${pidsWord(facts.pids)} ended`;
  return line(
    `cronrun: stop: ${sanitize(facts.job)}: run ${mark(facts)}: ${facts.signal} was sent${who}; whether something of it is left cannot be judged from here`,
  );
}

/** Nothing was signalled, as nobody can judge the run from here; for stderr. */
export function notJudgedText(job: string, record: RunningRecord, here: string | null): string {
  const why = unverifiableWords(record, here);
  const id = shortRunId(idOf(record));
  const remedy = `If it goes on, end it where it was started: ${tied(`cronrun stop ${id}`)}`;
  return line(`cronrun: stop: ${sanitize(job)}: run ${id} was not signalled: ${why}. ${remedy}`);
}

/** Who asks is of the run itself; for stderr. */
export function aroundText(job: string, id: string): string {
  return line(
    `cronrun: stop: ${sanitize(job)}: run ${shortRunId(id)} goes on around this command and was not signalled: a job ends itself by its exit`,
  );
}

/** No run of the job goes on. */
export function nothingGoesOnText(job: string, last: EndedRecord | null): string {
  const ended =
    last === null ? '' : `; the last one was ${statusWords(last)} ${tied(`(run ${shortRunId(idOf(last))})`)}`;
  return line(`${sanitize(job)}: no run goes on${ended}`);
}

function mark({ id }: StopFacts): string {
  return shortRunId(id);
}

function pidsWord(pids: readonly number[]): string {
  return `${pids.length === 1 ? 'pid' : 'pids'} ${pidList(pids)}`;
}

function line(text: string): string {
  return `${paragraph(text)}\n`;
}
