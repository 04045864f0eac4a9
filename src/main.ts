import { readFileSync } from 'node:fs';
import type { AnswerCall, ExecCall } from './cli/call.js';
import { failureStatus, failureText } from './cli/failure.js';
import { refuseMangled } from './cli/mangled.js';
import { writeAnswer, writeTalk } from './cli/output.js';
import { parseFast } from './cli/parse.js';
import type { Surroundings } from './commands/types.js';
import { holdSignals } from './run/forward.js';

const argv = process.argv.slice(2);

// First of all: a TERM that comes while the line is parsed must find somebody who keeps it.
if (argv[0] === 'exec') holdSignals();

const io: Surroundings = { env: process.env, out: writeAnswer, err: writeTalk, now: Date.now };

process.on('uncaughtException', fail);
main().then((status) => process.exit(status), fail);

/** Machines call exec and last thousands of times a day: they pass here. Everything else takes commander. */
async function main(): Promise<number> {
  const [command, ...args] = argv;
  const call = command === 'exec' || command === 'last' ? parseFast(command, args, io.env) : null;
  if (call !== null) return atTheDoor(call);
  const { runProgram } = require('./program.cjs') as typeof import('./cli/program.js');
  return runProgram(argv, io, atTheDoor);
}

async function atTheDoor(call: ExecCall | AnswerCall<'last'>): Promise<number> {
  if (call.command === 'last') {
    const { last } = await import('./commands/last.js');
    return last(call.options, call.target, io);
  }
  if (argv[0] !== 'exec') holdSignals(); // an option stood before it: cronrun --state-dir DIR exec ...
  refuseMangled(argv, () => readFileSync('/proc/self/cmdline'));
  const { exec } = await import('./commands/exec.js');
  return exec(call.options, call.job, call.argv, io);
}

/** The one place where an error becomes a line on stderr and an exit status. */
function fail(error: unknown): never {
  writeTalk(failureText(error));
  process.exit(failureStatus(error));
}
