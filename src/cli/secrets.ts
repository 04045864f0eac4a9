import { filePath } from '../model/ping.js';
import { OPTIONS, type OptionSpec } from './options.js';

/** Whose values are secrets: cron mails what is said. */
const SECRETS: readonly OptionSpec<unknown>[] = [OPTIONS.ping, OPTIONS.pingHeader];

/** A command line as it may be shown: the values of such options are replaced by what they are called in the help. */
export function withoutSecrets(words: readonly string[]): string[] {
  const end = words.indexOf('--');
  return words.map((word, at) => (end !== -1 && at > end ? word : shown(word, words[at - 1])));
}

function shown(word: string, before: string | undefined): string {
  for (const { name, value } of SECRETS) {
    const joined = `--${name}=`;
    if (before === `--${name}` && filePath(word) === null) return `${value}`;
    if (word.startsWith(joined) && filePath(word.slice(joined.length)) === null) return `${joined}${value}`;
  }
  // Mostly --ping was forgotten.
  return /^https?:\/\//i.test(word) ? 'URL' : word;
}
