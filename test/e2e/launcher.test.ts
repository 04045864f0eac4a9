import { existsSync, readFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { transformSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Environment,
  HUP_INT_PIPE_256,
  installed,
  posixShells,
  restrained,
  run,
  tell,
} from '../helpers/launched.js';
import { makeSandbox, type Sandbox } from '../helpers/launcher-sandbox.js';

const BIN = resolve(import.meta.dirname, '../../bin');
const NODE: Environment = { CRONRUN_NODE: process.execPath };
const SHELLS = posixShells();

let box: Sandbox;
beforeEach(() => {
  box = makeSandbox();
});
afterEach(() => box.remove());

describe('the files', () => {
  test.each(SHELLS)('$shell accepts the launcher', ({ start }) => {
    expect(run([...start, '-n', join(BIN, 'cronrun')])).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  test('JavaScript sees one call in the launcher', () => {
    const text = readFileSync(join(BIN, 'cronrun'), 'utf8').replace(/^#!.*/, '');
    const { code } = transformSync(text, { minifyWhitespace: true });
    expect(code.trim()).toMatch(/^":";require\([^;]*\);$/);
  });

  test.each(['cronrun', 'door.cjs', 'relaunch.cjs'])('%s is ECMAScript 5', (name) => {
    const text = readFileSync(join(BIN, name), 'utf8');
    // esbuild rewrites what an old node could not read, and refuses what it cannot rewrite.
    const rewritten = transformSync(text, { target: 'es5' }).code;
    expect(rewritten).toBe(transformSync(text, { target: 'esnext' }).code);
    expect(rewritten).toContain('require(');
  });
});

describe.each([{ shell: '#!/bin/sh', start: [] as string[] }, ...SHELLS])('with $shell', ({ start }) => {
  const launch = (args: readonly string[], env: Environment = {}, cwd?: string) =>
    tell([...start, box.package('a (nice) package'), ...args], { ...NODE, ...env }, cwd);

  test('arguments reach the program byte for byte', () => {
    const args = ['exec', '', '-h', '--', 'two\nlines', "it's", '"$HOME" `id` \\n', '*', '--', 'grüße', ''];
    const many = Array.from({ length: 100 }, (_, i) => `argument ${i}`);
    expect(launch([...args, ...many]).args).toEqual([...args, ...many]);
  });

  test('the working directory and the environment stay, little is added', () => {
    const env = {
      PATH: '/nonexistent',
      d: 'd',
      line: 'x',
      NAME: 'two\nlines',
      HOME: '/root',
      node: '',
      IFSX: '1',
    };
    const told = launch(['x'], env, box.root);
    expect(told.env).toMatchObject(env);
    const added = Object.keys(told.env).filter((name) => !(name in env));
    // PWD, SHLVL and _ are the doing of shells.
    expect(added.filter((name) => !/^(PWD|SHLVL|_|CRONRUN_NODE|CRONRUN_LAUNCHED)$/.test(name))).toEqual([]);
    expect(told.env.CRONRUN_LAUNCHED).toMatch(/^\d+:(\d+|unlimited)$/);
    expect(told.cwd).toBe(box.root);
  });

  test('options for node are kept for the command, and do not touch the program', () => {
    const launcher = box.package('package');
    const launch = (env: Environment) => tell([...start, launcher], { ...NODE, ...env }).env;
    const kept = launch({ NODE_OPTIONS: '--require=/gone', NODE_EXTRA_CA_CERTS: '/gone.pem' });
    expect(kept.CRONRUN_KEPT_NODE_OPTIONS).toBe('--require=/gone');
    expect(kept.CRONRUN_KEPT_NODE_EXTRA_CA_CERTS).toBe('/gone.pem');
    expect(kept).not.toHaveProperty('NODE_OPTIONS');
    expect(kept).not.toHaveProperty('NODE_EXTRA_CA_CERTS');
    // tell() would have complained about the debugger's greeting.
    expect(launch({ NODE_OPTIONS: '--inspect=0' }).CRONRUN_KEPT_NODE_OPTIONS).toBe('--inspect=0');
    expect(launch({ NODE_OPTIONS: '' }).CRONRUN_KEPT_NODE_OPTIONS).toBe('');
  });

  test('a short run has no threads for long work, and nobody sees how that is said', () => {
    const launcher = box.package('package');
    const threads = (command: string) => {
      const told = tell([...start, launcher, command], NODE);
      expect(told.env).not.toHaveProperty('NODE_OPTIONS');
      return told.threads;
    };
    expect([threads('exec'), threads('last')]).toEqual([threads('ls') - 3, threads('ls') - 3]);
  });

  test('what an outer run left in the environment is not believed', () => {
    const stale = {
      CRONRUN_KEPT_NODE_OPTIONS: 'x',
      CRONRUN_KEPT_NODE_EXTRA_CA_CERTS: 'x',
      CRONRUN_LAUNCHED: 'x',
    };
    const told = launch([], stale).env;
    const names = Object.keys(told).filter((name) => name.startsWith('CRONRUN_'));
    expect(names.sort()).toEqual(['CRONRUN_LAUNCHED', 'CRONRUN_NODE']);
    expect(told.CRONRUN_LAUNCHED).not.toBe('x');
  });

  test('ignored signals and the soft limit are seen before node changes them', () => {
    const launcher = box.package(') R 1 (package');
    const seen = (argv: readonly string[]) => tell(argv, NODE).env.CRONRUN_LAUNCHED;
    expect(seen(restrained('HUP INT PIPE', [...start, launcher]))).toBe(HUP_INT_PIPE_256);
    // bash and BusyBox ignore QUIT themselves: it counts only if it was ignored before.
    expect(seen(restrained('QUIT', [...start, launcher]))).toBe('4:256');
    expect(seen(restrained('', [...start, launcher]))).toBe('0:256');
    expect(seen(restrained('TERM', [...start, box.link(') R (', launcher)]))).toBe('16384:256');
  });

  test('closed standard streams do not matter', () => {
    const file = join(box.root, 'told');
    const closing = ['/bin/sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', ...start, box.package('package'), 'a'];
    expect(run(closing, { ...NODE, TELL_FILE: file }).status).toBe(0);
    expect(JSON.parse(readFileSync(file, 'utf8')).args).toEqual(['a']);
  });

  test('no other process is started on the way', () => {
    const launcher = box.package('package');
    const env = { ...NODE, PATH: '/nonexistent', NODE_OPTIONS: '--gone' };
    expect(tell([...start, launcher], env).childFaults).toBe(0);
    expect(tell([...start, box.link('bin/cronrun', launcher)], env).childFaults).toBe(0);
  });
});

describe('where the package is', () => {
  const started = (argv: readonly string[], env: Environment = {}, cwd?: string) =>
    tell(argv, { ...NODE, ...env }, cwd);
  const DOOR = 'door.cjs';
  const mainOf = (...args: Parameters<typeof started>) => basename(started(...args).main);

  test('a checkout, by absolute and relative path', () => {
    const launcher = box.package('package');
    const top = resolve(launcher, '../..');
    expect(mainOf([launcher])).toBe(DOOR);
    expect(mainOf(['./bin/cronrun'], {}, top)).toBe(DOOR);
    expect(mainOf(['/bin/sh', 'bin/cronrun'], {}, top)).toBe(DOOR);
    expect(mainOf(['/bin/sh', 'cronrun'], {}, join(top, 'bin'))).toBe(DOOR);
  });

  test('a directory whose name begins with a dash', () => {
    box.package('-x');
    expect(mainOf(['/bin/sh', '--', '-x/bin/cronrun'], {}, box.root)).toBe(DOOR);
  });

  const bash = installed('bash');
  test.skipIf(!bash)('a shell that looks for its script along PATH', () => {
    const PATH = `/nonexistent:${resolve(box.package('package'), '..')}`;
    expect(mainOf([bash ?? '', 'cronrun'], { PATH })).toBe(DOOR);
  });

  test("npm's global link and its local one, without a detour", () => {
    box.package('prefix/lib/node_modules/cronrun');
    expect(mainOf([box.link('prefix/bin/cronrun', '../lib/node_modules/cronrun/bin/cronrun')])).toBe(DOOR);
    box.package('project/node_modules/cronrun');
    expect(mainOf([box.link('project/node_modules/.bin/cronrun', '../cronrun/bin/cronrun')])).toBe(DOOR);
  });

  test('a link beside another package of that name', () => {
    box.package('prefix/lib/node_modules/cronrun');
    const other = box.package('other');
    const link = box.link('prefix/bin/cronrun', other);
    expect(started([link]).file).toBe(resolve(other, '../../dist/main.cjs'));
  });

  test('any chain of links, by any name', () => {
    const launcher = box.package('package');
    const first = box.link('a/first', launcher);
    box.link('b/se cond', relative(join(box.root, 'b'), first));
    box.link('dir', 'b');
    const last = box.link('it', 'dir/se cond');
    for (const env of [{}, { NODE_PRESERVE_SYMLINKS_MAIN: '1', NODE_PRESERVE_SYMLINKS: '1' }]) {
      const told = started([last, 'x'], env);
      expect(told.file).toBe(resolve(launcher, '../../dist/main.cjs'));
      expect(told.args).toEqual(['x']);
      expect(Object.keys(told.env).filter((name) => /^CRONRUN_(TRIED|LAUNCHER)$/.test(name))).toEqual([]);
    }
  });

  test('node started on the launcher by hand', () => {
    const told = tell([process.execPath, box.package('package'), 'x']);
    expect(told.args).toEqual(['x']);
    expect(existsSync(told.file)).toBe(true);
  });
});
