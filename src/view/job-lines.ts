import { type JobRuns, newestRun } from '../model/job-runs.js';
import type { RunRecord } from '../model/record.js';
import type { CompletedStreak, Line, StatusFacts, Viewing } from './facts.js';
import { sanitize } from './sanitize.js';
import { count, tied } from './text.js';
import { age, localTime } from './time.js';
import { blockerOf, statusName, statusWords } from './words.js';

/** How the job fares around its newest run. */
export function jobLines(facts: StatusFacts, viewing: Viewing): Line[] {
  const { record } = facts;
  switch (record.status) {
    case 'completed':
      return [['before', beforeCompletedWords(facts, viewing)]];
    case 'running':
      return record.reason === 'orphaned' ? [] : beforeRunningLines(facts, viewing);
    default:
      return [
        ['completed', lastCompletedWords(facts, viewing)],
        badRunsLine(facts.runs),
        record.ended_at === null ? ['unknown', unknownWords(record)] : null,
        resumeLine(facts),
        record.status === 'failed' ? ['see', `cronrun ls ${sanitize(record.job)}`] : null,
      ];
  }
}

/** What nobody can know of a run that nobody saw end. */
function unknownWords({ checkpoint }: RunRecord): string {
  return `${checkpoint === null ? 'how far it got' : 'how far it got after that'}. ${NEXT_RUN_IS_TOLD}`;
}

/** Said where an earlier run than this one wrote it: a run that was cut short before its first checkpoint lost nothing. */
function resumeLine({ record, runs }: StatusFacts): Line {
  const { resumeCheckpoint } = runs;
  if (resumeCheckpoint === null || resumeCheckpoint === record.checkpoint) return null;
  return ['resume', `${sanitize(resumeCheckpoint)}, which an earlier run reached`];
}

const NEXT_RUN_IS_TOLD = 'The next run will be told (CRONRUN_LAST_STATUS).';

function beforeCompletedWords({ record, runs, streak }: StatusFacts, viewing: Viewing): string {
  const before = streak.count - 1;
  if (before > 1) return `${streak.more ? 'more than ' : ''}${before} runs completed in a row`;
  if (before === 1) {
    const at = record.previous_completed_at;
    return at === null ? '1 run completed' : `completed on ${dated(at, viewing)}`;
  }
  const previous = endedStatuses(runs).at(-2);
  if (previous === undefined)
    return runs.going.length === 0 ? 'no other run is on record' : 'no other run has ended';
  const completed = record.previous_completed_at;
  if (completed === null) return `${statusName(previous)}; no run had ever completed`;
  return `${statusName(previous)}; completed last on ${dated(completed, viewing)}`;
}

/** Statuses of the last runs that ended, oldest first; those that go on stand at the end of `recent`. */
function endedStatuses(runs: JobRuns): RunRecord['status'][] {
  return runs.recent.filter((status) => status !== 'running');
}

function beforeRunningLines({ runs, streak }: StatusFacts, viewing: Viewing): Line[] {
  const { last } = runs;
  if (last === null) return [['before', 'nothing: no run has ended yet']];
  if (last.status === 'completed') {
    return [['before', `completed on ${dated(last.ended_at, viewing)}${inARow(streak)}`]];
  }
  const time = last.ended_at ?? last.started_at;
  const started = last.ended_at === null ? ', started' : '';
  return [
    ['before', `${statusWords(last)}${started} on ${dated(time, viewing)}`],
    ['completed', lastCompletedWords({ runs, streak }, viewing)],
    badRunsLine(runs),
  ];
}

function lastCompletedWords(facts: Pick<StatusFacts, 'runs' | 'streak'>, viewing: Viewing): string {
  const at = facts.runs.lastCompletedAt;
  return at === null ? 'never' : `last on ${dated(at, viewing)}${inARow(facts.streak)}`;
}

/** "2026-11-21 02:51:16 +01:00 (1d ago)" */
function dated(iso: string, { now, zone }: Viewing): string {
  return `${localTime(iso, zone)} (${age(iso, now)} ago)`;
}

/** ", 12 in a row"; a single one is no row. */
function inARow(streak: CompletedStreak): string {
  if (streak.count < 2) return '';
  return `, ${streak.more ? 'more than ' : ''}${streak.count} in a row`;
}

/** Said where more than the last run was bad. */
function badRunsLine(runs: JobRuns): Line {
  const statuses = endedStatuses(runs);
  const good = statuses.lastIndexOf('completed');
  const bad = statuses.length - 1 - good;
  if (bad < 2) return null;
  const least = good === -1 && runs.lastCompletedAt !== null ? 'at least ' : '';
  return ['since', `${least}${count(bad, 'run')}, none of them completed`];
}

/** Said where the newest that happened is that nothing was begun. */
export function skipsLine({ last, count, more }: StatusFacts['skips'], { now }: Viewing): Line {
  if (last === null) return null;
  const blocker = blockerOf(last);
  const by = blocker === null ? '' : `: blocked by ${blocker}`;
  const times = count === 1 ? 'once' : `${more ? 'more than ' : ''}${count} times`;
  return ['skipped', `${times} since, ${count === 1 ? '' : 'last '}${age(last.ended_at, now)} ago${by}`];
}

/** Around a run that is not the newest of its job. */
export function olderRunLines({ record, runs }: StatusFacts, viewing: Viewing): Line[] {
  const newest = newestRun(runs);
  const before = record.previous_completed_at;
  return [
    before === null ? null : ['before', `completed last on ${dated(before, viewing)}`],
    record.status !== 'running' && record.ended_at === null
      ? ['unknown', record.checkpoint === null ? 'how far it got' : 'how far it got after that']
      : null,
    newest === null
      ? null
      : ['newest', `${newestWords(newest, viewing)}: ${tied(`cronrun status ${sanitize(runs.job)}`)}`],
  ];
}

function newestWords(record: RunRecord, { now }: Viewing): string {
  const time = record.ended_at ?? record.started_at;
  const started = record.ended_at === null ? ', started' : '';
  return `${statusWords(record)}${started} ${age(time, now)} ago`;
}
