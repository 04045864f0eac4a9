import type { RunningRecord, Status } from '../model/record.js';
import { quoteArgument } from './command.js';
import { runMark } from './headline.js';
import { sanitize } from './sanitize.js';
import { count, paragraph } from './text.js';
import { GOING_WORDS } from './words.js';

/** Another place where a state directory may be. */
export interface OtherPlace {
  readonly dir: string;
  /** How many jobs are there; null: it is there and this user may not look into it. */
  readonly jobs: number | null;
  /** True where the job that was asked for is there. */
  readonly hasJob: boolean;
  /** True for the place that cron uses and a login shell does not, because it has XDG_STATE_HOME. */
  readonly hiddenByXdg: boolean;
}

export interface Question {
  /** What was asked for as it was typed; null: anything. */
  readonly asked: string | null;
  /** True for something that may be a piece of a run id. */
  readonly mayBeRun: boolean;
  readonly stateDir: string;
}

export interface Missing extends Question {
  /** What the state directory is. */
  readonly place: 'directory' | 'absent' | 'no-directory';
  /** Jobs of runs whose id fits, where only a job was expected. */
  readonly runsOf: readonly string[];
  /** Names like it of jobs that are there. */
  readonly similar: readonly string[];
  readonly others: readonly OtherPlace[];
  /** The command that was typed, "status". */
  readonly command: string;
}

/** The one line of exit status 193. */
export function missingLine({ asked, mayBeRun, stateDir }: Question): string {
  const subject = asked === null ? 'run' : `${mayBeRun ? 'job or run' : 'run of'} "${sanitize(asked)}"`;
  return `cronrun: no ${subject} is on record in ${sanitize(stateDir)}\n`;
}

/** That line, and where else to look. */
export function missingText(missing: Missing): string {
  const { similar, others } = missing;
  const lines = [...runLines(missing)];
  if (similar.length > 0) lines.push(`  jobs there with a name like it: ${similar.map(sanitize).join(', ')}`);
  lines.push(...placeLines(missing));
  for (const other of others) lines.push(...otherPlaceLines(other, missing));
  return missingLine(missing) + lines.map((line) => `${line}\n`).join('');
}

/** A few hex digits are a forgotten rest of an id more often than a name, if there is a decimal one among them. */
const SHORT_ID = /^(?=.*\d)[0-9a-f]{2,7}$/i;

function runLines({ asked, mayBeRun, runsOf }: Missing): string[] {
  if (asked === null) return [];
  const command = `cronrun status ${quoteArgument(asked)}`;
  if (runsOf.length === 1) return [`  it is a run of ${sanitize(runsOf[0] ?? '')}: ${command}`];
  if (runsOf.length > 1) return [`  several runs have such an id: ${command}`];
  return mayBeRun || !SHORT_ID.test(asked) ? [] : ['  a run is named by at least 8 digits of its id'];
}

function placeLines({ asked, place, others }: Missing): string[] {
  if (place === 'no-directory') return ['  it is not a directory'];
  // Where there are records elsewhere, that is what has to be said.
  if (others.some((other) => other.jobs !== null)) return [];
  const first = 'cronrun exec JOB -- COMMAND';
  if (place === 'absent') {
    return [`  there is no such directory yet${asked === null ? `: the first ${first} makes it` : ''}`];
  }
  return asked === null ? [`  this records one: ${first}`] : [];
}

function otherPlaceLines(other: OtherPlace, { asked, command }: Missing): string[] {
  const dir = sanitize(other.dir);
  if (other.jobs === null) return [paragraph(`  there is ${dir} too, which this user may not read`)];
  const named = asked !== null && other.hasJob;
  const is = named ? 'it is on record' : `${count(other.jobs, 'job')} ${other.jobs === 1 ? 'is' : 'are'}`;
  const why = other.hiddenByXdg ? ', which cron uses: it does not see XDG_STATE_HOME' : '';
  const flag = `--state-dir ${quoteArgument(other.dir)}`;
  return [
    paragraph(`  ${is} in ${dir}${why}`),
    `  cronrun ${named ? `${command} ${quoteArgument(asked)}` : 'ls'} ${flag}`,
  ];
}

/** What `last` says where no run has ended. `job`: null for any; `going`: a run without an end. */
export function noneEndedText(job: string | null, going: RunningRecord | null): string {
  const of = job === null ? '' : ` of "${sanitize(job)}"`;
  const whose = going !== null && job === null ? ` of "${sanitize(going.job)}"` : '';
  const fate = going === null ? '' : `; one${whose} ${GOING_WORDS[going.reason]} ${runMark(going)}`;
  return `${paragraph(`cronrun: no run${of} has ended yet${fate}`)}\n`;
}

/** Said where a list is empty because of --status or --limit. */
export function nothingChosenText(total: number, noun: 'job' | 'run', status: Status | null): string {
  const chosen = status === null ? 'is shown' : `has the status ${status}`;
  return `cronrun: none of ${count(total, noun)} ${chosen}\n`;
}

/** Said where lines or start records were passed over. `of`: "backup", or null for all jobs. */
export function unreadableText(unreadable: number, of: string | null): string {
  const whose = of === null ? '' : `${sanitize(of)}: `;
  const is = unreadable === 1 ? 'is' : 'are';
  return `${paragraph(`cronrun: ${whose}${count(unreadable, 'line')} on record that ${is} no record ${is} left out`)}\n`;
}

/** Said where jobs could not be read: why the first could not, and how many others. A fact stays on one line. */
export function refusedText([first = '', ...more]: readonly string[]): string {
  const others = more.length === 0 ? '' : `, and ${count(more.length, 'more job')}`;
  return `cronrun: ${sanitize(first)}${others}\n`;
}
