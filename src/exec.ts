import { readFileSync } from 'node:fs';
import { type ExecCall, execCall } from './cli/call.js';
import { argv, enter, io } from './cli/enter.js';
import { refuseMangled } from './cli/mangled.js';
import { parseFast } from './cli/parse.js';
import type { ForPeople } from './cli/program.js';
import { exec as run } from './commands/exec.js';
import { holdSignals } from './run/forward.js';

// First of all: a TERM that comes while the line is parsed must find somebody who keeps it.
if (argv[0] === 'exec') {
  holdSignals();
  enter(main);
}

/** `cronrun exec ...`, thousands of times a day: what its parser does not take is left to those who explain it. */
async function main(): Promise<number> {
  const call = parseFast('exec', argv.slice(1), io.env, execCall);
  return call === null ? (require('./main.cjs') as ForPeople).forPeople({ exec }) : exec(call);
}

/** Runs a command line that is understood. Resolves with the exit status, or dies as the run was told to. */
export async function exec(call: ExecCall): Promise<number> {
  if (argv[0] !== 'exec') holdSignals(); // an option stood before it: cronrun --state-dir DIR exec ...
  refuseMangled(argv, () => readFileSync('/proc/self/cmdline'));
  return run(call.options, call.job, call.argv, io);
}
