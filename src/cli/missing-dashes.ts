import type { CronrunError } from '../errors.js';
import { isJobName } from '../model/job.js';
import { execLine, misplacedCommand } from './exec-form.js';
import { negationOf, OPTIONS, type OptionSpec, optionsOf } from './options.js';
import type { Divided } from './parse.js';
import { usage } from './usage.js';

/**
 * Finds a second word before `--`: there the command begins, and its options are not ours to judge. Null where
 * there is none, or where help or an unknown option comes first: that is commander's to explain.
 */
export function missingDashes({ before, behind }: Divided): CronrunError | null {
  const unquoted = unquotedSchedule(before);
  if (unquoted !== null) return unquoted;
  let job: string | null = null;
  for (let i = 0; i < before.length; i++) {
    const word = before[i] ?? '';
    if (word === '-' || !word.startsWith('-')) {
      if (job !== null) return misplacedCommand(before, i, behind);
      job = word;
    } else {
      const words = wordsOf(word);
      if (words === null) return null;
      i += words - 1;
    }
  }
  return null;
}

/** A field of a schedule that lost its quotes: the shell made words of it, or names of files. */
const FIELD = /^[*\d]/;

function unquotedSchedule(before: readonly string[]): CronrunError | null {
  const at = before.indexOf(`--${OPTIONS.schedule.name}`);
  const [first = '', second = ''] = at === -1 ? [] : before.slice(at + 1);
  if (!FIELD.test(first) || first.includes(' ') || !FIELD.test(second)) return null;
  return usage('exec', `--${OPTIONS.schedule.name} wants its five fields in quotes. Write '30 2 * * *'`);
}

/** How many words an option of exec takes, its value included; null for one that only a parser can explain. */
function wordsOf(word: string): number | null {
  return word.startsWith('--') ? wordsOfLong(word.slice(2)) : wordsOfShort(word.slice(1));
}

function wordsOfLong(text: string): number | null {
  const [name = '', value] = text.split('=', 2);
  const option = optionsOf('exec').find((each) => each.name === name || isNegation(each, name));
  if (option === undefined || option === OPTIONS.help || option === OPTIONS.version) return null;
  return option.value === null || value !== undefined ? 1 : 2;
}

function wordsOfShort(text: string): number | null {
  const option = optionsOf('exec').find((each) => each.short === text.charAt(0));
  if (option === undefined || option.value === null) return null;
  return text.length > 1 ? 1 : 2;
}

function isNegation(option: OptionSpec<unknown>, name: string): boolean {
  return option.negatable && negationOf(option) === name;
}

/** "cronrun backup -- rsync": exec was left out. Null for a line of another form. */
export function missingExec(args: readonly string[]): CronrunError | null {
  const [job, dashes, command] = args;
  if (job === undefined || dashes !== '--' || command === undefined || !isJobName(job)) return null;
  return usage(null, 'a run begins with exec. Type:', execLine(args));
}
