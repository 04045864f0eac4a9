import { describe, expect, it } from 'vitest';
import { painter } from '../../src/view/painter.js';
import { decideColor, PLAIN } from '../../src/view/style.js';

type Choice = 'auto' | 'always' | 'never';

describe('whether to colour', () => {
  const cases: [Choice, Record<string, string>, boolean, boolean][] = [
    ['auto', {}, true, true],
    ['auto', {}, false, false],
    ['auto', { TERM: 'dumb' }, true, false],
    ['auto', { NO_COLOR: '1' }, true, false],
    ['auto', { NO_COLOR: '' }, true, true],
    ['auto', { NO_COLOR: '0' }, true, false],
    ['auto', { FORCE_COLOR: '1' }, false, true],
    ['auto', { FORCE_COLOR: '' }, false, false],
    ['auto', { FORCE_COLOR: '0' }, true, false],
    ['auto', { FORCE_COLOR: 'false' }, true, false],
    ['auto', { FORCE_COLOR: '1', TERM: 'dumb' }, true, true],
    ['auto', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    ['always', { NO_COLOR: '1' }, false, true],
    ['always', {}, false, true],
    ['never', { FORCE_COLOR: '1' }, true, false],
  ];
  it.each(cases)('--color %s, %j, terminal %s: %s', (choice, env, terminal, expected) => {
    expect(decideColor(choice, env, terminal)).toBe(expected);
  });
});

describe('a style', () => {
  it('without colour changes nothing', () => {
    expect(PLAIN.bad('FAILED')).toBe('FAILED');
  });

  it('with colour adds escapes around the same words, whatever NO_COLOR says', async () => {
    const style = await painter();
    for (const paint of Object.values(style)) {
      expect(paint('FAILED')).toContain('FAILED');
      expect(paint('FAILED').startsWith('\u001b[')).toBe(true);
    }
  });
});
