import { describe, expect, it } from 'vitest';
import { PLUGIN_EXIT } from '../../src/model/check.js';
import { EXIT } from '../../src/model/exit-status.js';
import { blocks, groups, manual, read, sorted } from '../helpers/documents.js';
import { tags } from '../helpers/mdoc.js';

const STATUSES = Object.values(EXIT).map(String);

/** Those of check, which are a plugin's. */
const PLUGIN_STATUSES = Object.values(PLUGIN_EXIT).map(String);

/** Rows that stand for many numbers. */
const OPEN_ENDED = ['128+n', "the command's own code"];

const readme = read('README.md');

describe('the exit statuses of the program', () => {
  it('are those in cronrun(1)', () => {
    const all = [...STATUSES, ...PLUGIN_STATUSES, ...OPEN_ENDED];
    expect(sorted(tags(manual.section('EXIT STATUS')))).toEqual(sorted(all));
  });

  it('are those in the table of the README', () => {
    const table = /^\| status +\|.*\n\|[-| ]+\n((?:\|.*\n)+)/m.exec(readme)?.[1] ?? '';
    expect(sorted(groups(table, /^\| ([^|]+?) +\|/gm))).toEqual(sorted([...STATUSES, ...OPEN_ENDED]));
  });

  it.each([
    ['cronrun(1)', manual.section('EXAMPLES').join('\n')],
    ['the README', blocks(readme, 'sh').join('\n')],
  ])('are the only ones in the examples of %s', (_, examples) => {
    const cases = groups(examples, /^ +(\d+)\) /gm);
    expect(cases.length).toBeGreaterThan(5);
    expect(cases.filter((status) => !STATUSES.includes(status))).toEqual([]);
  });
});
