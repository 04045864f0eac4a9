// The way from bin/cronrun to the program, dist/main.cjs. This file and relaunch.cjs are ECMAScript 5: a node that
// is too old must be able to read them, or the job that it was found for would not run.
'use strict';

var fs = require('fs');
var path = require('path');

/** "engines" of package.json: ^20.17.0 || >=22.9.0 */
function isNewEnough(version) {
  var parts = /^v(\d+)\.(\d+)\./.exec(version);
  var major = parts ? Number(parts[1]) : 0;
  var minor = parts ? Number(parts[2]) : 0;
  return (major === 20 && minor >= 17) || (major === 22 && minor >= 9) || major > 22;
}

/** The text of a file, null where it cannot be read. */
function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (_) {
    return null;
  }
}

/** Runs the program in the place of this module. require() would take 0.6 ms more to look up what is known. */
function run(program, source) {
  delete process.env.CRONRUN_LAUNCHER;
  delete process.env.CRONRUN_TRIED;
  module.filename = program;
  module._compile(source, program);
}

function main() {
  var version = process.version;
  if (!isNewEnough(version)) return require('./relaunch.cjs')(' ' + version.slice(1));
  var program = path.join(__dirname, '..', 'dist', 'main.cjs');
  var source = read(program);
  if (source === null) return require('./relaunch.cjs')('\n' + program + ' (missing)');
  run(program, source);
}

main();
