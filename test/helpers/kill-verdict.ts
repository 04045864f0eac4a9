import { existsSync, readFileSync } from 'node:fs';
import { exitStatusOf } from '../../src/model/exit-status.js';
import type { EndedRecord, RunRecord } from '../../src/model/record.js';
import { journalOf, runningOf } from './cronrun.js';
import {
  execIn,
  JOB,
  KEPT_IN_LINE_3,
  letEnd,
  makeOld,
  meetOrphan,
  type Scenario,
  type Stage,
  whatCommandSaid,
} from './kill-stage.js';
import type { Built } from './mutants.js';
import { processesOf } from './processes.js';
import { endedTruth, goingTruth, type Truth, truth, variablesIn } from './truth.js';

/** A wrapper that was killed, and what was before it. */
export interface Case {
  readonly built: Built;
  readonly stage: Stage;
  readonly scenario: Scenario;
  /** The runs that were on record before, the last one first. */
  readonly earlier: readonly RunRecord[];
  /** Whether the built bin is asked too: it takes its time. */
  readonly askBin: boolean;
}

/** What a killed wrapper left. */
export interface Finding {
  /** Each says what was told, and what was true. */
  readonly lies: readonly string[];
  /** The command went on without its wrapper. */
  readonly orphaned: boolean;
  /** The run is on record. */
  readonly known: boolean;
  /** The journal has its end. */
  readonly recorded: boolean;
}

/** Asks while the orphan lives, when it is gone, and what the next run is told and leaves. */
export async function inquire(one: Case): Promise<Finding> {
  const orphaned = await meetOrphan(one.stage);
  const lies = orphaned ? liesOfOrphan(one) : [];
  await letEnd(one.stage);
  const own = ownRun(one);
  const recorded = own !== null && isInJournal(one, own);
  lies.push(...liesWhenGone(one, own, recorded), ...liesToNext(one));
  return { lies, orphaned, known: own !== null, recorded };
}

function registryOf({ built, stage }: Case) {
  return built.library.openRegistry({ stateDir: stage.stateDir });
}

/** The run whose wrapper was killed, as readers see it; null where they see none. */
function ownRun(one: Case): RunRecord | null {
  const known = one.earlier.map((run) => run.cron_job_id);
  return (
    registryOf(one)
      .runs(JOB)
      .find((run) => !known.includes(run.cron_job_id)) ?? null
  );
}

function isInJournal({ stage }: Case, { cron_job_id }: RunRecord): boolean {
  return journalOf(stage.stateDir, JOB).some((line) => line.cron_job_id === cron_job_id);
}

/** What was begun and goes on is said to go on, and of the runs before nothing else than before. */
function liesOfOrphan(one: Case): string[] {
  const { earlier, stage } = one;
  const { id } = whatCommandSaid(stage);
  const status = registryOf(one).status(JOB);
  const own = ownRun(one);
  const seen = one.askBin ? askBin(one) : null;
  if (processesOf(stage.stateDir).length === 0) return []; // it has just ended, and we may have seen it either way
  const truly = {
    id: id ?? own?.cron_job_id,
    status: 'running',
    reason: 'orphaned',
    last: earlier[0]?.cron_job_id,
  };
  const told = {
    id: status?.newest.cron_job_id,
    status: status?.newest.status,
    reason: status?.newest.reason,
    last: status?.last?.cron_job_id,
  };
  const before = earlier[0] === undefined ? 'none' : wordsOf(earlier[0]);
  return [
    ...differs('while the command lives', told, truly),
    ...changes('while the command lives', one, earlier),
    ...(seen === null
      ? []
      : differs('the bin, while it lives', seen, goingTruth('running orphaned', 196, before))),
  ];
}

/** What began is on record; how it ended, if the journal has it; else that nobody saw it. */
function liesWhenGone(one: Case, own: RunRecord | null, recorded: boolean): string[] {
  const { earlier, scenario, stage } = one;
  const said = whatCommandSaid(stage);
  const registry = registryOf(one);
  const status = registry.status(JOB);
  const newest = own ?? earlier[0];
  const lies: string[] = [];
  if (said.id !== null) lies.push(...differs('the run that began', own?.cron_job_id, said.id));
  if (said.id !== null) lies.push(...differs('what it was told', said.before, summaryOf(earlier[0])));
  if (own !== null) {
    const truly = recorded ? endOf(scenario, said.exitCode) : LOST;
    lies.push(...differs('how it ended', verdictOf(own), { ...truly, seen: recorded }));
  }
  const told = [status?.newest, status?.last, registry.last(JOB), registry.runs(JOB)[0]];
  for (const record of told) lies.push(...differs('the last run', record?.cron_job_id, newest?.cron_job_id));
  lies.push(...differs('the runs that go on', status?.running ?? [], []));
  lies.push(...changes('when the command is gone', one, earlier), ...logLies(one, own, recorded));
  if (one.askBin) lies.push(...differs('the bin', askBin(one), truthOf(newest)));
  return lies;
}

/** The log is whole, or was cut and says so; and it is as long as the journal says. */
function logLies({ scenario, stage }: Case, own: RunRecord | null, recorded: boolean): string[] {
  const { log } = scenario;
  if (log === undefined || own === null || whatCommandSaid(stage).exitCode === null) return [];
  const { path = '', bytes = null } = own.output ?? {};
  const text = path !== '' && existsSync(path) ? readFileSync(path, 'utf8') : 'none';
  const cut = /^([\s\S]*\n) {2}\.\.\. (\d+) lines, .* not kept: .*\n([\s\S]*)$/.exec(text);
  const [, head = '', missing = '', tail = ''] = cut ?? [];
  const lines = (part: string) => part.split('\n').length - 1;
  const isCut =
    log.startsWith(head) && log.endsWith(tail) && lines(head) + Number(missing) + lines(tail) === lines(log);
  return [
    ...(text === log || (recorded && cut !== null && isCut) ? [] : [`the log has: ${text.slice(0, 2000)}`]),
    ...differs('how much it wrote', bytes, recorded ? log.length : null),
  ];
}

const LOST = { status: 'interrupted', reason: 'lost', exit_code: null, signal: null };

/** As the wrapper has to say it if it says anything. A timeout may come before the command is ready for it. */
function endOf({ end }: Scenario, exitCode: number | null): object {
  if (exitCode !== null || end.status !== 'timeout') return { ...end, exit_code: exitCode };
  return { ...end, exit_code: null, signal: 'SIGTERM' };
}

function verdictOf({ status, reason, exit_code, signal, ended_at }: RunRecord) {
  return { status, reason, exit_code, signal, seen: ended_at !== null };
}

/** The next run is told the truth, settles what is left, and changes nothing of it. */
function liesToNext(one: Case): string[] {
  const { built, stage } = one;
  const { stateDir } = stage;
  const before = registryOf(one).runs(JOB);
  const unsaid = before.some((run) => run.ended_at === null && !isInJournal(one, run));
  for (const name of runningOf(stateDir, JOB)) if (name.endsWith('.tmp')) makeOld(stateDir, name);

  const next = execIn(built.bin, stateDir, 'env');
  const told = variablesIn(next.stdout);
  const expected = [told.CRONRUN_ID, ...before.map((run) => run.cron_job_id)];
  const listed = registryOf(one)
    .runs(JOB)
    .map((run) => run.cron_job_id);
  return [
    ...differs('the next run', next.status, 0),
    ...differs('the next run speaks', next.stderr !== '', unsaid),
    ...differs('what the next run is told', told, { ...told, ...toldOf(before[0]) }),
    ...differs('the runs on record', listed, expected),
    ...differs('the journal', linesIn(stateDir), expected.sort(inOrder)),
    ...differs('running/', runningOf(stateDir, JOB), []),
    ...changes('after the next run', one, before),
  ];
}

const inOrder = (a = '', b = '') => (a < b ? -1 : 1);

/**
 * The ids in the journal, sorted. An end that was kept in a start record is written anew by who finds it both there and in
 * the journal, whose line may never have reached the disk: the same line, of which readers drop one.
 */
function linesIn(stateDir: string): string[] {
  const lines = journalOf(stateDir, JOB).map((line) => JSON.stringify({ ...line, settled_at: null }));
  const kept = (line: string) => line.includes(KEPT_IN_LINE_3);
  const once = lines.filter((line, i) => !kept(line) || lines.indexOf(line) === i);
  return once.map((line) => String(JSON.parse(line).cron_job_id)).sort(inOrder);
}

function toldOf(last: RunRecord | undefined): Record<string, string> {
  return {
    CRONRUN_LAST_ID: last?.cron_job_id ?? '',
    CRONRUN_LAST_STATUS: last?.status ?? 'none',
    CRONRUN_LAST_REASON: last?.reason ?? '',
    CRONRUN_LAST_EXIT_CODE: last?.exit_code?.toString() ?? '',
    CRONRUN_LAST_SIGNAL: last?.signal ?? '',
    CRONRUN_LAST_STARTED_AT: last?.started_at ?? '',
    CRONRUN_LAST_ENDED_AT: last?.ended_at ?? '',
    CRONRUN_RUNNING: '',
    CRONRUN_UNSURE: '',
  };
}

/** As a command writes down what it was told of the run before. */
function summaryOf(last: RunRecord | undefined): string {
  return last === undefined ? ' none' : `${last.cron_job_id} ${last.status} ${last.reason}`;
}

/** A verdict stays what it was, whoever settles the run. */
function changes(when: string, one: Case, runs: readonly RunRecord[]): string[] {
  const registry = registryOf(one);
  const facts = (run: RunRecord | null) =>
    run && { ...verdictOf(run), at: [run.started_at, run.ended_at, run.duration_ms] };
  return runs.flatMap((run) => {
    const now = registry.find(run.cron_job_id);
    return differs(`${when}, ${wordsOf(run)}`, facts(now), facts(run));
  });
}

function askBin({ built, stage }: Case): Truth {
  return truth(stage.stateDir, JOB, {}, built.bin);
}

function truthOf(newest: RunRecord | undefined): Truth {
  if (newest === undefined) return { ...goingTruth('none', 193), ls: 'nothing', lsJob: 'none' };
  return endedTruth(wordsOf(newest), exitStatusOf(newest as EndedRecord));
}

function wordsOf({ status, reason }: RunRecord): string {
  return `${status} ${reason}`;
}

function differs(what: string, told: unknown, truly: unknown): string[] {
  const [a, b] = [JSON.stringify(told), JSON.stringify(truly)];
  return a === b ? [] : [`${what}: told ${a}, truly ${b}`];
}
