import { CronrunError } from '../errors.js';
import { VALUE_COLUMNS, wrapWords } from '../view/text.js';

/** Refuses a --get that asks for something that --json does not have. CronrunError 'usage'. */
export function checkFields(
  command: string,
  asked: readonly string[] | null,
  known: readonly string[],
): void {
  if (asked === null) return;
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown === undefined && asked.length > 0) return;
  const shown = JSON.stringify(unknown ?? '');
  throw new CronrunError('usage', `${command}: --get: ${shown} is not a field of its --json. There are:`, {
    hint: wrapWords(known.join(' '), VALUE_COLUMNS).join('\n'),
  });
}
