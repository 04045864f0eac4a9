import { describe, expect, it } from 'vitest';
import { failureStatus, failureText } from '../../src/cli/failure.js';
import { CronrunError } from '../../src/errors.js';

describe('what stderr gets', () => {
  it('one line, and the hint below it', () => {
    const error = new CronrunError('no-such-run', 'no run of "x" is on record in /s', {
      hint: 'jobs: y\nmore',
    });
    expect(failureText(error)).toBe('cronrun: no run of "x" is on record in /s\n  jobs: y\n  more\n');
  });

  it('folds what is wrong with a line, and leaves what is to be typed whole', () => {
    const hint = `cronrun exec ${'x '.repeat(60)}`;
    const error = new CronrunError('usage', 'word '.repeat(30).trim(), { hint });
    const lines = failureText(error).split('\n');
    expect(lines.slice(0, -2).every((line) => line.length <= 80)).toBe(true);
    expect(lines.at(-2)).toBe(`  ${hint}`);
    expect(lines.slice(0, -2).join(' ').replace(/ +/g, ' ')).toBe(`cronrun: ${error.message}`);
  });

  it('does not fold a fact: scripts look for it', () => {
    const message = `cannot read ${'/very/long path'.repeat(10)}`;
    expect(failureText(new CronrunError('unreadable', message))).toBe(`cronrun: ${message}\n`);
  });

  it('folds what is said about a fact', () => {
    const hint = 'word '.repeat(30).trim();
    const lines = failureText(new CronrunError('unreadable', 'cannot read /x', { hint })).split('\n');
    expect(lines[0]).toBe('cronrun: cannot read /x');
    expect(lines.slice(1, -1).every((line) => line.length <= 80 && line.startsWith('  word'))).toBe(true);
  });

  it.each([
    [new TypeError('x is not a function\n    at y'), 'x is not a function at y'],
    [new Error(''), 'Error'],
    ['thrown\u001b[2J', 'thrown [2J'],
    [undefined, 'undefined'],
  ])('an unexpected error is one line without a trace: %s', (error, text) => {
    expect(failureText(error)).toBe(`cronrun: internal error: ${text}\n`);
  });

  it('knows the errors of the other bundle, whose class is another', () => {
    const foreign = Object.assign(new Error('m'), {
      name: 'CronrunError',
      code: 'no-such-run',
      hint: undefined,
    });
    expect([failureText(foreign), failureStatus(foreign)]).toEqual(['cronrun: m\n', 193]);
  });
});

describe('the exit status', () => {
  it.each([
    ['no-such-run', 193],
    ['usage', 125],
    ['ambiguous-run', 125],
    ['unreadable', 125],
    ['not-recorded', 125],
    ['internal', 125],
  ] as const)('%s: %d', (code, status) => {
    expect(failureStatus(new CronrunError(code, 'm'))).toBe(status);
  });

  it('anything else: 125', () => {
    expect(failureStatus(new Error('m'))).toBe(125);
    expect(failureStatus(null)).toBe(125);
  });
});
