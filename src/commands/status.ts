import { hostname } from 'node:os';
import { CronrunError } from '../errors.js';
import { resumeAfter } from '../model/checkpoint.js';
import { EXIT } from '../model/exit-status.js';
import { isJobName } from '../model/job.js';
import { type JobRuns, newestRun } from '../model/job-runs.js';
import { idOf, isEnded, RECORD_FIELDS, type RunRecord } from '../model/record.js';
import { dueOf } from '../state/due.js';
import { logSize } from '../state/output-log.js';
import { readReportFailures, runsWithFailures, withFailures } from '../state/report-failures.js';
import { completedInARow, readJobRuns, skipsSince } from '../state/runs.js';
import { getLine } from '../view/get.js';
import { fieldsOf, noRunStatusJson, STATUS_FIELDS, statusJson } from '../view/json.js';
import { unreadableText } from '../view/missing.js';
import { statusText } from '../view/status.js';
import { checkFields } from './fields.js';
import { type Asked, answerMissing } from './missing.js';
import { exitStatusOfRun } from './run-exit-status.js';
import { statePlace } from './state-place.js';
import { type Place, resolveTarget, type Target } from './target.js';
import type { AnswerOptions, Surroundings } from './types.js';
import { openScreen } from './viewing.js';

const FIELDS = [...RECORD_FIELDS, ...STATUS_FIELDS];

/**
 * `cronrun status [job | run-id]`: what it is doing now, or how it ended. Returns the exit status.
 * CronrunError 'usage', 'ambiguous-run', 'unreadable', 'no-state-directory'.
 */
export async function status(
  options: AnswerOptions,
  argument: string | undefined,
  io: Surroundings,
): Promise<number> {
  checkFields('status', options.get, FIELDS);
  const stateDir = statePlace(options.stateDir, io.env);
  const place = { stateDir, isExclusive: options.exclusiveState };
  const target = resolveTarget('status', place, argument, io.env);
  const subject = subjectOf(place, target);
  if (subject === null) {
    return answerMissing(asked(stateDir, target), { ...options, noRun: noRunStatusJson }, io);
  }
  if (options.exitCode) return exitStatusOfRun(subject.record, io.now(), options.maxAgeMs);
  await answer(options, stateDir, subject, io);
  return EXIT.ok;
}

interface Subject {
  readonly record: RunRecord;
  readonly runs: JobRuns;
}

function subjectOf({ stateDir, isExclusive }: Place, target: Target): Subject | null {
  switch (target.kind) {
    case 'any':
      throw new CronrunError('usage', 'status: name a job, or a run by its id', {
        hint: 'all jobs: cronrun ls',
      });
    case 'missing':
      return null;
    case 'run': {
      const { record } = target;
      return { record, runs: readJobRuns(stateDir, record.job, isExclusive) ?? onlyRun(record) };
    }
    case 'job': {
      const { runs, self } = target;
      const own = runs.going.find((run) => idOf(run.record) === self)?.record;
      const record = own ?? newestRun(runs);
      return record === null ? null : { record, runs };
    }
  }
}

/** A run that was found a moment ago, and whose job is no longer there. */
function onlyRun(record: RunRecord): JobRuns {
  const last = isEnded(record) ? record : null;
  const lastCompletedAt = record.completed_at ?? record.previous_completed_at;
  const resumeCheckpoint = last === null ? null : resumeAfter(last);
  const runs = { job: record.job, going: [], last, lastCompletedAt, resumeCheckpoint };
  return { ...runs, recent: record.status === 'skipped' ? [] : [record.status], unreadable: 0 };
}

async function answer(options: AnswerOptions, stateDir: string, subject: Subject, io: Surroundings) {
  const failures = readReportFailures(stateDir, subject.runs.job);
  const record = withFailures(subject.record, failures);
  const runs = runsWithFailures(subject.runs, failures);
  const due = dueOf(stateDir, runs, io.now());
  if (options.get !== null) io.out(getLine(options.get, fieldsOf(record, runs, due)));
  else if (options.json) io.out(`${statusJson(record, runs, due)}\n`);
  else {
    const { viewing } = await openScreen(options, io);
    const streak = completedInARow(stateDir, runs.job, options.exclusiveState);
    const skips = skipsSince(stateDir, runs.job, record.status === 'running' ? record.started_at : null);
    const keptBytes = isJobName(record.job) ? logSize(stateDir, record.job, idOf(record)) : null;
    io.out(statusText({ record, runs, streak, skips, due, keptBytes, here: hostname() }, viewing));
  }
  if (runs.unreadable > 0) io.err(unreadableText(runs.unreadable, runs.job));
}

function asked(stateDir: string, target: Target): Asked {
  const question = { command: 'status', stateDir };
  if (target.kind === 'missing') return { ...question, ...target };
  const job = target.kind === 'job' ? target.runs.job : null;
  return { ...question, asked: job, job, mayBeRun: false };
}
