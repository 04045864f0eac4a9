import { describe, expect, it } from 'vitest';
import { isZone, zoneName } from '../../src/platform/zone.js';

describe('the name of the time zone', () => {
  it.each([
    ['Europe/Berlin', 'Europe/Berlin'],
    [':Europe/Berlin', 'Europe/Berlin'],
    ['/usr/share/zoneinfo/Europe/Berlin', 'Europe/Berlin'],
    [':/usr/share/zoneinfo/posix/Europe/Berlin', 'Europe/Berlin'],
    ['CET-1CEST,M3.5.0,M10.5.0/3', 'CET-1CEST,M3.5.0,M10.5.0/3'],
    ['', 'UTC'],
  ])('with TZ=%s is %s', (tz, name) => {
    expect(zoneName(tz)).toBe(name);
  });

  it('without TZ is that of the machine', () => {
    const here = zoneName(undefined);
    const { TZ } = process.env;
    if (TZ === undefined) {
      const names = [here, Intl.DateTimeFormat('en', { timeZone: here }).resolvedOptions().timeZone];
      expect(names).toContain(Intl.DateTimeFormat().resolvedOptions().timeZone);
    }
    expect(isZone(here)).toBe(true);
  });
});

describe('a zone', () => {
  it.each(['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires', 'Etc/GMT+3'])('is %s', (zone) => {
    expect(isZone(zone)).toBe(true);
  });

  it.each(['Europe/Berln', 'Mars/Olympus', 'CET-1CEST'])('is not %s', (zone) => {
    expect(isZone(zone)).toBe(false);
  });
});
