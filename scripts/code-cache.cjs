// Makes dist/NAME.cjs.cache for bin/door.cjs: code-cache.cjs exec|last|main. A head of 128 bytes, what the engine made of
// the bundle, and the text that this was made of. The engine keeps what was called, so each is called as it mostly is, where
// a run was recorded before.
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
const source = wrap(readFileSync(program, 'utf8'));
const script = new Script(source, { filename: program });

const HEAD_BYTES = 128;

/**
 * Who made the cache, as bin/door.cjs knows itself; where the cache ends and where the file does. A multiple of 8 bytes, so
 * that V8 need not copy what follows.
 */
function headOf(cache, text) {
  const { arch, execPath, version, versions } = process;
  const node = statSync(execPath);
  const engine = [version, versions.v8, arch, node.size, node.mtime.getTime()].join(' ');
  const length = HEAD_BYTES + cache.length + text.length;
  return Buffer.from(`${engine}\n${cache.length}\n${length}\n`.padEnd(HEAD_BYTES), 'latin1');
}

/** The text as it is read back: a byte a character. */
function bytesOf(text) {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.toString('utf8') !== text) throw new Error(`${program} is not ASCII`);
  return bytes;
}

/** Calls the bundle with a command line; resolves with the status it would exit with. */
function call(args) {
  process.argv = [process.execPath, program, ...args];
  const module = { exports: {}, filename: program };
  return new Promise((ended) => {
    process.exit = ended;
    process.reallyExit = ended;
    script
      .runInThisContext()
      .call(module.exports, module.exports, require, module, program, dirname(program));
  });
}

async function main() {
  const { exit, reallyExit } = process;
  const stateDir = mkdtempSync(join(tmpdir(), 'cronrun-build-'));
  // No default of the builder's own, and a soft limit to put back, as under systemd's cron.
  for (const name of Object.keys(process.env)) if (name.startsWith('CRONRUN_')) delete process.env[name];
  Object.assign(process.env, { CRONRUN_STATE_DIR: stateDir, CRONRUN_LAUNCHED: '0:256' });
  execFileSync(process.execPath, [resolve('dist/exec.cjs'), ...COMMAND_LINES.exec]);
  const status = await call(COMMAND_LINES[name]);
  Object.assign(process, { exit, reallyExit });
  rmSync(stateDir, { recursive: true });
  if (status !== 0) throw new Error(`dist/${name}.cjs ended with ${status}`);
  const cache = script.createCachedData();
  const text = bytesOf(source);
  writeFileSync(`${program}.cache`, Buffer.concat([headOf(cache, text), cache, text]));
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
