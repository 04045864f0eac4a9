// Starts bin/cronrun once more, from a node that cannot run the program, and ends as that ends. ECMAScript 5, see
// door.cjs.
'use strict';

var os = require('os');
var path = require('path');
var spawn = require('child_process').spawn;

var FORWARDED = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];

/** The number of a signal; node before 6.3 has the constants elsewhere. */
function numberOf(signal) {
  var numbers = os.constants ? os.constants.signals : process.binding('constants');
  return numbers[signal];
}

/** Was the signal ignored when the launcher started? Then node, which has reset that, must not be ended by it. */
function wasIgnored(signal) {
  var mask = parseInt(process.env.CRONRUN_LAUNCHED, 10) || 0;
  return Math.floor(mask / Math.pow(2, numberOf(signal) - 1)) % 2 === 1;
}

function forwardTo(child, signal) {
  process.on(signal, function () {
    if (!wasIgnored(signal)) child.kill(signal);
  });
}

/** By USR1 no node can die: without a listener it opens the debugger. Others might leave a core dump of node. */
function endAs(code, signal) {
  if (signal === null) process.exit(code);
  if (signal !== 'SIGUSR1' && FORWARDED.indexOf(signal) !== -1) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  }
  process.exit(128 + numberOf(signal));
}

function refuse(message) {
  process.stderr.write('cronrun: ' + message + '\n');
  process.exit(125);
}

/**
 * `reason` ends the line that CRONRUN_TRIED (see the launcher) has for this node. Arguments that are not UTF-8 were
 * altered when this node read them, so they cannot be handed on.
 */
module.exports = function relaunch(reason) {
  var args = process.argv.slice(2);
  if (args.join('').indexOf('\ufffd') !== -1) refuse('an argument is not UTF-8; nothing was run');
  process.env.CRONRUN_TRIED = (process.env.CRONRUN_TRIED || process.execPath) + reason + '\n';
  var launcher = process.env.CRONRUN_LAUNCHER || path.join(__dirname, 'cronrun');
  var child = spawn('/bin/sh', [launcher].concat(args), { stdio: 'inherit' });
  FORWARDED.forEach(function (signal) {
    forwardTo(child, signal);
  });
  child.on('error', function (error) {
    refuse('cannot start /bin/sh: ' + error.message);
  });
  child.on('exit', endAs);
};
