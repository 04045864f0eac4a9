import { isJobName, JOB_NAME_RULE, proposeJobName } from '../model/job.js';
import { RECORD_FIELDS } from '../model/record.js';
import { ID_PREFIX, parseRunReference, SHORTEST_PREFIX } from '../model/run-id.js';
import type { CommandName } from './options.js';
import { quote, usage } from './usage.js';
import { checkpoint } from './values.js';

/** The job of `exec`: a name that is safe. */
export function execJob(operands: readonly string[]): string | undefined {
  const job = one('exec', 'job', operands);
  if (job !== undefined) requireJobName('exec', job);
  return job;
}

/** The job of `prune` and `forget`: runs are not removed one by one. */
export function oneJob(command: 'prune' | 'forget', operands: readonly string[]): string | undefined {
  const job = one(command, 'job', operands);
  if (job === undefined) return undefined;
  if (job.startsWith(ID_PREFIX)) throw usage(command, `${quote(job)} is a run. Name a job`);
  requireJobName(command, job);
  return job;
}

/** The jobs of `check`; none: all there are. */
export function checkedJobs(jobs: readonly string[]): readonly string[] {
  for (const job of jobs) {
    if (job.startsWith(ID_PREFIX)) throw usage('check', `${quote(job)} is a run. Name jobs, or none for all`);
    requireJobName('check', job);
  }
  return jobs;
}

/** Commands that speak of all jobs at once. */
export function noOperands(command: 'metrics' | 'pings', operands: readonly string[]): void {
  const [first] = operands;
  if (first !== undefined) throw usage(command, `is of all jobs and takes no ${quote(first)}. Leave it out`);
}

/** What `checkpoint` writes: its words, as echo would. */
export function checkpointText(operands: readonly string[]): string {
  const text = operands.join(' ');
  const result = checkpoint(text);
  if ('value' in result) return result.value;
  if (operands.length === 0)
    throw usage('checkpoint', 'how far the run got is missing. Type:', 'cronrun checkpoint 3/7 uploaded');
  throw usage('checkpoint', `${quote(text)} ${result.problem}`);
}

/** The target of `status`, `last`, `output`, `wait` and `stop`: a job or a run id. Which of the two it is, the records say. */
export function jobOrRun(
  command: 'status' | 'last' | 'output' | 'wait' | 'stop',
  operands: readonly string[],
): string | undefined {
  const target = one(command, 'job or run id', operands);
  if (target === undefined || isJobName(target) || parseRunReference(target) !== null) return target;
  if (target.startsWith(ID_PREFIX)) {
    throw usage(
      command,
      `${quote(target)} is not a run id. Behind ${ID_PREFIX} stand ${SHORTEST_PREFIX} hex digits or more`,
    );
  }
  throw badName(command, 'is neither a job name nor a run id', target);
}

/** The job of `ls`. A run id would be a list of one, which `status` shows better. */
export function lsJob(operands: readonly string[]): string | undefined {
  const job = one('ls', 'job', operands);
  if (job === undefined) return undefined;
  if (/^-\d+$/.test(job)) throw usage('ls', `no option ${quote(job)}. Write -n ${job.slice(1)}`);
  if (job.startsWith(ID_PREFIX) && parseRunReference(job) !== null) {
    throw usage('ls', `${quote(job)} is a run. Type:`, `cronrun status ${job}`);
  }
  requireJobName('ls', job);
  return job;
}

/** The run of `settle`: one, by its id. A job has many, and which of them is over must be said. */
export function settledRun(operands: readonly string[]): string {
  const run = one('settle', 'run id', operands);
  if (run === undefined) throw usage('settle', 'name a run by its id. This lists what goes on:', GOING);
  if (parseRunReference(run) !== null) return run;
  if (isJobName(run)) {
    throw usage(
      'settle',
      `${quote(run)} is not a run id. This shows those of a job:`,
      `cronrun status ${run}`,
    );
  }
  throw usage('settle', `${quote(run)} is not a run id. Write ${SHORTEST_PREFIX} of its hex digits or more`);
}

const GOING = 'cronrun ls --status running';

/** The page of `man`: none is cronrun(1). */
export function manPage(operands: readonly string[]): 'journal' | undefined {
  const page = one('man', 'page', operands);
  if (page === undefined || page === 'journal') return page;
  throw usage('man', `no page ${quote(page)}. Type cronrun man, or cronrun man journal`);
}

const STATUS_VALUES = ['last_completed_at', 'resume_checkpoint', 'running', 'next_due_at', 'late', 'missed'];

/** What --get takes. @param one one job or run is asked for by name: a run alone has no list of recent ones. */
export function fieldsOf(command: CommandName, one: boolean): readonly string[] {
  if (command === 'last' || (command === 'ls' && one)) return RECORD_FIELDS;
  const ofJob = [...RECORD_FIELDS, ...STATUS_VALUES];
  return command === 'ls' ? [...ofJob, 'recent'] : ofJob;
}

function one(command: CommandName, what: string, operands: readonly string[]): string | undefined {
  if (operands.length > 1) {
    const [first = '', second = ''] = operands;
    throw usage(command, `one ${what}, not ${operands.length}: ${quote(first)} and ${quote(second)}`);
  }
  return operands[0];
}

function requireJobName(command: CommandName, job: string): void {
  if (!isJobName(job)) throw badName(command, 'is not a job name', job);
}

function badName(command: CommandName, problem: string, name: string) {
  // It may be that of a ping, which is a secret.
  if (/^https?:\/\//i.test(name)) return usage(command, `a URL ${problem}: ${JOB_NAME_RULE}`);
  const proposal = proposeJobName(name);
  const remedy = proposal === null ? '' : `. Perhaps ${proposal}`;
  return usage(command, `${quote(name)} ${problem}: ${JOB_NAME_RULE}${remedy}`);
}
