import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const report = process.env.CRONRUN_TEST_REPORT;

/** Tests that put something else in the place of a module: whoever comes after them must not find that. */
const mocking = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name}`)
  .filter((file) => file.endsWith('.test.ts') && readFileSync(file, 'utf8').includes('vi.mock('));

/** For tests that need nothing but node. */
const pure = {
  maxWorkers: 2,
  // Far above what any of them needs: a machine that is busy with its disk fails no test.
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

// Projects: `unit` and `mocks` need nothing but node; `e2e` drives the built bin, so `npm test` builds first; `faults` causes
// every fault there is, takes root and mounts, and ends with its figures.
export default defineConfig({
  test: {
    reporters: [
      'default',
      './test/helpers/figures-reporter.ts',
      ...(report === undefined ? [] : [['json', { outputFile: report }] as ['json', { outputFile: string }]]),
    ],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/faults/**', ...mocking],
          isolate: false, // a process for each file would take longer than most of them
          setupFiles: ['test/helpers/tidy.ts'],
          ...pure,
        },
      },
      {
        test: {
          name: 'mocks',
          include: mocking,
          ...pure,
        },
      },
      {
        test: {
          name: 'e2e',
          sequence: { groupOrder: 1 }, // after the unit tests, which are quicker to say what is wrong
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 3, // they wait a good deal
        },
      },
      {
        test: {
          name: 'faults',
          sequence: { groupOrder: 2 },
          include: ['test/faults/**/*.test.ts'],
          // A sweep is one test; a full one on a busy machine takes its time.
          testTimeout: 900_000,
          hookTimeout: 120_000,
          maxWorkers: 3, // they wait a good deal
        },
      },
    ],
  },
});
