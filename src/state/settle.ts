import { lstatSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import { resumeAfter } from '../model/checkpoint.js';
import { type EndedRecord, encodeLine, endedRecord, idOf, SCHEMA, settledRecord } from '../model/record.js';
import type { RunId } from '../model/run-id.js';
import {
  type AppendTarget,
  appendDurably,
  type Modes,
  removeIfThere,
  syncContents,
  syncDirectory,
} from '../platform/durable.js';
import { listDirectory } from '../platform/list-directory.js';
import { checkpointRun } from './checkpoint.js';
import { jobDirectory, journalPath, logPath, outputDirectory, runningDirectory } from './directory.js';
import { lastCompletion, lastResume, laterTime } from './journal.js';
import type { OverRun, Survey } from './judging.js';
import { rotateLong } from './rotation.js';
import { type Journal, listSegments, withOlder } from './segments.js';
import { readFileName } from './start-record.js';

/** What a file in `running/` that is no start record must be to be removed. */
export interface Clutter {
  /** When this machine came up, milliseconds since 1970; null where that is not known. */
  readonly bootedAtMs: number | null;
  readonly nowMs: number;
}

const HOUR_MS = 3_600_000;

/**
 * Moves the runs that are over into the journal: one append, one sync, then the start records go. The order is
 * the wrapper's own: until the journal is on disk the start record is the only proof.
 *
 * @param journalLimit see rotateLong. @returns the records that were moved, as they stand in the journal. Throws what the file system says; then nothing was removed.
 */
export function settle(
  stateDir: string,
  job: string,
  survey: Pick<Survey, 'over' | 'recorded'>,
  modes: Modes,
  settledAt: string,
  journalLimit = 0,
): EndedRecord[] {
  const over = survey.over.filter(isOurs);
  const recorded = survey.recorded.filter(isOurs);
  // A line whose own wrapper could not sync it is written again: nobody knows whether it is on disk.
  const doubtful = recorded.filter((named) => named.start.end !== null).flatMap(withEnd);
  const moved = [...doubtful, ...over];
  const journal = journalPath(stateDir, job);
  syncLogs(stateDir, job, moved);
  let written: readonly EndedRecord[] = [];
  const compose = (target: AppendTarget) => {
    written = withOlder(journal, target, (before) => asSettled(moved, settledAt, before));
    return closingOf(doubtful) + written.map((record) => `${encodeLine(record)}\n`).join('');
  };
  let size = 0;
  if (moved.length > 0) size = appendDurably(journal, modes, compose);
  else if (recorded.length > 0) syncJournals(stateDir, job);
  else return [];
  // Whoever made the journal may have been killed before its name was synced.
  syncDirectory(jobDirectory(stateDir, job));
  const directory = runningDirectory(stateDir, job);
  for (const { name, checkpoints } of [...recorded, ...over]) {
    removeIfThere(`${directory}/${name}`);
    if (checkpoints !== null) removeIfThere(`${directory}/${checkpoints}`);
  }
  rotateLong(stateDir, job, size, journalLimit);
  return written.slice(doubtful.length);
}

/** The line that was found may stand in a journal that was moved away meanwhile, and there may be no other yet. */
function syncJournals(stateDir: string, job: string): void {
  const directory = jobDirectory(stateDir, job);
  const newest = listSegments(directory).at(-1)?.name;
  for (const path of [
    journalPath(stateDir, job),
    ...(newest === undefined ? [] : [`${directory}/${newest}`]),
  ]) {
    try {
      syncContents(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}

/** The journal speaks of output that is on disk; what cannot be synced is no reason to lose the record as well. */
function syncLogs(stateDir: string, job: string, runs: readonly OverRun[]): void {
  for (const { record } of runs) {
    if (record.output === null) continue;
    try {
      syncContents(logPath(stateDir, job, idOf(record)));
      syncDirectory(outputDirectory(stateDir, job));
    } catch {
      // see above
    }
  }
}

/** Records of a newer version are its to settle. */
function isOurs({ start }: Pick<OverRun, 'start'>): boolean {
  return start.beginning.schema <= SCHEMA;
}

function withEnd(named: Survey['recorded'][number]): OverRun[] {
  const { end, beginning, child } = named.start;
  const { reached } = named;
  if (end === null) return [];
  return [{ ...named, record: endedRecord(beginning, end, child?.pid ?? null, reached) }];
}

/** Where a line seems to stand that could not be synced there may be NULs on disk: nothing may follow on those. */
function closingOf(doubtful: readonly OverRun[]): string {
  return doubtful.length > 0 ? '\n' : '';
}

/** They tell what completed before them, as a wrapper's own would: a reader looks at the last few only. */
function asSettled(runs: readonly OverRun[], settledAt: string, before: Journal): EndedRecord[] {
  let completedAt = lastCompletion(before);
  let previous_checkpoint = lastResume(before);
  return runs.map(({ record, start }) => {
    const previous_completed_at = laterTime(record.previous_completed_at, completedAt);
    const known = { ...record, previous_checkpoint, previous_completed_at };
    const settled = settledRecord(known, settledAt, start.journal);
    completedAt = laterTime(completedAt, record.completed_at);
    previous_checkpoint = resumeAfter(settled);
    return settled;
  });
}

/**
 * Removes temporary and torn files whose boot is over, temporary ones after an hour, and checkpoints whose start record
 * is gone: whoever removed that was killed before he removed these.
 */
export function sweep(stateDir: string, job: string, leftovers: readonly string[], clutter: Clutter): void {
  const directory = runningDirectory(stateDir, job);
  // A start record is there before its checkpoints and goes before them, but one list may show these alone.
  const runs = leftovers.some(isCheckpoints) ? new Set(listDirectory(directory).map(runOf)) : null;
  for (const name of leftovers) {
    const path = `${directory}/${name}`;
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat?.isFile()) continue;
    const goes = isCheckpoints(name)
      ? !runs?.has(checkpointRun(name))
      : isClutter(name, stat.mtimeMs, clutter);
    if (goes) removeIfThere(path);
  }
}

function isCheckpoints(name: string): boolean {
  return checkpointRun(name) !== null;
}

function runOf(name: string): RunId | null {
  return readFileName(name)?.id ?? null;
}

/** Pure: whether a leftover may go. Files that cronrun would never have made stay. */
export function isClutter(name: string, changedMs: number, { bootedAtMs, nowMs }: Clutter): boolean {
  const temporary = /^\.[0-9a-f-]{36}\.tmp$/.test(name);
  if (!temporary && !/^[0-9a-f-]{36}\.jsonl$/.test(name)) return false;
  if (bootedAtMs !== null && changedMs < bootedAtMs) return true;
  return temporary && nowMs - changedMs > HOUR_MS;
}
