import { type Due, LEAST_GRACE_MS } from '../model/due.js';
import { formatLimit } from '../model/duration.js';
import type { Line, StatusFacts, Viewing } from './facts.js';
import { sanitize } from './sanitize.js';
import { age, localTime } from './time.js';
import { missedCount } from './words.js';

/** "; MISSED 3 since then", at the end of the first line of `status`. */
export function dueMark(due: Due | null): string {
  if (due === null) return '';
  if (due.missed > 0) return `; MISSED ${missedCount(due)} since then`;
  return due.lateSinceMs === null ? '' : '; LATE';
}

/** When the job is due, and whether it came then. */
export function dueLines({ record, due }: StatusFacts, viewing: Viewing): Line[] {
  const { schedule, schedule_zone } = record;
  if (schedule === null) return [];
  const zone = schedule_zone === null ? '' : ` (${sanitize(schedule_zone)})`;
  if (due === null) return [['schedule', `${sanitize(schedule)}${zone}; when that is cannot be told here`]];
  const next = due.nextMs === null ? 'never due again' : `next due ${timeOf(due.nextMs, viewing)}`;
  // So much is granted in any case, see model/due.ts.
  const grace = formatLimit(Math.max(record.grace_ms ?? 0, LEAST_GRACE_MS));
  return [
    due.missedSinceMs === null
      ? null
      : ['missed', `${missedWords(due, viewing)}, nor in the ${grace} after it`],
    due.lateSinceMs === null ? null : ['late', `no run yet that was due ${dated(due.lateSinceMs, viewing)}`],
    ['schedule', `${sanitize(schedule)}${zone}, ${next}`],
  ];
}

function missedWords(due: Due, viewing: Viewing): string {
  const first = dated(due.missedSinceMs ?? 0, viewing);
  if (due.missed === 1) return `no run began when it was due, ${first}`;
  return `${missedCount(due)} times no run began when it was due, at first ${first}`;
}

/** "2026-11-22 02:30:00 +01:00 (35m ago)" */
function dated(ms: number, viewing: Viewing): string {
  return `${timeOf(ms, viewing)} (${age(new Date(ms).toISOString(), viewing.now)} ago)`;
}

function timeOf(ms: number, { zone }: Viewing): string {
  return localTime(new Date(ms).toISOString(), zone);
}
