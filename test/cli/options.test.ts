import { describe, expect, it } from 'vitest';
import { ALL_OPTIONS, COMMAND_NAMES, optionsOf } from '../../src/cli/options.js';

/** What other programs call it. */
const TWINS_OF_ANOTHER_NAME: Readonly<Record<string, string>> = { textfile: 'CRONRUN_TEXTFILE_DIR' };

function twinOf(name: string): string {
  return `CRONRUN_${name.toUpperCase().replaceAll('-', '_')}`;
}

describe('the table of options', () => {
  it.each(ALL_OPTIONS.map((option) => [option.name, option] as const))('%s', (name, option) => {
    // commander would make a positive out of a name that begins with no-.
    expect(name).toMatch(/^(?!no-)[a-z]+(-[a-z]+)*$/);
    expect(option.short ?? 'x').toMatch(/^[a-zA-Z]$/);
    expect(option.commands.length).toBeGreaterThan(0);
    expect(option.help).not.toBe('');
    if (option.twin !== null) expect(option.twin).toBe(TWINS_OF_ANOTHER_NAME[name] ?? twinOf(name));
    if (option.value === null) expect(typeof option.fallback).toBe('boolean');
    else expect(option.parse(option.example ?? '')).toHaveProperty('value');
    if (option.fallbackText !== null)
      expect(option.parse(option.fallbackText)).toEqual({ value: option.fallback });
    if (option.negatable) expect(option.value).toBeNull();
  });

  it.each(COMMAND_NAMES)('%s has no name and no letter twice', (command) => {
    const names = optionsOf(command).flatMap(({ name, short }) => (short === null ? [name] : [name, short]));
    expect(new Set(names).size).toBe(names.length);
  });

  it('every exec option, --state-dir and --color have a twin, and nothing else has', () => {
    const withTwin = ALL_OPTIONS.filter((option) => option.twin !== null).map((option) => option.name);
    const ofExec = optionsOf('exec').map((option) => option.name);
    expect(withTwin).toEqual(ofExec.filter((name) => name !== 'help' && name !== 'version'));
  });
});
