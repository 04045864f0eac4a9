import { type Call, type Environment, interpret } from './call.js';
import { helpOfCommand, helpOfProgram, parseByCommander } from './commander.js';
import { noExec } from './exec-form.js';
import { missingDashes } from './missing-dashes.js';
import { noSuchCommand } from './near-misses.js';
import { COMMAND_NAMES, type CommandName, OPTIONS } from './options.js';
import { type Divided, divide } from './parse.js';
import { unknownOption } from './syntax-errors.js';
import { usage } from './usage.js';
import { VERSION } from './version.js';

/** A question to the program itself, and its answer. */
export interface Shown {
  readonly command: 'show';
  readonly text: string;
  /** False: nobody asked for it. Then it is talk, and the exit status is that of a usage error. */
  readonly asked: boolean;
}

/** Understands any command line. @param argv what follows the program's name. Throws CronrunError 'usage'. */
export function understand(argv: readonly string[], env: Environment): Call | Shown {
  const { before, behind } = divide(argv);
  const { leading, word, rest } = splitAtCommand(before);
  if (word === undefined) return withoutCommand(leading, behind ?? []);
  if (word === 'help') return help(rest[0]);
  if (!isCommand(word)) throw noSuchCommand(word, behind === null ? rest : [...rest, '--', ...behind]);
  return ofCommand(word, { before: [...leading, ...rest], behind }, env);
}

function ofCommand(name: CommandName, line: Divided, env: Environment): Call | Shown {
  const wrongForm = name === 'exec' ? missingDashes(line) : null;
  if (wrongForm !== null) throw wrongForm;
  // Before anything is judged: who asks for help on a line that is wrong wants help.
  if (line.before.some(asksForHelp)) return show(helpOfCommand(name));
  const raw = parseByCommander(name, line);
  if (raw.given.has(OPTIONS.help.name)) return show(helpOfCommand(name));
  if (raw.given.has(OPTIONS.version.name)) return version();
  return interpret(raw, env);
}

/** `cronrun` alone, or with options that stand before a command which is not there. */
function withoutCommand(leading: readonly string[], behind: readonly string[]): Shown {
  if (leading.some(asksForHelp)) return show(helpOfProgram());
  if (leading.includes(`--${OPTIONS.version.name}`)) return version();
  if (behind.length > 0) throw noExec(leading, behind);
  // As with git: no answer was asked for, so none is given, and a script with an empty variable must notice.
  return { command: 'show', text: helpOfProgram(), asked: false };
}

function help(topic: string | undefined): Shown {
  if (topic === undefined || topic.startsWith('-')) return show(helpOfProgram());
  if (!isCommand(topic)) throw noSuchCommand(topic, []);
  return show(helpOfCommand(topic));
}

function show(text: string): Shown {
  return { command: 'show', text, asked: true };
}

function version(): Shown {
  return show(`cronrun ${VERSION}\n`);
}

function isCommand(word: string): word is CommandName {
  return (COMMAND_NAMES as readonly string[]).includes(word);
}

function asksForHelp(word: string): boolean {
  return word === `-${OPTIONS.help.short}` || word === `--${OPTIONS.help.name}`;
}

/** The command that a line is about, be it understood or not; null where none is named. */
export function wordOf(argv: readonly string[]): string | null {
  const { before } = divide(argv);
  try {
    return splitAtCommand(before).word ?? null;
  } catch {
    return before.find(isCommand) ?? null;
  }
}

interface Split {
  /** Options that stand before the command, as git -C does; they belong to it like any other. */
  readonly leading: readonly string[];
  readonly word: string | undefined;
  readonly rest: readonly string[];
}

/** The options that every command has. */
const EVERYWHERE = [OPTIONS.stateDir, OPTIONS.color, OPTIONS.help, OPTIONS.version];

function splitAtCommand(args: readonly string[]): Split {
  let at = 0;
  for (let arg = args[at]; arg?.startsWith('-') && arg !== '-'; arg = args[at])
    at += wordsOf(arg, args[at + 1]);
  return { leading: args.slice(0, at), word: args[at], rest: args.slice(at + 1) };
}

/** How many words an option before the command takes, its value included. */
function wordsOf(arg: string, next: string | undefined): number {
  const [flag = arg] = arg.split('=', 1);
  const option = EVERYWHERE.find((each) => flag === `--${each.name}` || arg === `-${each.short}`);
  if (option === undefined) throw unknownOption(null, arg);
  if (option.value === null || flag !== arg) return 1;
  if (next === undefined)
    throw usage(null, `${flag} needs a value, ${option.value}. Write ${flag} ${option.example}`);
  return 2;
}
