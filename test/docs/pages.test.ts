import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { groups, PAGES, ROOT, read } from '../helpers/documents.js';

function mandoc(...args: string[]) {
  return spawnSync('mandoc', args, { cwd: ROOT, encoding: 'utf8' });
}

const hasMandoc = mandoc('-T', 'lint', '/dev/null').error === undefined;
if (!hasMandoc) console.warn('SKIPPED: the manual pages are not checked, for mandoc is not installed');

describe.skipIf(!hasMandoc).each(PAGES)('%s', (page) => {
  it('passes mandoc -T lint -W warning', () => {
    const { stdout, stderr } = mandoc('-T', 'lint', '-W', 'warning', page);
    // Whether the machine's own index of manual pages is up to date is none of our business.
    const complaints = `${stdout}${stderr}`
      .split('\n')
      .filter((line) => !line.includes('outdated mandoc.db'));
    expect(complaints.join('\n')).toBe('');
  });

  it('fits into 80 columns', () => {
    const text = mandoc('-T', 'ascii', page).stdout;
    const lines = text.split('\n').map((line) => line.replaceAll(/.[\b]/g, ''));
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });
});

describe.each(PAGES)('the shell examples in %s', (page) => {
  const examples = groups(read(page), /^\.Bd -literal[^\n]*\n([\s\S]*?)^\.Ed$/gm)
    .map((block) => block.replaceAll('\\e', '\\').replaceAll('\\&', ''))
    .filter((block) => /^(rc=0|case|#!|cronrun|jq|tail)/.test(block));

  it.each(examples.map((script) => [script.split('\n')[0], script]))('are such: %s', (_, script) => {
    expect(spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' }).stderr).toBe('');
  });
});
