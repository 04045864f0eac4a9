import { describe, expect, it } from 'vitest';
import { understand } from '../../src/cli/understand.js';
import {
  choice,
  count,
  directory,
  duration,
  exitCode,
  exitCodes,
  names,
  oneOrZero,
  type Parsed,
  pingHeader,
  pingUrl,
  placeOf,
  signal,
  size,
} from '../../src/cli/values.js';

function valueIn<T>(parsed: Parsed<T>): T | undefined {
  return 'value' in parsed ? parsed.value : undefined;
}

function problemOf(parsed: Parsed<unknown>): string | undefined {
  return 'problem' in parsed ? parsed.problem : undefined;
}

describe('a duration', () => {
  const parse = duration('0 is no limit');

  it.each([
    ['0', 0],
    ['90', 90_000],
    ['250ms', 250],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['30d', 2_592_000_000],
  ])('%s is %d ms', (text, ms) => {
    expect(valueIn(parse(text))).toBe(ms);
  });

  it.each([
    ['5min', '5m'],
    ['1 hour', '1h'],
    ['=5m', '5m'],
    ['=5min', '5m'],
    ['soon', '90s, 5m or 1h30m'],
    ['-1', '90s, 5m or 1h30m'],
    ['', '90s, 5m or 1h30m'],
  ])('instead of %j write %s', (text, remedy) => {
    expect(problemOf(parse(text))).toBe(`is not a duration. Write ${remedy}`);
  });

  it('says the rule, and what its own zero means', () => {
    expect(duration('0 is never SIGKILL')('x')).toMatchObject({
      hint: '(units: ms s m h d w; 1h30m; a bare number is seconds; 0 is never SIGKILL)',
    });
  });
});

describe('a size', () => {
  it.each([
    ['0', 0],
    ['1M', 1_048_576],
    ['20MiB', 20_971_520],
  ])('%s is %d bytes', (text, bytes) => {
    expect(valueIn(size(text))).toBe(bytes);
  });

  it.each([
    ['1 MB', '1MB'],
    ['=1M', '1M'],
    ['big', '512K, 1M or 2G'],
    ['-1', '512K, 1M or 2G'],
    ['', '512K, 1M or 2G'],
  ])('instead of %j write %s', (text, remedy) => {
    expect(size(text)).toEqual({
      problem: `is not a size. Write ${remedy}`,
      hint: '(bytes, or with K M G, powers of 1024: 512K 1M 1.5G; 0 is no limit)',
    });
  });
});

describe('a signal', () => {
  it.each([
    ['TERM', 'SIGTERM'],
    ['sigint', 'SIGINT'],
    ['9', 'SIGKILL'],
    ['Hup', 'SIGHUP'],
  ])('%s is %s', (text, name) => {
    expect(valueIn(signal(text))).toBe(name);
  });

  it.each([
    ['-9', 'Write 9'],
    ['-TERM', 'Write TERM'],
    ['=15', 'Write 15'],
    ['TREM', 'Write TERM'],
    ['SIGKIL', 'Write KILL'],
    ['0', 'Write TERM, INT, HUP, or a number from 1 to 31'],
    ['', 'Write TERM, INT, HUP, or a number from 1 to 31'],
    ['40', 'real-time signal'],
  ])('%j is refused: %s', (text, remedy) => {
    expect(problemOf(signal(text))).toContain(remedy);
  });
});

describe('exit codes', () => {
  it.each([
    ['24', [24]],
    ['1,24', [1, 24]],
    ['1, 24', [1, 24]],
    ['0,255,0', [0, 255]],
  ])('%s', (text, codes) => {
    expect(valueIn(exitCodes(text))).toEqual(codes);
  });

  it.each([
    ['1 24', '1,24'],
    ['=24', '24'],
    ['1;2,3', '1,2,3'],
    ['24,', '24'],
    ['256', '24 or 1,24'],
    ['-1', '24 or 1,24'],
    ['1.5', '24 or 1,24'],
    ['', '24 or 1,24'],
  ])('instead of %j write %s', (text, remedy) => {
    expect(problemOf(exitCodes(text))).toBe(`is not a list of exit codes from 0 to 255. Write ${remedy}`);
  });
});

describe('the other values', () => {
  it('one word of a few, and the one that was meant', () => {
    const color = choice(['auto', 'always', 'never']);
    expect(valueIn(color('never'))).toBe('never');
    expect(problemOf(color('nevr'))).toBe('is not auto, always or never. Perhaps never');
    expect(problemOf(color('blue'))).toBe('is not auto, always or never');
    expect(problemOf(color(''))).toBe('is not auto, always or never');
  });

  it.each(['yes', 'true', 'on', '2', '01', ' 1'])('a switch in the environment is not %j', (text) => {
    expect(problemOf(oneOrZero(text))).toContain('is not 1 or 0');
  });

  it('a switch in the environment is 1 or 0', () => {
    expect([valueIn(oneOrZero('1')), valueIn(oneOrZero('0'))]).toEqual([true, false]);
  });

  it('names', () => {
    expect(valueIn(names('status, reason'))).toEqual(['status', 'reason']);
    expect(problemOf(names('status,,reason'))).toContain('empty name');
    expect(problemOf(names(''))).toContain('empty name');
  });

  it.each(['0', '-1', '1.5', '', 'all', '99999999999999999999'])('%j is no count', (text) => {
    expect(problemOf(count(text))).toContain('whole number from 1 on');
  });

  it('a count', () => {
    expect(valueIn(count('7'))).toBe(7);
  });

  it('a directory, but not a forgotten one', () => {
    expect(valueIn(directory('a b'))).toBe('a b');
    expect(problemOf(directory(''))).toContain('is no directory');
    expect(problemOf(directory('--json'))).toBe('looks like an option. Write ./--json if you mean it');
  });
});

describe('the place of a value', () => {
  it.each([
    ['timeout', null, '5min', '--timeout 5min'],
    ['timeout', null, '5 min', '--timeout "5 min"'],
    ['timeout', null, '', '--timeout ""'],
    ['timeout', null, 'a\u001b[2J', '--timeout "a\\u001b[2J"'],
    ['timeout', 'CRONRUN_TIMEOUT', 'soon', 'CRONRUN_TIMEOUT (environment): "soon"'],
  ])('%s %s %j', (option, twin, text, shown) => {
    expect(placeOf(option, twin, text)).toBe(shown);
  });
});

describe('one exit code', () => {
  it.each([
    ['0', 0],
    ['75', 75],
    ['255', 255],
  ])('%s', (text, code) => {
    expect(valueIn(exitCode(text))).toBe(code);
  });

  it.each(['256', '-1', '', '7.5', '1,2', 'x'])('%j is none', (text) => {
    expect(problemOf(exitCode(text))).toBe('is not an exit code from 0 to 255. Write 75');
  });
});

describe('secrets', () => {
  it.each([
    ['a URL of another kind', () => pingUrl('ftp://hc.example/s3cret')],
    ['no URL', () => pingUrl('s3cret')],
    ['an option', () => pingUrl('--s3cret')],
    ['no header', () => pingHeader('s3cret')],
    ['a header that is ours', () => pingHeader('Content-Length: s3cret')],
  ])('are not said again: %s', (_, parse) => {
    const parsed = parse();
    expect(parsed).toMatchObject({ isSecret: true });
    expect(JSON.stringify(parsed)).not.toContain('s3cret');
  });

  it('are taken as they are', () => {
    expect(pingUrl('https://hc.example/s3cret')).toEqual({ value: 'https://hc.example/s3cret' });
    expect(pingUrl('file:/etc/x')).toEqual({ value: 'file:/etc/x' });
    expect(pingHeader('file:/etc/x')).toEqual({ value: 'file:/etc/x' });
    expect(pingHeader('A: b')).toEqual({ value: 'A: b' });
    expect(pingUrl('file:')).toMatchObject({ problem: expect.stringContaining('has no path') });
  });

  it.each([
    ['exec --ping ftp://s3cret backup -- true', {}],
    ['exec --ping=ftp://s3cret backup -- true', {}],
    ['exec --ping-header s3cret backup -- true', {}],
    ['exec backup -- true', { CRONRUN_PING: 's3cret' }],
    ['exec backup -- true', { CRONRUN_PING_HEADER: 's3cret' }],
    ['exec --ping https://hc.example/s3cret backup true', {}],
    ['exec --ping=https://hc.example/s3cret backup true', {}],
    ['exec --ping https://hc.example/s3cret backup', {}],
    ['exec --ping https://hc.example/s3cret -- true', {}],
    ['exec --ping-header X-Key:s3cret backup true', {}],
    ['exec --ping https://hc.example/s3cret --no-such-option backup -- true', {}],
    ['run --ping https://hc.example/s3cret backup -- true', {}],
    ['exec --ping https://hc.example/s3cret -t 5min backup -- true', {}],
  ])('stand in no message: %s', (line, env) => {
    let message = '';
    try {
      understand(line.split(' '), env);
    } catch (error) {
      message = `${(error as Error).message} ${(error as { hint?: string }).hint ?? ''}`;
    }
    expect(message).not.toBe('');
    expect(message).not.toContain('s3cret');
  });

  it('are replaced in what is to be typed', () => {
    expect(() =>
      understand('exec --ping https://hc.example/s3cret --ping-header=A:s3cret j x'.split(' '), {}),
    ).toThrow(expect.objectContaining({ hint: 'cronrun exec --ping URL --ping-header=HEADER j -- x' }));
    expect(() => understand('exec --ping file:/etc/x j x'.split(' '), {})).toThrow(
      expect.objectContaining({ hint: 'cronrun exec --ping file:/etc/x j -- x' }),
    );
  });
});
