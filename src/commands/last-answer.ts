import { EXIT } from '../model/exit-status.js';
import { isEnded, RECORD_FIELDS, type RunRecord } from '../model/record.js';
import { readReportFailures, withFailures } from '../state/report-failures.js';
import { getLine } from '../view/get.js';
import { fieldsOf, noRunJson, recordJson } from '../view/json.js';
import { lastText, oneRunText } from '../view/last.js';
import { noneEndedText, unreadableText } from '../view/missing.js';
import { checkFields } from './fields.js';
import type { Finding } from './last-finding.js';
import { answerMissing, answerNoRun } from './missing.js';
import type { AnswerOptions, Surroundings } from './types.js';
import { openScreen } from './viewing.js';

/** Says what `last` found, and returns the exit status. CronrunError 'usage', 'unreadable'. */
export async function answerLast(
  options: AnswerOptions,
  stateDir: string,
  finding: Finding,
  io: Surroundings,
): Promise<number> {
  checkFields('last', options.get, RECORD_FIELDS);
  const manner = { ...options, noRun: noRunJson };
  if (finding.kind === 'missing') return answerMissing({ command: 'last', stateDir, ...finding }, manner, io);
  const found = finding.kind === 'run' ? finding.record : finding.last;
  if (found === null) return answerNone(options, stateDir, finding, io);
  const record = withFailures(found, readReportFailures(stateDir, found.job));
  if (options.get !== null) io.out(getLine(options.get, fieldsOf(record, null)));
  else if (options.json) io.out(`${recordJson(record)}\n`);
  else await tellPeople(options, record, finding, io);
  if (finding.kind === 'last' && finding.unreadable > 0) {
    io.err(unreadableText(finding.unreadable, finding.job));
  }
  return EXIT.ok;
}

async function tellPeople(options: AnswerOptions, record: RunRecord, finding: Finding, io: Surroundings) {
  const { viewing } = await openScreen(options, io);
  const going = finding.kind === 'last' ? finding.going : null;
  io.out(going !== null && isEnded(record) ? lastText(record, going, viewing) : oneRunText(record, viewing));
}

/** No run has ended: the job runs for the first time, or there is none at all. */
function answerNone(options: AnswerOptions, stateDir: string, finding: Finding, io: Surroundings): number {
  const manner = { ...options, noRun: noRunJson };
  const first = finding.kind === 'last' ? finding.going[0] : undefined;
  const job = finding.kind === 'last' ? finding.job : null;
  if (job === null && first === undefined) {
    return answerMissing({ command: 'last', stateDir, asked: null, job, mayBeRun: false }, manner, io);
  }
  if (!options.exitCode) answerNoRun(job, manner, io);
  io.err(noneEndedText(job, first?.record ?? null));
  return EXIT.noSuchRun;
}
