import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord } from '../../src/model/record.js';
import { readGist, statusOfLine } from '../../src/state/quick-look.js';
import { endedRecords } from '../helpers/arbitraries.js';
import { completed } from '../helpers/records.js';

// The quick look knows places, not JSON. What it says of a line must be what decoding the whole line says.

/** The line as it stands in a journal, others around it. */
function inside(line: string | Buffer): [bytes: Buffer, from: number, to: number] {
  const before = Buffer.from('{"schema":1}\n');
  const bytes = Buffer.from(line as string);
  return [Buffer.concat([before, bytes, Buffer.from('\n{')]), before.length, before.length + bytes.length];
}

describe('a quick look at a line', () => {
  it('tells of every run what its record says', () => {
    fc.assert(
      fc.property(endedRecords, (record) => {
        const line = inside(encodeRecord(record));
        expect(decodeRecord(encodeRecord(record))).toMatchObject(readGist(...line) ?? { status: 'none' });
        const status = statusOfLine(...line);
        if (status !== null) expect(status).toBe(record.status);
      }),
      { numRuns: 1000 },
    );
  });

  it('does without decoding where a run completed', () => {
    const gist = readGist(...inside(encodeRecord(completed(1))));
    expect(gist?.status).toBe('completed');
    expect(gist).not.toHaveProperty('command');
  });

  it('is not misled by a damaged byte', () => {
    const whole = Buffer.from(encodeRecord(completed(1)));
    const byte = fc.oneof(fc.constantFrom(...Buffer.from('{}[]":,0\n\0')), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), byte, (at, damage) => {
        const damaged = Buffer.from(whole);
        damaged[at] = damage;
        const line = inside(damaged);
        const record = decodeRecord(damaged.toString('utf8'));
        const gist = statusOfLine(...line) === null ? null : readGist(...line);
        if (gist !== null) expect(record).toMatchObject(gist);
      }),
      { numRuns: 3000 },
    );
  });

  it.each(['"status":"failed"', '"exit_code":3', '"started_at":"2026-11-20T01:30:00.000Z"'])(
    'does not take a line in which %s stands as well',
    (field) => {
      const line = encodeRecord(completed(1)).replace('"settled_at"', `${field},"settled_at"`);
      const gist = readGist(...inside(line));
      if (gist !== null) expect(decodeRecord(line)).toMatchObject(gist);
    },
  );

  it('does not take a line with a hole of zeros, as a power cut may leave it', () => {
    const line = encodeRecord(completed(1));
    const at = line.indexOf('"command"');
    const holed = `${line.slice(0, at)}${'\0'.repeat(40)}${line.slice(at + 40)}`;
    expect(readGist(...inside(holed))).toBeNull();
  });
});
