import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { exitStatusOf } from '../../src/model/exit-status.js';
import { type EndedRecord, idOf, isEnded, isInferred, type RunRecord } from '../../src/model/record.js';
import type { RunId } from '../../src/model/run-id.js';
import { readIdentity } from '../../src/platform/identity.js';
import { lookBack } from '../../src/run/look-back.js';
import { listRuns, readJobGist, readJobRuns } from '../../src/state/runs.js';
import type { Disk, Tree } from './disk-model.js';
import type { Op } from './fs-trace.js';
import { JOB } from './state.js';

/** What is true of a run at one moment. */
export interface Truth {
  readonly id: RunId;
  /** How it ended or will end. */
  readonly end: EndedRecord;
  /** Its command runs, or ran. */
  readonly started: boolean;
  /** Its command was waited for, or could not be started. */
  readonly ended: boolean;
  /** exec has returned. */
  readonly returned: boolean;
}

/** A run as it was made, and all that it did to the disk. */
export interface Made {
  readonly ops: readonly Op[];
  readonly record: EndedRecord;
}

/** What is true of a run when it has taken its first `steps` steps. */
export function truthAfter({ ops, record }: Made, steps: number): Truth {
  const seen = new Set(ops.slice(0, steps).map((op) => op.kind));
  const ended = seen.has('exit') || record.reason === 'not-started';
  return { id: idOf(record), end: record, started: seen.has('spawn'), ended, returned: seen.has('return') };
}

/** What is wrong with what readers say of a run, a phrase for each thing. */
function wrongsOf(records: readonly RunRecord[], truth: Truth): string[] {
  const [record, ...more] = records.filter((one) => idOf(one) === truth.id);
  if (record === undefined) {
    if (truth.returned) return ['a run whose exec returned is not on record'];
    return truth.started ? ['a command that ran is not on record'] : [];
  }
  if (more.length > 0) return ['a run is there twice'];
  if (!isEnded(record)) return ['a run that is over goes on'];
  if (record.status === 'completed' && !truth.ended) return ['completed, and it had not ended'];
  if (isInferred(record)) return truth.returned ? ['nobody knows how a run ended whose exec returned'] : [];
  return sameEnd(record, truth.end) ? [] : ['another end than the true one'];
}

function sameEnd(a: EndedRecord, b: EndedRecord): boolean {
  const facts = ({ status, reason, exit_code, signal, ended_at, duration_ms }: EndedRecord) =>
    [status, reason, exit_code, signal, ended_at, duration_ms].join();
  return facts(a) === facts(b) && exitStatusOf(a) === exitStatusOf(b);
}

let built = 0;

/** Puts a tree into a directory of its own below `workshop`. */
export function build(workshop: string, tree: Tree): string {
  const root = `${workshop}/${built++}`;
  mkdirSync(root);
  for (const path of directoriesOf(tree)) mkdirSync(`${root}/${path}`);
  putFiles(root, tree);
  return root;
}

function putFiles(root: string, tree: Tree): void {
  for (const [path, content] of tree) if (content !== null) writeFileSync(`${root}/${path}`, content);
}

function directoriesOf(tree: Tree): string[] {
  return [...tree].flatMap(([path, content]) => (content === null ? [path] : []));
}

/** What is wrong with the answers of the readers in one state. */
function wrongsIn(stateDir: string, truths: readonly Truth[]): string[] {
  const records = list(stateDir);
  const wrong = truths.flatMap((truth) => wrongsOf(records, truth));
  const known = truths.map((truth) => truth.id);
  if (records.some((record) => !known.includes(idOf(record)))) wrong.push('a run from nowhere');
  const last = readJobRuns(stateDir, JOB)?.last ?? null;
  if (records.find(isEnded)?.cron_job_id !== last?.cron_job_id) wrong.push('ls and last disagree');
  const shown = readJobGist(stateDir, JOB)?.last ?? null;
  if (shown?.cron_job_id !== last?.cron_job_id || shown?.status !== last?.status)
    wrong.push('ls shows another');
  return wrong;
}

/** What is wrong once the next run has settled that state: nothing that readers say may change by it. */
function wrongsOnceSettled(stateDir: string): string[] {
  const before = wordsOf(list(stateDir));
  lookBack(stateDir, JOB, () => undefined);
  return wordsOf(list(stateDir)) === before ? [] : ['settled, it is told otherwise'];
}

function list(stateDir: string): readonly RunRecord[] {
  return listRuns(stateDir, JOB, 100)?.records ?? [];
}

function wordsOf(records: readonly RunRecord[]): string {
  return records.map(({ cron_job_id, status, reason }) => `${cron_job_id} ${status} ${reason}`).join('\n');
}

const SELF = readIdentity(process.pid);

/** The same bytes as a wrapper of an earlier boot of this machine would have written them. */
function ofAnotherBoot(bytes: Buffer): Buffer {
  return replaced(bytes, `"boot_id":"${SELF.boot_id}"`, '"boot_id":"00000000-0000-4000-8000-000000000000"');
}

/** The same bytes as a wrapper of this boot would have written them that is dead by now. */
function ofADeadWrapper(bytes: Buffer): Buffer {
  const ticks = String(SELF.start_ticks);
  const others = `${ticks.slice(0, -1)}${(Number(ticks.at(-1)) + 1) % 10}`;
  const identity = `"pid":${SELF.pid},"start_ticks":`;
  return replaced(bytes, identity + ticks, identity + others);
}

function replaced(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');
}

/** What came of looking at many states. */
export class Findings {
  states = 0;
  /** What was wrong in any of them, and after which step. */
  readonly wrong = new Set<string>();
  readonly #workshop: string;
  /** Empty directories are used again: to remove them can take longer than all the rest. */
  readonly #roots = new Map<string, string>();

  constructor(workshop: string) {
    this.#workshop = workshop;
  }

  look(tree: Tree, truths: readonly Truth[], last: Op | undefined, settling: boolean): void {
    const directories = directoriesOf(tree);
    const root = this.#rootWith(directories);
    putFiles(root, tree);
    const stateDir = `${root}/state`;
    const wrong = [...wrongsIn(stateDir, truths), ...(settling ? wrongsOnceSettled(stateDir) : [])];
    for (const path of directories) removeFiles(`${root}/${path}`);
    this.states++;
    for (const what of wrong) this.wrong.add(`${what}, after ${stepOf(last)}`);
  }

  #rootWith(directories: readonly string[]): string {
    const key = directories.join('\n');
    const root =
      this.#roots.get(key) ?? build(this.#workshop, new Map(directories.map((path) => [path, null])));
    this.#roots.set(key, root);
    return root;
  }
}

function removeFiles(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) unlinkSync(`${directory}/${entry.name}`);
  }
}

/**
 * Cuts the power after each of `ops` and looks at every state in which the disk may be left. `settling`: looks once
 * more when the next run has settled it.
 */
export function cutPower(
  workshop: string,
  disk: Disk,
  ops: readonly Op[],
  truthsAfter: (steps: number) => readonly Truth[],
  settling = true,
): Findings {
  const findings = new Findings(workshop);
  const seen = new Set<string>();
  for (let steps = 0; steps <= ops.length; steps++) {
    const last = ops[steps - 1];
    if (last !== undefined) disk.apply(last);
    const truths = truthsAfter(steps);
    const facts = JSON.stringify(truths);
    for (const tree of disk.afterPowerCut()) {
      const digest = digestOf(tree, facts);
      if (seen.has(digest)) continue;
      seen.add(digest);
      const left = new Map([...tree].map(([path, bytes]) => [path, bytes && ofAnotherBoot(bytes)]));
      findings.look(left, truths, last, settling);
    }
  }
  return findings;
}

/** The same for the same state of which the same is true: it need not be looked at again. */
function digestOf(tree: Tree, facts: string): string {
  const hash = createHash('sha1').update(facts);
  for (const [path, content] of tree) hash.update(`\0${path}\0`).update(content ?? 'directory');
  return hash.digest('base64');
}

/** What a wrapper had done when it was killed, and how many whole steps of its run that were. */
export interface Killed {
  readonly ops: readonly Op[];
  readonly steps: number;
}

/** Every moment at which a wrapper can be killed: after each step, and in the middle of each write. */
export function killedMoments(ops: readonly Op[]): Killed[] {
  const done = ops.map((op) => (op.kind === 'write' ? { ...op, bytes: ofADeadWrapper(op.bytes) } : op));
  return done.flatMap((op, i) => {
    const whole = { ops: done.slice(0, i + 1), steps: i + 1 };
    if (op.kind !== 'write') return [whole];
    const torn = { ...op, bytes: op.bytes.subarray(0, op.bytes.length >> 1) };
    return [{ ops: [...done.slice(0, i), torn], steps: i }, whole];
  });
}

/** Looks at what a wrapper left that was killed: nothing of what it did is undone. */
export function lookAfterKill(
  workshop: string,
  disk: Disk,
  killed: Killed,
  truths: readonly Truth[],
): Findings {
  const findings = new Findings(workshop);
  for (const op of killed.ops) disk.apply(op);
  findings.look(disk.current(), truths, killed.ops.at(-1), true);
  return findings;
}

/** A step in words, "rename running/.ID.tmp". */
export function stepOf(op: Op | undefined): string {
  if (op === undefined) return 'nothing';
  if (!('path' in op)) return op.kind;
  const path = op.path
    .replace(`state/jobs/${JOB}/`, '')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, 'ID');
  return `${op.kind} ${path || '.'}`;
}
