import { expect, it } from 'vitest';
import { expectCaught, expectNoLies } from '../helpers/figures.js';
import { type Outcome, sweep, sweepJournal } from '../helpers/kill-sweep.js';
import { buildMutant, REAL } from '../helpers/mutants.js';
import { describeUnless, firstObstacle, needsStrace, needsUnshare } from '../helpers/needs.js';

const obstacle = firstObstacle(needsStrace, () => needsUnshare('--pid', '--fork', '--mount-proc'));

const liesIn = (outcomes: readonly Outcome[]) => outcomes.flatMap(({ lies }) => lies);

/** A sweep that is worth its name: it hit what it aimed at, and met everything that a kill can leave behind. */
function expectSwept(all: readonly Outcome[], atLeast: number): void {
  const outcomes = all.filter(({ hit }) => hit);
  expect(outcomes.length).toBeGreaterThan(atLeast);
  const missed = all.filter(({ hit }) => !hit);
  expect(missed.filter(touchesRecords).map(({ point, missed: at }) => [point.key, ...at])).toEqual([]);
  // How often node wakes up, and how many processes there are to look at, is not the same each time.
  expect(missed.length).toBeLessThanOrEqual(Math.max(3, all.length / 20));
  for (const what of ['known', 'recorded'] as const) expectFromOnePointOn(outcomes, what);
  expect(outcomes.filter(({ orphaned }) => orphaned).length).toBeGreaterThan(1);
  expect(outcomes.filter(({ orphaned, known }) => orphaned && !known)).toEqual([]);
}

function touchesRecords({ point: { where } }: Outcome): boolean {
  return where !== '' && !where.startsWith('/proc/');
}

function expectFromOnePointOn(outcomes: readonly Outcome[], what: 'known' | 'recorded'): void {
  const first = outcomes.findIndex((outcome) => outcome[what]);
  expect(first, what).toBeGreaterThan(0);
  expect(
    outcomes.slice(first).filter((outcome) => !outcome[what]),
    what,
  ).toEqual([]);
}

const SWEEPS = [
  ['the first run of all', 'first'],
  ['a run that settles what others left', 'settling'],
  ['a run ended by its timeout', 'timeout'],
  ['a run that is told to stop', 'stop'],
  ['a run that holds the lock of its job', 'overlap'],
  ['a run whose output is kept', 'output'],
] as const;

describeUnless(obstacle, 'a wrapper killed at every system call', () => {
  it.for(SWEEPS)('in %s', async ([run, scenario], { task }) => {
    const outcomes = await sweep(REAL, scenario);
    expectNoLies(task, `wrapper killed at a system call, ${run}`, outcomes.length, liesIn(outcomes));
    expectSwept(outcomes, 25);
  });
});

describeUnless(obstacle, 'the sweep catches', () => {
  it('a start record that goes before the journal has its line', async ({ task }) => {
    const mutant = await buildMutant('unlink before append');
    for (const scenario of ['first', 'settling'] as const) {
      const outcomes = await sweepJournal(mutant, scenario);
      expectCaught(task, `unlink before append, kill sweep: ${scenario}`, outcomes.length, liesIn(outcomes));
    }
  });
});
