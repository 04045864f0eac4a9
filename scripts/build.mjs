// Builds dist/: the CLI as CommonJS bundles split by who calls them, the library with its declarations.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.17',
  format: 'cjs',
  // commander, chalk and execa stay what they are, dependencies: they are loaded from node_modules when needed.
  packages: 'external',
  // A smaller file is compiled sooner, and it is compiled at every start.
  minify: true,
  legalComments: 'none',
  define: { CRONRUN_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
};

rmSync('dist', { recursive: true, force: true });
const bundles = {
  main: 'src/main.ts', // the door, with exec and last inside; it requires the others when they are needed
  program: 'src/cli/program.ts', // what people call
  answer: 'src/commands/last-answer.ts', // what last says where it is not asked for its exit status alone
  words: 'src/commands/exec-words.ts', // what exec says
  index: 'src/index.ts',
};
const external = Object.keys(bundles).map((name) => `./${name}.cjs`);

// `await import('./last-answer.js')` in main becomes a require of its bundle; node's ESM loader would take 8 ms more.
const answerApart = {
  name: 'answer-apart',
  setup: (build) =>
    build.onResolve({ filter: /\/last-answer\.js$/ }, () => ({ path: './answer.cjs', external: true })),
};
const special = { main: { plugins: [answerApart], supported: { 'dynamic-import': false } } };

await Promise.all(
  Object.entries(bundles).map(([name, source]) =>
    build({ ...common, ...special[name], entryPoints: [source], outfile: `dist/${name}.cjs`, external }),
  ),
);

// What the engine made of main.cjs, for bin/door.cjs: half of a short run would go into compiling.
for (const command of ['exec', 'last']) {
  execFileSync(process.execPath, ['scripts/code-cache.cjs', 'dist/main.cjs', command], { stdio: 'inherit' });
}

// One implementation for both module systems, so that instanceof works whoever imports it.
const names = Object.keys((await import('../dist/index.cjs')).default);
writeFileSync('dist/index.mjs', `export { ${names.join(', ')} } from './index.cjs';\n`);
execFileSync('node_modules/.bin/tsc', ['-p', 'scripts/declarations.json'], { stdio: 'inherit' });
writeFileSync('dist/types/index.d.mts', "export * from './index.js';\n");
