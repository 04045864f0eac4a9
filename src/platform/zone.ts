import { existsSync, readFileSync, readlinkSync } from 'node:fs';

const DATABASE = '/usr/share/zoneinfo';

/** What a path of the time zone database begins with, wherever that is; "posix" and "right" hold the same zones. */
const INSIDE = /^.*\/zoneinfo\/(?:posix\/|right\/)?/;

/**
 * The name of the time zone that a program finds here, "Europe/Berlin". By hand as far as that goes: to load Intl takes
 * longer than to start a command.
 *
 * @param tz the variable TZ; see tzset(3). An empty one is UTC.
 */
export function zoneName(tz: string | undefined): string {
  if (tz !== undefined) return tz.replace(/^:/, '').replace(INSIDE, '') || 'UTC';
  return linkedZone() ?? writtenZone() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** True for a zone that there is. */
export function isZone(zone: string): boolean {
  if (existsSync(`${DATABASE}/${zone}`)) return true;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function linkedZone(): string | null {
  try {
    const target = readlinkSync('/etc/localtime');
    return INSIDE.test(target) ? target.replace(INSIDE, '') : null;
  } catch {
    return null; // a copy, or nothing
  }
}

/** Debian's own file. */
function writtenZone(): string | null {
  try {
    return readFileSync('/etc/timezone', 'utf8').trim() || null;
  } catch {
    return null;
  }
}
