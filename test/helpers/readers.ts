import { dirname } from 'node:path';
import { cronEnvironment, runProgram } from './cronrun.js';
import { FULL } from './figures.js';
import { type Built, REAL } from './mutants.js';
import { jsonLines, type Truth, word } from './truth.js';

/** Who asks. */
export interface Reader {
  readonly built: Built;
  /** What goes before the program: nsenter, setpriv. */
  readonly through: readonly string[];
}

/** The real cronrun, called from here. */
export const HERE: Reader = { built: REAL, through: [] };

const LIBRARY = `
  const [job, library] = process.argv.slice(1);
  const status = require(library).openRegistry().status(job);
  console.log(JSON.stringify(status?.newest ?? {}));
  console.log(JSON.stringify(status?.last ?? { status: "none" }));
`;

/** Every reader, in a process of its own. $1 is the job, $2 the program, $3 the library. */
const READERS = {
  status: '"$2" status --json "$1"',
  last: '"$2" last --json "$1"',
  ls: '"$2" ls --json',
  lsJob: '"$2" ls --json "$1"',
  statusExit: '"$2" status --exit-code "$1"',
  lastExit: '"$2" last --exit-code "$1"',
  library: `"$CRONRUN_NODE" -e '${LIBRARY}' "$1" "$3"`,
} as const;

type Name = keyof typeof READERS;

const NAMES = Object.keys(READERS) as Name[];

interface Answer {
  readonly json: Record<string, unknown>[];
  readonly status: number;
}

/** What some readers answer about one job, one after another, asked by one shell. */
function hear(stateDir: string, job: string, { built, through }: Reader, names: readonly Name[]): Answer[] {
  const script = names
    .map((name) => `printf '\\036'; ${READERS[name]} 2>/dev/null; printf '\\037%s' $?`)
    .join('\n');
  const library = `${dirname(built.bin)}/../dist/index.cjs`;
  const [file, ...args] = [...through, 'sh', '-c', script, 'sh', job, built.bin, library] as const;
  const { stdout } = runProgram(file ?? 'sh', args, {
    env: cronEnvironment({ CRONRUN_STATE_DIR: stateDir }),
  });
  return stdout
    .split('\x1e')
    .slice(1)
    .map((answer) => answer.split('\x1f'))
    .map(([text = '', status]) => ({ json: jsonLines(text), status: Number(status) }));
}

/** What an answer comes to, as a Truth has it. */
function gistOf(name: Name, { json, status }: Answer, job: string): string | number {
  switch (name) {
    case 'statusExit':
    case 'lastExit':
      return status;
    case 'ls':
      return word(json.find((line) => line.job === job));
    case 'library':
      return `${word(json[0])}, last ${word(json[1])}`;
    default:
      return word(json[0]);
  }
}

/** As many of the readers are asked at once as a sample takes; over a sweep each has its turn. */
const ASKED = FULL ? NAMES.length : 2;

/** Counts what was asked and collects what was not true, for a line of figures. */
export class Hearing {
  points = 0;
  readonly lies: string[] = [];
  readonly #reader: Reader;
  #next = 0;

  constructor(reader = HERE) {
    this.#reader = reader;
  }

  /** What is asked where no other reader is named. */
  get built(): Built {
    return this.#reader.built;
  }

  /** Asks the readers of `job`, where `what` is the case. Each answer is a point. */
  ask(what: string, stateDir: string, job: string, truth: Truth, reader = this.#reader): void {
    const names = Array.from({ length: ASKED }, () => NAMES[this.#next++ % NAMES.length] as Name);
    const expected = { ...truth, library: `${truth.status}, last ${truth.last}` };
    const answers = hear(stateDir, job, reader, names);
    for (const [index, name] of names.entries()) {
      const answer = answers[index] ?? { json: [], status: Number.NaN };
      this.expect(`${what}: ${name}`, gistOf(name, answer, job), expected[name]);
    }
  }

  /** One point more: whatever else was to be so. */
  expect(what: string, is: unknown, shouldBe: unknown): void {
    this.points++;
    const [a, b] = [JSON.stringify(is), JSON.stringify(shouldBe)];
    if (a !== b) this.lies.push(`${what} says ${a}, true is ${b}`);
  }
}
