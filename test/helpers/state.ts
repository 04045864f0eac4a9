import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Identity, ProcessId } from '../../src/model/liveness.js';
import {
  type Beginning,
  type End,
  encodeLine,
  type JournalMark,
  type RunRecord,
} from '../../src/model/record.js';
import { readIdentity } from '../../src/platform/identity.js';
import { jobDirectory, journalPath, runningDirectory } from '../../src/state/directory.js';
import { markOf, withJournal } from '../../src/state/journal.js';
import type { Journal } from '../../src/state/segments.js';
import { encodeChild, encodeEnd, encodeStartRecord, endedFileName } from '../../src/state/start-record.js';
import { beginning, runId } from './records.js';

/** The job that state is built for where a test does not say another. */
export const JOB = 'backup';

export const NO_MARK: JournalMark = { ino: null, size: 0 };

/** This process: a wrapper that lives. */
export const aliveHere = (): Identity => readIdentity(process.pid);

/** A process of this boot that is gone: its pid is somebody else's now. */
export function deadHere(): Identity {
  const { start_ticks, ...here } = aliveHere();
  return { ...here, start_ticks: (start_ticks ?? 1) - 1 };
}

/** A process of this machine before it was restarted. */
export const otherBoot = (): Identity => ({
  ...aliveHere(),
  boot_id: '00000000-0000-4000-8000-000000000000',
});

/** A child that is gone. */
export function deadChild(): ProcessId {
  const { pid, start_ticks } = deadHere();
  return { pid, start_ticks };
}

export interface StartParts {
  readonly wrapper?: Identity;
  readonly journal?: JournalMark;
  readonly child?: ProcessId;
  readonly end?: End;
  /** Says the end in the file's name, not in its third line. */
  readonly endInName?: boolean;
  readonly over?: Partial<Beginning>;
}

/** The bytes of the start record of run number `n` as its wrapper left them. */
export function startBytes(n: number, parts: StartParts = {}): Buffer {
  const { wrapper = otherBoot(), journal = NO_MARK, child, end, endInName = false, over } = parts;
  const { bytes, childAt, endAt } = encodeStartRecord({ beginning: beginning(n, over), wrapper, journal });
  if (child) encodeChild(child).copy(bytes, childAt);
  if (end && !endInName)
    encodeEnd(end, over?.previous_completed_at ?? null, over?.output ?? null).copy(bytes, endAt);
  return bytes;
}

/** Puts the start record of run number `n` into `running/`. @returns the name of the file. */
export function putStart(stateDir: string, n: number, parts: StartParts = {}, job = JOB): string {
  const named = parts.end && parts.endInName;
  const name = named ? endedFileName(runId(n), parts.end) : `${runId(n)}.jsonl`;
  putRunning(stateDir, name, startBytes(n, { ...parts, over: { job, ...parts.over } }), job);
  return name;
}

/** Puts any file at all into `running/`. */
export function putRunning(stateDir: string, name: string, content: Uint8Array | string, job = JOB): void {
  const directory = runningDirectory(stateDir, job);
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/${name}`, content);
}

/** Appends to the journal: records as lines, text and bytes as they are. */
export function putJournal(
  stateDir: string,
  lines: readonly (RunRecord | string | Uint8Array)[],
  job = JOB,
): void {
  mkdirSync(jobDirectory(stateDir, job), { recursive: true });
  const path = journalPath(stateDir, job);
  appendFileSync(path, '');
  for (const line of lines) appendFileSync(path, isRecord(line) ? `${encodeLine(line)}\n` : line);
}

function isRecord(line: RunRecord | string | Uint8Array): line is RunRecord {
  return typeof line === 'object' && 'cron_job_id' in line;
}

export function runningNames(stateDir: string, job = JOB): string[] {
  return readdirSync(runningDirectory(stateDir, job)).sort();
}

export function journalText(stateDir: string, job = JOB): string {
  return readFileSync(journalPath(stateDir, job), 'utf8');
}

/** The journal opened for as long as `read` takes. */
export function inJournal<T>(stateDir: string, read: (journal: Journal) => T, job = JOB): T {
  return withJournal<T | null>(journalPath(stateDir, job), null, read) as T;
}

/** Where the journal stands now, as a run that starts now would write it down. */
export function markNow(stateDir: string, job = JOB): JournalMark {
  return inJournal(stateDir, markOf, job);
}
