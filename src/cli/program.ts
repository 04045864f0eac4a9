import type { Surroundings } from '../commands/types.js';
import { EXIT } from '../model/exit-status.js';
import type { AnswerCall, Call, ExecCall } from './call.js';
import { failureText } from './failure.js';
import { OPTIONS } from './options.js';
import { type Shown, understand, wordOf } from './understand.js';

/** Each in a bundle of its own. */
export interface WhatMachinesCall {
  readonly exec: (call: ExecCall) => Promise<number>;
  readonly last: (call: AnswerCall<'last'>) => Promise<number>;
}

/** What the bundle for people gives to theirs. */
export interface ForPeople {
  readonly forPeople: (here: Partial<WhatMachinesCall>) => Promise<number>;
}

/**
 * What people type, and what the fast parser did not take. The bodies of exec and last stay with their
 * doors: a second copy of exec in this bundle would not know the signals that the first has been holding.
 * @param argv what follows the program's name. Returns the exit status. Throws CronrunError.
 */
export async function runProgram(
  argv: readonly string[],
  io: Surroundings,
  machines: WhatMachinesCall,
): Promise<number> {
  if (wordOf(argv) !== 'check') return perform(understand(argv, io.env), io, machines);
  try {
    return await perform(understand(argv, io.env), io, machines);
  } catch (error) {
    // A monitoring system looks at stdout, and knows no exit status beyond 3.
    const { tellPlugin } = await import('../commands/check.js');
    return tellPlugin(failureText(error), asksForCheckmk(argv), io);
  }
}

function asksForCheckmk(argv: readonly string[]): boolean {
  return argv.includes(`--${OPTIONS.checkmk.name}`);
}

async function perform(call: Call | Shown, io: Surroundings, machines: WhatMachinesCall): Promise<number> {
  switch (call.command) {
    case 'show':
      (call.asked ? io.out : io.err)(call.text);
      return call.asked ? EXIT.ok : EXIT.ownFailure;
    case 'exec':
      return machines.exec(call);
    case 'last':
      return machines.last(call);
    case 'checkpoint':
      return (await import('../commands/checkpoint.js')).checkpoint(call.text, io);
    case 'status':
      return (await import('../commands/status.js')).status(call.options, call.target, io);
    case 'ls':
      return (await import('../commands/ls.js')).ls(call.options, call.job, io);
    case 'output':
      return (await import('../commands/output.js')).output(call.options, call.target, io);
    case 'wait':
      return (await import('../commands/wait.js')).wait(call.options, call.target, io);
    case 'stop':
      return (await import('../commands/stop.js')).stop(call.options, call.target, io);
    case 'settle':
      return (await import('../commands/settle.js')).settle(call.options, call.run, io);
    case 'prune':
      return (await import('../commands/prune.js')).prune(call.options, call.job, io);
    case 'forget':
      return (await import('../commands/forget.js')).forget(call.options, call.job, io);
    case 'check':
      return (await import('../commands/check.js')).check(call.options, call.jobs, io);
    case 'metrics':
      return (await import('../commands/metrics.js')).metrics(call.options, io);
    case 'pings':
      return (await import('../commands/pings.js')).pings(call.options, io);
    case 'man':
      return (await import('../commands/man.js')).man(call.page, io);
  }
}
