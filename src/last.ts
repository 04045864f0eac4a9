import { type AnswerCall, lastCall } from './cli/call.js';
import { argv, enter, io } from './cli/enter.js';
import { parseFast } from './cli/parse.js';
import type { ForPeople } from './cli/program.js';
import { last as answer } from './commands/last.js';

if (argv[0] === 'last') enter(main);

/** `cronrun last ...`, which scripts ask as often as they run, see exec.ts. */
async function main(): Promise<number> {
  const call = parseFast('last', argv.slice(1), io.env, lastCall);
  return call === null ? (require('./main.cjs') as ForPeople).forPeople({ last }) : last(call);
}

/** Answers a command line that is understood. Resolves with the exit status. */
export async function last(call: AnswerCall<'last'>): Promise<number> {
  return answer(call.options, call.target, io);
}
