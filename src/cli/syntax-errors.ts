import type { CronrunError } from '../errors.js';
import { nearest } from './nearest.js';
import {
  ALL_OPTIONS,
  COMMAND_NAMES,
  type CommandName,
  negationOf,
  type OptionSpec,
  optionsOf,
} from './options.js';
import { anyOf, quote, usage } from './usage.js';

/** Says in our words what commander objects to. @param code commander's. @param message commander's, as a last resort. */
export function explainSyntax(command: CommandName, code: string, message: string): CronrunError {
  const flag = /^error: unknown option '(.*)'$/s.exec(message)?.[1];
  if (code === 'commander.unknownOption' && flag !== undefined) return unknownOption(command, flag);
  const long = /--([a-z-]+)/.exec(message)?.[1];
  const option = optionsOf(command).find((each) => each.name === long);
  if (code === 'commander.optionMissingArgument' && option !== undefined)
    return missingValue(command, option);
  return usage(command, message.replace(/^error: /, ''));
}

function missingValue(command: CommandName, option: OptionSpec<unknown>): CronrunError {
  return usage(
    command,
    `--${option.name} needs a value, ${option.value}. Write --${option.name} ${option.example}`,
  );
}

/** What people write here that is no typing error. */
const HABITS: Readonly<Record<string, string>> = {
  '--no-color': '--color never',
  '--no-colour': '--color never',
  '--colour': '--color',
  '--no-timeout': '--timeout 0',
  '--output': '--json or --get',
  '--format': '--json or --get',
  '-o': '--json or --get',
  '-j': '--json',
  '-V': '--version',
  '-v': '--version',
};

/** Explains an option that a command does not have. @param command null: it stood before any command. */
export function unknownOption(command: CommandName | null, given: string): CronrunError {
  const flag = given.split('=', 1)[0] ?? given;
  const own = command === null ? [] : optionsOf(command);
  if (own.some((option) => `--${option.name}` === flag)) return usage(command, `${flag} takes no value`);
  const hint = command === 'exec' ? 'options of the command stand behind --' : undefined;
  const owners = ownersOf(flag);
  if (owners.length > 0) {
    const place = command === null ? ': write it behind that word' : `, not of ${command}`;
    return usage(command, `${flag} is an option of ${anyOf(owners, 'and')}${place}`, hint);
  }
  const meant = remedy(flag, command === null ? EVERYWHERE : own);
  if (meant !== null) return usage(command, `no option ${quote(flag)}. Perhaps ${meant}`, hint);
  return usage(
    command,
    `no option ${quote(flag)}. There are: cronrun ${command ?? ''}${command === null ? '' : ' '}--help`,
    hint,
  );
}

/** The options that every command has. */
const EVERYWHERE = ALL_OPTIONS.filter((option) => option.commands.length === COMMAND_NAMES.length);

/** The commands that have such an option; several options share a short name, and some a long one. */
function ownersOf(flag: string): CommandName[] {
  const named = ALL_OPTIONS.filter((option) => `--${option.name}` === flag || `-${option.short}` === flag);
  return COMMAND_NAMES.filter((name) => named.some((option) => option.commands.includes(name)));
}

function remedy(flag: string, options: readonly OptionSpec<unknown>[]): string | null {
  const habit = Object.hasOwn(HABITS, flag) ? (HABITS[flag] ?? '') : '';
  if (options.some((option) => habit.split(' ', 1)[0] === `--${option.name}`)) return habit;
  if (!flag.startsWith('--')) return null;
  const names = options.flatMap((option) =>
    option.negatable ? [option.name, negationOf(option)] : [option.name],
  );
  const meant = nearest(flag.slice(2), names);
  return meant === null ? null : `--${meant}`;
}
