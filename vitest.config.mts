import { defineConfig } from 'vitest/config';

const report = process.env.CRONRUN_TEST_REPORT;

// Two projects: `unit` needs nothing but node; `e2e` drives the built bin, so `npm test` builds first.
export default defineConfig({
  test: {
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/faults/**'],
          // Far above what any of them needs: a machine that is busy with its disk fails no test.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          sequence: { groupOrder: 1 }, // after the unit tests, which are quicker to say what is wrong
          include: ['test/e2e/**/*.test.ts', 'test/faults/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
