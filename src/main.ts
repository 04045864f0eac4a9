import { argv, enter, io } from './cli/enter.js';
import { runProgram, type WhatMachinesCall } from './cli/program.js';

// exec and last have doors of their own, and come here only with what their parser did not take.
if (argv[0] !== 'exec' && argv[0] !== 'last') enter(() => forPeople({}));

/** What people type, through commander. @param here what the bundle that calls has itself. */
export function forPeople(here: Partial<WhatMachinesCall>): Promise<number> {
  return runProgram(argv, io, {
    exec: here.exec ?? ((call) => (require('./exec.cjs') as WhatMachinesCall).exec(call)),
    last: here.last ?? ((call) => (require('./last.cjs') as WhatMachinesCall).last(call)),
  });
}
