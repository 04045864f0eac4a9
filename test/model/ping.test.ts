import { describe, expect, it } from 'vitest';
import {
  bodyLimit,
  composeBody,
  filePath,
  headersInFile,
  isPingWord,
  isTooOld,
  judgeStatus,
  type PingKind,
  pauseAfter,
  pingUrl,
  readHeader,
  readPingAddress,
  readPingUrl,
  retryAfterMs,
  urlInFile,
  waitBeforeTry,
  wordFor,
} from '../../src/model/ping.js';
import type { EndedRecord } from '../../src/model/record.js';
import { at, completed, failed, lost, runId } from '../helpers/records.js';

const CHECK = 'https://hc-ping.com/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278';
const SLUG = 'https://hc-ping.com/fqOOd6-F4MMNuCEnzTU01w/backup';
const RID = runId(1);

describe('the URL of a ping', () => {
  it.each([
    [CHECK, 'start', `${CHECK}/start?rid=${RID}`],
    [CHECK, 'success', `${CHECK}?rid=${RID}`],
    [CHECK, 'fail', `${CHECK}/fail?rid=${RID}`],
    [CHECK, 'log', `${CHECK}/log?rid=${RID}`],
    [CHECK, 0, `${CHECK}/0?rid=${RID}`],
    [CHECK, 255, `${CHECK}/255?rid=${RID}`],
    [`${CHECK}/`, 'start', `${CHECK}/start?rid=${RID}`],
    [`${CHECK}//`, 'success', `${CHECK}?rid=${RID}`],
    ['http://user:pw@hc.lan:8000/x?key=1', 'fail', `http://user:pw@hc.lan:8000/x/fail?key=1&rid=${RID}`],
    ['https://hc.lan', 7, `https://hc.lan/7?rid=${RID}`],
  ] as const)('of %s, %s', (base, word, expected) => {
    expect(pingUrl(base, word, { rid: RID, create: false })).toBe(expected);
  });

  it('has no run id where that is left out', () => {
    expect(pingUrl(CHECK, 'start', { rid: null, create: false })).toBe(`${CHECK}/start`);
  });

  it('asks for a check to be made only where one can be made', () => {
    expect(pingUrl(SLUG, 'start', { rid: null, create: true })).toBe(`${SLUG}/start?create=1`);
    expect(pingUrl(CHECK, 'start', { rid: null, create: true })).toBe(`${CHECK}/start`);
  });
});

describe('an address', () => {
  it.each([
    ['https://hc-ping.com/x', { url: 'https://hc-ping.com/x' }],
    [' http://hc.lan:8000/ping/x#top ', { url: 'http://hc.lan:8000/ping/x' }],
    ['file:/etc/cronrun/x', { file: '/etc/cronrun/x' }],
    ['file:///etc/cronrun/x', { file: '/etc/cronrun/x' }],
    ['file:x.url', { file: '/cwd/x.url' }],
    ['file:', null],
    ['ftp://hc-ping.com/x', null],
    ['hc-ping.com/x', null],
    ['https://', null],
    ['https://hc-ping.com:0/x', null],
    ['', null],
    ['-t', null],
    ['https://hc-ping.com/a b', null],
    ['https://hc-ping.com/a\nhttps://hc-ping.com/b', null],
  ])('%j', (text, expected) => {
    const absolute = (path: string) => (path.startsWith('/') ? path : `/cwd/${path}`);
    expect(readPingAddress(text, absolute)).toEqual(expected);
  });

  it('in a file is its first line that is not empty', () => {
    expect(urlInFile(`\n\n  ${CHECK}  \r\nwhatever\n`)).toBe(CHECK);
    expect(urlInFile('')).toBeNull();
    expect(urlInFile('secret\nhttps://x/')).toBeNull();
  });

  it('is no path where it is a URL', () => {
    expect(filePath(CHECK)).toBeNull();
    expect(readPingUrl('file:/etc/passwd')).toBeNull();
  });
});

describe('how an end is told', () => {
  const kinds = (pingOnSuccess: PingKind, pingOnFailure: PingKind, pingOnNotStarted: PingKind) => ({
    pingOnSuccess,
    pingOnFailure,
    pingOnNotStarted,
  });
  const usual = kinds('exit-code', 'exit-code', 'fail');
  const notStarted = { ...failed(1, 127), reason: 'not-started' } as EndedRecord;
  const timedOut = {
    ...failed(1),
    status: 'timeout',
    reason: 'timed-out',
    exit_code: 0,
  } as unknown as EndedRecord;
  const killed = {
    ...failed(1),
    status: 'interrupted',
    reason: 'signaled',
    exit_code: null,
    signal: 'SIGKILL',
  } as unknown as EndedRecord;
  const incomplete = { ...failed(1, 0), reason: 'incomplete' } as EndedRecord;

  it.each([
    ['completed', completed(1), usual, 0],
    ['completed, as a success', completed(1), kinds('success', 'fail', 'fail'), 'success'],
    ['completed, as a log', completed(1), kinds('log', 'fail', 'fail'), 'log'],
    ['failed', failed(1, 23), usual, 23],
    ['failed, as a log', failed(1, 23), kinds('exit-code', 'log', 'fail'), 'log'],
    ['timeout', timedOut, usual, 124],
    ['killed', killed, usual, 137],
    ['incomplete', incomplete, usual, 198],
    ['not started', notStarted, usual, 'fail'],
    ['not started, by its code', notStarted, kinds('exit-code', 'fail', 'exit-code'), 127],
    ['lost', lost(1), usual, 'fail'],
    ['lost, as a log', lost(1), kinds('exit-code', 'log', 'fail'), 'log'],
  ] as const)('%s', (_, record, options, expected) => {
    expect(wordFor(record, options)).toBe(expected);
  });

  it('is a word that the server knows', () => {
    expect([0, 255, 'fail', 'start'].every(isPingWord)).toBe(true);
    expect([256, -1, 1.5, '0', null, 'ok'].some(isPingWord)).toBe(false);
  });
});

describe('an answer', () => {
  it.each([
    [200, 'delivered'],
    [201, 'delivered'],
    [301, 'later'],
    [307, 'later'],
    [400, 'refused'],
    [404, 'refused'],
    [409, 'refused'],
    [408, 'again'],
    [429, 'again'],
    [500, 'again'],
    [503, 'again'],
    [0, 'later'],
  ])('%d is %s', (status, verdict) => {
    expect(judgeStatus(status)).toBe(verdict);
  });

  const NOW = Date.UTC(2026, 10, 22, 1, 30);

  it.each([
    [undefined, null],
    ['0', 0],
    [' 7 ', 7000],
    ['99999999', 3_600_000],
    ['Sun, 22 Nov 2026 01:30:09 GMT', 9000],
    ['Sun, 22 Nov 2026 01:29:00 GMT', 0],
    ['soon', null],
    ['-1', null],
    ['2026', 2_026_000],
    ['Nov 2026', null],
  ])('Retry-After %j', (header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected);
  });

  it.each([
    [undefined, null],
    ['100', 100],
    ['0', 0],
    ['100000000', 1_048_576],
    ['-1', null],
    ['1e3', null],
    ['', null],
  ])('Ping-Body-Limit %j', (header, expected) => {
    expect(bodyLimit(header)).toBe(expected);
  });
});

describe('pauses', () => {
  it.each([
    [1, null, 1000],
    [2, null, 2000],
    [1, 7000, 7000],
    [3, 1000, 3000],
    [1, 10_001, null],
    [11, null, null],
  ])('before try %d, where the server asks for %s', (n, asked, expected) => {
    expect(waitBeforeTry(n, asked)).toBe(expected);
  });

  it('between runs grow with each failure, up to a quarter of an hour', () => {
    expect([1, 2, 15, 16, 1000].map(pauseAfter)).toEqual([60_000, 120_000, 900_000, 900_000, 900_000]);
  });

  it('a ping is too old after seven days, and never by a clock that was set back', () => {
    const now = Date.parse(at(0));
    expect(isTooOld(at(-7 * 24 * 60), now)).toBe(false);
    expect(isTooOld(at(-7 * 24 * 60 - 1), now)).toBe(true);
    expect(isTooOld(at(60), now)).toBe(false);
  });
});

describe('a body', () => {
  const text = (headline: string | null, output: string, limit: number, of?: number) => {
    const bytes = Buffer.from(output);
    return composeBody(headline, { bytes, of: of ?? bytes.length }, limit).toString();
  };

  it.each([
    ['nothing', null, '', 100, ''],
    ['a headline', 'j: FAILED', '', 100, 'j: FAILED\n'],
    ['output', null, 'a\nb\n', 100, 'a\nb\n'],
    ['both', 'j: FAILED', 'a\nb\n', 100, 'j: FAILED\n\na\nb\n'],
    ['all that fits exactly', 'j: FAILED', 'a\nb\n', 15, 'j: FAILED\n\na\nb\n'],
    ['no room', 'j: FAILED', 'a\nb\n', 4, 'j: F'],
    ['none at all', 'j: FAILED', 'a\nb\n', 0, ''],
  ])('of %s', (_, headline, output, limit, expected) => {
    expect(text(headline, output, limit)).toBe(expected);
  });

  it('has the end of what is too long, says so, and never has more than the limit', () => {
    const output = Array.from({ length: 2000 }, (_, n) => `line ${n}\n`).join('');
    for (const limit of [50, 100, 1000, 9999, 10_000]) {
      const body = text('j: FAILED', output, limit);
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(limit);
      const [, shown = '', rest = ''] =
        /^j: FAILED\n\n\[the last (\d+) of 18890 bytes\]\n(.*)$/s.exec(body) ?? [];
      expect(rest).toHaveLength(Number(shown));
      expect(output.endsWith(rest)).toBe(true);
      expect(Number(shown)).toBeGreaterThanOrEqual(limit - 50);
    }
  });

  it('says how much is missing where only the end was kept', () => {
    expect(text(null, 'xyz', 100, 4711)).toBe('[the last 3 of 4711 bytes]\nxyz');
  });

  it('begins at the beginning of a character', () => {
    for (let limit = 40; limit < 60; limit++)
      expect(text(null, 'ä€😀'.repeat(50), limit)).not.toContain('\ufffd');
  });

  it('passes on what is no text', () => {
    const bytes = Buffer.from([0, 0xff, 0x80, 0x1b]);
    expect(composeBody(null, { bytes, of: 4 }, 100)).toEqual(bytes);
  });
});

describe('a header', () => {
  it.each([
    ['X-Team: ops', { name: 'X-Team', value: 'ops' }],
    ['Authorization:Basic eDp5  ', { name: 'Authorization', value: 'Basic eDp5' }],
    ['X-Empty:', { name: 'X-Empty', value: '' }],
    ['X Team: ops', null],
    ['X-Team', null],
    [': ops', null],
    ['X-Team: a\nX-Other: b', null],
    ['X-Team: \u00e4', null],
    ['Content-Length: 0', null],
    ['transfer-encoding: chunked', null],
  ])('%j', (line, expected) => {
    expect(readHeader(line)).toEqual(expected);
  });

  it('stands in a file on a line of its own', () => {
    expect(headersInFile('# for the proxy\nA: 1\n\nB: 2\r\n')).toEqual([
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ]);
    expect(headersInFile('A: 1\nsecret\n')).toBeNull();
  });
});
