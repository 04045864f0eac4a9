import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { man, showPage, viewers } from '../../src/commands/man.js';

const io = { env: {}, out: () => undefined, err: () => undefined, now: () => 0 };

it.each(['exec', '', 'cronrun', 'constructor'])('there is no page %j', async (page) => {
  await expect(man(page, io)).rejects.toMatchObject({ code: 'usage' });
});

it('asks man first, in the way of its system', () => {
  expect(viewers('/x/cronrun.1', 'linux').map((command) => command.join(' '))).toEqual([
    'man -l /x/cronrun.1',
    'man /x/cronrun.1',
    'mandoc -a /x/cronrun.1',
  ]);
  expect(viewers('/x/cronrun.1', 'darwin')[0]).toEqual(['man', '/x/cronrun.1']);
});

describe('with real programs', () => {
  let dir = '';
  let page = '';
  let shown = '';
  const calls = (): string => readFileSync(join(dir, 'calls'), 'utf8');

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'cronrun-man-'));
    page = join(dir, 'cronrun.1');
    shown = '';
    writeFileSync(page, '.Sh NAME\n.Nm cronrun\n');
    writeFileSync(join(dir, 'calls'), '');
    vi.stubEnv('PATH', dir);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(dir, { recursive: true });
  });

  const install = (program: string, exitStatus: number): void => {
    const path = join(dir, program);
    writeFileSync(path, `#!/bin/sh\necho "${program} $*" >> "${dir}/calls"\nexit ${exitStatus}\n`);
    chmodSync(path, 0o755);
  };
  const out = (text: string): void => {
    shown += text;
  };
  const show = () => showPage(page, { out });

  it('one that works is enough', async () => {
    install('man', 0);
    install('mandoc', 0);
    await show();
    expect(calls().split('\n').filter(Boolean)).toHaveLength(1);
    expect(shown).toBe('');
  });

  it('one that fails is followed by the next', async () => {
    install('man', 1);
    install('mandoc', 0);
    await show();
    expect(calls()).toContain(`mandoc -a ${page}\n`);
    expect(shown).toBe('');
  });

  it('without any the page is printed roughly', async () => {
    await show();
    expect(shown).toBe('NAME\n  cronrun\n');
  });

  it('leaves no listener behind', async () => {
    const before = process.listenerCount('SIGINT');
    await show();
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
