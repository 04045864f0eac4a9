import { expect, it } from 'vitest';
import { homeDirectory } from '../../src/platform/user.js';

const byThePasswordDatabase = homeDirectory({});

it.each([
  ['/h', '/h'],
  ['', byThePasswordDatabase],
  ['.', byThePasswordDatabase],
  ['h', byThePasswordDatabase],
])('HOME=%s: home is %s', (HOME, home) => {
  expect(homeDirectory({ HOME })).toBe(home);
});
