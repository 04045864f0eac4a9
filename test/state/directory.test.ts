import { resolve } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  homeStateDirectory,
  journalPath,
  runningDirectory,
  type StateDirectoryFacts,
  stateDirectory,
} from '../../src/state/directory.js';

const NOTHING: StateDirectoryFacts = { given: null, isRoot: false, xdgStateHome: undefined, home: null };

describe('stateDirectory', () => {
  it.each<[string, Partial<StateDirectoryFacts>, string | null]>([
    ['what is given comes first', { given: '/s', isRoot: true, xdgStateHome: '/x', home: '/h' }, '/s'],
    ['relative, it is made absolute', { given: 'state/../s' }, resolve('s')],
    ['empty, it is not given', { given: '', home: '/h' }, '/h/.local/state/cronrun'],
    ['root', { isRoot: true, xdgStateHome: '/x', home: '/root' }, '/var/lib/cronrun'],
    ['XDG_STATE_HOME', { xdgStateHome: '/x', home: '/h' }, '/x/cronrun'],
    ['XDG_STATE_HOME without a home', { xdgStateHome: '/x' }, '/x/cronrun'],
    ['a relative one is ignored', { xdgStateHome: 'x', home: '/h' }, '/h/.local/state/cronrun'],
    ['an empty one too', { xdgStateHome: '', home: '/h' }, '/h/.local/state/cronrun'],
    ['home', { home: '/h' }, '/h/.local/state/cronrun'],
    ['nowhere', {}, null],
    ['an empty home is none', { home: '' }, null],
  ])('%s', (_what, facts, directory) => {
    expect(stateDirectory({ ...NOTHING, ...facts })).toBe(directory);
  });

  it('is nowhere where it is relative and the working directory is gone', () => {
    vi.spyOn(process, 'cwd').mockImplementation(() => {
      throw new Error('ENOENT: no such file or directory, uv_cwd');
    });
    expect(stateDirectory({ ...NOTHING, given: 's', home: '/h' })).toBeNull();
    expect(stateDirectory({ ...NOTHING, given: '/s' })).toBe('/s');
    vi.restoreAllMocks();
  });
});

describe('what lies in it', () => {
  it('is where the format says', () => {
    expect(homeStateDirectory('/h')).toBe('/h/.local/state/cronrun');
    expect(homeStateDirectory(null)).toBeNull();
    expect(journalPath('/s', 'backup')).toBe('/s/jobs/backup/journal.jsonl');
    expect(runningDirectory('/s', 'backup')).toBe('/s/jobs/backup/running');
  });
});
