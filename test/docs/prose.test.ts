import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocks, exists, groups, manual, PAGES, PROSE, ROOT, read, sorted } from '../helpers/documents.js';

const readme = read('README.md');
const manifest = JSON.parse(read('package.json')) as {
  version: string;
  engines: { node: string };
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

describe.each(PROSE)('%s', (page) => {
  const text = read(page);

  it('has no relative link that leads nowhere', () => {
    const targets = groups(text, /\]\(([^)#\s]+)(?:#[^)]*)?\)/g).filter((target) => !/^[a-z]+:/.test(target));
    expect(targets.filter((target) => !exists(target))).toEqual([]);
  });

  it('names no file of this repository that is not there', () => {
    const paths = groups(text, /`((?:src|test|bin|man|bench|scripts)\/[\w./-]+)`/g);
    expect(sorted(paths).filter((path) => !exists(path))).toEqual([]);
  });
});

describe('ARCHITECTURE.md', () => {
  it('has every part of the program in its table of layers', () => {
    const rows = groups(read('ARCHITECTURE.md'), /^\| `src\/([\w.]+)` +\|/gm);
    expect(sorted(rows)).toEqual(sorted(readdirSync(join(ROOT, 'src'))));
  });
});

describe('versions', () => {
  const installed = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });

  it.each([...PAGES, ...PROSE])('of dependencies are those of package.json in %s', (page) => {
    const wrong = installed.flatMap(([name, version]) => {
      const mention = new RegExp(`(?<![\\w/@-])${name}(?:@| )v?(\\d+(?:\\.\\d+)+)`, 'g');
      const others = groups(read(page), mention).filter((found) => found !== version);
      return others.map((found) => `${name} ${found}, not ${version}`);
    });
    expect(wrong).toEqual([]);
  });

  it('of node are those of package.json', () => {
    const oldest = groups(manifest.engines.node, /(\d+\.\d+)\.\d+/g);
    expect(oldest.length).toBe(2);
    expect(oldest.filter((version) => !readme.includes(version))).toEqual([]);
    const diagnostics = manual.section('DIAGNOSTICS').join('\n');
    expect(oldest.filter((version) => !diagnostics.includes(version))).toEqual([]);
  });

  it('of cronrun: the changelog begins with that of package.json', () => {
    expect(groups(read('CHANGELOG.md'), /^## \[(\d[^\]]*)\]/gm)[0]).toBe(manifest.version);
  });
});

describe('the README', () => {
  const scripts = blocks(readme, 'sh').map((script) => [script.split('\n')[0], script] as const);

  it.each(scripts)('has shell that is such: %s', (_, script) => {
    expect(spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' }).stderr).toBe('');
  });

  it('shows nothing on a terminal that is wider than 80 columns', () => {
    const lines = blocks(readme, 'console').flatMap((block) => block.split('\n'));
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it('says near its top how to set a clone up and how to test it', () => {
    const top = readme.split('\n').slice(0, 35).join('\n');
    expect(top).toContain('npm ci && ./bin/cronrun exec hello -- echo hi && ./bin/cronrun ls\n');
    expect(top).toContain('npm ci && npm test\n');
  });
});
