// A schedule as cron(8) of Debian reads it. Taken is what crontab(1) takes and cron reads as it stands.

/** When a job is due. */
export interface CronTimes {
  /** 0 to 59, in order, none twice; the same of those below. */
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** 1 to 31. */
  readonly days: readonly number[];
  /** 1 to 12. */
  readonly months: readonly number[];
  /** 0 to 6; 0 is Sunday. */
  readonly weekdays: readonly number[];
  /** A day counts if it fits both as a day of the month and as one of the week. Else one of the two will do. */
  readonly bothDays: boolean;
  /** Its minute or hour begins with "*": then cron goes by the clock on the wall when that is put forward or back. */
  readonly isWild: boolean;
}

/** What somebody declared with --schedule. */
export interface Schedule {
  /** Five fields with a blank between them, or "@daily". */
  readonly expression: string;
  /** The time zone that stood in front: TZ=Europe/Berlin; null: none did. */
  readonly zone: string | null;
  readonly times: CronTimes;
}

/** `problem` goes on where the value left off. */
export type ParsedSchedule = Schedule | { readonly problem: string; readonly hint?: string };

/** What @names stand for. */
const NAMED: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

interface Field {
  readonly title: string;
  readonly from: number;
  readonly to: number;
  /** What stands for from, from + 1 and so on. */
  readonly names: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const MINUTE: Field = { title: 'minute', from: 0, to: 59, names: [] };
const HOUR: Field = { title: 'hour', from: 0, to: 23, names: [] };
const DAY: Field = { title: 'day of the month', from: 1, to: 31, names: [] };
const MONTH: Field = { title: 'month', from: 1, to: 12, names: MONTHS };
/** 7 is Sunday, too. */
const WEEKDAY: Field = { title: 'day of the week', from: 0, to: 7, names: WEEKDAYS };

const FIVE = 'minute, hour, day of the month, month, day of the week';

/** A crontab line is no longer. */
const LONGEST = 1000;

const ZONE = /^(?:CRON_)?TZ=(\S*)\s+/;
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/;

/** Understands what stands before the command in a crontab, and TZ=ZONE before that. */
export function parseSchedule(text: string): ParsedSchedule {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.startsWith('-') || trimmed.length > LONGEST) {
    return { problem: "is no schedule. Write '30 2 * * *'", hint: `(${FIVE})` };
  }
  const [prefix = '', zone = null] = ZONE.exec(trimmed) ?? [];
  if (zone !== null && !ZONE_NAME.test(zone)) {
    return { problem: 'has a time zone without a name. Write TZ=Europe/Berlin, or leave it out' };
  }
  const expression = trimmed.slice(prefix.length).replace(/\s+/g, ' ');
  const times = expression.startsWith('@') ? namedTimes(expression) : timesOf(expression.split(' '));
  return 'problem' in times ? times : { expression, zone, times };
}

/** The same of a schedule that is on record; null for what is none. */
export function readSchedule(expression: string): CronTimes | null {
  const parsed = parseSchedule(expression);
  return 'problem' in parsed || parsed.zone !== null ? null : parsed.times;
}

type Problem = Extract<ParsedSchedule, { problem: string }>;

function namedTimes(name: string): CronTimes | Problem {
  const fields = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
  if (fields !== undefined) return timesOf(fields.split(' '));
  if (name === '@reboot') {
    return { problem: 'is no time: nobody knows when the machine starts next. Leave --schedule out there' };
  }
  const lower = name.toLowerCase();
  const remedy = Object.hasOwn(NAMED, lower) ? lower : '@hourly, @daily, @weekly, @monthly or @yearly';
  return { problem: `is not known to cron. Write ${remedy}` };
}

function timesOf(fields: readonly string[]): CronTimes | Problem {
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  if (fields.length !== 5) {
    const seconds =
      fields.length > 5 ? '\ncron knows no seconds and no years; the command is not part of it' : '';
    const has = `has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'}`;
    return { problem: `${has}. Write five`, hint: `(${FIVE})${seconds}` };
  }
  const sets: (readonly number[])[] = [];
  for (const [text, field] of [
    [minute, MINUTE],
    [hour, HOUR],
    [day, DAY],
    [month, MONTH],
    [weekday, WEEKDAY],
  ] as const) {
    const set = setOf(text, field);
    if ('problem' in set) return set;
    sets.push(set);
  }
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = sets;
  return {
    minutes,
    hours,
    days,
    months,
    weekdays: inOrder(weekdays.map((number) => number % 7)),
    // What counts is the first character, so that */2 is a star and "2,*" is none.
    bothDays: day.startsWith('*') || weekday.startsWith('*'),
    isWild: minute.startsWith('*') || hour.startsWith('*'),
  };
}

function inOrder(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function setOf(text: string, field: Field): readonly number[] | Problem {
  const numbers: number[] = [];
  for (const piece of text.split(',')) {
    const range = rangeOf(piece, field);
    if ('problem' in range) return range;
    for (let number = range.from; number <= range.to; number += range.step) numbers.push(number);
  }
  return inOrder(numbers);
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** "*", "5" or "1-5"; behind all but a single number perhaps "/2". */
const PIECE = /^(?:(\*)|(\d+|[a-z]+)(?:-(\d+|[a-z]+))?)(?:\/(\d+))?$/i;

function rangeOf(piece: string, field: Field): Range | Problem {
  const match = PIECE.exec(piece);
  if (piece === '') return { problem: `has an empty ${field.title}. Take a comma out` };
  if (match === null) return refused(piece, field, AS_IT_STANDS);
  const [, star, first = '', last, every] = match;
  const step = every === undefined ? 1 : Number(every);
  if (step < 1) return refused(piece, field, '. A step is 1 or more');
  if (star !== undefined) return { from: field.from, to: field.to, step };
  const from = numberOf(first, field);
  const to = last === undefined ? from : numberOf(last, field);
  if (from === null || to === null) return refused(piece, field, `. Write ${ruleOf(field)}`);
  if (last === undefined && every !== undefined) {
    return refused(piece, field, `. A step is for a range or *: write ${first}-${field.to}/${every}`);
  }
  if (from > to)
    return refused(piece, field, `, which is empty. Write ${turnedRound(first, last, to, field)}`);
  return { from, to, step };
}

/** crontab(1) lets much of it pass, and cron reads it as if it ended sooner: 1.5 is 1, *5 is *. */
const AS_IT_STANDS = ', which cron does not read as it stands';

/** A week begins with Sunday. */
function turnedRound(first: string, last = '', to: number, field: Field): string {
  if (field === WEEKDAY && to === 0) return `${first}-7`;
  return `${first}-${field === WEEKDAY ? 6 : field.to},${field.from}-${last}`;
}

function numberOf(word: string, { from, to, names }: Field): number | null {
  const at = names.indexOf(word.toLowerCase());
  const number = /^\d+$/.test(word) ? Number(word) : at === -1 ? Number.NaN : at + from;
  return number >= from && number <= to ? number : null;
}

function ruleOf({ from, to, names }: Field): string {
  return `${from} to ${to}${names.length === 0 ? '' : `, or ${names[0]} to ${names.at(-1)}`}`;
}

const LONGEST_SHOWN = 20;

function refused(piece: string, { title }: Field, why: string): Problem {
  const shown = piece.length > LONGEST_SHOWN ? `${piece.slice(0, LONGEST_SHOWN)}...` : piece;
  return { problem: `has the ${title} ${shown.replace(/[^ -~]/g, '?')}${why}` };
}
