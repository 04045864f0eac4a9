import { formatAge } from '../model/duration.js';
import { isoMs } from '../model/iso-time.js';
import { sanitize } from './sanitize.js';

/** Minutes east of UTC at a moment (milliseconds since 1970); it is a function because of summer time. */
export type Zone = (ms: number) => number;

/** The time zone of this process. */
export const localZone: Zone = (ms) => 0 - Math.round(new Date(ms).getTimezoneOffset());

/** For people: "2026-11-22 02:30:01 +01:00". A time beyond what a Date can hold is shown as it is. */
export function localTime(iso: string, zone: Zone): string {
  const local = shifted(iso, zone);
  return local === null ? sanitize(iso) : `${local.date} ${local.clock} ${local.offset}`;
}

/** "2026-04-24" */
export function localDate(iso: string, zone: Zone): string {
  return shifted(iso, zone)?.date ?? sanitize(iso);
}

/** "02:31:40 +01:00" on the local day of `dayOf`, with its date on any other. */
export function clockTime(iso: string, dayOf: string, zone: Zone): string {
  const local = shifted(iso, zone);
  if (local === null || local.date !== localDate(dayOf, zone)) return localTime(iso, zone);
  return `${local.clock} ${local.offset}`;
}

interface LocalTime {
  readonly date: string;
  readonly clock: string;
  readonly offset: string;
}

// By hand: Intl takes 15 ms to load its formatters, and its output differs between versions of ICU.
function shifted(iso: string, zone: Zone): LocalTime | null {
  const ms = isoMs(iso);
  const minutes = zone(ms);
  const local = new Date(ms + minutes * 60_000);
  if (Number.isNaN(local.getTime())) return null;
  const text = local.toISOString();
  const split = text.indexOf('T');
  return {
    date: text.slice(0, split),
    clock: text.slice(split + 1, split + 9),
    offset: formatOffset(minutes),
  };
}

/** "+01:00", "-03:30", "+00:00" */
function formatOffset(minutes: number): string {
  const size = Math.abs(minutes);
  const hours = String(Math.floor(size / 60)).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${hours}:${String(size % 60).padStart(2, '0')}`;
}

/** Milliseconds from a recorded time until now; a clock that was set back makes it 0, never less. */
export function since(iso: string, now: number): number {
  return Math.max(0, now - isoMs(iso));
}

/**
 * How long ago, in one unit: "31m". Below an hour to the nearest minute, because seconds are not shown there;
 * above, whole hours and days that have passed.
 */
export function age(iso: string, now: number): string {
  const ms = since(iso, now);
  const minutes = Math.round(ms / 60_000);
  return formatAge(ms >= 60_000 && minutes < 60 ? minutes * 60_000 : ms);
}
