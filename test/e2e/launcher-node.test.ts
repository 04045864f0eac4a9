import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Environment,
  HUP_INT_PIPE_256,
  posixShells,
  restrained,
  run,
  tell,
} from '../helpers/launched.js';
import { makeSandbox, type Sandbox } from '../helpers/launcher-sandbox.js';

const NO_PATH = '/nonexistent';

/** The sandbox has no node but those that a test puts there. */
let box: Sandbox;
let launcher: string;
beforeEach(() => {
  box = makeSandbox();
  launcher = box.package('package');
});
afterEach(() => box.remove());

describe('which node', () => {
  test('CRONRUN_NODE, beside the launcher, PATH, the usual places, in this order', () => {
    const places = [
      'own/node',
      'links/node',
      'first in path/node',
      'second/node',
      'usr/local/bin/node',
      'opt/homebrew/bin/node',
      'usr/bin/node-20',
      'home/.nvm/versions/node/v20.1.0/bin/node',
      'home/.asdf/installs/nodejs/22.1.0/bin/node',
      'home/n/bin/node',
    ];
    for (const [index, place] of places.entries()) box.oldNode(place, `v18.0.${index}`);
    box.oldNode('home/.nvm/versions/node/v8.1.0/bin/node', 'v8.1.0');
    const env = {
      CRONRUN_NODE: join(box.root, 'own/node'),
      PATH: ['nothing', 'first in path', 'second'].map((dir) => join(box.root, dir)).join(':'),
      HOME: join(box.root, 'home'),
    };
    const { stderr } = run([box.link('links/cronrun', launcher), 'ls'], env);
    const tried = [...stderr.matchAll(/ (\d+\.\d+\.\d+)(?=[,)])/g)].map((match) => match[1]);
    expect(tried).toEqual(places.map((_, index) => `18.0.${index}`));
  });

  test('with PATH unset, useless or empty, and without HOME', () => {
    box.node('usr/local/bin/node');
    expect(tell([launcher, 'a']).args).toEqual(['a']);
    expect(tell([launcher, 'a'], { PATH: NO_PATH }).args).toEqual(['a']);
    expect(tell([launcher, 'a'], { PATH: '' }).args).toEqual(['a']);
  });

  test('CRONRUN_NODE may be a name along PATH', () => {
    box.node('some/node22');
    expect(tell([launcher], { PATH: join(box.root, 'some'), CRONRUN_NODE: 'node22' }).args).toEqual([]);
  });

  test('directories and files that are not executable are no node', () => {
    box.directory('one/node');
    box.directory('two');
    writeFileSync(join(box.root, 'two/node'), '');
    box.node('three/node');
    const PATH = ['one', 'two', 'three'].map((dir) => join(box.root, dir)).join(':');
    expect(tell([launcher], { PATH, CRONRUN_NODE: '/nonexistent/node' }).args).toEqual([]);
  });

  test('one node by two names is started once', () => {
    box.oldNode('usr/bin/node', 'v16.1.0');
    box.link('bin', 'usr/bin');
    const { stderr } = run([launcher, 'ls'], { PATH: `${box.root}/usr/bin:${box.root}/bin` });
    expect(stderr.match(/16\.1\.0/g)).toHaveLength(1);
  });

  test('versions that are new enough, and those that are not', () => {
    const taken = (version: string) =>
      run([launcher], { PATH: NO_PATH, CRONRUN_NODE: box.oldNode(`${version}/node`, version) }).status === 0;
    const good = ['v20.17.0', 'v20.20.2', 'v22.9.0', 'v22.22.0', 'v23.0.0', 'v24.11.0', 'v100.0.0-nightly'];
    expect(good.filter((version) => !taken(version))).toEqual([]);
    const old = ['v0.12.18', 'v4.9.1', 'v18.20.4', 'v20.16.9', 'v21.7.3', 'v22.8.0', 'x'];
    expect(old.filter(taken)).toEqual([]);
  });

  test('the message does not call 22.8 older than 20.17', () => {
    const node = box.oldNode('node', 'v22.8.0');
    expect(run([launcher, 'ls'], { PATH: NO_PATH, CRONRUN_NODE: node }).stderr).toContain(
      `cronrun: no node of version 20.17, 22.9 or newer (found ${node} 22.8.0);\n`,
    );
  });

  test.each(posixShells())('one that cannot be executed is passed over ($shell)', ({ start }) => {
    box.node('good/node');
    const env = {
      CRONRUN_NODE: box.brokenNode('broken/node'),
      PATH: join(box.root, 'good'),
      NODE_OPTIONS: '--gone',
    };
    const told = JSON.parse(run(restrained('HUP INT PIPE', [...start, launcher, 'x', '']), env).stdout);
    expect(told.args).toEqual(['x', '']);
    expect(told.env).toMatchObject({
      CRONRUN_LAUNCHED: HUP_INT_PIPE_256,
      CRONRUN_KEPT_NODE_OPTIONS: '--gone',
    });
    expect(told.env).not.toHaveProperty('CRONRUN_TRIED');
    expect(run([...start, launcher, 'exit', '9'], env).status).toBe(9);
  });

  test('a list of tried nodes that cannot be right ends the search', () => {
    box.node('good/node');
    const CRONRUN_TRIED = Array.from({ length: 20 }, (_, i) => `/node${i} 1.0.0\n`).join('');
    expect(run([launcher, 'x'], { PATH: join(box.root, 'good'), CRONRUN_TRIED }).status).toBe(125);
  });
});

describe('a node that is too old', () => {
  let env: Environment;
  beforeEach(() => {
    box.node('good/node');
    env = { PATH: join(box.root, 'good'), CRONRUN_NODE: box.oldNode('old/node', 'v18.20.4') };
  });

  test('hands over to the next, with all that the first launch saw', () => {
    const args = ['exec', '', 'a\nb', '--', "'", 'grüße'];
    const argv = restrained('HUP INT PIPE', [launcher, ...args]);
    const told = tell(argv, { ...env, NODE_OPTIONS: '--require=/gone' });
    expect(told.args).toEqual(args);
    expect(told.env.CRONRUN_LAUNCHED).toBe(HUP_INT_PIPE_256);
    expect(told.env.CRONRUN_KEPT_NODE_OPTIONS).toBe('--require=/gone');
    expect(Object.keys(told.env).filter((name) => /^CRONRUN_(TRIED|LAUNCHER)$/.test(name))).toEqual([]);
    expect(run([launcher, 'exit', '42'], env)).toMatchObject({ status: 42, stderr: '' });
  });

  test('hands over behind a link that only node can follow', () => {
    expect(tell([box.link('somewhere/else', launcher), 'x'], env).args).toEqual(['x']);
  });

  test('does not hand on arguments that it has altered', () => {
    const script = `exec "$0" exec j -- /bin/echo "$(printf 'caf\\351')"`;
    const outcome = run(['/bin/sh', '-c', script, launcher], env);
    expect(outcome).toMatchObject({ status: 125, stdout: '' });
    expect(outcome.stderr).toContain('UTF-8');
  });

  const real = (process.env.CRONRUN_TEST_OLD_NODES ?? '').split(':').filter(Boolean);
  if (real.length === 0)
    console.warn('launcher: NOT TESTED with truly old nodes: CRONRUN_TEST_OLD_NODES is not set');
  test.each(real)('truly old: %s', (node) => {
    expect(tell([launcher, '', 'a\nb'], { ...env, CRONRUN_NODE: node }).args).toEqual(['', 'a\nb']);
    expect(run([launcher, 'exit', '42'], { ...env, CRONRUN_NODE: node })).toMatchObject({
      status: 42,
      stderr: '',
    });
    expect(run([launcher, 'ls'], { PATH: NO_PATH, CRONRUN_NODE: node }).stderr).toContain(`found ${node} `);
    expect(tell([node, launcher, 'by hand'], { PATH: env.PATH ?? '' }).args).toEqual(['by hand']);
  });
});

describe('signals to a node that is too old', () => {
  let env: Environment;
  beforeEach(() => {
    box.node('good/node');
    env = { PATH: join(box.root, 'good'), CRONRUN_NODE: box.oldNode('old/node', 'v18.20.4') };
  });

  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGTERM'));

  /** Starts `argv` and waits until the program in it is ready; `said` waits for a text on its stdout. */
  async function started(argv: readonly string[]) {
    const [file = '', ...args] = argv;
    const node = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    child = node;
    const ended = once(node, 'exit');
    let output = '';
    const said = async (text: string) => {
      while (!output.includes(text)) output += String((await once(node.stdout, 'data'))[0]);
      return output;
    };
    await said('ready\n');
    return { kill: (signal: NodeJS.Signals) => node.kill(signal), said, ended };
  }

  test('are passed on, and the exit code comes back', async () => {
    const program = await started([launcher, 'wait']);
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const) {
      program.kill(signal);
      await program.said(`${signal}\n`);
    }
    program.kill('SIGTERM');
    expect(await program.ended).toEqual([7, null]);
  });

  test.each(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR2'] as const)(
    '%s: it dies as the program died',
    async (signal) => {
      const program = await started([launcher, 'die']);
      program.kill(signal);
      expect(await program.ended).toEqual([null, signal]);
    },
  );

  test('that were ignored from the start end nothing and are not passed on', async () => {
    const program = await started(restrained('HUP INT', [launcher, 'wait']));
    program.kill('SIGHUP');
    program.kill('SIGINT');
    program.kill('SIGUSR2');
    expect(await program.said('SIGUSR2\n')).toBe('ready\nSIGUSR2\n');
    program.kill('SIGTERM');
    expect(await program.ended).toEqual([7, null]);
  });

  test('another death of the command is 128+n', () => {
    const command = (signal: string) => ['exec', 'j', '--', '/bin/sh', '-c', `kill -${signal} $$`];
    const noneGood = { ...env, PATH: NO_PATH };
    expect(run([launcher, ...command('KILL')], noneGood)).toMatchObject({ status: 137, signal: null });
    expect(run([launcher, ...command('USR1')], noneGood)).toMatchObject({ status: 138, signal: null });
  });
});
