import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  BIN,
  cronEnvironment,
  cronrun,
  journalOf,
  poll,
  runProgram,
  scratch,
  start,
  startProgram,
} from '../helpers/cronrun.js';

const PACKAGE = resolve(BIN, '../..');

/** A copy of the package, as npm would install it; what it does to it while a run goes on is the test's. */
function installed(): string {
  const directory = scratch();
  for (const part of ['bin', 'dist', 'package.json']) {
    cpSync(`${PACKAGE}/${part}`, `${directory}/${part}`, { recursive: true });
  }
  return directory;
}

describe('a run that goes on while the package', () => {
  it.each([
    ['is removed', (dist: string) => rmSync(dist, { recursive: true })],
    ['is replaced', (dist: string) => writeFileSync(`${dist}/words.cjs`, 'exports.other = 1;\n')],
    ['is half written', (dist: string) => writeFileSync(`${dist}/words.cjs`, 'exports.wordsFor = (\n')],
  ])('%s is waited for and recorded all the same', async (_, change) => {
    const stateDir = scratch();
    const home = installed();
    const sleeper = ['sh', '-c', 'echo "ready $$"; exec sleep 1000'];
    const run = startProgram(stateDir, `${home}/bin/cronrun`, ['exec', 'job', '--', ...sleeper]);
    await run.ready();
    change(`${home}/dist`);
    run.child.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ status: 143, signal: 'SIGTERM' });
    expect(journalOf(stateDir, 'job')).toMatchObject([{ reason: 'stopped', signal: 'SIGTERM' }]);
    expect(run.stderr).toMatch(/^cronrun: job: .*interrupted.*SIGTERM.*\n$/m);
  });

  it('is removed prints the output that it kept all the same', async () => {
    const stateDir = scratch();
    const home = installed();
    const line = ['exec', '--output', 'on-failure', 'job', '--', 'sh', '-c', 'echo said; read line; exit 3'];
    const run = startProgram(stateDir, `${home}/bin/cronrun`, line);
    await poll(() => cronrun(stateDir, ['output', 'job']).stdout === 'said\n', 'the command');
    rmSync(`${home}/dist`, { recursive: true });
    run.child.stdin?.end('go\n');
    expect(await run.ended).toMatchObject({ status: 3, stdout: '' });
    expect(run.stderr).toMatch(/^cronrun: job on \S+: FAILED, exit code 3, after [\s\S]*\n\nsaid\n$/);
  });
});

describe('a run that begins while the package', () => {
  it('is removed goes on without what it would do with earlier runs; a later one does it', async () => {
    const stateDir = scratch();
    const lost = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo "ready $$"; exec sleep 1000']);
    const child = await lost.ready();
    lost.child.kill('SIGKILL');
    await lost.exited;
    process.kill(child, 'SIGKILL');
    const home = installed();
    rmSync(`${home}/dist/earlier.cjs`);
    const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: stateDir };
    const run = (bin: string) => runProgram(bin, ['exec', 'job', '--', 'sh', '-c', 'exit 3'], { env });
    expect(run(`${home}/bin/cronrun`)).toMatchObject({ status: 3, stderr: '' });
    expect(journalOf(stateDir, 'job')).toMatchObject([{ status: 'failed', exit_code: 3 }]);
    expect(run(BIN).stderr).toContain('INTERRUPTED: its wrapper vanished');
    const reasons = journalOf(stateDir, 'job').map(({ reason }) => reason);
    expect(reasons).toEqual(['exited', 'lost', 'exited']);
  });
});

describe('the program that was made ready by the build', () => {
  /** What runs where the bundle itself has been replaced by one that says so. */
  function runs(change: (cache: string) => void): string {
    const home = installed();
    writeFileSync(`${home}/dist/exec.cjs`, "require('node:fs').writeSync(1, 'bundle');\n");
    change(`${home}/dist/exec.cjs.cache`);
    const line = ['exec', 'job', '--', 'echo', 'made ready'];
    const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: scratch() };
    return runProgram(`${home}/bin/cronrun`, line, { env }).stdout;
  }
  const rewrite = (file: string, change: (bytes: Buffer) => Buffer) =>
    writeFileSync(file, change(readFileSync(file)));

  it('runs where it is whole, and of this engine', () => {
    expect(runs(() => undefined)).toBe('made ready\n');
  });

  it.each([
    ['is gone', (cache: string) => rmSync(cache)],
    ['is empty', (cache: string) => truncateSync(cache)],
    ['is cut off', (cache: string) => truncateSync(cache, readFileSync(cache).length - 1)],
    ['goes on', (cache: string) => rewrite(cache, (bytes) => Buffer.concat([bytes, bytes]))],
    ['is of another engine', (cache: string) => rewrite(cache, (bytes) => bytes.fill('w', 0, 1))],
  ])('gives way to the bundle where it %s', (_, change) => {
    expect(runs(change)).toBe('bundle');
  });
});
