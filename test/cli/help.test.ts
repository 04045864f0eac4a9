import { describe, expect, it } from 'vitest';
import { helpOfCommand, helpOfProgram } from '../../src/cli/commander.js';
import { COMMAND_NAMES, optionsOf } from '../../src/cli/options.js';

const pages = [['cronrun', helpOfProgram()], ...COMMAND_NAMES.map((name) => [name, helpOfCommand(name)])] as [
  string,
  string,
][];

describe('help', () => {
  it.each(pages)('of %s fits into 80 columns and ends in one newline', (_name, text) => {
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(text).toMatch(/[^\n]\n$/);
    expect(text).not.toMatch(/ \n|\n\n\n|undefined|null,/);
  });

  it.each(COMMAND_NAMES)('of %s has every option with its default and its twin', (name) => {
    const text = helpOfCommand(name).replace(/\n +/g, ' ');
    for (const option of optionsOf(name)) {
      const start = text.indexOf(`--${option.name}${option.value === null ? '' : ` ${option.value}`}  `);
      expect(start, option.name).toBeGreaterThan(0);
      const entry = text.slice(start);
      expect(entry).toContain(option.help);
      if (option.fallbackText !== null) expect(entry).toContain(`(default: ${option.fallbackText})`);
      if (option.twin !== null) expect(entry).toContain(`[${option.twin}]`);
      if (option.negatable) expect(text).toContain(`--no-${option.name}  `);
    }
  });

  it('of a command has no option of another', () => {
    expect(helpOfCommand('ls')).not.toContain('--timeout');
    expect(helpOfCommand('exec')).not.toContain('--json');
  });

  it('of the program has every command, the exit statuses and a line for a crontab', () => {
    const text = helpOfProgram();
    for (const name of COMMAND_NAMES) expect(text).toMatch(new RegExp(`^  ${name}  +[a-z]`, 'm'));
    expect(text).toMatch(/^ {2}124 +ended by its timeout$/m);
    expect(text).toMatch(/^ {2}75 +skipped by --overlap$/m);
    expect(helpOfCommand('exec')).toMatch(/^ {2}75 +skipped by --overlap, if --overlap-exit-code /m);
    expect(text).toMatch(/^ {2}30 2 \* \* \* .*cronrun exec -t 2h backup -- /m);
  });

  it.each(['status', 'last'] as const)('of %s has 193 to 197', (name) => {
    for (const status of [193, 194, 195, 196, 197]) expect(helpOfCommand(name)).toContain(`\n  ${status}  `);
  });
});
