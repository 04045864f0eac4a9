import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type CronTimes, parseSchedule, readSchedule } from '../../src/model/schedule.js';
import { describeUnless, type Obstacle } from '../helpers/needs.js';

function times(text: string): CronTimes {
  const parsed = parseSchedule(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.times;
}

function problem(text: string): string {
  const parsed = parseSchedule(text);
  return 'problem' in parsed ? parsed.problem : 'taken';
}

const upTo = (last: number, from = 0): number[] =>
  Array.from({ length: last - from + 1 }, (_, i) => from + i);

describe('a schedule', () => {
  it('is five fields', () => {
    expect(parseSchedule('  30 \t2  * * * ')).toEqual({
      expression: '30 2 * * *',
      zone: null,
      times: {
        minutes: [30],
        hours: [2],
        days: upTo(31, 1),
        months: upTo(12, 1),
        weekdays: upTo(6),
        bothDays: true,
        isWild: false,
      },
    });
  });

  it.each([
    ['1-30/10', [1, 11, 21]],
    ['*/20', [0, 20, 40]],
    ['*/100', [0]],
    ['5,3,5,7-8', [3, 5, 7, 8]],
    ['007', [7]],
    ['59-59/1', [59]],
  ])('has the minutes %s', (field, minutes) => {
    expect(times(`${field} * * * *`).minutes).toEqual(minutes);
  });

  it.each([
    ['7', [0]],
    ['0', [0]],
    ['5-7', [0, 5, 6]],
    ['0-7', upTo(6)],
    ['*/2', [0, 2, 4, 6]],
    ['*/7', [0]],
    ['mon,WED', [1, 3]],
    ['Tue-Thu', [2, 3, 4]],
    ['mon-5/2', [1, 3, 5]],
  ])('has the days of the week %s', (field, weekdays) => {
    expect(times(`0 0 * * ${field}`).weekdays).toEqual(weekdays);
  });

  it.each([
    ['jan', [1]],
    ['Feb,DEC', [2, 12]],
    ['jan-dec/6', [1, 7]],
  ])('has the months %s', (field, months) => {
    expect(times(`0 0 1 ${field} *`).months).toEqual(months);
  });

  // A field that begins with "*" restricts nothing, in cron's eyes, whatever follows.
  it.each([
    ['0 0 13 * 5', false],
    ['0 0 13 * *', true],
    ['0 0 * * 5', true],
    ['0 0 */2 * 5', true],
    ['0 0 13 * */2', true],
    ['0 0 1,* * 5', false],
    ['0 0 1-31 * 5', false],
  ])('%s wants both days: %s', (text, bothDays) => {
    expect(times(text).bothDays).toBe(bothDays);
  });

  it.each([
    ['30 2 * * *', false],
    ['*/5 2 * * *', true],
    ['0 * * * *', true],
    ['0 */2 * * *', true],
    ['0-59 0-23 * * *', false],
    ['1-59/2 2 * * *', false],
    ['@hourly', true],
    ['@daily', false],
  ])('%s is wild: %s', (text, isWild) => {
    expect(times(text).isWild).toBe(isWild);
  });

  it.each([
    ['@yearly', '0 0 1 1 *'],
    ['@annually', '0 0 1 1 *'],
    ['@monthly', '0 0 1 * *'],
    ['@weekly', '0 0 * * 0'],
    ['@daily', '0 0 * * *'],
    ['@midnight', '0 0 * * *'],
    ['@hourly', '0 * * * *'],
  ])('%s is %s', (name, fields) => {
    expect(times(name)).toEqual(times(fields));
    expect(parseSchedule(name)).toMatchObject({ expression: name });
  });

  it('may have its time zone in front', () => {
    expect(parseSchedule('TZ=Europe/Berlin  30 2 * * *')).toMatchObject({
      expression: '30 2 * * *',
      zone: 'Europe/Berlin',
    });
    expect(parseSchedule('CRON_TZ=UTC @daily')).toMatchObject({ expression: '@daily', zone: 'UTC' });
    expect(problem('TZ=../etc 30 2 * * *')).toMatch(/^has a time zone without a name/);
    expect(problem('TZ= 30 2 * * *')).toMatch(/^has a time zone without a name/);
  });

  it('on record has none', () => {
    expect(readSchedule('30 2 * * *')).toEqual(times('30 2 * * *'));
    expect(readSchedule('TZ=UTC 30 2 * * *')).toBeNull();
    expect(readSchedule('soon')).toBeNull();
  });
});

describe('no schedule', () => {
  it.each([
    ['', "is no schedule. Write '30 2 * * *'"],
    ['--grace', "is no schedule. Write '30 2 * * *'"],
    ['30 2 * *', 'has 4 fields. Write five'],
    ['0 30 2 * * *', 'has 6 fields. Write five'],
    ['0 30 2 * * * 2026', 'has 7 fields. Write five'],
    ['60 * * * *', 'has the minute 60. Write 0 to 59'],
    ['0 24 * * *', 'has the hour 24. Write 0 to 23'],
    ['0 0 0 * *', 'has the day of the month 0. Write 1 to 31'],
    ['0 0 * 13 *', 'has the month 13. Write 1 to 12, or jan to dec'],
    ['0 0 * * 8', 'has the day of the week 8. Write 0 to 7, or sun to sat'],
    ['0 0 * * sunday', 'has the day of the week sunday. Write 0 to 7, or sun to sat'],
    ['0 0 L * *', 'has the day of the month L. Write 1 to 31'],
    ['0 0 15W * *', 'has the day of the month 15W, which cron does not read as it stands'],
    ['0 0 * * 5#2', 'has the day of the week 5#2, which cron does not read as it stands'],
    ['0 0 ? * *', 'has the day of the month ?, which cron does not read as it stands'],
    ['5/15 * * * *', 'has the minute 5/15. A step is for a range or *: write 5-59/15'],
    ['*/0 * * * *', 'has the minute */0. A step is 1 or more'],
    ['1,,2 * * * *', 'has an empty minute. Take a comma out'],
    ['30-10 * * * *', 'has the minute 30-10, which is empty. Write 30-59,0-10'],
    ['0 0 * * fri-sun', 'has the day of the week fri-sun, which is empty. Write fri-7'],
    ['0 0 * * sat-mon', 'has the day of the week sat-mon, which is empty. Write sat-6,0-mon'],
    ['@reboot', 'is no time: nobody knows when the machine starts next. Leave --schedule out there'],
    ['@Daily', 'is not known to cron. Write @daily'],
    ['@every', 'is not known to cron. Write @hourly, @daily, @weekly, @monthly or @yearly'],
  ])('%j %s', (text, words) => {
    expect(problem(text)).toBe(words);
  });

  it('proposes what is taken', () => {
    for (const text of [
      '5/15 * * * *',
      '30-10 * * * *',
      '0 0 * * fri-sun',
      '0 0 * * sat-mon',
      '0 0 * oct-mar *',
    ]) {
      const [field = '', proposal = ''] =
        /(?:the \S+|week) (\S+?)[.,].*write (\S+)$/i.exec(problem(text))?.slice(1) ?? [];
      expect(problem(text.replace(field, proposal)), text).toBe('taken');
    }
  });

  it('repeats no control characters', () => {
    expect(problem('\u001b[2J * * * *')).toBe('has the minute ?[2J, which cron does not read as it stands');
  });
});

/** What crontab(1) takes and cron does not read as it stands: it goes on behind what it could read. */
const MISREAD = /[^\d*,/a-z-]|\*[^,/]|\d[a-z*]|[a-z]\d|\/\d+[^\d,]|-[^-,]*-/i;

const directory = mkdtempSync(join(tmpdir(), 'cronrun-crontab-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** By its dry run, which installs nothing and ends with the first line that is wrong. */
function crontabTakes(...schedules: readonly string[]): boolean {
  const file = join(directory, 'crontab');
  writeFileSync(file, schedules.map((text) => `${text} true\n`).join(''));
  return spawnSync('crontab', ['-n', file], { stdio: 'ignore' }).status === 0;
}

function needsCrontab(): Obstacle {
  const works = crontabTakes('* * * * *') && !crontabTakes('60 * * * *');
  return works ? null : "it takes crontab -n, as of Debian's cron";
}

describeUnless(needsCrontab(), "the schedules of Debian's crontab", () => {
  const number = fc.oneof(
    fc.integer({ min: 1, max: 7 }).map(String),
    fc.integer({ min: 0, max: 70 }).map(String),
    fc.constantFrom('*', 'sun', 'MON', 'fri', 'jan', 'Dec', '', 'L', '?', '07', '5W', '1.5'),
  );
  const piece = fc
    .tuple(
      number,
      fc.constantFrom('', '-', '/', '~', '#'),
      number,
      fc.constantFrom('', '', '/2', '/0', '/', '/100'),
    )
    .map(([first, joint, second, step]) => (joint === '' ? first : `${first}${joint}${second}`) + step);
  const field = fc.array(piece, { minLength: 1, maxLength: 2 }).map((pieces) => pieces.join(','));
  const plain = fc.constantFrom('*', '1', '1-5', '*/2');
  const schedules = fc
    .tuple(field, plain, fc.integer({ min: 0, max: 4 }))
    .map(([odd, other, at]) => Array.from({ length: 5 }, (_, i) => (i === at ? odd : other)).join(' '));
  const drawn = [...new Set(fc.sample(schedules, { numRuns: 3000, seed: 11 }))];

  it('have all that is taken', () => {
    const taken = drawn.filter((text) => problem(text) === 'taken');
    expect(taken.length).toBeGreaterThan(50);
    if (!crontabTakes(...taken)) expect(taken.filter((text) => !crontabTakes(text))).toEqual([]);
  });

  it('have nothing else, but for what cron misreads and for ranges that are empty', () => {
    const refused = drawn.filter((text) => {
      const words = problem(text);
      const isOurs = words.includes('which is empty') || text.split(' ').some((one) => MISREAD.test(one));
      return words !== 'taken' && !isOurs;
    });
    expect(refused.length).toBeGreaterThan(50);
    expect(refused.slice(0, 12).filter((text) => crontabTakes(text))).toEqual([]);
  });

  it.each([
    '@yearly',
    '@annually',
    '@monthly',
    '@weekly',
    '@daily',
    '@midnight',
    '@hourly',
    '@Daily',
    '@every 5m',
  ])('%s is judged alike', (text) => {
    expect(crontabTakes(text)).toBe(problem(text) === 'taken');
  });
});
