const ZERO = 48;

/**
 * Milliseconds since 1970 of a time, ISO 8601; NaN for what is none. The same as `Date.parse`, which takes six times as
 * long for the one form that records have ("2026-11-22T02:30:01.204Z"), and a list of jobs asks 60,000 times.
 */
export function isoMs(iso: string): number {
  if (iso.length !== 24 || !iso.endsWith('Z') || iso[4] !== '-' || iso[7] !== '-') return Date.parse(iso);
  if (iso[10] !== 'T' || iso[13] !== ':' || iso[16] !== ':' || iso[19] !== '.') return Date.parse(iso);
  const year = pair(iso, 0) * 100 + pair(iso, 2);
  const [month, day] = [pair(iso, 5), pair(iso, 8)];
  const [hour, minute, second] = [pair(iso, 11), pair(iso, 14), pair(iso, 17)];
  const ms = pair(iso, 20) * 10 + digit(iso, 22);
  // Years before 100 and the ends of months have rules of their own.
  const isPlain = year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= 28;
  if (!isPlain || !(hour <= 23 && minute <= 59 && second <= 59 && ms <= 999)) return Date.parse(iso);
  return Date.UTC(year, month - 1, day, hour, minute, second, ms);
}

function pair(iso: string, at: number): number {
  return digit(iso, at) * 10 + digit(iso, at + 1);
}

/** NaN where there is no digit: no comparison holds then. */
function digit(iso: string, at: number): number {
  const value = iso.charCodeAt(at) - ZERO;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}
