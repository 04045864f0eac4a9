import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * What truly happened in a storm, in the order in which it happened, for no clock can tell that: every line is appended
 * by whoever knows, and the length of the file is the time. What makes something possible (a wrapper is started, it is
 * going to be killed, its command is about to end) is written down before it is done; what is certain (a command runs,
 * a wrapper or all of a run is gone) once it is so.
 */
export class Book {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    writeFileSync(path, '');
  }

  write(event: 'start' | 'kill' | 'dead' | 'gone', number: number, more: number | string = ''): void {
    appendFileSync(this.path, `${event} ${number} ${more}\n`);
  }

  read(): Map<number, TrueRun> {
    const runs = new Map<number, TrueRun>();
    let at = 0;
    for (const line of readFileSync(this.path, 'latin1').split('\n').slice(0, -1)) {
      at += line.length + 1;
      const [event = '', number, ...more] = line.split(' ');
      const run = runs.get(Number(number)) ?? { ...UNKNOWN };
      runs.set(Number(number), { ...run, ...changes(event, at, more) });
    }
    return runs;
  }
}

/** Says that it runs, waits until somebody writes into its fifo, says that it ends. */
export const COMMAND =
  'echo "begin $1 $CRONRUN_ID $$" >>"$2"; read -r go <"$3"; echo "end $1 $4" >>"$2"; exit "$4"';

/** Places in the book; Infinity for what never happened. */
export interface TrueRun {
  /** Its wrapper is going to be started. */
  readonly start: number;
  /** Its command runs, so its start is on record. */
  readonly begin: number;
  readonly id: string | null;
  readonly pid: number | null;
  /** Its command is going to end with this code. */
  readonly end: number;
  readonly code: number | null;
  /** Its wrapper is going to be killed. */
  readonly kill: number;
  /** Its wrapper is gone. `status`: what it exited with; null where it was killed. */
  readonly dead: number;
  readonly status: number | null;
  /** Its command is gone too. */
  readonly gone: number;
}

export const NEVER = Number.POSITIVE_INFINITY;
const UNKNOWN: TrueRun = {
  start: NEVER,
  begin: NEVER,
  id: null,
  pid: null,
  end: NEVER,
  code: null,
  kill: NEVER,
  dead: NEVER,
  status: null,
  gone: NEVER,
};

function changes(event: string, at: number, [first = '', second]: readonly string[]): Partial<TrueRun> {
  switch (event) {
    case 'begin':
      return { begin: at, id: first, pid: Number(second) };
    case 'end':
      return { end: at, code: Number(first) };
    case 'dead':
      return { dead: at, status: first === 'killed' ? null : Number(first) };
    case 'start':
    case 'kill':
    case 'gone':
      return { [event]: at };
    default:
      throw new Error(`the book says "${event}"`);
  }
}
