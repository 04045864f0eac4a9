import { EXIT } from '../model/exit-status.js';
import { isJobName } from '../model/job.js';
import { idOf, RECORD_FIELDS } from '../model/record.js';
import { readReportFailures, withFailures } from '../state/report-failures.js';
import { listRuns, type RunList } from '../state/runs.js';
import { getLine } from '../view/get.js';
import { fieldsOf, noRunJson, recordJson } from '../view/json.js';
import { nothingChosenText, unreadableText } from '../view/missing.js';
import { runsFooter, runsText } from '../view/runs.js';
import { checkFields } from './fields.js';
import { answerMissing } from './missing.js';
import { notAJobName } from './target.js';
import type { LsOptions, Surroundings } from './types.js';
import { openScreen } from './viewing.js';

/** So many runs are listed where nothing else is asked for. */
const LIMIT = 20;

/** `cronrun ls JOB`. Returns the exit status. CronrunError 'usage', 'unreadable'. */
export async function lsRuns(
  options: LsOptions,
  stateDir: string,
  job: string,
  io: Surroundings,
): Promise<number> {
  checkFields('ls', options.get, RECORD_FIELDS);
  if (!isJobName(job)) throw notAJobName('ls', job);
  const forPeople = !options.quiet && options.get === null && !options.json;
  const { status, exclusiveState } = options;
  const list = listRuns(stateDir, job, options.limit ?? LIMIT, status, forPeople, exclusiveState);
  if (list === null) {
    const asked = { command: 'ls', stateDir, asked: job, job, mayBeRun: false };
    const manner = { get: null, json: options.json, exitCode: false, noRun: noRunJson };
    return answerMissing(asked, manner, io);
  }
  const text = forScripts(options, stateDir, job, list);
  if (text !== null) io.out(text);
  else await tellPeople(options, list, io);
  if (list.unreadable > 0) io.err(unreadableText(list.unreadable, job));
  return EXIT.ok;
}

function forScripts(options: LsOptions, stateDir: string, job: string, list: RunList): string | null {
  const { get, json } = options;
  if (options.quiet) return list.records.map((record) => `${idOf(record)}\n`).join('');
  if (get === null && !json) return null;
  const failures = readReportFailures(stateDir, job);
  const records = list.records.map((record) => withFailures(record, failures));
  if (get !== null) return records.map((record) => getLine(get, fieldsOf(record, null))).join('');
  return records.map((record) => `${recordJson(record)}\n`).join('');
}

async function tellPeople(options: LsOptions, list: RunList, io: Surroundings): Promise<void> {
  if (list.records.length === 0) return io.err(nothingChosenText(list.total, 'run', options.status));
  const { viewing, terminal } = await openScreen(options, io);
  const table = runsText(list.records, viewing);
  // Elsewhere than on a terminal the line is said only where the list is not all there is.
  const footed = terminal || list.records.length < list.total;
  io.out(footed ? table + runsFooter(list.records, list, viewing.zone) : table);
}
