import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import type { RunRecord } from '../../src/index.js';
import { type Result, runningOf, start } from './cronrun.js';
import { brokenOrder, isStartDurable, lackedRoomOnce, pointsOf } from './error-points.js';
import {
  type FileCall,
  failed,
  type Injected,
  type Injection,
  isInjected,
  type Place,
  runInjected,
} from './injected.js';
import type { Built } from './mutants.js';
import { runningPath } from './start-records.js';

/** A run that meets errors. */
export interface Scenario {
  /** "the first run of all" */
  readonly title: string;
  /** The state directory as it is before; null: there is none. */
  readonly template: string | null;
  readonly requireRecord: boolean;
  /** Its output is kept, and is more than what may be kept of it. */
  readonly keepsOutput?: boolean;
  /** What fails besides the one call; sees the calls of a run that meets no error. */
  readonly always?: (calls: readonly FileCall[]) => readonly string[];
}

const JOB = 'job';

/** Says what it was told, and ends with 7. */
const COMMAND = `printf 'RAN\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$CRONRUN_ID" "$CRONRUN_LAST_ID" "$CRONRUN_LAST_STATUS" \
"$CRONRUN_LAST_EXIT_CODE" "$CRONRUN_LAST_COMPLETED_AT"; exit `;

function execOf(exitCode: number, requireRecord = false): string[] {
  const options = requireRecord ? ['--require-record'] : [];
  return ['exec', ...options, JOB, '--', '/bin/sh', '-c', `${COMMAND}${exitCode}`];
}

/** Keeps of what the command writes what it was told, and not all of the rest. */
function keepingExec(): string[] {
  const options = ['--output', 'on-failure', '--output-limit', '2K'];
  return [
    'exec',
    ...options,
    JOB,
    '--',
    '/bin/sh',
    '-c',
    `${COMMAND.replace(/exit $/, 'seq 1 1000; exit ')}7`,
  ];
}

function lineOf({ requireRecord, keepsOutput = false }: Scenario): string[] {
  return keepsOutput ? keepingExec() : execOf(7, requireRecord);
}

/** What a command was told. */
interface Told {
  readonly id: string;
  readonly lastId: string;
  readonly lastStatus: string;
  readonly lastExitCode: string;
  readonly lastCompletedAt: string;
}

/** Of each time that it ran. */
function toldOf({ stdout }: Result): Told[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('RAN\t'))
    .map((line) => {
      const [, id = '', lastId = '', lastStatus = '', lastExitCode = '', lastCompletedAt = ''] =
        line.split('\t');
      return { id, lastId, lastStatus, lastExitCode, lastCompletedAt };
    });
}

/** Output that is kept is printed below the head, if it can be read, and in the log in any case. */
function toldAnywhere(result: Result, stateDir: string): Told[] {
  const said = toldOf(result);
  const printed = said.length > 0 ? said : toldOf({ ...result, stdout: result.stderr });
  return printed.length > 0 ? printed : toldOf({ ...result, stdout: logsOf(stateDir) });
}

/** The text of all logs of the job. */
function logsOf(stateDir: string): string {
  const directory = `${stateDir}/jobs/${JOB}/output`;
  if (!existsSync(directory)) return '';
  const names = readdirSync(directory).filter((name) => name.endsWith('.log'));
  return names.map((name) => readFileSync(`${directory}/${name}`, 'utf8')).join('');
}

/** What is kept comes nowhere else; what is not kept is said not to be. And what is said to be kept is there, head and tail. */
function outputLies({ result, said, told }: Run, own: readonly RunRecord[], stateDir: string): string[] {
  const lies: string[] = [];
  const inherited = toldOf(result).length > 0;
  const isSaid = /OUTPUT NOT KEPT|: output-not-kept/.test(said) || told.some(({ id }) => id === '');
  if (inherited !== isSaid) lies.push(`its output was ${inherited ? 'not ' : ''}kept, and said was: ${said}`);
  const logs = logsOf(stateDir);
  if (!inherited && told.length > 0 && !/^RAN\t[\s\S]*\n1000\n$/.test(logs))
    lies.push(`the log has: ${logs}`);
  const counted = own.map(({ output }) => output?.bytes ?? null).filter((bytes) => bytes !== null);
  if (counted.some((bytes) => bytes < 3893)) lies.push(`it wrote ${counted} bytes`);
  if (inherited && own.some(({ output, reason }) => output !== null && reason !== 'lost'))
    lies.push(`the record names a log that was not made`);
  return lies;
}

/** What readers say of a job. */
interface Known {
  readonly runs: readonly RunRecord[];
  readonly lastCompletedAt: string;
}

function knownOf({ library }: Built, stateDir: string): Known {
  const registry = library.openRegistry({ stateDir });
  const lastCompletedAt = registry.status(JOB)?.lastCompletedAt ?? '';
  return { runs: registry.runs(JOB, { limit: 100 }), lastCompletedAt };
}

function verdictOf({ status, reason, exit_code, signal }: RunRecord): string {
  return `${status} ${reason} ${exit_code} ${signal}`;
}

/** The calls of a run that meets no errors but those that it always meets. */
export async function referenceOf(built: Built, scenario: Scenario, directory: string): Promise<Reference> {
  const plain = await usualCalls(built, scenario, `${directory}-plain`, []);
  const always = scenario.always?.(plain) ?? [];
  if (always.length === 0) return { calls: plain, always };
  return { calls: await usualCalls(built, scenario, `${directory}-always`, always), always };
}

/** Node does not always make the same calls on its way: those that two runs one after the other made. */
async function usualCalls(
  built: Built,
  scenario: Scenario,
  directory: string,
  faults: readonly string[],
): Promise<readonly FileCall[]> {
  let before = '';
  for (let attempt = 1; ; attempt++) {
    const place = stage(built, scenario, `${directory}-${attempt}`);
    const { calls } = await runInjected(place, lineOf(scenario), { faults, only: null });
    const now = JSON.stringify(pointsOf(calls));
    if (now === before || attempt === 6) return calls;
    before = now;
  }
}

/** What a run does before anything is done to it, and what is always done. */
export interface Reference {
  readonly calls: readonly FileCall[];
  readonly always: readonly string[];
}

function stage({ bin }: Built, { template }: Scenario, directory: string): Place {
  mkdirSync(directory);
  const stateDir = `${directory}/state`;
  if (template !== null) cpSync(template, stateDir, { recursive: true, preserveTimestamps: true });
  return { bin, stateDir, trace: `${directory}/trace` };
}

/** What came of one run. */
export interface Outcome {
  readonly calls: readonly FileCall[];
  readonly lies: readonly string[];
  /** The end was said on stderr and is on record nowhere. */
  readonly saidOnly: boolean;
}

/** Runs one wrapper that meets errors, then another that meets none, and compares what is said with what was. */
export async function meetErrors(
  built: Built,
  scenario: Scenario,
  directory: string,
  injection: Injection,
): Promise<Outcome> {
  const place = stage(built, scenario, directory);
  const before = knownOf(built, place.stateDir);
  const injected = await runInjected(place, lineOf(scenario), injection);
  return judge(built, scenario, place.stateDir, before, injected);
}

async function judge(
  built: Built,
  scenario: Scenario,
  stateDir: string,
  before: Known,
  { calls, result }: Injected,
): Promise<Outcome> {
  if (result === null) return { calls, lies: ['it hung'], saidOnly: false };
  const after = knownOf(built, stateDir);
  const run: Run = {
    result,
    said: result.stderr.replace(/\s+/g, ' '),
    told: toldAnywhere(result, stateDir),
    calls,
    before,
    after,
  };
  const own = after.runs.filter(
    (record) => !before.runs.some((old) => old.cron_job_id === record.cron_job_id),
  );
  const saidOnly = recordOnStderr(result) !== null;
  const lies = [
    ...commandLies(run, scenario),
    ...recordLies(run, own),
    ...earlierLies(before, after),
    ...pastLies(run),
    ...silenceLies(run),
    ...brokenOrder(calls),
    ...(scenario.keepsOutput === true ? outputLies(run, own, stateDir) : []),
    ...(await nextLies(built, stateDir, run, own)),
  ];
  return { calls, lies, saidOnly };
}

/** A run that met errors, and what was known before and after it. */
interface Run {
  readonly result: Result;
  /** stderr with its lines unfolded. */
  readonly said: string;
  readonly told: readonly Told[];
  readonly calls: readonly FileCall[];
  readonly before: Known;
  readonly after: Known;
}

/** The job comes first; where a record is required, there is one, or nothing was run. */
function commandLies({ told, result, calls, said }: Run, { requireRecord }: Scenario): string[] {
  const lies: string[] = [];
  const refused = requireRecord && told.length === 0 && result.status === 125 && said.includes('NOT STARTED');
  if (!refused && (told.length !== 1 || result.status !== 7))
    lies.push(`the command ran ${told.length} times, exit status ${result.status}, said: ${said}`);
  if (requireRecord && told.length > 0 && !isStartDurable(calls))
    lies.push('the command ran without a durable record, which was required');
  if (/internal error|^ +at /m.test(result.stderr)) lies.push(`no message for people: ${said}`);
  return lies;
}

/** The end stands in a record, or a whole record is on stderr. */
function recordLies({ told, result, said, calls }: Run, own: readonly RunRecord[]): string[] {
  const verdicts = own.map(verdictOf);
  if (told.length === 0) {
    const stuck = ['unlink', 'pwrite64'].every((name) =>
      calls.some((call) => call.name === name && failed(call)),
    );
    // Where it can neither be taken back nor written on, it stands as that of a wrapper that was killed.
    const truths = ['failed not-started 125 null', ...(stuck ? ['interrupted lost null null'] : [])];
    const nothing = verdicts.every((verdict) => truths.includes(verdict));
    return nothing ? [] : [`nothing ran, and on record is: ${verdicts}`];
  }
  if (verdicts.length === 1 && verdicts[0] === 'failed exited 7 null') return [];
  const onStderr = recordOnStderr(result);
  if (onStderr === null)
    return [`it ended with 7, and on record is: ${verdicts.join() || 'nothing'}; said: ${said}`];
  if (onStderr.exit_code !== 7 || onStderr.job !== JOB)
    return [`a record on stderr that is not true: ${said}`];
  // Nobody can take the start record back on a disk that takes nothing.
  return verdicts.every((verdict) => verdict === 'interrupted lost null null')
    ? []
    : [`on record is: ${verdicts}`];
}

function recordOnStderr({ stderr }: Result): Record<string, unknown> | null {
  const text = /\{"schema".*\}$/m.exec(stderr)?.[0];
  return text === undefined ? null : (JSON.parse(text) as Record<string, unknown>);
}

function earlierLies(before: Known, after: Known): string[] {
  return before.runs.flatMap((old) => {
    const now = after.runs.filter((record) => record.cron_job_id === old.cron_job_id);
    const verdicts = now.map(verdictOf);
    const same = verdicts.length === 1 && verdicts[0] === verdictOf(old);
    return same ? [] : [`an earlier run was ${verdictOf(old)}, and is ${verdicts.join() || 'gone'}`];
  });
}

/** The command is told the truth of the run before, or that it is not known. */
function pastLies({ told, before }: Run): string[] {
  return told.flatMap(({ lastId, lastStatus, lastCompletedAt }) => {
    const known = expectedPast(before);
    const lies: string[] = [];
    if (lastStatus !== '' && (lastStatus !== known.status || lastId !== known.id))
      lies.push(`it was told of ${lastStatus} ${lastId}, and the run before is ${known.status} ${known.id}`);
    if (lastCompletedAt !== '' && lastCompletedAt !== before.lastCompletedAt)
      lies.push(`it was told that a run completed at ${lastCompletedAt}, not ${before.lastCompletedAt}`);
    return lies;
  });
}

function expectedPast({ runs }: Known): { id: string; status: string; exitCode: string } {
  const [last] = runs;
  return {
    id: last?.cron_job_id ?? '',
    status: last?.status ?? 'none',
    exitCode: String(last?.exit_code ?? ''),
  };
}

/** What was not done is said: in the words for people, or where those cannot be loaded by the notice's own name. */
const NOT_RECORDED = /NOT RECORDED|: not-recorded/;
const NOT_DURABLE = /a power cut may undo that|: not-durable/;
const CUT_SHORT = /the run before, of [^:]*: ?|found-cut-short/;

function silenceLies({ said, told, calls, before }: Run): string[] {
  const lies: string[] = [];
  // The reserve is made by the first run of all.
  if (before.runs.length > 0 && lackedRoomOnce(calls) && (told[0]?.id ?? '') === '')
    lies.push(`the reserve was not given up for the start record; said: ${said}`);
  const unrecorded = told.some(({ id }) => id === '');
  if (told.length > 0 && unrecorded !== NOT_RECORDED.test(said))
    lies.push(`CRONRUN_ID ${unrecorded ? 'is' : 'is not'} empty, and said was: ${said}`);
  if (told.length > 0 && !isStartDurable(calls) && !NOT_DURABLE.test(said))
    lies.push(`the start record is not durable, and said was: ${said || 'nothing'}`);
  return lies;
}

/** A run that meets no error is told of the one before, and leaves everything in order. */
async function nextLies(
  built: Built,
  stateDir: string,
  run: Run,
  own: readonly RunRecord[],
): Promise<string[]> {
  ageTemporaryFiles(stateDir);
  const result = await start(stateDir, execOf(0)).ended;
  const [told] = toldOf(result);
  if (told === undefined || result.status !== 0) return [`the next run: ${result.status} ${result.stderr}`];
  const { runs } = knownOf(built, stateDir);
  const lies = earlierLies({ ...run.after, runs: [...run.before.runs, ...own] }, { ...run.after, runs });
  const past = expectedPast(run.after);
  if (told.lastId !== past.id || told.lastStatus !== past.status)
    lies.push(`the next run was told of ${told.lastStatus} ${told.lastId}, not ${past.status} ${past.id}`);
  if (told.lastExitCode !== past.exitCode)
    lies.push(`the next run was told of exit code ${told.lastExitCode}, not ${past.exitCode}`);
  if (told.lastCompletedAt !== run.before.lastCompletedAt)
    lies.push(`the next run was told that one completed at ${told.lastCompletedAt}`);
  if (runs.length !== run.before.runs.length + own.length + 1)
    lies.push(`runs on record after the next one: ${runs.map(verdictOf)}`);
  const left = runningOf(stateDir, JOB);
  if (left.length > 0) lies.push(`running/ still has ${left}`);
  return [...lies, ...newsLies(run, own, result)];
}

/** That an earlier run was cut short is said once, by the run that settles it; by two where it cannot tell whether it did. */
function newsLies({ said, before, calls }: Run, own: readonly RunRecord[], next: Result): string[] {
  const news = [said, next.stderr.replace(/\s+/g, ' ')].filter((text) => CUT_SHORT.test(text)).length;
  const due = [...before.runs, ...own].some(
    (record) => record.settled_at === null && record.ended_at === null,
  );
  const unsure = calls.filter(isInjected).length > 1;
  if (news === (due ? 1 : 0) || (due && unsure && news === 2)) return [];
  return [`a run cut short was said ${news} times: ${said} / ${next.stderr}`];
}

/** They are kept for an hour, in case their writer is only slow. */
function ageTemporaryFiles(stateDir: string): void {
  for (const name of runningOf(stateDir, JOB).filter((one) => one.endsWith('.tmp'))) {
    utimesSync(`${runningPath(stateDir, JOB)}/${name}`, 1, 1);
  }
}
