import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { afterAll } from 'vitest';

type Library = typeof import('../../src/index.js');

/** A cronrun that a harness is let loose on: the real one, or a mutant of it. */
export interface Built {
  readonly bin: string;
  readonly library: Library;
  /** Where the library is, for other processes. */
  readonly path: string;
}

const ROOT = resolve(import.meta.dirname, '../..');
const load = createRequire(import.meta.url);

export const REAL: Built = builtIn(ROOT);

function builtIn(directory: string): Built {
  const path = `${directory}/dist/index.cjs`;
  return { bin: `${directory}/bin/cronrun`, library: load(path) as Library, path };
}

interface Patch {
  /** Below src/. */
  readonly file: string;
  /** Stands there exactly once: code that was changed makes the mutant fail loudly. */
  readonly from: string;
  readonly to: string;
}

/** The protocol in a wrong order. Each harness that watches over a step has to tell these from the real one. */
const MUTANTS = {
  'unlink before sync': [
    {
      file: 'platform/durable.ts',
      from: '    fdatasyncSync(fd);\n    if (size === 0)',
      to: '    if (size === 0)',
    },
    {
      file: 'run/record-end.ts',
      from: '    forget(begun.file);\n',
      to: '    forget(begun.file);\n    syncContents(journalPath(stateDir, record.job));\n',
    },
    { file: 'run/record-end.ts', from: '  renameDurably,\n', to: '  renameDurably,\n  syncContents,\n' },
    {
      file: 'run/record-end.ts',
      from: 'import { reservePath } from',
      to: 'import { journalPath, reservePath } from',
    },
  ],
  'unlink before append': [
    {
      file: 'run/record-end.ts',
      from: '    const { written, size } = appendEnd(stateDir, record, past);\n',
      to: '    forget(begun.file);\n    const { written, size } = appendEnd(stateDir, record, past);\n',
    },
    {
      file: 'run/record-end.ts',
      from: '    reporter?.recorded([written]);\n    forget(begun.file);\n',
      to: '    reporter?.recorded([written]);\n',
    },
    {
      file: 'state/settle.ts',
      from: `  const compose = (target: AppendTarget)`,
      to: `  for (const { name } of over) removeIfThere(\`\${runningDirectory(stateDir, job)}/\${name}\`);
  const compose = (target: AppendTarget)`,
    },
  ],
  'spawn before the record is durable': [
    { file: 'platform/durable.ts', from: '    fsyncSync(fd);\n    syncDirectory(directory);\n', to: '' },
    {
      file: 'run/record-start.ts',
      from: '  tryTo(() => writeWhole(file.fd, encodeChild(child), file.childAt));\n',
      to: '  tryTo(() => overwriteDurably(file.fd, encodeChild(child), file.childAt));\n  syncDirectory(file.directory);\n',
    },
  ],
  'journal read before running/': [
    {
      file: 'state/survey.ts',
      from: `  const names = listDirectory(directory);
  const found = names.length === 0 ? null : judgeNamed(directory, names, isExclusive);
  return withJournalOrNull(journalPath(stateDir, job), (journal) =>
    use(found === null ? NOTHING : sortOut(found, journal), journal),
  );`,
      to: `  return withJournalOrNull(journalPath(stateDir, job), (journal) => {
    const names = listDirectory(directory);
    const found = names.length === 0 ? null : judgeNamed(directory, names, isExclusive);
    return use(found === null ? NOTHING : sortOut(found, journal), journal);
  });`,
    },
  ],
  /** No mutant: the same reader on a busy machine, for comparison. */
  'a pause between the journal and what is older': [
    {
      file: 'state/segments.ts',
      from: '    left ??= segmentsBefore(path, newest, onGone);\n',
      to: '    if (left === null) pauseMs(2);\n    left ??= segmentsBefore(path, newest, onGone);\n',
    },
    {
      file: 'state/segments.ts',
      from: 'import { listDirectory }',
      to: "import { pauseMs } from '../platform/clock.js';\nimport { listDirectory }",
    },
  ],
  'segments listed before the journal is opened': [
    {
      file: 'state/journal.ts',
      from: '    const newest = openNewest(path);\n',
      to: '    const listed = listSegments(dirname(path));\n    pauseMs(2);\n    const newest = openNewest(path);\n',
    },
    {
      file: 'state/journal.ts',
      from: '        if (left > 1) throw new Gone();\n      });',
      to: '        if (left > 1) throw new Gone();\n      }, listed);',
    },
    {
      file: 'state/journal.ts',
      from: "import { type Journal, openNewest, withOlder } from './segments.js';",
      to: "import { dirname } from 'node:path';\nimport { pauseMs } from '../platform/clock.js';\nimport { type Journal, listSegments, openNewest, withOlder } from './segments.js';",
    },
    {
      file: 'state/segments.ts',
      from: '  onGone: () => void = () => undefined,\n): T {\n  const opened: OpenFile[] = [];\n  let left: Segment[] | null = null;',
      to: '  onGone: () => void = () => undefined,\n  listed: Segment[] | null = null,\n): T {\n  const opened: OpenFile[] = [];\n  let left: Segment[] | null = listed;',
    },
  ],
  'start times not compared': [
    {
      file: 'model/liveness.ts',
      from: "  if (probe.stat.start_ticks !== recorded.start_ticks) return 'dead';\n",
      to: '',
    },
  ],
  'a zombie is dead, whatever its threads do': [
    {
      file: 'model/liveness.ts',
      from: "return (stat.state === 'Z' || stat.state === 'X') && stat.threads <= 1;",
      to: "return stat.state === 'Z' || stat.state === 'X';",
    },
  ],
  'stop believes whoever could write the record': [
    {
      file: 'commands/stop.ts',
      from: '    if (run !== null && goesOn(run)) requireOwn(place, asked, run);\n',
      to: '    if (run !== null && goesOn(run)) void requireOwn;\n',
    },
  ],
  'stop believes numbers': [
    {
      file: 'model/liveness.ts',
      from: "  if (probe.stat.start_ticks !== recorded.start_ticks) return 'dead';\n",
      to: '',
    },
    {
      file: 'model/liveness.ts',
      from: "  if (holder !== undefined && holder.start_ticks !== since) return { liveness: 'dead', pids: [] };\n",
      to: '',
    },
  ],
  'a session without its leader is believed': [
    {
      file: 'model/liveness.ts',
      from: '  const pids = holder === undefined ? members.filter((pid) => proved.has(pid)) : members;\n',
      to: '  const pids = members;\n  void proved;\n',
    },
  ],
  'namespaces not compared': [
    {
      file: 'model/liveness.ts',
      from: "  if (recorded.pid_ns !== here.pid_ns || recorded.time_ns !== here.time_ns) return 'elsewhere';\n",
      to: '',
    },
  ],
  'no lock': [
    {
      file: 'platform/flock.ts',
      from: '  for (let attempt = 1; ; attempt++) {\n',
      to: '  for (let attempt = 1; ; attempt++) {\n    if (fd >= 0) return true;\n',
    },
  ],
  'no look under the lock': [
    {
      file: 'run/gate.ts',
      from: '  const going = goingRuns(gate);\n  return',
      to: '  const going: readonly RunningRecord[] = [];\n  return',
    },
  ],
} as const satisfies Record<string, readonly Patch[]>;

export type MutantName = keyof typeof MUTANTS;

/** Builds a mutant in a directory of its own that is gone after the tests of this file. */
export async function buildMutant(name: MutantName): Promise<Built> {
  const directory = mkdtempSync(join(tmpdir(), 'cronrun-mutant-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  cpSync(`${ROOT}/bin`, `${directory}/bin`, { recursive: true });
  cpSync(`${ROOT}/package.json`, `${directory}/package.json`);
  symlinkSync(`${ROOT}/node_modules`, `${directory}/node_modules`);
  const patches: readonly Patch[] = MUTANTS[name];
  const applied = new Set<Patch>();
  const entries = {
    exec: 'exec.ts',
    last: 'last.ts',
    main: 'main.ts',
    answer: 'commands/last-answer.ts',
    rotate: 'state/rotate.ts',
    words: 'commands/exec-words.ts',
    overlap: 'run/take-turn.ts',
    output: 'commands/exec-output.ts',
    schedule: 'platform/cron-times.ts',
    index: 'index.ts',
  };
  await Promise.all(
    Object.entries(entries).map(([bundle, file]) =>
      build({
        entryPoints: [`${ROOT}/src/${file}`],
        outfile: `${directory}/dist/${bundle}.cjs`,
        bundle: true,
        platform: 'node',
        format: 'cjs',
        packages: 'external',
        // What tells others of a run is not there: no harness asks for it.
        external: ['./*.cjs'],
        define: { CRONRUN_VERSION: '"0.0.0"' },
        supported: { 'dynamic-import': false },
        logLevel: 'error',
        plugins: [patching(patches, applied)],
      }),
    ),
  );
  if (applied.size < patches.length) throw new Error(`${name}: not every patch was applied`);
  return builtIn(directory);
}

function patching(patches: readonly Patch[], applied: Set<Patch>): Plugin {
  return {
    name: 'patching',
    setup: (bundle) =>
      bundle.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
        let contents = readFileSync(path, 'utf8');
        for (const patch of patches.filter(({ file }) => path === `${ROOT}/src/${file}`)) {
          if (contents.split(patch.from).length !== 2)
            throw new Error(`${patch.file} is not as the mutant knows it`);
          contents = contents.replace(patch.from, () => patch.to);
          applied.add(patch);
        }
        return { contents, loader: 'ts' };
      }),
  };
}
