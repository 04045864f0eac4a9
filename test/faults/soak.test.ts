import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { expect, it } from 'vitest';
import { inBatches } from '../helpers/batches.js';
import { runningOf, scratch, start } from '../helpers/cronrun.js';
import { expectNoLies, FULL } from '../helpers/figures.js';
import { journalFile } from '../helpers/start-records.js';

/** Alone on a machine of two cores 10,000 take about five minutes: CRONRUN_SOAK=10000 asks for them. */
const RUNS = Number(process.env.CRONRUN_SOAK ?? (FULL ? 10_000 : 200));

/** So many run at once. */
const WIDTH = 4;

/** So many runs begin between two rotations. */
const ROTATE_EVERY = 23;

interface Soak {
  readonly stateDir: string;
  /** Where journals go that somebody moved away. */
  readonly old: string;
  rotations: number;
}

/** As somebody would by hand, or logrotate: runs go on meanwhile. */
function rotate(soak: Soak): void {
  try {
    renameSync(journalFile(soak.stateDir, 'job'), `${soak.old}/${soak.rotations}.jsonl`);
    soak.rotations++;
  } catch {
    // no run has ended since the last time
  }
}

function codeOf(number: number): number {
  return number % 5 === 0 ? number % 100 : 0;
}

/** What was wrong with one run as its caller saw it. */
async function runOne(soak: Soak, number: number): Promise<string[]> {
  const code = codeOf(number);
  const command = ['sh', '-c', 'exit "$2"', 'sh', `${number}`, `${code}`];
  const going = start(soak.stateDir, ['exec', 'job', '--', ...command]);
  if (number % ROTATE_EVERY === 0) rotate(soak);
  const { status, stderr } = await going.ended;
  return [
    ...(status === code ? [] : [`run ${number} exits with ${status}, its command with ${code}`]),
    ...(stderr === '' ? [] : [`run ${number} says ${stderr}`]),
  ];
}

/** Every line of every journal is whole, and every run stands in one of them, once and as it ended. */
function liesInJournals({ stateDir, old }: Soak): string[] {
  const files = [...readdirSync(old).map((name) => `${old}/${name}`), journalFile(stateDir, 'job')];
  const places = new Map<number, string[]>();
  const lies: string[] = [];
  for (const file of files) {
    const [rest, ...lines] = readFileSync(file, 'utf8').split('\n').reverse();
    if (rest !== '') lies.push(`${file} ends with ${rest}`);
    for (const line of lines) {
      const number = numberIn(line);
      if (number === null) lies.push(`${file} has a line that is not so: ${line}`);
      else places.set(number, [...(places.get(number) ?? []), file]);
    }
  }
  for (let number = 0; number < RUNS; number++) {
    const at = places.get(number) ?? [];
    if (at.length !== 1) lies.push(`run ${number} stands in ${at.join(' and ') || 'no journal'}`);
  }
  return lies;
}

/** The number of the run whose end a line tells truly; null for any other line. */
function numberIn(line: string): number | null {
  try {
    const { status, reason, exit_code, command } = JSON.parse(line) as Record<string, unknown>;
    const number = Number((command as string[])[4]);
    const code = codeOf(number);
    const words = code === 0 ? 'completed exited 0' : `failed exited ${code}`;
    return `${status} ${reason} ${exit_code}` === words ? number : null;
  } catch {
    return null;
  }
}

it(`${RUNS} runs of one job, ${WIDTH} at once, whose journal is moved away again and again`, {
  timeout: 120_000 + RUNS * 300,
}, async ({ task }) => {
  const directory = scratch();
  const soak: Soak = { stateDir: `${directory}/state`, old: `${directory}/old`, rotations: 0 };
  mkdirSync(soak.old);
  const numbers = Array.from({ length: RUNS }, (_, number) => number);
  const began = performance.now();
  const lies = (await inBatches(numbers, WIDTH, (number) => runOne(soak, number))).flat();
  const seconds = (performance.now() - began) / 1000;
  lies.push(...liesInJournals(soak));
  lies.push(...runningOf(soak.stateDir, 'job').map((name) => `${name} is left in running/`));
  console.log(`${RUNS} runs in ${seconds.toFixed(0)} s, ${soak.rotations} rotations`);
  expectNoLies(task, 'runs of one job, its journal moved away', RUNS, lies);
  expect(soak.rotations).toBeGreaterThan(RUNS / ROTATE_EVERY / 2);
});
