import fc from 'fast-check';

/** What somebody, a disk or a bug may have done to the bytes of a file. */
export type Mutation = (bytes: Buffer) => Buffer;

const NEWLINE = 10;

/** Bytes that tend to break something. */
const PIECES: readonly (string | Buffer)[] = [
  '\0',
  '\0'.repeat(600),
  '\n',
  '\n\n',
  '\r\n',
  ' ',
  '{',
  '}',
  '"',
  '\\',
  ',',
  ']}',
  '\x1b[31m',
  '\x1b]0;title\x07',
  '\x1b[2J\x1b[H',
  '\x9b31m',
  '\x7f',
  '\u202e',
  '\u2028',
  '\ufeff',
  '[',
  '['.repeat(3000),
  '{"a":'.repeat(3000),
  '9'.repeat(400),
  'x'.repeat(70_000),
  '"__proto__":{"status":"completed","reason":"exited"},',
  '"constructor":null,"toString":1,',
  '"status":"completed",',
  '"status":"failed","exit_code":3,"completed_at":null,',
  ',"reason":"lost"',
  '"previous_completed_at":"2030-01-01T00:00:00.000Z",',
  '{"schema":1,"cron_job_id":"cron:',
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xc3]),
  Buffer.from([0xed, 0xa0, 0x80]),
  Buffer.from([0xf0, 0x9f]),
];

/** Values of JSON that no record has there, or another record has. */
const VALUES: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '-0',
  '1.5',
  '1e999',
  '9007199254740993',
  '9'.repeat(400),
  '""',
  '"\\u001b[31mred\\u001b[0m"',
  '"\\u001b]8;;http://x\\u0007"',
  '"\\u009b31m"',
  '"a\\u0000b"',
  '"\\n\\r\\t"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u202eexe"',
  '"../../elsewhere"',
  '"/etc/passwd"',
  '"__proto__"',
  `"${'y'.repeat(70_000)}"`,
  `"${'é'.repeat(300)}"`,
  '{}',
  '[]',
  '{"__proto__":{"pid":1}}',
  '{"toString":null}',
  '{"ino":1,"size":99999999999999999999}',
  '{"ino":"x","size":-1}',
  '["\\u001b[2J"]',
  '[[["a"]]]',
  `${'['.repeat(2000)}${']'.repeat(2000)}`,
  '"completed"',
  '"failed"',
  '"interrupted"',
  '"lost"',
  '"exited"',
  '"running"',
  '"SIGKILL"',
  '"SIG\\u001b[31m"',
  '"2026-11-22T01:40:00.000Z"',
  '"2026-11-22T01:40:00.000+99:99"',
  '"+275760-09-13T00:00:00.000Z"',
  '"-000001-01-01T00:00:00.000Z"',
  '"1 (\\u001b[31m)"',
  '"cron:01a200df-de74-7c3e-9b1d-2f6f0c5a9e11"',
  '2',
  '255',
  '256',
];

const place = fc.nat(2 ** 24);

const replaced = (bytes: Buffer, from: number, to: number, piece: string | Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, from), Buffer.from(piece as string), bytes.subarray(to)]);

const flips = fc.tuple(place, fc.nat(7)).map(
  ([at, bit]): Mutation =>
    (bytes) => {
      const flipped = Buffer.from(bytes);
      const where = at % Math.max(1, bytes.length);
      flipped[where] = (flipped[where] ?? 0) ^ (1 << bit);
      return flipped;
    },
);

const overwrites = fc.tuple(place, fc.constantFrom(...PIECES)).map(
  ([at, piece]): Mutation =>
    (bytes) => {
      const from = at % (bytes.length + 1);
      return replaced(bytes, from, Math.min(bytes.length, from + Buffer.byteLength(piece)), piece);
    },
);

const insertions = fc.tuple(place, fc.constantFrom(...PIECES)).map(
  ([at, piece]): Mutation =>
    (bytes) => {
      const from = at % (bytes.length + 1);
      return replaced(bytes, from, from, piece);
    },
);

const cuts = fc.tuple(place, fc.nat(600)).map(
  ([at, length]): Mutation =>
    (bytes) => {
      const from = at % (bytes.length + 1);
      return replaced(bytes, from, Math.min(bytes.length, from + length), '');
    },
);

const truncations = place.map(
  (at): Mutation =>
    (bytes) =>
      bytes.subarray(0, at % (bytes.length + 1)),
);

/** A piece of the file once more, somewhere else. */
const copies = fc.tuple(place, fc.nat(900), place).map(
  ([at, length, to]): Mutation =>
    (bytes) => {
      const from = at % (bytes.length + 1);
      const into = to % (bytes.length + 1);
      return replaced(bytes, into, into, bytes.subarray(from, from + length));
    },
);

/** A whole line once more, at the end. */
const repeats = place.map(
  (at): Mutation =>
    (bytes) => {
      const lines = bytes.toString('latin1').split('\n');
      return Buffer.concat([bytes, Buffer.from(`${lines[at % lines.length]}\n`, 'latin1')]);
    },
);

/** Another value for one field: what is still JSON goes further than noise. */
const fields = fc.tuple(place, fc.constantFrom(...VALUES)).map(
  ([at, value]): Mutation =>
    (bytes) => {
      const found = [...bytes.toString('latin1').matchAll(/(?<=[a-z_]":)(?:"[^"]*"|[^,}\]]+|\[[^\]]*\])/g)];
      const field = found[at % Math.max(1, found.length)];
      if (field === undefined) return bytes;
      return replaced(bytes, field.index, field.index + field[0].length, value);
    },
);

/** The same field twice, or two fields by the same name. */
const doubles = fc.tuple(place, fc.constantFrom(...VALUES), fc.boolean()).map(
  ([at, value, behind]): Mutation =>
    (bytes) => {
      const found = [...bytes.toString('latin1').matchAll(/"[a-z_]+":/g)];
      const field = found[at % Math.max(1, found.length)];
      if (field === undefined) return bytes;
      const again = `${field[0]}${value},`;
      const ending = bytes.indexOf('"settled_at"', field.index);
      const into = behind && ending !== -1 ? ending : field.index;
      return replaced(bytes, into, into, again);
    },
);

/** One to four of them, one after the other. */
export const mutations: fc.Arbitrary<Mutation> = fc
  .array(
    fc.oneof(
      flips,
      overwrites,
      insertions,
      cuts,
      truncations,
      copies,
      repeats,
      { arbitrary: fields, weight: 4 },
      { arbitrary: doubles, weight: 2 },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map(
    (all): Mutation =>
      (bytes) =>
        all.reduce((now, mutate) => mutate(now), bytes),
  );

/** The lines of a file, byte for byte. */
export function rawLines(bytes: Buffer): string[] {
  const text = bytes.toString('latin1');
  return (bytes.at(-1) === NEWLINE ? text.slice(0, -1) : text).split('\n');
}
