import { describe, expect, it } from 'vitest';
import { groups, manual, PAGES, PROSE, read, sorted, sources, WHOLE } from '../helpers/documents.js';
import { marked } from '../helpers/mdoc.js';
import { OPTIONS } from '../helpers/options.js';

const OURS = /\b(CRONRUN_[A-Z_]*[A-Z])\b/g;

/** Not a variable: the build puts the version in its place. */
const NO_VARIABLES = ['CRONRUN_VERSION'];

/** What the program names of its own, and what it looks up of others. */
function variablesOfProgram(): string[] {
  const names = sources().flatMap((text) => [
    ...groups(text, OURS),
    ...groups(text, /\benv(?:ironment)?(?:\.|\[')([A-Z][A-Z_]+)\b/g),
  ]);
  return sorted(names).filter((name) => !NO_VARIABLES.includes(name));
}

describe('the variables in cronrun(1)', () => {
  const described = sorted(marked(manual.section('ENVIRONMENT'), 'Ev'));

  it('have the twin of every option, and say whose twin it is', () => {
    const lines = manual.subsection('Variables that set defaults');
    const pairs = lines.flatMap((line, at) =>
      line.startsWith('.It Ev ') ? [`${line.slice(7)} ${/^\.Fl (\S+)/.exec(lines[at + 1] ?? '')?.[1]}`] : [],
    );
    const twins = OPTIONS.filter((option) => option.twin !== null);
    expect(sorted(pairs)).toEqual(sorted(twins.map((option) => `${option.twin} -${option.name}`)));
  });

  it('have all that the command finds', () => {
    const tags = manual
      .subsection('Variables that the command finds')
      .filter((line) => line.startsWith('.It '));
    const last = ['ID', 'STATUS', 'REASON', 'EXIT_CODE', 'SIGNAL', 'STARTED_AT', 'ENDED_AT', 'COMPLETED_AT'];
    const given = ['ID', 'JOB', 'STATE_DIR', 'RUNNING', 'UNSURE', ...last.map((name) => `LAST_${name}`)];
    expect(marked(tags, 'Ev')).toEqual(given.map((name) => `CRONRUN_${name}`));
  });

  it('have all that the program knows', () => {
    expect(variablesOfProgram().filter((name) => !described.includes(name))).toEqual([]);
  });

  it.skipIf(!WHOLE)('have none that the program does not know', () => {
    const program = sources().join('\n');
    expect(described.filter((name) => !new RegExp(`\\b${name}\\b`).test(program))).toEqual([]);
  });

  it.each([...PAGES, ...PROSE])('are the only ones that are named in %s', (page) => {
    expect(sorted(groups(read(page), OURS)).filter((name) => !described.includes(name))).toEqual([]);
  });
});
