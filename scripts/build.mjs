// Builds dist/: the CLI as CommonJS bundles split by who calls them, the library with its declarations.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
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
  exec: 'src/exec.ts', // what machines call, each with nothing else inside
  last: 'src/last.ts',
  main: 'src/main.ts', // what people call
  answer: 'src/commands/last-answer.ts', // what last says where it is not asked for its exit status alone
  rotate: 'src/state/rotate.ts', // one run in thousands moves the journal away
  words: 'src/commands/exec-words.ts', // what exec says
  output: 'src/commands/exec-output.ts', // what keeps the output of a run, where exec is asked for that
  painter: 'src/view/painter.ts', // chalk, and with the manual execa: modules of the other kind, see bin/door.cjs
  man: 'src/commands/man.ts',
  report: 'src/commands/exec-report.ts', // what tells others of a run, and each of those that do it
  ping: 'src/report/ping-teller.ts',
  delivery: 'src/report/ping-delivery.ts', // what sends pings, once the command runs
  untold: 'src/report/untold.ts', // runs of which nobody was told, though they have an end on record
  hooks: 'src/report/hook-teller.ts',
  textfile: 'src/report/textfile-teller.ts',
  schedule: 'src/platform/cron-times.ts', // when a job is due: croner, for who judges a job that has a schedule
  overlap: 'src/run/take-turn.ts', // what a run needs that must not overlap with another one of its job
  index: 'src/index.ts',
};
/**
 * What exec seldom needs, and never once its command has started: its door has stubs in the place of these modules, which
 * load the bundle when they are called.
 */
const seldom = {
  earlier: ['src/state/judging.ts', 'src/state/settle.ts'], // where another run of the job has left a start record
  mistakes: ['src/cli/exec-form.ts', 'src/cli/nearest.ts'], // where the command line is wrong
};
const external = [...Object.keys(bundles), ...Object.keys(seldom)].map((name) => `./${name}.cjs`);

// `await import('./painter.js')` becomes a require of its bundle; node's ESM loader would take 8 ms more.
const APART = { 'last-answer': 'answer', painter: 'painter', man: 'man' };
const apart = {
  name: 'apart',
  setup: (build) =>
    build.onResolve({ filter: /\/(last-answer|painter|man)\.js$/ }, ({ path, kind }) =>
      kind === 'dynamic-import'
        ? { path: `./${APART[basename(path, '.js')]}.cjs`, external: true }
        : undefined,
    ),
};
/** The table of options as a door knows it that has one command: its own options, without what is for people. */
const { OPTIONS } = await importSource('src/cli/options.ts');
const optionsOf = (command) => ({
  name: 'options',
  setup: (build) =>
    build.onLoad({ filter: /\/cli\/options\.ts$/ }, ({ path }) => ({
      contents: onlyOptionsOf(command, readFileSync(path, 'utf8')),
      loader: 'ts',
    })),
});

function onlyOptionsOf(command, source) {
  const [, head, table, tail] = /^(.*^export const OPTIONS = \{\n)(.*)(^\} as const satisfies.*)$/ms.exec(
    source,
  );
  const entries = table.split(/^(?= {2}\w+: (?:valued|toggle)\b)/m);
  const names = entries.map((entry) => /^ {2}(\w+): /.exec(entry)?.[1]);
  if (names.join() !== Object.keys(OPTIONS).join()) throw new Error('src/cli/options.ts has another form');
  const own = entries.filter((_, i) => OPTIONS[names[i]].commands.includes(command));
  return head + own.join('').replace(/^ {4}(?:example|fallbackText|group|help): .*,\n/gm, '') + tail;
}

/** What a module of ours exports. */
async function importSource(path) {
  const { outputFiles } = await build({ ...common, format: 'esm', entryPoints: [path], write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const stubs = {
  name: 'stubs',
  setup: (build) => {
    for (const [bundle, modules] of Object.entries(seldom)) {
      for (const module of modules) {
        const filter = new RegExp(`/${basename(module, '.ts')}\\.ts$`);
        build.onLoad({ filter }, async () => ({ contents: await stubsFor(module, bundle), loader: 'js' }));
      }
    }
  },
};

async function stubsFor(module, bundle) {
  const lines = Object.entries(await importSource(module)).map(([name, value]) => {
    if (typeof value !== 'function') throw new Error(`${module}: ${name} is no function`);
    return `export const ${name} = (...args) => require('./${bundle}.cjs').${name}(...args);`;
  });
  return lines.join('\n');
}

const door = { plugins: [apart], supported: { 'dynamic-import': false } };
const doorOf = (command) => ({ ...door, plugins: [apart, optionsOf(command)] });
const exec = doorOf('exec');
const special = {
  exec: { ...exec, plugins: [...exec.plugins, stubs] },
  last: doorOf('last'),
  main: door,
  answer: door,
  textfile: door,
};

await Promise.all([
  ...Object.entries(bundles).map(([name, source]) =>
    build({ ...common, ...special[name], entryPoints: [source], outfile: `dist/${name}.cjs`, external }),
  ),
  ...Object.entries(seldom).map(([name, modules]) => {
    const contents = modules.map((module) => `export * from './${module}';`).join('\n');
    return build({ ...common, stdin: { contents, resolveDir: '.' }, outfile: `dist/${name}.cjs`, external });
  }),
]);

// What the engine made of them, for bin/door.cjs: half of a short run would go into compiling.
for (const name of ['exec', 'last', 'main']) {
  execFileSync(process.execPath, ['scripts/code-cache.cjs', name], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

// One implementation for both module systems, so that instanceof works whoever imports it.
const names = Object.keys((await import('../dist/index.cjs')).default);
writeFileSync('dist/index.mjs', `export { ${names.join(', ')} } from './index.cjs';\n`);
execFileSync('node_modules/.bin/tsc', ['-p', 'scripts/declarations.json'], { stdio: 'inherit' });
writeFileSync('dist/types/index.d.mts', "export * from './index.js';\n");
