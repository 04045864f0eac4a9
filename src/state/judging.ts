import { statSync } from 'node:fs';
import { NOTHING_REACHED, type Reached } from '../model/checkpoint.js';
import { isoTime } from '../model/iso-time.js';
import type { GoingRun } from '../model/job-runs.js';
import {
  comparePlaces,
  type GroupJudgement,
  judgeProcess,
  type Liveness,
  type Place,
  type PlaceMatch,
  type ProcessTable,
} from '../model/liveness.js';
import {
  type EndedRecord,
  endedRecord,
  goingRecord,
  inferredRecord,
  isInferred,
  SCHEMA,
} from '../model/record.js';
import type { RunId } from '../model/run-id.js';
import { judgeRun } from '../model/verdict.js';
import { pauseMs } from '../platform/clock.js';
import {
  bootTimeMs,
  canJudge,
  hasEnvironmentEntry,
  hasOpenForWriting,
  ownerOf,
  probe,
  readPlace,
  readProcessTable,
} from '../platform/identity.js';
import { checkpointName, checkpointRun, readCheckpoint } from './checkpoint.js';
import { environmentEntry, judgeChildGroup } from './group.js';
import { findInJournal, hasGrown } from './journal.js';
import type { Journal } from './segments.js';
import { readFileName, readStartRecord, type StartRecord } from './start-record.js';

/** A start record and the name of its file. */
export interface NamedStart {
  readonly name: string;
  readonly start: StartRecord;
  /** The name of the file beside it in which the run says how far it got; null where there is none. */
  readonly checkpoints: string | null;
  readonly reached: Reached;
}

/** A run that is over and does not stand in the journal yet. */
export interface OverRun extends NamedStart {
  readonly record: EndedRecord;
}

/** What `running/` of one job says, judged at one moment. */
export interface Survey {
  /** The one that started last comes first. */
  readonly going: readonly GoingRun[];
  /** In the order in which they count as ended, see cronrun-journal(5). */
  readonly over: readonly OverRun[];
  /** Start records of runs that the journal has already and that no wrapper will remove any more. */
  readonly recorded: readonly NamedStart[];
  /** Files that are no start record: temporary ones and torn ones. */
  readonly leftovers: readonly string[];
  /** Start records whose first line is none that this version understands. */
  readonly garbage: number;
}

interface Read {
  readonly starts: NamedStart[];
  readonly leftovers: string[];
  garbage: number;
}

function readAll(directory: string, names: readonly string[]): Read {
  const read: Read = { starts: [], leftovers: [], garbage: 0 };
  const beside = new Set(names.filter((name) => checkpointRun(name) !== null));
  for (const name of names) {
    if (beside.has(name)) continue;
    const file = readFileName(name);
    const found =
      file === null ? 'garbage' : readStartRecord(`${directory}/${name}`, file.id, file.end, pauseMs);
    if (found === 'gone') continue;
    if (typeof found !== 'string') {
      read.starts.push({ name, start: found, ...reachedBy(directory, found.id, beside) });
      continue;
    }
    if (file !== null) read.garbage++;
    if (found === 'garbage') read.leftovers.push(name);
  }
  for (const { checkpoints } of read.starts) beside.delete(checkpoints ?? '');
  read.leftovers.push(...beside);
  return read;
}

function reachedBy(
  directory: string,
  id: RunId,
  beside: ReadonlySet<string>,
): Pick<NamedStart, 'checkpoints' | 'reached'> {
  const name = checkpointName(id);
  if (!beside.has(name)) return { checkpoints: null, reached: NOTHING_REACHED };
  return { checkpoints: name, reached: readCheckpoint(`${directory}/${name}`) };
}

interface Judged extends NamedStart {
  readonly place: PlaceMatch;
  readonly wrapper: Liveness;
  readonly child: GroupJudgement;
}

export interface JudgedAll extends Omit<Read, 'starts'> {
  readonly starts: readonly Judged[];
}

const NOT_ASKED: GroupJudgement = { liveness: 'unknown', pids: [] };

/** Reads and judges the files of `running/`. */
export function judgeNamed(directory: string, names: readonly string[], isExclusive: boolean): JudgedAll {
  return judgeAll(directory, readAll(directory, names), isExclusive);
}

/** Wrappers first, all of them, then the processes they left: one look at /proc serves every run. */
function judgeAll(directory: string, read: Read, isExclusive: boolean): JudgedAll {
  const here = read.starts.some(({ start }) => start.end === null) && canJudge() ? readPlace() : null;
  const starts = read.starts.map((named) => judgeWrapper(named, here, isExclusive));
  const orphans = starts.filter((judged) => judged.place === 'here' && judged.wrapper === 'dead');
  if (orphans.length === 0) return { ...read, starts };
  const children = judgeChildren(directory, orphans);
  return {
    ...read,
    starts: starts.map((judged) => ({ ...judged, child: children.get(judged) ?? NOT_ASKED })),
  };
}

function judgeWrapper(named: NamedStart, here: Place | null, isExclusive: boolean): Judged {
  const { wrapper, end } = named.start;
  if (end !== null) return { ...named, place: 'here', wrapper: 'unknown', child: NOT_ASKED };
  const place = comparePlaces(wrapper, here, isExclusive);
  const liveness = place === 'here' ? judgeProcess(wrapper, probe(wrapper.pid)) : 'unknown';
  return { ...named, place, wrapper: liveness, child: NOT_ASKED };
}

/**
 * A list of /proc is no snapshot: a process may fork and end while it is read, and its child be missed. So
 * whoever seems to be gone is looked for a second time before that counts as proof. Who could not be told at first may
 * have been about to end, or to become another program: that takes a look more.
 */
function judgeChildren(directory: string, orphans: readonly Judged[]): Map<Judged, GroupJudgement> {
  const judgements = new Map<Judged, GroupJudgement>();
  let open = orphans;
  while (open.length > 0) {
    const table = readProcessTable();
    open = open.filter((judged) => {
      const before = judgements.get(judged)?.liveness;
      const judgement = judgeChild(directory, judged, table);
      judgements.set(judged, judgement);
      if (before === undefined) return judgement.liveness !== 'alive';
      return before === 'unknown' && judgement.liveness === 'dead';
    });
  }
  return judgements;
}

function judgeChild(directory: string, judged: Judged, table: ProcessTable): GroupJudgement {
  const { child, id } = judged.start;
  return child === null ? judgeUnwritten(directory, judged, table) : judgeChildGroup(child, id, table);
}

/**
 * The wrapper died between fork and writing the child down: whoever was started with this run's id, by the same
 * user and after the wrapper, is the run. Only here is the environment of everybody asked: an agent or a build daemon
 * that a job started carries the id for ever and is not the run.
 */
function judgeUnwritten(directory: string, judged: Judged, table: ProcessTable): GroupJudgement {
  const { wrapper, id } = judged.start;
  const owner = fileOwner(`${directory}/${judged.name}`);
  const entry = environmentEntry(id);
  const pids: number[] = [];
  let hidden = !table.complete || owner === null;
  for (const process of table.processes) {
    if (process.start_ticks < (wrapper.start_ticks ?? 0) || process.state === 'Z' || process.state === 'X')
      continue;
    const uid = ownerOf(process.pid);
    if (uid !== owner && uid !== 0) continue;
    const carries = isOfRun(process.pid, judged.name, entry);
    if (carries === true) pids.push(process.pid);
    // It may be a command that changed its user, as sudo does, and is not for us to read.
    if (carries === null) hidden = true;
  }
  if (pids.length > 0) return { liveness: 'alive', pids };
  return { liveness: hidden ? 'unknown' : 'dead', pids };
}

/**
 * Until it has become the command, which a slow disk may delay, the child is a copy of the wrapper: without the id, but
 * with the start record open. That is asked first: it is over once the environment is there.
 */
export function isOfRun(pid: number, startRecord: string, entry: string): boolean | null {
  const isCopy = hasOpenForWriting(pid, startRecord);
  if (isCopy === true) return true;
  const carries = hasEnvironmentEntry(pid, entry);
  return carries === false ? isCopy : carries;
}

function fileOwner(path: string): number | null {
  try {
    return statSync(path).uid;
  } catch {
    return null;
  }
}

/** The journal's word comes before everything that was judged. */
export function sortOut(judged: JudgedAll, journal: Journal | null): Survey {
  const sought = judged.starts.map(({ start }) => start);
  const inJournal: Set<RunId> =
    journal === null || sought.length === 0 ? new Set() : findInJournal(journal, sought);
  const going: GoingRun[] = [];
  const over: OverRun[] = [];
  const recorded: NamedStart[] = [];
  for (const one of judged.starts) {
    if (inJournal.has(one.start.id)) {
      if (isOver(one)) recorded.push(one);
      continue;
    }
    const record = recordOf(one);
    const since = journal !== null && !hasGrown(journal, one.start.journal) ? { sinceJournal: true } : {};
    if (record.status === 'running') going.push({ record, alivePids: one.child.pids, ...since });
    else over.push({ ...named(one), record });
  }
  going.sort((a, b) => compareStarts(b.record, a.record));
  over.sort(compareOver);
  return { going, over, recorded, leftovers: judged.leftovers, garbage: judged.garbage };
}

export function named({ name, start, checkpoints, reached }: Judged): NamedStart {
  return { name, start, checkpoints, reached };
}

/** Whether nobody will touch this start record any more: its wrapper is dead, or has said how the run ended. */
function isOver({ start, place, wrapper }: Judged): boolean {
  return start.end !== null || place === 'other-boot' || place === 'replaced' || wrapper === 'dead';
}

export function recordOf(judged: Judged): GoingRun['record'] | EndedRecord {
  const { beginning, child, end } = judged.start;
  const { reached } = judged;
  const pid = child?.pid ?? null;
  if (end !== null) return endedRecord(beginning, end, pid, reached);
  // A newer version may judge by other rules than ours: shown as far as it is understood.
  if (beginning.schema > SCHEMA) return goingRecord(beginning, 'unverifiable', pid, reached);
  const verdict = judgeRun({ ...judged, child: judged.child.liveness });
  if (verdict !== 'lost' && verdict !== 'rebooted') return goingRecord(beginning, verdict, pid, reached);
  return inferredRecord(beginning, verdict, pid, verdict === 'rebooted' ? bootTime() : null, reached);
}

function bootTime(): string | null {
  const ms = bootTimeMs();
  return ms === null ? null : isoTime(ms);
}

function compareStarts(a: { started_at: string; cron_job_id: string }, b: typeof a): number {
  return compare(a.started_at, b.started_at) || compare(a.cron_job_id, b.cron_job_id);
}

/** Runs whose end was seen stand by that end; those that nobody saw end come after everything, by their start. */
function compareOver(a: OverRun, b: OverRun): number {
  const [inferredA, inferredB] = [isInferred(a.record), isInferred(b.record)];
  if (inferredA !== inferredB) return inferredA ? 1 : -1;
  return inferredA
    ? compareStarts(a.record, b.record)
    : compare(a.record.ended_at ?? '', b.record.ended_at ?? '');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
