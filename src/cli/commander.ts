import { Command, type ErrorOptions, type Help, Option } from 'commander';
import type { RawCall } from './call.js';
import {
  COMMAND_HELP,
  describeOption,
  flagsOf,
  HELP_COLUMNS,
  PROGRAM_MORE,
  PROGRAM_SUMMARY,
} from './help.js';
import {
  ALL_OPTIONS,
  COMMAND_NAMES,
  type CommandName,
  negationOf,
  type OptionSpec,
  optionsOf,
} from './options.js';
import { type Divided, latterOf } from './parse.js';
import { explainSyntax } from './syntax-errors.js';

/** The same as parseRaw, by commander, which says what it does not take. Throws CronrunError 'usage'. */
export function parseByCommander(name: CommandName, { before, behind }: Divided): RawCall {
  const command = commandFor(name).argument('[operands...]').action(nothing);
  command.parse([...before], { from: 'user' });
  const given = new Map<string, string | boolean>();
  for (const option of optionsOf(name)) {
    const value: unknown = command.getOptionValue(optionFor(option).attributeName());
    if (typeof value === 'string' || typeof value === 'boolean') given.set(option.name, value);
  }
  return { command: name, given, operands: command.args, before, behind };
}

/** The help of one command. */
export function helpOfCommand(name: CommandName): string {
  const { usage, summary, more } = COMMAND_HELP[name];
  const command = commandFor(name, `cronrun ${name}`).usage(usage).description(sentence(summary));
  return `${command.helpInformation()}\n${more}\n`;
}

/** The help of the whole program. */
export function helpOfProgram(): string {
  const program = parser('cronrun').description(PROGRAM_SUMMARY).usage(synopsis());
  for (const name of COMMAND_NAMES) {
    const { summary, group } = COMMAND_HELP[name];
    program.addCommand(parser(name).description(summary).helpGroup(group));
  }
  for (const option of ALL_OPTIONS.filter(isEverywhere)) addOption(program, option);
  return `${program.helpInformation()}\n${PROGRAM_MORE}\n`;
}

/** Commander, with its errors in our words. */
class Parser extends Command {
  override error(message: string, options: ErrorOptions = {}): never {
    throw explainSyntax(this.name() as CommandName, options.code ?? '', message);
  }
}

function parser(name: string): Command {
  const command = new Parser(name).helpOption(false).helpCommand(false).showSuggestionAfterError(false);
  return command.configureHelp({ helpWidth: HELP_COLUMNS, optionTerm, formatHelp: withCommandsFirst });
}

function commandFor(name: CommandName, title: string = name): Command {
  const command = parser(title);
  for (const option of optionsOf(name)) addOption(command, option);
  return command;
}

function addOption(command: Command, spec: OptionSpec<unknown>): void {
  command.addOption(optionFor(spec));
  if (!spec.negatable) return;
  // Its positive is there already, so commander neither invents one nor sets a default.
  const undo = `switch it off again${spec.twin === null ? '' : ` where ${spec.twin} is 1`}`;
  command.addOption(new Option(`--${negationOf(spec)}`, undo).helpGroup(spec.group));
}

function optionFor(spec: OptionSpec<unknown>): Option {
  const option = new Option(flagsOf(spec), describeOption(spec)).helpGroup(spec.group);
  return spec.value === null ? option : option.argParser((value, former) => latterOf<unknown>(former, value));
}

/** "-t, --timeout DURATION", as in the manual. */
function optionTerm(option: Option): string {
  return option.flags.replace(/[<>]/g, '');
}

/** Commander's own order has the options first, which most people do not look for. */
function withCommandsFirst(command: Command, help: Help): string {
  const width = help.padWidth(command, help);
  const lines = [`Usage: ${help.commandUsage(command)}`, ''];
  lines.push(help.boxWrap(help.commandDescription(command), HELP_COLUMNS), '');
  for (const [heading, subcommands] of grouped(help.visibleCommands(command), (each) => each.helpGroup())) {
    const items = subcommands.map((each) => help.formatItem(each.name(), width, each.description(), help));
    lines.push(...help.formatItemList(heading, items, help));
  }
  for (const [heading, options] of grouped(help.visibleOptions(command), (each) => each.helpGroupHeading)) {
    const items = options.map((each) => help.formatItem(optionTerm(each), width, each.description, help));
    lines.push(...help.formatItemList(heading, items, help));
  }
  return lines.join('\n');
}

function grouped<T>(items: readonly T[], headingOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const heading = headingOf(item) ?? '';
    groups.set(heading, [...(groups.get(heading) ?? []), item]);
  }
  return groups;
}

/** The forms of all commands below each other; commander puts "Usage: cronrun " before the first. */
function synopsis(): string {
  const width = Math.max(...COMMAND_NAMES.map((name) => name.length));
  return COMMAND_NAMES.map((name) => `${name.padEnd(width)} ${COMMAND_HELP[name].usage}`).join(
    '\n       cronrun ',
  );
}

function isEverywhere(option: OptionSpec<unknown>): boolean {
  return option.commands.length === COMMAND_NAMES.length;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function nothing(): void {}
