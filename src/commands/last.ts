// The command that scripts call thousands of times a day: with --exit-code nothing of view/ is loaded, so views and
// what belongs to them are imported where they are needed.
import { EXIT, exitStatusOfAnswer } from '../model/exit-status.js';
import { unsureRuns } from '../model/job-runs.js';
import { type Finding, findLast } from './last-finding.js';
import { exitStatusOfRun } from './run-exit-status.js';
import { statePlace } from './state-place.js';
import { resolveTarget } from './target.js';
import type { AnswerOptions, Surroundings } from './types.js';

/**
 * `cronrun last [job | run-id]`: the last run that ended. Returns the exit status.
 * CronrunError 'usage', 'ambiguous-run', 'unreadable', 'no-state-directory'.
 */
export function last(
  options: AnswerOptions,
  argument: string | undefined,
  io: Surroundings,
): number | Promise<number> {
  const stateDir = statePlace(options.stateDir, io.env);
  const place = { stateDir, isExclusive: options.exclusiveState };
  const finding = findLast(place, resolveTarget('last', place, argument, io.env));
  if (options.exitCode) {
    const status = exitStatus(finding, io.now(), options.maxAgeMs);
    // A command may exit with 193 itself: only where there is no run is there something to say.
    if (status !== EXIT.noSuchRun || isAnswered(finding)) return status;
  }
  // The build makes a bundle of its own of it, dist/answer.cjs: what is not there is not compiled.
  return import('./last-answer.js').then(({ answerLast }) => answerLast(options, stateDir, finding, io));
}

function isAnswered(finding: Finding): boolean {
  return finding.kind === 'run' || (finding.kind === 'last' && finding.last !== null);
}

function exitStatus(finding: Finding, now: number, maxAgeMs: number | null): number {
  switch (finding.kind) {
    case 'missing':
      return EXIT.noSuchRun;
    case 'run':
      return exitStatusOfRun(finding.record, now, maxAgeMs);
    case 'last': {
      const { last, going } = finding;
      const unsure = unsureRuns({ last, going }).length > 0;
      return exitStatusOfAnswer({ last, unsure, running: going.length > 0 }, now, maxAgeMs);
    }
  }
}
