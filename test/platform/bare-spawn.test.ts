import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { spawnBare } from '../../src/platform/bare-spawn.js';
import { startChild } from '../../src/platform/spawn.js';
import { scratch } from '../helpers/cronrun.js';

const AS_IT_WAS = { ignored: [], softFiles: null };

afterEach(() => void vi.unstubAllEnvs());

/** How a shell that runs `script` ended. */
async function ended(script: string, env = {}): Promise<{ code: number | null; signal: string | null }> {
  const started = await startChild(['/bin/sh', '-c', script], env, AS_IT_WAS);
  if ('errno' in started) throw new Error(started.errno);
  return new Promise((resolve) => started.child.onExit((code, signal) => resolve({ code, signal })));
}

describe.each([
  ['what node:child_process is made of', ''],
  ['node:child_process', '1'],
])('a command that is started by %s', (_, pending) => {
  const start = (script: string, env = {}) => {
    vi.stubEnv('NODE_PENDING_DEPRECATION', pending);
    return ended(script, env);
  };

  it.each([0, 1, 7, 255])('exits with %i', async (code) => {
    expect(await start(`exit ${code}`)).toEqual({ code, signal: null });
  });

  it.each(['TERM', 'KILL', 'USR1', 'SEGV'])('dies by SIG%s', async (name) => {
    expect(await start(`kill -${name} $$`)).toEqual({ code: null, signal: `SIG${name}` });
  });

  it('has its environment, and nothing that is undefined', async () => {
    const path = `${scratch()}/env`;
    await start(`/usr/bin/env >${path}`, { PATH: '/usr/bin', ONE: 'a b=\u00e9', GONE: undefined });
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines).toContain('ONE=a b=\u00e9');
    expect(lines.some((line) => line.startsWith('GONE') || line.startsWith('HOME'))).toBe(false);
  });

  it('leads a session and a process group of its own', async () => {
    const path = `${scratch()}/stat`;
    await start(`read -r stat </proc/$$/stat; echo $stat >${path}`);
    const [pid, , , , group, session] = readFileSync(path, 'utf8').split(' ');
    expect([group, session]).toEqual([pid, pid]);
  });
});

describe('where it cannot be started, or was not tried', () => {
  it.each(['/nowhere', '/etc/passwd'])('%s: node:child_process has to say why', async (file) => {
    expect(spawnBare(file, [], {})).toBeNull();
    const errno = file === '/nowhere' ? 'ENOENT' : 'EACCES';
    expect(await startChild([file], {}, AS_IT_WAS)).toEqual({ errno });
  });

  it.each(['v18.20.0', 'v20.16.9', 'v20.21.0', 'v22.8.0', 'v22.24.0', 'v24.21.0', 'v200.18.0', ''])(
    'node %s',
    (version) => {
      const real = process.version;
      Object.defineProperty(process, 'version', { value: version, configurable: true });
      try {
        expect(spawnBare('/bin/true', [], {})).toBeNull();
      } finally {
        Object.defineProperty(process, 'version', { value: real, configurable: true });
      }
    },
  );

  it.each(['v20.17.0', 'v20.20.9', 'v22.9.0', 'v22.23.3'])('but node %s', async (version) => {
    const real = process.version;
    Object.defineProperty(process, 'version', { value: version, configurable: true });
    try {
      const child = spawnBare('/bin/true', [], {});
      expect(await new Promise((resolve) => child?.onExit(resolve))).toBe(0);
    } finally {
      Object.defineProperty(process, 'version', { value: real, configurable: true });
    }
  });

  it('node would complain', () => {
    vi.stubEnv('NODE_PENDING_DEPRECATION', '1');
    expect(spawnBare('/bin/true', [], {})).toBeNull();
  });
});
