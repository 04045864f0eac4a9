import { describe, expect, it } from 'vitest';
import { ALL_OPTIONS as OPTIONS } from '../../src/cli/options.js';
import { type RunVariables, TWINS } from '../../src/model/environment.js';
import { exists, groups, manual, PAGES, PROSE, read, sorted, sources } from '../helpers/documents.js';
import { marked } from '../helpers/mdoc.js';

const OURS = /\b(CRONRUN_[A-Z_]*[A-Z])\b/g;

const LAUNCHER = 'bin/cronrun';

/** The build puts the version in the place of the first; the others are the shell's own. */
const NO_VARIABLES = ['CRONRUN_VERSION', 'BASH_VERSION', 'IFS'];

/** What the command finds; the type has all of them. */
const GIVEN: Readonly<Record<keyof RunVariables, true>> = {
  CRONRUN_ID: true,
  CRONRUN_JOB: true,
  CRONRUN_STATE_DIR: true,
  CRONRUN_RUNNING: true,
  CRONRUN_UNSURE: true,
  CRONRUN_LAST_ID: true,
  CRONRUN_LAST_STATUS: true,
  CRONRUN_LAST_REASON: true,
  CRONRUN_LAST_EXIT_CODE: true,
  CRONRUN_LAST_SIGNAL: true,
  CRONRUN_LAST_STARTED_AT: true,
  CRONRUN_LAST_ENDED_AT: true,
  CRONRUN_LAST_CHECKPOINT: true,
  CRONRUN_LAST_COMPLETED_AT: true,
  CRONRUN_RESUME_CHECKPOINT: true,
  CRONRUN_CHECKPOINT_FILE: true,
};

/** What the program names of its own, and what it looks up of others. */
function variablesOfProgram(): string[] {
  const names = sources().flatMap((text) => [
    ...groups(text, OURS),
    ...groups(text, /\benv(?:ironment)?(?:\.|\[')([A-Z][A-Z_]+)\b/g),
  ]);
  const inShell = exists(LAUNCHER) ? groups(read(LAUNCHER), /\$\{?([A-Z][A-Z_]+)\b/g) : [];
  return sorted([...names, ...inShell]).filter((name) => !NO_VARIABLES.includes(name));
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

  it('have, of the twins, one that the command finds', () => {
    const twins = OPTIONS.map((option) => option.twin).filter((twin) => twin !== null);
    expect(sorted(twins.filter((twin) => !(TWINS as readonly string[]).includes(twin)))).toEqual([
      'CRONRUN_STATE_DIR',
    ]);
  });

  it('have all that the command finds', () => {
    const tags = manual
      .subsection('Variables that the command finds')
      .filter((line) => line.startsWith('.It '));
    expect(marked(tags, 'Ev')).toEqual(Object.keys(GIVEN));
  });

  it('have all that the program knows', () => {
    expect(variablesOfProgram().filter((name) => !described.includes(name))).toEqual([]);
  });

  it('have none that the program does not know', () => {
    const program = sources().join('\n');
    expect(described.filter((name) => !new RegExp(`\\b${name}\\b`).test(program))).toEqual([]);
  });

  it.each([...PAGES, ...PROSE])('are the only ones that are named in %s', (page) => {
    expect(sorted(groups(read(page), OURS)).filter((name) => !described.includes(name))).toEqual([]);
  });
});
