import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Obstacle } from './needs.js';

const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/cronrun-nodes');

/** Another node than the one that runs the tests, or why it cannot be had. */
export type OtherNode =
  | { readonly path: string; readonly obstacle: null }
  | { readonly obstacle: Obstacle & string };

/** Downloads a node of this version from the package registry, once. @param version "22", "20.17.0" */
export function getNode(version: string): OtherNode {
  const path = `${CACHE}/${version}/bin/node`;
  try {
    if (!existsSync(path)) download(version);
    execFileSync(path, ['--version'], { stdio: 'ignore' });
    return { path, obstacle: null };
  } catch (error) {
    const why = String((error as { stderr?: unknown }).stderr || error)
      .trim()
      .split('\n')
      .at(0);
    return { obstacle: `node ${version} cannot be had: ${why}` };
  }
}

/** Put in its place by one rename, so that a download that was broken off is not taken for a whole one. */
function download(version: string): void {
  mkdirSync(CACHE, { recursive: true });
  const directory = mkdtempSync(join(CACHE, 'incoming-'));
  try {
    const name = `node-${process.platform}-${process.arch}@${version}`;
    const pack = ['pack', name, '--silent', '--pack-destination', directory];
    const archive = execFileSync('npm', pack, { encoding: 'utf8', stdio: 'pipe' }).trim();
    execFileSync('tar', ['-xzf', join(directory, archive), '-C', directory, 'package/bin/node'], {
      stdio: 'pipe',
    });
    renameSync(`${directory}/package`, `${CACHE}/${version}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
