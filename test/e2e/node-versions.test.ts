import { readFileSync, statSync } from 'node:fs';
import { wrap } from 'node:module';
import { resolve } from 'node:path';
import { Script } from 'node:vm';
import { expect, it } from 'vitest';
import {
  cronEnvironment,
  cronrun,
  journalOf,
  type Options,
  poll,
  runningOf,
  scratch,
  start,
} from '../helpers/cronrun.js';
import { describeUnless } from '../helpers/needs.js';
import { getNode } from '../helpers/nodes.js';
import { onlyStartRecord, startLine } from '../helpers/start-records.js';
import { endedTruth, goingTruth, runNext, truth } from '../helpers/truth.js';

/** The oldest that package.json allows, and the newest of the lines after it. */
const VERSIONS = ['20.17.0', '22.9.0', '22', '24', '26'];

it.each(['exec', 'last', 'main'])(
  'the code cache of %s is taken by the node that made it, which is this one',
  (bundle) => {
    const program = resolve(import.meta.dirname, `../../dist/${bundle}.cjs`);
    const bytes = readFileSync(`${program}.cache`);
    const [engine, length] = bytes.toString('latin1', 0, 128).split('\n');
    const { size, mtime } = statSync(process.execPath);
    const { version, versions, arch } = process;
    expect(engine).toBe([version, versions.v8, arch, size, mtime.getTime()].join(' '));
    const source = wrap(readFileSync(program, 'utf8'));
    const end = 128 + Number(length);
    const script = new Script(source, { filename: program, cachedData: bytes.subarray(128, end) });
    expect(script.cachedDataRejected).toBe(false);
    expect(bytes.toString('utf8', end)).toBe(source);
  },
);

for (const version of VERSIONS) {
  const node = getNode(version);
  describeUnless(node.obstacle, `on node ${version}`, () => {
    const options: Options = {
      env: cronEnvironment({ CRONRUN_NODE: node.obstacle === null ? node.path : '' }),
    };

    it('is what runs', () => {
      const script = 'readlink /proc/$PPID/exe';
      const { stdout, stderr } = cronrun(scratch(), ['exec', 'job', '--', 'sh', '-c', script], options);
      expect({ stdout, stderr }).toEqual({ stdout: `${options.env?.CRONRUN_NODE}\n`, stderr: '' });
    });

    it.each([
      ['completed', 0, ['true']],
      ['failed', 3, ['sh', '-c', 'exit 3']],
      ['failed', 127, ['/nonexistent']],
      ['timeout', 124, ['sleep', '1000']],
    ])('%s, %i: exec, last and status agree', (status, code, command) => {
      const stateDir = scratch();
      expect(cronrun(stateDir, ['exec', '-t', '1s', 'job', '--', ...command], options).status).toBe(code);
      const said = truth(stateDir, 'job', options);
      expect(said).toEqual(endedTruth(said.status, code));
      expect(said.status).toMatch(new RegExp(`^${status} `));
      expect(runNext(stateDir, 'job', options).env.CRONRUN_LAST_STATUS).toBe(status);
    });

    it('told to stop: passes it on, and dies of it', async () => {
      const stateDir = scratch();
      const script = 'trap "echo told; exit 0" TERM; echo ready; while :; do sleep 0.01; done';
      const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', script], options);
      await run.says('ready');
      process.kill(run.pid, 'SIGTERM');
      expect(await run.ended).toMatchObject({ signal: 'SIGTERM', stdout: 'ready\ntold\n' });
      expect(truth(stateDir, 'job', options)).toEqual(endedTruth('interrupted stopped', 143));
    });

    it('killed: orphaned, then lost, then told', async () => {
      const stateDir = scratch();
      const run = start(stateDir, ['exec', 'job', '--', 'sh', '-c', 'echo ready; exec sleep 1000'], options);
      await run.says('ready');
      const record = onlyStartRecord(stateDir, 'job');
      const { pid } = await poll(() => startLine(record, 2), 'line 2 of the start record');
      run.child.kill('SIGKILL');
      await poll(() => run.child.signalCode, 'the end of the wrapper');
      expect(truth(stateDir, 'job', options)).toEqual(goingTruth('running orphaned', 196));
      process.kill(Number(pid), 'SIGKILL');
      await run.ended;
      expect(truth(stateDir, 'job', options)).toEqual(endedTruth('interrupted lost', 195));
      expect(runNext(stateDir, 'job', options).stderr).toContain('INTERRUPTED');
      expect(journalOf(stateDir, 'job')).toHaveLength(2);
      expect(runningOf(stateDir, 'job')).toEqual([]);
    });

    it('what people see: a list in colour, help, a usage error', () => {
      const stateDir = scratch();
      runNext(stateDir, 'job', options);
      expect(cronrun(stateDir, ['ls', '--color', 'always'], options).stdout).toContain('\u001b[');
      expect(cronrun(stateDir, ['--help'], options)).toMatchObject({ status: 0, stderr: '' });
      expect(cronrun(stateDir, ['exec', 'job', 'true'], options).status).toBe(125);
    });
  });
}
