import { CONDITIONS, type Condition, NONE } from '../model/check.js';
import { LONGEST_CHECKPOINT_BYTES } from '../model/checkpoint.js';
import { DURATION_RULE, parseDuration, proposeDuration } from '../model/duration.js';
import { filePath, readHeader, readPingAddress } from '../model/ping.js';
import { parseSchedule, type Schedule } from '../model/schedule.js';
import { parseSignal, type SignalName, STOPS } from '../model/signal.js';
import { parseSize, proposeSize, SIZE_RULE } from '../model/size.js';
import { nearest } from './nearest.js';
import { anyOf, bare, quote } from './usage.js';

/**
 * What a value means, or what is wrong with it. `problem` goes on where "--timeout 5min" left off: it names the
 * rule and the remedy; `hint` says more of the rule.
 */
export type Parsed<T> =
  | { readonly value: T }
  | {
      readonly problem: string;
      readonly hint?: string;
      /** The value may be a secret, and what is said may be mailed: it is not repeated. */
      readonly isSecret?: true;
    };

export type ValueParser<T> = (text: string) => Parsed<T>;

/** "units: ms s m h d w; 1h30m; a bare number is seconds": what zero means is each option's own affair. */
const UNITS_RULE = DURATION_RULE.slice(0, DURATION_RULE.lastIndexOf('; '));

/** What only its size keeps from being a duration. */
const LONG_NUMBER = /^\d+(?:\.\d+)?(?:ms|[smhdw])?$/;

/** Milliseconds. @param zero what 0 means, in the words of the rule: "0 is no limit". */
export function duration(zero: string): ValueParser<number> {
  return (text) => {
    const ms = parseDuration(text);
    if (ms !== null) return { value: ms };
    if (LONG_NUMBER.test(text)) return { problem: 'is longer than 100 years', hint: `(${zero})` };
    const remedy = withoutEquals(text, (rest) =>
      parseDuration(rest) === null ? proposeDuration(rest) : rest,
    );
    return {
      problem: `is not a duration. Write ${remedy ?? '90s, 5m or 1h30m'}`,
      hint: `(${UNITS_RULE}; ${zero})`,
    };
  };
}

/** The same for what is removed: whoever forgets the unit there means days, and seconds would take nearly all. */
export function longAge(text: string): Parsed<number> {
  if (/^\d+(?:\.\d+)?$/.test(text) && Number(text) > 0) return { problem: `has no unit. Write ${text}d` };
  return duration('0 is every run')(text);
}

/** Bytes; 0 is no limit. */
export function size(text: string): Parsed<number> {
  const bytes = parseSize(text);
  if (bytes !== null) return { value: bytes };
  const remedy = withoutEquals(text, (rest) => (parseSize(rest) === null ? proposeSize(rest) : rest));
  return { problem: `is not a size. Write ${remedy ?? '512K, 1M or 2G'}`, hint: `(${SIZE_RULE})` };
}

/** A short option takes its value without "=": -t=5m is -t with the value "=5m". */
function withoutEquals<T>(text: string, propose: (text: string) => T): T {
  return propose(text.startsWith('=') ? text.slice(1) : text);
}

/** The signals that people mean, for proposals; what this system does not have is left out. */
const COMMON_SIGNALS = ['TERM', 'INT', 'HUP', 'QUIT', 'KILL', 'USR1', 'USR2', 'ABRT', 'ALRM', 'STOP', 'CONT'];

/** TERM, sigterm and 15 are one signal; real-time signals are refused, node cannot report them. */
export function signal(text: string): Parsed<SignalName> {
  const name = parseSignal(text);
  if (name !== null) return { value: name };
  if (/^\d+$/.test(text) && Number(text) > 31 && Number(text) <= 64) {
    return { problem: 'is a real-time signal, which cannot be told from an exit. Write 1 to 31, or a name' };
  }
  const stripped = text.replace(/^[=-]+/, '');
  const meant = parseSignal(stripped) === null ? nearestSignal(stripped) : stripped;
  return { problem: `is not a signal. Write ${meant ?? 'TERM, INT, HUP, or a number from 1 to 31'}` };
}

/** A signal that tells a run to stop: others would be passed on and end it as if it had been killed. */
export function stopSignal(text: string): Parsed<SignalName> {
  const parsed = signal(text);
  if (!('value' in parsed) || STOPS.includes(parsed.value)) return parsed;
  return { problem: 'tells no run to stop. Write TERM, INT, HUP or QUIT', hint: '(SIGKILL at once: -k 1ms)' };
}

function nearestSignal(text: string): string | null {
  const known = COMMON_SIGNALS.filter((name) => parseSignal(name) !== null);
  return nearest(text.toUpperCase().replace(/^SIG/, ''), known);
}

/** Exit codes, 0 to 255, separated by commas. */
export function exitCodes(text: string): Parsed<readonly number[]> {
  const codes: number[] = [];
  for (const piece of text.split(',')) {
    const code = wholeNumber(piece.trim());
    if (code === null || code > 255) {
      return {
        problem: `is not a list of exit codes from 0 to 255. Write ${proposeCodes(text) ?? '24 or 1,24'}`,
      };
    }
    if (!codes.includes(code)) codes.push(code);
  }
  return { value: codes };
}

/** One exit code, 0 to 255. */
export function exitCode(text: string): Parsed<number> {
  const code = wholeNumber(text);
  if (code !== null && code <= 255) return { value: code };
  return { problem: 'is not an exit code from 0 to 255. Write 75' };
}

function proposeCodes(text: string): string | null {
  const codes = text.split(/[\s,;=]+/).filter((piece) => piece !== '');
  const right = codes.every((piece) => (wholeNumber(piece) ?? 256) <= 255);
  return right && codes.length > 0 ? codes.join(',') : null;
}

/** One of a few words. @param others words that people write for one of them, where no typing error leads to it. */
export function choice<T extends string>(
  words: readonly T[],
  others: Readonly<Record<string, T>> = {},
): ValueParser<T> {
  return (text) => {
    const value = words.find((word) => word === text);
    if (value !== undefined) return { value };
    const meant = Object.hasOwn(others, text) ? (others[text] ?? null) : nearest(text, words);
    return { problem: `is not ${anyOf(words)}${meant === null ? '' : `. Perhaps ${meant}`}` };
  };
}

/** Some of a few words, separated by commas. */
export function choices<T extends string>(words: readonly T[]): ValueParser<readonly T[]> {
  const one = choice(words);
  return (text) => {
    const values: T[] = [];
    for (const piece of text.split(',')) {
      const parsed = one(piece.trim());
      if (!('value' in parsed)) return parsed;
      if (!values.includes(parsed.value)) values.push(parsed.value);
    }
    return { value: values };
  };
}

const oneOfConditions = choices<Condition | typeof NONE>([...CONDITIONS, NONE]);

/** What may be wrong with a job; of other plugins these options take numbers. */
export function conditions(text: string): Parsed<readonly (Condition | typeof NONE)[]> {
  const parsed = oneOfConditions(text);
  const isLimit = 'problem' in parsed && parseDuration(text) !== null;
  return isLimit ? { ...parsed, hint: '(limits are --max-age and --max-duration)' } : parsed;
}

/** A switch in the environment: 1 or 0 and no other word, so that "no" and "false" cannot switch it on. */
export function oneOrZero(text: string): Parsed<boolean> {
  if (text === '1') return { value: true };
  if (text === '0') return { value: false };
  return { problem: 'is not 1 or 0. Write 1 to switch it on, 0 or nothing to leave it off' };
}

/** Names separated by commas; which names there are depends on the command. */
export function names(text: string): Parsed<readonly string[]> {
  const pieces = text.split(',').map((piece) => piece.trim());
  if (pieces.every((piece) => piece !== '')) return { value: pieces };
  return { problem: 'has an empty name in it. Write status or status,reason' };
}

/** A whole number from 1 on. */
export function count(text: string): Parsed<number> {
  const number = wholeNumber(text);
  if (number !== null && number >= 1) return { value: number };
  return { problem: 'is not a whole number from 1 on. Write 20' };
}

/** A whole number from 0 on. */
export function wholeFromZero(text: string): Parsed<number> {
  const number = wholeNumber(text);
  return number === null ? { problem: 'is not a whole number. Write 2' } : { value: number };
}

/** What sh is to run. One that begins with a dash is a forgotten value more often than a command. */
export function shellCommand(text: string): Parsed<string> {
  if (text.trim() === '') return { problem: 'is no command. Write what sh is to run' };
  if (text.startsWith('-')) return { problem: 'looks like an option. Write what sh is to run' };
  return { value: text };
}

/** When a job is due, as in a crontab. */
export function schedule(text: string): Parsed<Schedule> {
  const parsed = parseSchedule(text);
  return 'problem' in parsed ? parsed : { value: parsed };
}

/** An http URL, or file:PATH of a file in which it stands. */
export function pingUrl(text: string): Parsed<string> {
  if (readPingAddress(text, (path) => path) !== null) return { value: text.trim() };
  const problem =
    filePath(text) === ''
      ? 'has no path behind file:. Write file:/etc/cronrun/backup.url'
      : 'is not an http or https URL. Write https://HOST/PATH or file:PATH';
  return { problem, isSecret: true };
}

/** "Name: value", or file:PATH of a file with such lines. */
export function pingHeader(text: string): Parsed<string> {
  const path = filePath(text);
  if (path === null ? readHeader(text) !== null : path !== '') return { value: text };
  return {
    problem: "is no header that can be set. Write 'Name: value', or file:PATH",
    isSecret: true,
  };
}

function wholeNumber(text: string): number | null {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : null;
}

/** A path. One that begins with a dash is a forgotten value more often than a directory. */
export function directory(text: string): Parsed<string> {
  if (text === '') return { problem: 'is no directory. Name one, or leave the option out' };
  if (text.startsWith('-'))
    return { problem: `looks like an option. Write ${bare(`./${text}`)} if you mean it` };
  return { value: text };
}

/** A line as a run writes it. One that begins with a dash is a forgotten value more often than a checkpoint. */
export function checkpoint(text: string): Parsed<string> {
  if (text.trim() === '' || /[\n\r\0]/.test(text)) return { problem: 'is not one line of text. Write done' };
  if (text.startsWith('-')) return { problem: 'looks like an option. Write a line of text, such as done' };
  if (Buffer.byteLength(text) > LONGEST_CHECKPOINT_BYTES) {
    return { problem: `is longer than ${LONGEST_CHECKPOINT_BYTES} bytes` };
  }
  return { value: text };
}

/**
 * "--timeout 5min", or for a twin `CRONRUN_TIMEOUT (environment): "5min"`: where a value stood, and the value; null: that is
 * not to be shown.
 */
export function placeOf(option: string, twin: string | null, text: string | null): string {
  if (text === null) return twin === null ? `the value of --${option}` : `the value of ${twin} (environment)`;
  return twin === null ? `--${option} ${bare(text)}` : `${twin} (environment): ${quote(text)}`;
}
