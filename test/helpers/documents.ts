import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManualPage } from './mdoc.js';

/** The top of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The text of a file, named from the top of the repository. */
export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export function exists(path: string): boolean {
  return existsSync(join(ROOT, path));
}

export const PAGES = ['man/cronrun.1', 'man/cronrun-journal.5'] as const;
export const PROSE = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'docs/agents.md',
  'docs/pings.md',
] as const;

/** cronrun(1) */
export const manual = new ManualPage(read('man/cronrun.1'));
/** cronrun-journal(5) */
export const journal = new ManualPage(read('man/cronrun-journal.5'));

/** The program: every TypeScript file of src, and the launcher. */
export function sources(): string[] {
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const paths = files.filter((file) => file.endsWith('.ts')).map((file) => `src/${file}`);
  return [...paths, 'bin/cronrun'].filter(exists).map(read);
}

/** The contents of the fenced blocks of one language. */
export function blocks(markdown: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return groups(markdown, fence);
}

/** What the first group of `pattern` catches, match by match. */
export function groups(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '');
}

/** Each word once, in alphabetical order: for comparing lists that have no order. */
export function sorted(words: Iterable<string>): string[] {
  return [...new Set(words)].sort();
}
