import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parseSignal, signalName, signalNumber } from '../../src/model/signal.js';

const standard = Object.entries(constants.signals).filter(([, number]) => number <= 31);

describe('parseSignal', () => {
  it.each(standard)('takes %s with or without SIG, in any case, and as its number', (name, number) => {
    const bare = name.slice(3);
    for (const text of [name, bare, name.toLowerCase(), bare.toLowerCase(), String(number)]) {
      const parsed = parseSignal(text);
      expect(parsed).not.toBeNull();
      expect(signalNumber(parsed ?? '')).toBe(number);
    }
  });

  it('answers an alias with the signal of that number', () => {
    expect(parseSignal('IOT')).toBe(parseSignal('ABRT'));
    expect(parseSignal('POLL')).toBe(parseSignal('IO'));
  });

  it.each([
    '',
    '0',
    '32',
    '33',
    '34',
    '64',
    '65',
    '-15',
    '15.0',
    '1e1',
    ' TERM',
    'TERM ',
    'SIG',
    'SIGSIGTERM',
    'RTMIN',
    'SIGRTMIN+1',
    'EXIT',
    'toString',
    '__proto__',
    'TERM\n',
  ])('refuses %j', (text) => {
    expect(parseSignal(text)).toBeNull();
  });
});

describe('signalNumber and signalName', () => {
  it('are each other', () => {
    for (const [, number] of standard) expect(signalNumber(signalName(number) ?? '')).toBe(number);
  });

  it('know nothing of other names and numbers', () => {
    expect(signalNumber('SIGNOTHING')).toBe(0);
    expect(signalNumber('constructor')).toBe(0);
    expect(signalName(0)).toBeNull();
    expect(signalName(1000)).toBeNull();
  });
});
