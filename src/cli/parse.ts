import type { Environment, RawCall } from './call.js';
import { type CommandName, negationOf, OPTIONS, optionsOf } from './options.js';

/** The first `--` divides a command line; no parser ever sees it, nor what stands behind it. */
export interface Divided {
  readonly before: readonly string[];
  readonly behind: readonly string[] | null;
}

export function divide(args: readonly string[]): Divided {
  const at = args.indexOf('--');
  return at === -1
    ? { before: args, behind: null }
    : { before: args.slice(0, at), behind: args.slice(at + 1) };
}

/**
 * Parses what machines call, thousands of times a day, without loading commander. Null is "not me": help, or a
 * line that no parser could accept and commander explains better. Throws CronrunError 'usage' for a bad value.
 */
export function parseFast<Call>(
  command: 'exec' | 'last',
  args: readonly string[],
  env: Environment,
  interpret: (raw: RawCall, env: Environment) => Call,
): Call | null {
  const raw = parseRaw(command, divide(args));
  return raw === null || !isWhole(raw) ? null : interpret(raw, env);
}

/** The syntax alone; null for what node:util's parser does not take. */
export function parseRaw(command: CommandName, { before, behind }: Divided): RawCall | null {
  const tokens = tokensOf(command, before);
  if (tokens === null) return null;
  const given = new Map<string, string | boolean>();
  const operands: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    else if (token.kind === 'option') {
      const negated = token.name.startsWith('no-');
      const name = negated ? token.name.slice(3) : token.name;
      given.set(name, latterOf(given.get(name), token.value ?? !negated));
    }
  }
  return { command, given, operands, before, behind };
}

/**
 * Of two values of one option the latter counts, but not where the former begins with a dash: no option takes such
 * a value, and one that was swallowed by mistake (--timeout --signal ...) must not vanish behind a good one.
 */
export function latterOf<T>(former: unknown, latter: T): T {
  return typeof former === 'string' && former.startsWith('-') ? (former as T) : latter;
}

function tokensOf(command: CommandName, args: readonly string[]): readonly Token[] | null {
  // No dash, no option: `cronrun exec backup -- ...` need not wait for the parser to be loaded.
  if (!args.some((arg) => arg.startsWith('-'))) return args.map((value) => ({ kind: 'positional', value }));
  const { parseArgs } = process.getBuiltinModule('node:util');
  const options = configs.get(command) ?? configure(command);
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, tokens: true }).tokens;
  } catch {
    return null;
  }
}

/** What of parseArgs' tokens is looked at. */
type Token =
  | { readonly kind: 'positional'; readonly value: string }
  | { readonly kind: 'option'; readonly name: string; readonly value?: string | undefined }
  | { readonly kind: 'option-terminator' };

type Config = Record<string, { type: 'string' | 'boolean'; short?: string }>;

const configs = new Map<CommandName, Config>();

function configure(command: CommandName): Config {
  const config: Config = {};
  for (const option of optionsOf(command)) {
    const type = option.value === null ? 'boolean' : 'string';
    config[option.name] = option.short === null ? { type } : { type, short: option.short };
    if (option.negatable) config[negationOf(option)] = { type };
  }
  configs.set(command, config);
  return config;
}

/** Nothing is missing and nothing is asked of the program itself. */
function isWhole({ command, given, operands, behind }: RawCall): boolean {
  if (given.has(OPTIONS.help.name) || given.has(OPTIONS.version.name)) return false;
  return command !== 'exec' || (operands.length === 1 && behind !== null && behind.length > 0);
}
