import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Identity, ProcessId } from '../../src/model/liveness.js';
import type { End } from '../../src/model/record.js';
import { formatRunId, makeRunId, type RunId } from '../../src/model/run-id.js';
import { readIdentity } from '../../src/platform/identity.js';
import { encodeChild, encodeEnd, encodeStartRecord } from '../../src/state/start-record.js';
import { beginning } from './records.js';

export function runningPath(stateDir: string, job: string): string {
  return `${stateDir}/jobs/${job}/running`;
}

export function journalFile(stateDir: string, job: string): string {
  return `${stateDir}/jobs/${job}/journal.jsonl`;
}

/** The path of the one start record of a job. */
export function onlyStartRecord(stateDir: string, job: string): string {
  const names = readdirSync(runningPath(stateDir, job)).filter(
    (name) => name.endsWith('.jsonl') && !name.startsWith('.'),
  );
  if (names.length !== 1) throw new Error(`expected one start record, found ${names.join(' ') || 'none'}`);
  return `${runningPath(stateDir, job)}/${names[0]}`;
}

type Json = Record<string, unknown>;

/** Line 1, 2 or 3 of a start record; null where it is blank. */
export function startLine(path: string, number: 1 | 2 | 3): Json | null {
  const line = readFileSync(path, 'utf8').split('\n')[number - 1] ?? '';
  return line.trim() === '' ? null : (JSON.parse(line) as Json);
}

/** Writes another line over one of a start record, padded to the length of what was there; null blanks it. */
export function rewriteStartLine(path: string, number: 1 | 2 | 3, json: Json | null): void {
  const lines = readFileSync(path, 'utf8').split('\n');
  const old = Buffer.byteLength(lines[number - 1] ?? '');
  const text = json === null ? '' : JSON.stringify(json);
  if (Buffer.byteLength(text) > old) throw new Error('longer than the line that it replaces');
  lines[number - 1] = text + ' '.repeat(old - Buffer.byteLength(text));
  writeFileSync(path, lines.join('\n'));
}

/** Makes the wrapper of a start record somebody else, somewhere else or some time else. */
export function rewriteWrapper(path: string, changes: Partial<Identity>): void {
  const line = startLine(path, 1) as Json & { wrapper: Json };
  rewriteStartLine(path, 1, { ...line, wrapper: { ...line.wrapper, ...changes } });
}

/** No process has it: larger than any pid that Linux gives out (2^22). */
export const NOBODY = 4_194_305;

/** Whoever lives now and started before was there before the run. */
const ME = readIdentity(process.pid);

export interface Planted {
  readonly startedAt?: string;
  readonly wrapper?: Partial<Identity>;
  readonly child?: ProcessId | null;
  readonly end?: End;
  /** More of line 1, or other than usual. */
  readonly first?: Json;
  /** The file's name; default: as cronrun would name it. */
  readonly name?: (id: RunId) => string;
}

let planted = 0;

/** Puts a start record by hand where cronrun would have left it: by default, of a wrapper that was killed here. */
export function plantStartRecord(stateDir: string, job: string, facts: Planted = {}): RunId {
  const startedAt = facts.startedAt ?? '2026-11-20T01:30:00.000Z';
  const id = makeRunId(Date.parse(startedAt), Buffer.alloc(10, ++planted));
  const start = {
    beginning: {
      ...beginning(0),
      cron_job_id: formatRunId(id),
      job,
      started_at: startedAt,
      command: ['/usr/local/bin/backup', '--full'],
      cwd: '/root',
      ...facts.first,
    },
    wrapper: { ...ME, pid: NOBODY, ...facts.wrapper },
    journal: { ino: null, size: 0 },
  };
  const { bytes, childAt, endAt } = encodeStartRecord(start);
  const child = facts.child === undefined ? { pid: NOBODY + 1, start_ticks: ME.start_ticks } : facts.child;
  if (child !== null) encodeChild(child).copy(bytes, childAt);
  if (facts.end !== undefined) encodeEnd(facts.end, null).copy(bytes, endAt);
  mkdirSync(runningPath(stateDir, job), { recursive: true });
  writeFileSync(`${runningPath(stateDir, job)}/${facts.name?.(id) ?? `${id}.jsonl`}`, bytes);
  return id;
}

/** An end as a wrapper writes it down. */
export function endOf(
  startedAt: string,
  durationMs: number,
  words: Pick<End, 'status' | 'reason'> & Partial<End>,
): End {
  const endedAt = new Date(Date.parse(startedAt) + durationMs).toISOString();
  return {
    exit_code: null,
    signal: null,
    ended_at: endedAt,
    completed_at: words.status === 'completed' ? endedAt : null,
    duration_ms: durationMs,
    killed: false,
    error: null,
    ...words,
  } as End;
}
