import { describe, expect, it } from 'vitest';
import { COMMAND_NAMES as COMMANDS, ALL_OPTIONS as OPTIONS, type OptionSpec } from '../../src/cli/options.js';
import { groups, manual, PAGES, PROSE, read, sorted } from '../helpers/documents.js';
import { marked, type OptionTag, optionTag, tags } from '../helpers/mdoc.js';

type KnownOption = OptionSpec<unknown>;

const EVERYWHERE = 'Options of every command';
const SUBSECTIONS = [EVERYWHERE, ...COMMANDS.map((command) => `cronrun ${command}`)];

/** Options that every command has are described once. */
function subsectionsOf(option: KnownOption): string[] {
  if (option.commands.length === COMMANDS.length) return [EVERYWHERE];
  return option.commands.map((command) => `cronrun ${command}`);
}

function namesOf({ name, short, negatable }: KnownOption): string[] {
  return [...(short === null ? [] : [`-${short}`]), `--${name}`, ...(negatable ? [`--no-${name}`] : [])];
}

const byName = (a: OptionTag, b: OptionTag): number => a.names.join().localeCompare(b.names.join());

describe('cronrun(1)', () => {
  it('has a subsection for each command', () => {
    expect(manual.subsectionsOf('COMMANDS')).toEqual(SUBSECTIONS);
    expect(marked(manual.section('SYNOPSIS'), 'Cm')).toEqual(COMMANDS);
  });

  it.each(SUBSECTIONS)('describes the options that the program has: %s', (title) => {
    const described = tags(manual.subsection(title)).map(optionTag);
    const known = OPTIONS.filter((option) => subsectionsOf(option).includes(title));
    const expected = known.map((option) => ({ names: namesOf(option), takesValue: option.value !== null }));
    expect(described.sort(byName)).toEqual(expected.sort(byName));
  });
});

describe('no text mentions an option that the program does not have', () => {
  const known = OPTIONS.flatMap(namesOf);

  it.each(PAGES)('%s', (page) => {
    const mentioned = groups(read(page), /\bFl (-[a-z-]+)/g).map((name) => `-${name}`);
    expect(mentioned.length).toBeGreaterThan(3);
    expect(sorted(mentioned).filter((name) => !known.includes(name))).toEqual([]);
  });

  it('README and the others', () => {
    const ours = PROSE.flatMap((page) => ownCommandLines(read(page)));
    const mentioned = ours.flatMap((line) => groups(line, /(?<=^|\s)(--[a-z][a-z-]*)/g));
    expect(mentioned.length).toBeGreaterThan(20);
    expect(sorted(mentioned).filter((name) => !known.includes(name))).toEqual([]);
  });
});

/** Code that holds options of cronrun, up to the `--` behind which they are another program's. */
function ownCommandLines(markdown: string): string[] {
  const spans = groups(markdown, /`([^`\n]+)`/g);
  const lines = groups(
    markdown,
    /^(.*\bcronrun (?:exec|checkpoint|status|last|ls|output|wait|stop|settle|prune|forget|check|metrics|pings|man)\b.*)$/gm,
  );
  return [...spans, ...lines]
    .map((line) =>
      line.replace(
        /^.*?\bcronrun (?=exec|checkpoint|status|last|ls|output|wait|stop|settle|prune|forget|check|metrics|pings|man)/,
        'cronrun ',
      ),
    )
    .filter((line) =>
      /^(?:cronrun |exec |last |status |output |wait |stop |settle |prune |forget |check |metrics |pings |--)/.test(
        line,
      ),
    )
    .map((line) => line.replace(/ -- .*$/, ''));
}
