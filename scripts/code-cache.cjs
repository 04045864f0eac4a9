// Makes the code cache of a bundle for bin/door.cjs: code-cache.cjs exec|last|main. The engine keeps what was called, so
// each is called as it mostly is, where a run was recorded before.
'use strict';

const { execFileSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join, resolve } = require('node:path');
const { Script } = require('node:vm');
const { wrap } = require('node:module');

const COMMAND_LINES = {
  exec: ['exec', 'warm-up', '--', '/bin/sh', '-c', ':'],
  last: ['last', '--exit-code', 'warm-up'],
  main: ['ls'],
};

const name = process.argv[2];
const program = resolve('dist', `${name}.cjs`);
const script = new Script(wrap(readFileSync(program, 'utf8')), { filename: program });

/** Who made the cache, as bin/door.cjs knows itself; a multiple of 8 bytes, so that V8 need not copy what follows. */
function engine() {
  const { arch, execPath, version, versions } = process;
  const node = statSync(execPath);
  const words = [version, versions.v8, arch, node.size, node.mtime.getTime()];
  return Buffer.from(words.join(' ').padEnd(128), 'latin1');
}

/** Calls the bundle with a command line; resolves with the status it would exit with. */
function call(args) {
  process.argv = [process.execPath, program, ...args];
  const module = { exports: {}, filename: program };
  return new Promise((ended) => {
    process.exit = ended;
    script
      .runInThisContext()
      .call(module.exports, module.exports, require, module, program, dirname(program));
  });
}

async function main() {
  const exit = process.exit;
  const stateDir = mkdtempSync(join(tmpdir(), 'cronrun-build-'));
  // No default of the builder's own, and a soft limit to put back, as under systemd's cron.
  for (const name of Object.keys(process.env)) if (name.startsWith('CRONRUN_')) delete process.env[name];
  Object.assign(process.env, { CRONRUN_STATE_DIR: stateDir, CRONRUN_LAUNCHED: '0:256' });
  execFileSync(process.execPath, [resolve('dist/exec.cjs'), ...COMMAND_LINES.exec]);
  const status = await call(COMMAND_LINES[name]);
  process.exit = exit;
  rmSync(stateDir, { recursive: true });
  if (status !== 0) throw new Error(`dist/${name}.cjs ended with ${status}`);
  writeFileSync(`${program}.cache`, Buffer.concat([engine(), script.createCachedData()]));
  process.exit(0); // the bundle listens to signals, which would keep this process
}

/** With V8 in a library of its own (as Debian builds it) an upgrade leaves the program that is compared as it was. */
if (process.config.variables.node_shared) {
  console.error('no code cache: the engine of this node is in a shared library');
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
