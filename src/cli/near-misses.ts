import type { CronrunError } from '../errors.js';
import { isJobName } from '../model/job.js';
import { missingExec } from './missing-dashes.js';
import { nearest } from './nearest.js';
import { COMMAND_NAMES } from './options.js';
import { withoutSecrets } from './secrets.js';
import { anyOf, quote, shellWords, usage, usageToType } from './usage.js';

/** What a wrong word was meant to do, and what does it; JOB is replaced by the job that was typed. */
interface Advice {
  readonly wish: string;
  readonly line: string;
}

const RUNS: Advice = { wish: 'Runs of a job', line: 'cronrun ls JOB' };
const LOGS: Advice = { wish: 'Runs of a job: cronrun ls JOB. What one printed', line: 'cronrun output JOB' };
const ALL_JOBS: Advice = { wish: 'All jobs', line: 'cronrun ls' };
const OUTPUT: Advice = { wish: 'What a run printed', line: 'cronrun output JOB' };
const LAST: Advice = { wish: 'The last run that ended', line: 'cronrun last JOB' };
const NOW: Advice = { wish: 'What a job does now, or how it ended', line: 'cronrun status JOB' };
const GOING: Advice = { wish: 'Runs that go on', line: 'cronrun ls --status running' };
const FAILED: Advice = { wish: 'Jobs that failed', line: 'cronrun ls --status failed' };
const CHECK: Advice = { wish: 'Did the last run complete', line: 'cronrun last --exit-code JOB' };
const RUN: Advice = { wish: 'Run and record a command', line: 'cronrun exec JOB -- COMMAND' };
const STOP: Advice = { wish: 'To end what goes on of a job', line: 'cronrun stop JOB' };
const SETTLE: Advice = { wish: 'To say that a run is over', line: 'cronrun settle RUN-ID' };
const FORGET: Advice = { wish: 'To forget a job', line: 'cronrun forget JOB' };
const PRUNE: Advice = { wish: 'To remove old runs', line: 'cronrun prune --older-than 90d JOB' };
const MANUAL: Advice = { wish: 'The manual', line: 'cronrun man' };
const JOURNAL: Advice = { wish: 'The format of the records', line: 'cronrun man journal' };
const VERSION: Advice = { wish: 'The version', line: 'cronrun --version' };

/** Commands of other programs that people type here out of habit. */
const NEAR_MISSES: ReadonlyMap<string, Advice> = new Map(
  (
    [
      [RUNS, 'history runs'],
      [LOGS, 'logs log'],
      [OUTPUT, 'tail cat print stdout stderr mail'],
      [ALL_JOBS, 'list jobs dir overview summary'],
      [RUN, 'run start wrap launch execute'],
      [STOP, 'kill end cancel abort terminate'],
      [CHECK, 'check health test verify ok'],
      [NOW, 'show info get describe inspect state'],
      [LAST, 'previous prev latest result'],
      [GOING, 'ps top running'],
      [FAILED, 'failed failures errors'],
      [SETTLE, 'settled resolve resolved close finish abandon'],
      [FORGET, 'rm remove delete purge drop'],
      [PRUNE, 'clean cleanup trim expire rotate vacuum gc'],
      [MANUAL, 'manual doc docs'],
      [JOURNAL, 'journal format'],
      [VERSION, 'version'],
    ] as const
  ).flatMap(([advice, words]) => words.split(' ').map((word) => [word, advice] as const)),
);

/** Explains a command that there is not. @param args everything behind it, `--` included. */
export function noSuchCommand(word: string, args: readonly string[]): CronrunError {
  const problem = `no command ${quote(word)}.`;
  const advice = NEAR_MISSES.get(word.toLowerCase());
  if (advice !== undefined) return advise(problem, advice, args);
  const forgotten = missingExec([word, ...args]);
  if (forgotten !== null) return forgotten;
  const meant = nearest(word, COMMAND_NAMES);
  if (meant !== null) return usage(null, `${problem} Perhaps ${meant}`);
  return usage(null, `${problem} Write ${anyOf(COMMAND_NAMES)}`, '(cronrun --help says what they do)');
}

function advise(problem: string, advice: Advice, args: readonly string[]): CronrunError {
  const typed = advice === RUN && args.includes('--') ? shellWords(withoutSecrets(args)) : null;
  if (typed !== null) return usageToType(null, `${problem} ${RUN.wish}`, `cronrun exec ${typed}`);
  const job = args.find((arg) => isJobName(arg));
  const { wish, line } = advice === ALL_JOBS && job !== undefined ? RUNS : advice;
  const named = (text: string) => (job === undefined ? text : text.replace('JOB', job));
  return usageToType(null, `${problem} ${named(wish)}`, named(line));
}
