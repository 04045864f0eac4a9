import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const SRC = resolve(import.meta.dirname, '../src');

/** What each layer may import besides itself, and the npm packages it may load. ARCHITECTURE.md shows the same. */
const LAYERS: Readonly<Record<string, { layers: readonly string[]; packages: readonly string[] }>> = {
  exec: { layers: ['cli', 'commands', 'run'], packages: [] },
  last: { layers: ['cli', 'commands'], packages: [] },
  main: { layers: ['cli'], packages: [] },
  index: { layers: ['state', 'platform', 'model', 'errors'], packages: [] },
  cli: { layers: ['commands', 'model', 'errors'], packages: ['commander'] },
  commands: {
    layers: ['report', 'run', 'view', 'state', 'platform', 'model', 'errors'],
    packages: ['execa', 'signal-exit'],
  },
  report: { layers: ['state', 'platform', 'model', 'errors'], packages: ['execa', 'write-file-atomic'] },
  view: { layers: ['model'], packages: ['chalk'] },
  run: { layers: ['state', 'platform', 'model', 'errors'], packages: [] },
  state: { layers: ['platform', 'model', 'errors'], packages: [] },
  platform: { layers: ['model', 'errors'], packages: ['croner'] },
  model: { layers: [], packages: [] },
  errors: { layers: [], packages: [] },
};

/** The one file of a layer that may load its package. */
const LOADERS: Readonly<Record<string, string>> = {
  chalk: 'view/painter.ts',
  croner: 'platform/cron-times.ts',
};

interface Import {
  readonly file: string;
  readonly from: string;
  readonly target: string;
}

function layerOf(file: string): string {
  return file.split('/')[0]?.replace(/\.ts$/, '') ?? '';
}

function sourceFiles(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const pattern = /(?:\bfrom\s+|\bimport\(\s*|\brequire\(\s*)['"]([^'"]+)['"]/g;
  return [...text.matchAll(pattern)].map((match) => ({ file, from: layerOf(file), target: match[1] ?? '' }));
}

function targetFile({ file, target }: Import): string {
  return relative(SRC, resolve(SRC, dirname(file), target)).replace(/\.js$/, '.ts');
}

const imports = sourceFiles().flatMap(importsOf);

describe('layers', () => {
  it('finds imports at all', () => {
    expect(imports.length).toBeGreaterThan(50);
  });

  it('go down only', () => {
    const upwards = imports
      .filter(({ target }) => target.startsWith('.') && !target.endsWith('.cjs'))
      .filter((one) => {
        const to = layerOf(targetFile(one));
        return to !== one.from && !LAYERS[one.from]?.layers.includes(to);
      })
      .map((one) => `${one.file} -> ${one.target}`);
    expect(upwards).toEqual([]);
  });

  it('load only their npm packages, and only where they are allowed to', () => {
    const foreign = imports
      .filter(({ target }) => !target.startsWith('.') && !target.startsWith('node:'))
      .filter(({ file, from, target }) => {
        const loader = LOADERS[target];
        return !LAYERS[from]?.packages.includes(target) || (loader !== undefined && loader !== file);
      })
      .map((one) => `${one.file} -> ${one.target}`);
    expect(foreign).toEqual([]);
  });

  it('have no cycles', () => {
    const edges = new Map<string, string[]>();
    for (const one of imports) {
      if (!one.target.startsWith('.') || one.target.endsWith('.cjs')) continue;
      edges.set(one.file, [...(edges.get(one.file) ?? []), targetFile(one)]);
    }
    expect(cyclesIn(edges)).toEqual([]);
  });

  it('never copy a whole namespace into the bundle', () => {
    const namespaces = sourceFiles().filter((file) =>
      /import \* as/.test(readFileSync(join(SRC, file), 'utf8')),
    );
    expect(namespaces).toEqual([]);
  });
});

function cyclesIn(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file) || path.includes(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return cycles;
}
