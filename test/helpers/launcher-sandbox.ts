import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const BIN = resolve(import.meta.dirname, '../../bin');

/**
 * Stands in for the program: tells as JSON what reached it, or, as "wait", which signals do. TERM ends it with 7 then,
 * as "die" it has no listeners.
 */
const PROGRAM = `'use strict';
const { readdirSync, readFileSync, writeFileSync, writeSync } = require('node:fs');
const args = process.argv.slice(2);
const stat = readFileSync('/proc/self/stat', 'utf8').split(') ').pop().split(' ');
const told = {
  args, env: process.env, cwd: process.cwd(), file: __filename, main: process.argv[1], childFaults: Number(stat[8]),
  threads: readdirSync('/proc/self/task').length
};
if (args[0] === 'wait') {
  for (const name of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'])
    process.on(name, () => writeSync(1, name + '\\n'));
  process.on('SIGTERM', () => process.exit(7));
}
if (args[0] === 'wait' || args[0] === 'die') {
  setTimeout(() => process.exit(99), 20_000);
  writeSync(1, 'ready\\n');
} else if (process.env.TELL_FILE) writeFileSync(process.env.TELL_FILE, JSON.stringify(told));
else if (args[0] === 'exit') process.exitCode = Number(args[1]);
else writeSync(1, JSON.stringify(told));
`;

/** What PROGRAM tells. */
export interface Told {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The program's own file. */
  readonly file: string;
  /** What node was started on. */
  readonly main: string;
  /** Page faults of children that this process has waited for, as whatever it was before: 0 if it had none. */
  readonly childFaults: number;
  readonly threads: number;
}

/** A place to lay out packages, links and nodes in; the launchers in it look for "usual places" below it only. */
export interface Sandbox {
  readonly root: string;
  /** Lays out the package in `root/where` and returns the path of its launcher. */
  package(where: string): string;
  /** root/where, a link to `target` as it is given. */
  link(where: string, target: string): string;
  /** root/where, the node that runs this test. */
  node(where: string): string;
  /** root/where, a node that takes itself for another version: "v18.20.4". */
  oldNode(where: string, version: string): string;
  /** root/where, an executable that says it needs an interpreter that is not there. */
  brokenNode(where: string): string;
  directory(where: string): string;
  remove(): void;
}

function replaced(text: string, pattern: RegExp, by: (found: string) => string): string {
  const result = text.replace(pattern, by);
  if (result === text) throw new Error(`${pattern} is not in the file any more`);
  return result;
}

/** The launcher with /usr, /opt and /snap, as far as it looks for node there, below `root`. */
function confined(launcher: string, root: string): string {
  return replaced(launcher, /(?<=^cronrun_search_usual_places\(\) \{$).*?(?=^\}$)/ms, (body) =>
    body.replace(/ (?=\/(usr|opt|snap)\/)/g, ` ${root}`),
  );
}

/** door.cjs that can be told, once, which version of node it is in. */
function foolable(door: string): string {
  return `${replaced(door, /(?<=var version = )process\.version/, () => 'takeVersion()')}
function takeVersion() {
  var version = process.env.FAKE_NODE_VERSION || process.version;
  delete process.env.FAKE_NODE_VERSION;
  return version;
}
`;
}

function rewrite(file: string, change: (text: string) => string): void {
  writeFileSync(file, change(readFileSync(file, 'utf8')));
}

function executable(file: string, text: string): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

export function makeSandbox(): Sandbox {
  const root = mkdtempSync(join(tmpdir(), 'cronrun-launcher-'));
  const at = (where: string) => join(root, where);
  const link = (where: string, target: string) => {
    mkdirSync(dirname(at(where)), { recursive: true });
    symlinkSync(target, at(where));
    return at(where);
  };
  return {
    root,
    link,
    package(where) {
      cpSync(BIN, join(at(where), 'bin'), { recursive: true });
      rewrite(join(at(where), 'bin/cronrun'), (text) => confined(text, root));
      rewrite(join(at(where), 'bin/door.cjs'), foolable);
      for (const name of ['exec', 'last', 'main']) executable(join(at(where), `dist/${name}.cjs`), PROGRAM);
      return join(at(where), 'bin/cronrun');
    },
    node: (where) => link(where, process.execPath),
    oldNode: (where, version) =>
      executable(at(where), `#!/bin/sh\nFAKE_NODE_VERSION=${version} exec '${process.execPath}' "$@"\n`),
    brokenNode: (where) => executable(at(where), '#!/nonexistent/interpreter\n'),
    directory(where) {
      mkdirSync(at(where), { recursive: true });
      return at(where);
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
