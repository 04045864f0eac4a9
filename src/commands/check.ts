import { CronrunError } from '../errors.js';
import {
  type CheckFacts,
  conditionsOf,
  type Level,
  PLUGIN_EXIT,
  type Severity,
  severityOf,
  worst,
} from '../model/check.js';
import { EXIT } from '../model/exit-status.js';
import { dueOf } from '../state/due.js';
import { listJobs, listRuns, readJobGist } from '../state/runs.js';
import {
  checkLine,
  type JobReport,
  jobReport,
  localCheckLines,
  neverReport,
  unknownLine,
  unknownLocalCheck,
  unreadableReport,
} from '../view/check.js';
import { statePlace } from './state-place.js';
import type { CheckOptions, Surroundings } from './types.js';

/**
 * `cronrun check [job...]`: whether all is well, in one line for Nagios and Icinga. Returns the exit status of a plugin.
 * CronrunError 'unreadable', 'no-state-directory'.
 */
export async function check(
  options: CheckOptions,
  jobs: readonly string[],
  io: Surroundings,
): Promise<number> {
  const stateDir = statePlace(options.stateDir, io.env);
  const severity = severityOf(options.warning, options.critical);
  const reports = reportsOf(options, stateDir, jobs, severity, io.now());
  if (reports.length === 0) {
    const nothing = `no run is on record in ${stateDir}`;
    io.out(options.checkmk ? unknownLocalCheck(nothing) : unknownLine(nothing));
    return options.checkmk ? EXIT.ok : PLUGIN_EXIT.unknown;
  }
  io.out(options.checkmk ? localCheckLines(reports) : checkLine(reports, new Set(jobs).size === 1));
  // An agent takes what is printed; some throw it away where the exit status is not 0.
  return options.checkmk ? EXIT.ok : PLUGIN_EXIT[worst(reports.map(({ level }) => level))];
}

/** Says why there is no answer, in the words that stderr would get. Returns the exit status. */
export function tellPlugin(failure: string, asCheckmk: boolean, io: Surroundings): number {
  const text = failure.replace(/^cronrun: (?:check: )?/, '').trim();
  io.out(asCheckmk ? unknownLocalCheck(text) : unknownLine(text));
  return PLUGIN_EXIT.unknown;
}

/** Of jobs that are named each has a report; of all there are those that have a run. */
function reportsOf(
  options: CheckOptions,
  stateDir: string,
  named: readonly string[],
  severity: Severity,
  nowMs: number,
): JobReport[] {
  const jobs = named.length > 0 ? [...new Set(named)] : listJobs(stateDir);
  const reports = jobs.map((job) => {
    const report = reportOf(options, stateDir, job, severity, nowMs);
    return report === null && named.length > 0 ? neverReport(job, severity.never, stateDir) : report;
  });
  return reports.filter((report) => report !== null);
}

/** One job that cannot be read does not hide the others. Null where it has no run. */
function reportOf(
  options: CheckOptions,
  stateDir: string,
  job: string,
  severity: Severity,
  nowMs: number,
): JobReport | null {
  try {
    const runs = readJobGist(stateDir, job, options.exclusiveState);
    if (runs === null) return null;
    const facts: CheckFacts = {
      runs,
      due: dueOf(stateDir, runs, nowMs),
      firstStartedAt: () => listRuns(stateDir, job, 1, null, true, options.exclusiveState)?.since ?? null,
      nowMs,
    };
    const conditions = conditionsOf(facts, options);
    const level: Level = worst(conditions.map((condition) => severity[condition]));
    return jobReport(facts, conditions, level, options, severity);
  } catch (error) {
    if (error instanceof CronrunError && error.code === 'unreadable') {
      return unreadableReport(job, error.message);
    }
    throw error;
  }
}
