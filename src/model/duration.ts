const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The rule in words, for messages and the manual. */
export const DURATION_RULE = 'units: ms s m h d w; 1h30m; a bare number is seconds; 0 is no limit';

/** Longest duration taken: 100 years. Beyond it a number is a slip of the finger, and sums stay exact. */
const LONGEST_MS = 100 * 365 * 86_400_000;

/**
 * Milliseconds, rounded up so that nothing above zero becomes "no limit"; null for anything that is not a
 * duration. A bare number is seconds, as in timeout(1).
 */
export function parseDuration(text: string): number | null {
  const bare = /^(\d+(?:\.\d+)?|\.\d+)$/.exec(text);
  if (bare) return bounded(Number(text) * 1000);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h|d|w)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) return null;
  let total = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const [, number, unit = ''] of parts) {
    const unitMs = UNITS_MS[unit] ?? 0;
    if (unitMs >= smallest) return null; // 5m1h and 1h1h are typing errors, not durations
    smallest = unitMs;
    total += Number(number) * unitMs;
  }
  return bounded(total);
}

/** What a decimal fraction is off by in binary (1.1 * 1000 is a little more than 1100) does not count. */
const SLACK_MS = 1e-6;

function bounded(ms: number): number | null {
  if (ms > LONGEST_MS) return null;
  return ms === 0 ? 0 : Math.max(1, Math.ceil(ms - SLACK_MS));
}

/** What somebody who wrote "5min" or "1 hour" meant, or null. */
export function proposeDuration(text: string): string | null {
  const proposal = text
    .toLowerCase()
    .replace(/\s+/g, '')
    .replace(/(milliseconds?|millis|msecs?)/g, 'ms')
    .replace(/(?<=\d)(seconds?|secs?)/g, 's')
    .replace(/(?<=\d)(minutes?|mins?)/g, 'm')
    .replace(/(?<=\d)(hours?|hrs?)/g, 'h')
    .replace(/(?<=\d)(days?)/g, 'd')
    .replace(/(?<=\d)(weeks?|wks?)/g, 'w');
  return proposal !== text && parseDuration(proposal) !== null ? proposal : null;
}

/** For people, at most two units: "250ms" below a second, then "4s", "4m 16s", "2h 41m", "1d 2h". */
export function formatDuration(ms: number): string {
  if (ms > 0 && ms < 1000) return ms < 50 ? '0s' : `${Math.round(ms)}ms`;
  const seconds = Math.floor(ms / 1000);
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ];
  if (d > 0) return pair(d, 'd', h, 'h');
  if (h > 0) return pair(h, 'h', m, 'm');
  if (m > 0) return pair(m, 'm', s, 's');
  return `${s}s`;
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`;
}

/** One unit, for columns and "3h ago": "12s", "41m", "3h", "9d". Times in the future count as now. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** What an option would be written as again: 600000 → "10m", 5400000 → "1h30m", 1500 → "1.5s", 250 → "250ms". */
export function formatLimit(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  if (ms < 60_000) return `${ms / 1000}s`;
  let rest = ms;
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const unitMs = UNITS_MS[unit] ?? 1;
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text;
}
