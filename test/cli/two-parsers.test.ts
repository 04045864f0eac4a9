import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Environment, execCall, lastCall } from '../../src/cli/call.js';
import { parseByCommander } from '../../src/cli/commander.js';
import { failureText } from '../../src/cli/failure.js';
import { COMMAND_NAMES, type CommandName, optionsOf } from '../../src/cli/options.js';
import { divide, parseFast, parseRaw } from '../../src/cli/parse.js';
import { understand } from '../../src/cli/understand.js';

type Outcome = { call: unknown } | { said: string };

/** As the door of each command has it. */
function fastCall(command: 'exec' | 'last', args: readonly string[], env: Environment): unknown {
  return command === 'exec'
    ? parseFast(command, args, env, execCall)
    : parseFast(command, args, env, lastCall);
}

function outcome(parse: () => unknown): Outcome {
  try {
    return { call: parse() };
  } catch (error) {
    return { said: failureText(error) };
  }
}

/** Where the fast parser accepts, commander makes the same of it; where it does not, neither does commander. */
function compare(command: 'exec' | 'last', args: readonly string[], env: Record<string, string>): void {
  const fast = outcome(() => fastCall(command, args, env));
  const slow = outcome(() => understand([command, ...args], env));
  if ('said' in fast || fast.call !== null) expect(slow).toEqual(fast);
  else expect('said' in slow || (slow.call as { command: string }).command === 'show').toBe(true);
}

// biome-ignore format: a heap of values
const VALUES = [
  '5m', '5min', '0', '-1', '-9', '9', 'TERM', '24', '1,24', 'all', 'name', 'auto', 'never', '/srv', '-x', '',
  'status', 'status,reason', 'nofield', '26h', '=5m', 'a b', '\n', '--json', '-t', '--no-x', 'é',
];

const FLAGS = ['exec', 'last'].flatMap((command) =>
  optionsOf(command as CommandName).flatMap(({ name, short, negatable }) => [
    `--${name}`,
    ...(short === null ? [] : [`-${short}`]),
    ...(negatable ? [`--no-${name}`] : []),
  ]),
);

const JUNK = [
  '-',
  '-1',
  '-5',
  '-1e3',
  '--',
  '---',
  '--x',
  '-x',
  '--no-timeout',
  '--no-json',
  '-hq',
  '-th',
  '-ht',
  '-kt',
];

const OPERANDS = [
  'backup',
  'b',
  'my backup',
  '../x',
  '01a200df-de74',
  'cron:01a200df',
  'cron:',
  'exec',
  'help',
  '',
];

describe('two parsers over one table', () => {
  const lines: [string, readonly string[]][] = [];
  for (const command of ['exec', 'last'] as const) {
    const tail = command === 'exec' ? ['--', 'true', '-h', '--', ''] : [];
    for (const flag of [...FLAGS, ...JUNK]) {
      lines.push([command, [flag, 'backup', ...tail]], [command, ['backup', flag, ...tail]]);
      for (const value of VALUES) {
        lines.push([command, [flag, value, 'backup', ...tail]], [command, ['backup', flag, value, ...tail]]);
        lines.push(
          [command, ['backup', `${flag}=${value}`, ...tail]],
          [command, [`${flag}${value}`, 'b', ...tail]],
        );
      }
    }
    for (const operand of OPERANDS) {
      lines.push([command, [operand, ...tail]], [command, [operand, 'b', ...tail]], [command, [operand]]);
      lines.push([command, ['--', operand]], [command, ['-t', operand, ...tail]]);
    }
  }

  it(`agree on a table of ${lines.length} lines`, () => {
    for (const [command, args] of lines) compare(command as 'exec' | 'last', args, {});
  });

  const word = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...FLAGS) },
    { weight: 4, arbitrary: fc.constantFrom(...VALUES) },
    { weight: 3, arbitrary: fc.constantFrom(...OPERANDS) },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom(...FLAGS), fc.constantFrom(...VALUES)).map(([f, v]) => `${f}=${v}`),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom(...FLAGS), fc.constantFrom(...VALUES)).map(([f, v]) => f + v),
    },
    { weight: 1, arbitrary: fc.constantFrom(...JUNK) },
    { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
  );
  const line = fc.array(word, { maxLength: 7 });
  const command = fc.array(fc.oneof(word, fc.string()), { maxLength: 4 });

  it('agree on whatever exec is given', () => {
    fc.assert(
      fc.property(line, fc.option(command), (before, behind) => {
        compare('exec', behind === null ? before : [...before, '--', ...behind], {});
      }),
      { numRuns: 1500 },
    );
  });

  it('agree on whatever last is given', () => {
    fc.assert(
      fc.property(line, (args) => compare('last', args, {})),
      { numRuns: 1500 },
    );
  });

  it('agree on lines that are mostly right, with twins in the environment', () => {
    const right = optionsOf('exec')
      .filter((option) => option.name !== 'help' && option.name !== 'version')
      .map(({ name, short, value, example }) => {
        const long = value === null ? [`--${name}`] : [`--${name}`, example ?? ''];
        return fc.constantFrom(long, ...(short === null ? [] : [[`-${short}${example}`]]), [
          `--${name}=${example}`,
        ]);
      });
    const twins = Object.fromEntries(
      optionsOf('exec').flatMap(({ twin }) =>
        twin === null ? [] : [[twin, fc.constantFrom('', '1', '5m', 'name')]],
      ),
    );
    const env = fc.record(twins, { requiredKeys: [] });
    const options = fc.array(fc.oneof(...right), { maxLength: 5 }).map((words) => words.flat());
    fc.assert(
      fc.property(options, options, env, (left, behindJob, variables) => {
        compare('exec', [...left, 'backup', ...behindJob, '--', 'true'], variables as Record<string, string>);
      }),
      { numRuns: 800 },
    );
  });

  // In a group of switches node takes a dash for the end of all options: -q-x. Only the fast parser's commands
  // must agree there, and their one switch with a letter is -h, which it leaves to commander.
  const dashInGroup = (arg: string) => /^-[hq]+-/.test(arg);

  it('agree on the syntax of every other command', () => {
    const anyFlag = fc.constantFrom(
      ...new Set(COMMAND_NAMES.flatMap((name) => optionsOf(name).map((o) => `--${o.name}`))),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...COMMAND_NAMES),
        fc.array(fc.oneof(word, anyFlag), { maxLength: 6 }),
        (name, args) => {
          const divided = divide(args);
          const fast = divided.before.some(dashInGroup) ? null : parseRaw(name, divided);
          if (fast !== null) expect(parseByCommander(name, divided)).toEqual(fast);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('are both put to the test: most of what is generated is not simply refused', () => {
    const accepted = lines.filter(([name, args]) => {
      const fast = outcome(() => fastCall(name as 'exec' | 'last', args, {}));
      return 'call' in fast && fast.call !== null;
    });
    expect(accepted.length).toBeGreaterThan(100);
  });
});
