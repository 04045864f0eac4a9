import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJobName, proposeJobName } from '../../src/model/job.js';

describe('isJobName', () => {
  it.each(['backup', 'b', '0', '9lives', 'db-dump', 'a.b_c-d', 'A', 'x'.repeat(64), 'logs', 'exec', 'a..b'])(
    'takes %s',
    (name) => {
      expect(isJobName(name)).toBe(true);
    },
  );

  it.each([
    '',
    '.',
    '..',
    '../etc',
    'a/b',
    '/a',
    '-a',
    '.a',
    '_a',
    'my backup',
    'a\n',
    '\na',
    'a\0',
    'a\x1b[31m',
    'café',
    'ａ',
    'x'.repeat(65),
  ])('refuses %j', (name) => {
    expect(isJobName(name)).toBe(false);
  });

  it('takes nothing that could leave its directory or needs quoting', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (name) => {
        if (isJobName(name)) expect(name).not.toMatch(/^[-._]|[^A-Za-z0-9._-]/);
      }),
    );
  });
});

describe('proposeJobName', () => {
  it.each([
    ['my backup', 'my-backup'],
    ['../etc/passwd', 'etc-passwd'],
    ['--backup', 'backup'],
    ['café', 'cafe'],
    ['  nightly  run  ', 'nightly-run'],
    ['a/b\\c', 'a-b-c'],
    ['x'.repeat(80), 'x'.repeat(64)],
    ['_tmp', 'tmp'],
    ['end.', 'end'],
  ])('%j: perhaps %s', (name, proposal) => {
    expect(proposeJobName(name)).toBe(proposal);
  });

  it.each(['', '..', '---', '/', '日本', '\n'])('has nothing to propose for %j', (name) => {
    expect(proposeJobName(name)).toBeNull();
  });

  it('proposes only what is allowed', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 90 }), fc.string({ unit: 'grapheme' })), (name) => {
        const proposal = proposeJobName(name);
        if (proposal !== null) expect(isJobName(proposal)).toBe(true);
      }),
    );
  });
});
