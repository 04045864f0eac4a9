import { join } from 'node:path';
import { exists, ROOT } from './documents.js';

/** What the tests of the documents need to know of an option. */
export interface KnownOption {
  readonly name: string;
  readonly short: string | null;
  readonly value: string | null;
  readonly negatable: boolean;
  readonly twin: string | null;
  readonly commands: readonly string[];
}

export const COMMANDS = ['exec', 'status', 'last', 'ls', 'man'];

/**
 * TO BE REPLACED, once src/cli/options.ts is in the tree: delete this file and import
 * `ALL_OPTIONS as OPTIONS` and `COMMAND_NAMES as COMMANDS` from it. Until then the list below stands in.
 */
export const OPTIONS: readonly KnownOption[] = exists('src/cli/options.ts')
  ? ((await import(join(ROOT, 'src/cli/options.ts'))) as { ALL_OPTIONS: readonly KnownOption[] }).ALL_OPTIONS
  : [
      ...standIn(['exec'], '-t --timeout=', '-k --kill-after=', '-s --signal=', '--success-codes='),
      ...standIn(['exec'], '--require-record', '--record-command='),
      ...standIn(['status', 'last', 'ls'], '--json', '--get='),
      ...standIn(['status', 'last'], '--exit-code', '--max-age='),
      ...standIn(['ls'], '-q --quiet', '--status=', '--sort=', '-n --limit='),
      ...standIn(COMMANDS, '--state-dir=', '--color=', '-h --help', '--version'),
    ];

function standIn(commands: readonly string[], ...options: readonly string[]): KnownOption[] {
  return options.map((text) => {
    const [, short = null, name = '', value] = /^(?:-(\w) )?--([\w-]+)(=?)$/.exec(text) ?? [];
    const hasTwin = ['state-dir', 'color'].includes(name) || commands.join() === 'exec';
    const twin = hasTwin ? `CRONRUN_${name.replaceAll('-', '_').toUpperCase()}` : null;
    return {
      name,
      short,
      value: value ? 'VALUE' : null,
      negatable: name === 'require-record',
      twin,
      commands,
    };
  });
}
