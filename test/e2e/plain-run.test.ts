import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { BIN, cronrun, scratch } from '../helpers/cronrun.js';
import { describeUnless, needsStrace } from '../helpers/needs.js';
import { type Call, traceCalls } from '../helpers/strace.js';

/** The build makes no code cache for a node whose engine is in a library of its own. */
const hasCache = existsSync(resolve(BIN, '../../dist/exec.cjs.cache'));

const opened = (calls: readonly Call[]) =>
  calls.flatMap(({ args, result }) => (result.startsWith('-1') ? [] : [/"([^"]+)"/.exec(args)?.[1] ?? '']));

/** A path of this package's JavaScript, without its directories; what node itself looks at is left out. */
const ours = (paths: readonly string[]) =>
  paths.filter((path) => /\/(?:bin|dist)\/[^/]+\.cjs(?:\.cache)?$/.test(path)).map((path) => basename(path));

describeUnless(needsStrace(), 'the second run of a job, and the question how it ended', () => {
  it.each([
    ['exec', ['exec', 'job', '--', 'true']],
    ['last', ['last', '--exit-code', 'job']],
  ])('%s loads its own door and nothing else, and asks for no time zone', (door, line) => {
    const stateDir = scratch();
    cronrun(stateDir, ['exec', 'job', '--', 'true']);
    const { result, calls } = traceCalls(stateDir, 'openat,open', line);
    expect(result).toMatchObject({ status: 0, stdout: '', stderr: '' });
    const paths = opened(calls);
    const program = hasCache ? [`${door}.cjs.cache`] : [`${door}.cjs`];
    expect(ours(paths)).toEqual(['door.cjs', ...program]);
    expect(paths.filter((path) => /localtime|zoneinfo/.test(path))).toEqual([]);
  });
});
