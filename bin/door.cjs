// The way from bin/cronrun to the program: dist/exec.cjs, dist/last.cjs, or dist/main.cjs for all else. This file and
// relaunch.cjs are ECMAScript 5: a node that is too old must be able to read them, or the job that it was found for
// would not run.
'use strict';

var fs = require('fs');
var path = require('path');
var vm = require('vm');

/** "engines" of package.json: ^20.17.0 || >=22.9.0 */
function isNewEnough(version) {
  var parts = /^v(\d+)\.(\d+)\./.exec(version);
  var major = parts ? Number(parts[1]) : 0;
  var minor = parts ? Number(parts[2]) : 0;
  return (major === 20 && minor >= 17) || (major === 22 && minor >= 9) || major > 22;
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

/** What the launcher puts into NODE_OPTIONS, for this process alone. */
var FOR_NODE = '--v8-pool-size=1';

var HEAD_BYTES = 128;

/** The bytes of a file. Not by readFileSync: its way would be compiled, and the program goes by this one anyway. */
function bytesOf(file) {
  var fd = fs.openSync(file, fs.constants.O_RDONLY);
  try {
    var bytes = Buffer.allocUnsafeSlow(fs.fstatSync(fd).size);
    return bytes.slice(0, fs.readSync(fd, bytes, 0, bytes.length, null));
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * The program as this very engine has made it ready, and its text: one file, so that the one is never of another build
 * than the other. Null where it is not whole, where another engine made it, or where nobody can tell which one this is:
 * where node was replaced, it has no file any more.
 */
function prepared(program) {
  try {
    var bytes = bytesOf(program + '.cache');
    var head = bytes.toString('latin1', 0, HEAD_BYTES).split('\n');
    if (head[0] !== engine() || Number(head[2]) !== bytes.length) return null;
    var end = HEAD_BYTES + Number(head[1]);
    return { cache: bytes.slice(HEAD_BYTES, end), source: bytes.toString('latin1', end) };
  } catch (_) {
    return null;
  }
}

/** The program as it stands in its own file, null where that cannot be read. */
function plain(program) {
  try {
    return { cache: undefined, source: module.constructor.wrap(fs.readFileSync(program, 'utf8')) };
  } catch (_) {
    return null;
  }
}

/**
 * Runs the program in the place of this module. require() would take longer to look up what is known, and would
 * compile everything anew: the cache beside the program holds what the engine made of it when it was built. import() does
 * not work in what is run so; what needs it (chalk, execa) is in bundles that are required.
 */
function run(program, code) {
  if (process.env.CRONRUN_LAUNCHER !== undefined && process.env.NODE_OPTIONS === FOR_NODE) delete process.env.NODE_OPTIONS;
  delete process.env.CRONRUN_LAUNCHER;
  delete process.env.CRONRUN_TRIED;
  var script = new vm.Script(code.source, { filename: program, cachedData: code.cache });
  module.filename = program;
  script.runInThisContext().call(exports, exports, require, module, program, path.dirname(program));
}

function main() {
  var version = process.version;
  if (!isNewEnough(version)) return require('./relaunch.cjs')(' ' + version.slice(1));
  var command = process.argv[2];
  var name = command === 'exec' || command === 'last' ? command : 'main';
  var program = path.join(__dirname, '..', 'dist', name + '.cjs');
  var code = prepared(program) || plain(program);
  if (code === null) return require('./relaunch.cjs')('\n' + program + ' (missing)');
  run(program, code);
}

main();
