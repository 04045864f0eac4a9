// The way from bin/cronrun to the program: dist/exec.cjs, dist/last.cjs, or dist/main.cjs for all else. This file and
// relaunch.cjs are ECMAScript 5: a node that is too old must be able to read them, or the job that it was found for
// would not run.
'use strict';

var fs = require('fs');
var path = require('path');
var vm = require('vm');
var wrap = require('module').wrap;

/** "engines" of package.json: ^20.17.0 || >=22.9.0 */
function isNewEnough(version) {
  var parts = /^v(\d+)\.(\d+)\./.exec(version);
  var major = parts ? Number(parts[1]) : 0;
  var minor = parts ? Number(parts[2]) : 0;
  return (major === 20 && minor >= 17) || (major === 22 && minor >= 9) || major > 22;
}

/** The text of a file (its bytes without an encoding), null where it cannot be read. */
function read(file, encoding) {
  try {
    return fs.readFileSync(file, encoding);
  } catch (_) {
    return null;
  }
}

/**
 * The engine, as scripts/code-cache.cjs writes it in front of what it made. V8 before version 12 takes the cache of any
 * build of node with the same V8 version for its own, which many releases of a line share, and crashes on it. So size
 * and time of the program must be the same, too: it is the same file, or an exact copy.
 */
function engine() {
  var node = fs.statSync(process.execPath);
  return [process.version, process.versions.v8, process.arch, node.size, node.mtime.getTime()].join(' ');
}

var ENGINE_BYTES = 128;

/** What this very engine made of the program when it was built; undefined where another one did. */
function cacheOf(program) {
  var bytes = read(program + '.cache');
  try {
    if (bytes === null || bytes.toString('latin1', 0, ENGINE_BYTES).indexOf(engine() + ' ') !== 0) return undefined;
  } catch (_) {
    return undefined; // nobody can tell which engine this is: where node was replaced, it has no file any more
  }
  return bytes.slice(ENGINE_BYTES);
}

/**
 * Runs the program in the place of this module. require() would take longer to look up what is known, and would
 * compile everything anew: the cache beside the program holds what the engine made of it when it was built. import() does
 * not work in what is run so; what needs it (chalk, execa) is in bundles that are required.
 */
function run(program, source) {
  delete process.env.CRONRUN_LAUNCHER;
  delete process.env.CRONRUN_TRIED;
  var script = new vm.Script(wrap(source), { filename: program, cachedData: cacheOf(program) });
  module.filename = program;
  script.runInThisContext().call(exports, exports, require, module, program, path.dirname(program));
}

function main() {
  var version = process.version;
  if (!isNewEnough(version)) return require('./relaunch.cjs')(' ' + version.slice(1));
  var command = process.argv[2];
  var name = command === 'exec' || command === 'last' ? command : 'main';
  var program = path.join(__dirname, '..', 'dist', name + '.cjs');
  var source = read(program, 'utf8');
  if (source === null) return require('./relaunch.cjs')('\n' + program + ' (missing)');
  run(program, source);
}

main();
