import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { findObstacle } from '../../src/platform/command.js';
import { afterwards, scratch } from '../helpers/cronrun.js';

// What execvp(3) does, found out before anything is started.

let root: string;

beforeEach(() => {
  root = scratch();
  for (const directory of ['a', 'b']) mkdirSync(`${root}/${directory}`);
});

/** Puts a file below the root; executable unless the mode says otherwise. */
function put(name: string, content = '\x7fELF', mode = 0o755): string {
  writeFileSync(`${root}/${name}`, content);
  chmodSync(`${root}/${name}`, mode);
  return `${root}/${name}`;
}

const path = (...directories: string[]) =>
  directories.map((name) => (name ? `${root}/${name}` : '')).join(':');
const missing = { errno: 'ENOENT', interpreter: null };
const refused = { errno: 'EACCES', interpreter: null };

function workIn(directory: string): void {
  const before = process.cwd();
  process.chdir(directory);
  afterwards(() => process.chdir(before));
}

describe('a program with a slash in its name', () => {
  it('is run as it stands, whatever PATH says', () => {
    const program = put('a/p');
    expect(findObstacle(program, undefined)).toBeNull();
    expect(findObstacle(program, '')).toBeNull();
    expect(findObstacle(program, '/nonexistent')).toBeNull();
  });

  it('may be relative to the working directory', () => {
    put('a/p');
    workIn(root);
    expect(findObstacle('a/p', '/nonexistent')).toBeNull();
    expect(findObstacle('./a/p', '/nonexistent')).toBeNull();
    expect(findObstacle('b/p', '/nonexistent')).toEqual(missing);
  });

  it.each([
    ['is not there', () => `${root}/a/none`, 'ENOENT'],
    ['is below a file', () => `${put('file')}/p`, 'ENOTDIR'],
    ['is a directory', () => `${root}/a`, 'EACCES'],
    ['is the directory /', () => '/', 'EACCES'],
    ['may not be executed', () => put('a/p', '#!/bin/sh\n', 0o644), 'EACCES'],
    ['has a name that is too long', () => `${root}/${'x'.repeat(300)}`, 'ENAMETOOLONG'],
  ])('cannot be run when it %s', (_what, program, errno) => {
    expect(findObstacle(program(), undefined)).toEqual({ errno, interpreter: null });
  });
});

describe('a program without a slash', () => {
  it('is looked for in PATH, in its order', () => {
    put('b/p');
    expect(findObstacle('p', path('a', 'b'))).toBeNull();
    expect(findObstacle('p', path('a'))).toEqual(missing);
    expect(findObstacle('p', path('none', 'a', 'none'))).toEqual(missing);
  });

  it('is not found in the working directory, but for an empty entry of PATH', () => {
    put('a/p');
    workIn(`${root}/a`);
    expect(findObstacle('p', path('b'))).toEqual(missing);
    for (const here of [
      '',
      ':',
      path('b', ''),
      `:${path('b')}`,
      `${root}/b::/nonexistent`,
      '.',
      `${root}/b:.`,
    ]) {
      expect(findObstacle('p', here)).toBeNull();
    }
  });

  it('is found in the usual places where PATH is not set', () => {
    expect(findObstacle('sh', undefined)).toBeNull();
    expect(findObstacle('no-such-program-anywhere', undefined)).toEqual(missing);
  });

  it('is looked for behind what may not be executed, and behind directories of its name', () => {
    put('a/p', 'text', 0o644);
    expect(findObstacle('p', path('a', 'b'))).toEqual(refused);
    expect(findObstacle('p', path('b', 'a'))).toEqual(refused);
    mkdirSync(`${root}/b/p`);
    expect(findObstacle('p', path('b', 'a'))).toEqual(refused);
    mkdirSync(`${root}/c`);
    put('c/p');
    expect(findObstacle('p', path('a', 'b', 'c'))).toBeNull();
  });

  it('is looked for behind an entry of PATH that is no directory', () => {
    const file = put('file');
    put('b/p');
    expect(findObstacle('p', `${file}:${root}/b`)).toBeNull();
    expect(findObstacle('p', file)).toEqual(missing);
  });

  it.each([
    ['the empty name', ''],
    ['a name with a blank', 'p '],
  ])('is not found: %s', (_what, program) => {
    put('a/p');
    expect(findObstacle(program, path('a'))).toEqual(missing);
  });
});

describe('a script', () => {
  const tail = '\necho hi\n';

  it.each([
    ['#!/bin/sh'],
    ['#! /bin/sh'],
    ['#!\t/bin/sh -e'],
    ['#!/bin/sh -e -x'],
    ['#!/usr/bin/env node'],
    ['#!'],
    ['#! '],
    ['# no shebang'],
    ['echo plain'],
    [''],
  ])('that begins with %j has an interpreter, or needs none', (line) => {
    expect(findObstacle(put('a/p', line + tail), undefined)).toBeNull();
  });

  it('whose interpreter is missing says which', () => {
    const program = put('a/p', `#!/nonexistent/python3 -u${tail}`);
    const obstacle = { errno: 'ENOENT', interpreter: '/nonexistent/python3' };
    expect(findObstacle(program, undefined)).toEqual(obstacle);
    expect(findObstacle('p', path('a'))).toEqual(obstacle);
  });

  it('is what the search ends at: a sound one of its name behind it is never tried', () => {
    put('a/p', `#!/nonexistent/sh${tail}`);
    put('b/p');
    expect(findObstacle('p', path('a', 'b'))?.interpreter).toBe('/nonexistent/sh');
  });

  it('from another world has a carriage return in the name of its interpreter', () => {
    const program = put('a/p', '#!/bin/sh\r\necho hi\r\n');
    expect(findObstacle(program, undefined)).toEqual({ errno: 'ENOENT', interpreter: '/bin/sh\r' });
  });

  it('whose interpreter may not be executed says so', () => {
    const interpreter = put('b/interpreter', 'text', 0o644);
    expect(findObstacle(put('a/p', `#!${interpreter}${tail}`), undefined)).toEqual({
      errno: 'EACCES',
      interpreter,
    });
    expect(findObstacle(put('a/q', `#!${root}/b${tail}`), undefined)).toEqual({
      errno: 'EACCES',
      interpreter: `${root}/b`,
    });
  });

  it('may name an interpreter relative to the working directory', () => {
    put('b/interpreter');
    workIn(root);
    expect(findObstacle(put('a/p', `#!b/interpreter${tail}`), undefined)).toBeNull();
    expect(findObstacle(put('a/q', `#!interpreter${tail}`), undefined)?.interpreter).toBe('interpreter');
  });

  it.each(['#!/bin/sh', `#!/bin/sh -${'e'.repeat(400)}`])(
    'may end within its first line, or far behind it',
    (text) => {
      expect(findObstacle(put('a/p', text), undefined)).toBeNull();
    },
  );
});
