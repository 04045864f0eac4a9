import { expect } from 'vitest';
import { BIN, cronEnvironment, cronrun, journalOf, type Options, runningOf, runProgram } from './cronrun.js';

type Json = Record<string, unknown>;

/** What every reader says of one job at about the same moment, in short words that can be compared. */
export interface Truth {
  /** "interrupted lost" */
  readonly status: string;
  readonly last: string;
  /** The job's line among all jobs. */
  readonly ls: string;
  /** The newest of the job's runs. */
  readonly lsJob: string;
  readonly statusExit: number;
  readonly lastExit: number;
}

/** "completed exited"; "nothing" where there is no answer. */
export function word(json: Json | undefined): string {
  if (json === undefined) return 'nothing';
  return json.reason ? `${json.status} ${json.reason}` : `${json.status}`;
}

export function jsonLines(text: string): Json[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json);
}

export function truth(stateDir: string, job: string, options: Options = {}, bin = BIN): Truth {
  const env = { ...(options.env ?? cronEnvironment()), CRONRUN_STATE_DIR: stateDir };
  const ask = (...args: string[]) => runProgram(bin, args, { ...options, env });
  return {
    status: word(jsonLines(ask('status', '--json', job).stdout)[0]),
    last: word(jsonLines(ask('last', '--json', job).stdout)[0]),
    ls: word(jsonLines(ask('ls', '--json').stdout).find((line) => line.job === job)),
    lsJob: word(jsonLines(ask('ls', '--json', job).stdout)[0]),
    statusExit: ask('status', '--exit-code', job).status,
    lastExit: ask('last', '--exit-code', job).status,
  };
}

/** What all of them must say of a run that goes on, and whose end nobody can foretell. `last`: of the run before. */
export function goingTruth(words: string, exitStatus: number, last = 'none'): Truth {
  return { status: words, last, ls: words, lsJob: words, statusExit: exitStatus, lastExit: exitStatus };
}

/** What all of them must say of a job whose newest run has ended. */
export function endedTruth(words: string, exitStatus: number): Truth {
  return goingTruth(words, exitStatus, words);
}

export interface NextRun {
  readonly env: Record<string, string>;
  readonly stderr: string;
  readonly status: number;
}

/** One more run of a job, whose command shows what it was told of the runs before. */
export function runNext(stateDir: string, job: string, options: Options = {}): NextRun {
  const { stdout, stderr, status } = cronrun(stateDir, ['exec', job, '--', 'env'], options);
  return { env: variablesIn(stdout), stderr, status };
}

/** What env(1) printed of cronrun's variables. */
export function variablesIn(stdout: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const line of stdout.split('\n')) {
    const at = line.indexOf('=');
    if (line.startsWith('CRONRUN_')) env[line.slice(0, at)] = line.slice(at + 1);
  }
  return env;
}

/**
 * The next exec is told of a run that was cut short, says so, and settles it; the one after it has nothing to
 * say any more. The run stands in the journal once, and its start record is gone.
 */
export function expectToldOnce(
  stateDir: string,
  job: string,
  cronJobId: string,
  reason: 'lost' | 'rebooted',
): void {
  const next = runNext(stateDir, job);
  expect(next.status).toBe(0);
  expect(next.env).toMatchObject({
    CRONRUN_LAST_ID: cronJobId,
    CRONRUN_LAST_STATUS: 'interrupted',
    CRONRUN_LAST_REASON: reason,
    CRONRUN_LAST_EXIT_CODE: '',
    CRONRUN_LAST_SIGNAL: '',
    CRONRUN_LAST_ENDED_AT: '',
    CRONRUN_RUNNING: '',
    CRONRUN_UNSURE: '',
  });
  const said = next.stderr.replace(/\s+/g, ' ');
  expect(said).toContain(`cronrun: ${job}: the run before, of `);
  expect(said).toContain('INTERRUPTED');
  expect(said).toContain(`(run ${cronJobId.slice(5, 18)})`);

  const after = runNext(stateDir, job);
  expect(after).toMatchObject({ status: 0, stderr: '' });
  expect(after.env).toMatchObject({ CRONRUN_LAST_STATUS: 'completed', CRONRUN_LAST_ID: next.env.CRONRUN_ID });
  const lines = journalOf(stateDir, job).filter((line) => line.cron_job_id === cronJobId);
  expect(lines).toMatchObject([{ status: 'interrupted', reason, ended_at: null, duration_ms: null }]);
  expect(lines[0]?.settled_at).toEqual(expect.any(String));
  expect(runningOf(stateDir, job)).toEqual([]);
}
