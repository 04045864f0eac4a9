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

const DAY_MS = 86_400_000;

/** The year 10000: from there on, and before 1970, a time is written otherwise or hardly ever. */
const FIVE_DIGITS_MS = 253_402_300_800_000;

/**
 * The same as `new Date(ms).toISOString()`, for which the engine reads the time zone of the machine first: a
 * millisecond of every run, and UTC has no use for it. Throws RangeError where no Date can be made of `ms`.
 */
export function isoTime(ms: number): string {
  if (!(ms >= 0 && ms < FIVE_DIGITS_MS)) return new Date(ms).toISOString();
  const whole = Math.floor(ms);
  const inDay = whole % DAY_MS;
  const clock = `${two(inDay / 3_600_000)}:${two((inDay / 60_000) % 60)}:${two((inDay / 1000) % 60)}`;
  return `${dateOf((whole - inDay) / DAY_MS)}T${clock}.${three(inDay % 1000)}Z`;
}

/** From 0000-03-01 to 1970-01-01: a year that begins with March has its odd day, if any, at its end. */
const DAYS_BEFORE_1970 = 719_468;
const DAYS_OF_400_YEARS = 146_097;

/** The date `days` after 1970-01-01, "2026-11-22". */
function dateOf(days: number): string {
  const since = days + DAYS_BEFORE_1970;
  const inEra = since % DAYS_OF_400_YEARS;
  // Every 4th year has a day more, not the 100th, and the 400th again.
  const leapDays = int(inEra / 1460) - int(inEra / 36_524) + int(inEra / 146_096);
  const yearInEra = int((inEra - leapDays) / 365);
  const inYear = inEra - (365 * yearInEra + int(yearInEra / 4) - int(yearInEra / 100));
  // Five months from March on have 153 days, and so have the next five.
  const monthFromMarch = int((5 * inYear + 2) / 153);
  const day = inYear - int((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = int(since / DAYS_OF_400_YEARS) * 400 + yearInEra + (month <= 2 ? 1 : 0);
  return `${year}-${two(month)}-${two(day)}`;
}

function int(quotient: number): number {
  return Math.floor(quotient);
}

function two(value: number): string {
  const digits = int(value);
  return digits < 10 ? `0${digits}` : `${digits}`;
}

function three(value: number): string {
  return value < 100 ? `0${two(value)}` : `${value}`;
}
