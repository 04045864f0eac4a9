import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beginningFrom,
  cutCommand,
  decodeRecord,
  encodeRecord,
  endFrom,
  idOf,
  isEnded,
  isInferred,
  LONGEST_COMMAND_BYTES,
  markFrom,
  parseObject,
  RECORD_FIELDS,
  type RunRecord,
  settledRecord,
} from '../../src/model/record.js';
import { endedRecords, ends, goingRecords, runRecords } from '../helpers/arbitraries.js';
import { completed, failed, lost, runId } from '../helpers/records.js';

type Json = Record<string, unknown>;

function jsonOf(record: RunRecord): Json {
  return JSON.parse(encodeRecord(record)) as Json;
}

/** The journal line of a completed run with some fields changed; undefined takes a field out. */
function lineWith(changes: Json, record: RunRecord = completed(1)): string {
  return JSON.stringify({ ...jsonOf(record), ...changes });
}

describe('encodeRecord', () => {
  it('writes every field, in the order of the list, on one line', () => {
    fc.assert(
      fc.property(runRecords, (record) => {
        const line = encodeRecord(record);
        expect(line).not.toMatch(/[\n\r]/);
        expect(Object.keys(JSON.parse(line) as Json)).toEqual([...RECORD_FIELDS]);
        expect(Object.keys(record).sort()).toEqual([...RECORD_FIELDS].sort());
      }),
    );
  });

  it('begins with the fields that every version has, in their order', () => {
    expect(RECORD_FIELDS.slice(0, 17).join(' ')).toBe(
      'schema cron_job_id job status reason exit_code signal started_at completed_at ended_at ' +
        'duration_ms timeout_ms command cwd host user pid',
    );
  });
});

describe('decodeRecord', () => {
  it('undoes encodeRecord for every record of a run that is over', () => {
    fc.assert(
      fc.property(endedRecords, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual(record);
      }),
      { numRuns: 500 },
    );
  });

  it('is not misled by what passes through a file: bytes, a carriage return, blanks around it', () => {
    fc.assert(
      fc.property(endedRecords, (record) => {
        const line = Buffer.from(` ${encodeRecord(record)}\r`).toString('utf8');
        expect(decodeRecord(line)).toEqual(record);
      }),
    );
  });

  it('ignores fields that it does not know, whatever they hold', () => {
    fc.assert(
      fc.property(endedRecords, fc.dictionary(fc.string(), fc.jsonValue()), (record, extra) => {
        const line = JSON.stringify({ ...extra, ...jsonOf(record) });
        expect(decodeRecord(line)).toEqual(record);
      }),
    );
  });

  it('reads missing fields as null', () => {
    const needed = ['schema', 'cron_job_id', 'job', 'status', 'reason', 'exit_code', 'started_at'];
    const kept = [...needed, 'completed_at', 'ended_at', 'duration_ms'];
    const full = jsonOf(completed(1));
    const bare = decodeRecord(JSON.stringify(Object.fromEntries(kept.map((field) => [field, full[field]]))));
    expect(bare).toEqual({
      ...Object.fromEntries(RECORD_FIELDS.map((field) => [field, null])),
      ...Object.fromEntries(kept.map((field) => [field, full[field]])),
      timeout_signal: 'SIGTERM',
      kill_after_ms: 0,
      command: [],
      command_cut: false,
      killed: false,
    });
  });

  it.each(['cron_job_id', 'job', 'schema', 'started_at', 'status', 'reason', 'ended_at', 'duration_ms'])(
    'is null without %s',
    (field) => {
      expect(decodeRecord(lineWith({ [field]: undefined }))).toBeNull();
      expect(decodeRecord(lineWith({ [field]: null }))).toBeNull();
    },
  );

  it.each<[string, Json]>([
    ['schema 0', { schema: 0 }],
    ['a schema that is no whole number', { schema: 1.5 }],
    ['a schema in words', { schema: '1' }],
    ['an id that is none', { cron_job_id: 'cron:backup' }],
    ['an id in capitals', { cron_job_id: `cron:${runId(1).toUpperCase()}` }],
    ['a job that is no text', { job: 7 }],
    ['a start that is no time', { started_at: 'yesterday' }],
    ['a start that is a number', { started_at: 1_795_311_000_000 }],
    ['a start that goes on and on', { started_at: `2026-11-22T01:30:00.000Z${' '.repeat(40)}` }],
    ['an end that is no time', { ended_at: 'soon' }],
    ['a negative duration', { duration_ms: -1 }],
    ['a broken millisecond', { duration_ms: 0.5 }],
    ['a status from nowhere', { status: 'done' }],
    ['a status that every object has', { status: 'constructor' }],
    ['a reason from nowhere', { reason: 'bored' }],
  ])('is null for %s', (_what, changes) => {
    expect(decodeRecord(lineWith(changes))).toBeNull();
  });

  it.each<[string, Json]>([
    ['completed without a completion', { completed_at: null }],
    ['completed without a code', { exit_code: null }],
    ['completed with a code that no process has', { exit_code: 256 }],
    ['completed by a signal', { signal: 'SIGKILL' }],
    ['completed for the reason of another status', { reason: 'lost' }],
    ['completed and lost', { reason: 'lost', ended_at: null, completed_at: null, exit_code: null }],
    ['failed with a completion', { status: 'failed', exit_code: 3 }],
    ['failed with 0', { status: 'failed', exit_code: 0, completed_at: null }],
    ['failed without a code', { status: 'failed', exit_code: null, completed_at: null }],
    ['failed by a signal', { status: 'failed', exit_code: 3, completed_at: null, signal: 'SIGTERM' }],
    ['not started and 0', { status: 'failed', reason: 'not-started', exit_code: 0, completed_at: null }],
    [
      'not started, no code',
      { status: 'failed', reason: 'not-started', exit_code: null, completed_at: null },
    ],
    ['a timeout with a completion', { status: 'timeout', reason: 'timed-out' }],
    ['a timeout for another reason', { status: 'timeout', completed_at: null }],
    [
      'a timeout without an end',
      { status: 'timeout', reason: 'timed-out', completed_at: null, ended_at: null },
    ],
    [
      'signaled by nothing',
      { status: 'interrupted', reason: 'signaled', exit_code: null, completed_at: null },
    ],
    ['stopped by nothing', { status: 'interrupted', reason: 'stopped', completed_at: null }],
    ['running in the journal', { status: 'running', reason: 'running' }],
    ['running, orphaned', { status: 'running', reason: 'orphaned', ended_at: null, completed_at: null }],
  ])('is null for what cannot be: %s', (_what, changes) => {
    expect(decodeRecord(lineWith(changes))).toBeNull();
  });

  it.each<[string, Json]>([
    ['with an end', { ended_at: '2026-11-22T01:31:00.000Z' }],
    ['with a completion', { completed_at: '2026-11-22T01:31:00.000Z' }],
    ['with a duration', { duration_ms: 5 }],
    ['with a code', { exit_code: 0 }],
    ['by a known signal', { signal: 'SIGKILL' }],
  ])('is null for a run that nobody saw end, %s', (_what, changes) => {
    expect(decodeRecord(lineWith({}, lost(1)))).toEqual(lost(1));
    expect(decodeRecord(lineWith(changes, lost(1)))).toBeNull();
  });

  it('keeps the words of the contract together, whatever stands in a line', () => {
    const maybe = <T>(...values: T[]) => fc.constantFrom<T | null | undefined>(...values, null, undefined);
    const mixed = fc.record({
      status: maybe('running', 'completed', 'failed', 'timeout', 'interrupted', 'skipped'),
      reason: maybe(
        'running',
        'exited',
        'not-started',
        'timed-out',
        'signaled',
        'stopped',
        'lost',
        'rebooted',
      ),
      exit_code: maybe(0, 3, 127, 300),
      signal: maybe('SIGTERM', 'SIGKILL'),
      ended_at: maybe('2026-11-22T01:31:00.000Z'),
      completed_at: maybe('2026-11-22T01:31:00.000Z'),
      duration_ms: maybe(5),
    });
    fc.assert(
      fc.property(mixed, (fields) => {
        const record = decodeRecord(lineWith(fields));
        if (record !== null) expect(possible(record)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    '',
    ' ',
    '{',
    '}',
    '[]',
    'null',
    'true',
    '7',
    '"completed"',
    '\0\0\0\0',
    '\u{feff}{}',
    '{"schema":1}',
    'Nov 22 02:30:01 db1 cron[1]: hello',
  ])('is null for %j', (line) => {
    expect(decodeRecord(line)).toBeNull();
  });

  it('is null for a line that is cut off anywhere', () => {
    const line = encodeRecord(failed(1));
    for (let length = 0; length < line.length; length++)
      expect(decodeRecord(line.slice(0, length))).toBeNull();
  });

  it('survives every JSON there is, in every field', () => {
    fc.assert(
      fc.property(fc.constantFrom(...RECORD_FIELDS), fc.json(), (field, value) => {
        const line = encodeRecord(completed(1)).replace(
          new RegExp(`"${field}":("[^"]*"|\\[[^\\]]*\\]|[^,}]*)`),
          () => `"${field}":${value}`,
        );
        expect(() => decodeRecord(line)).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['with a name of its own for toString', [{ toString: 1 }]],
    ['with a number in it', ['ls', 7]],
    ['that is an object', { 0: 'ls' }],
    ['that is a text', 'ls -l'],
  ])('shows no command for one %s', (_what, command) => {
    expect(decodeRecord(lineWith({ command }))?.command).toEqual([]);
  });

  it('reads numbers and times that are none as unknown where the record stands without them', () => {
    const record = decodeRecord(
      lineWith({ pid: -4, timeout_ms: '10m', settled_at: 'now', booted_at: 3, journal: [], cwd: 7 }),
    );
    expect(record).toMatchObject({
      pid: null,
      timeout_ms: null,
      settled_at: null,
      booted_at: null,
      journal: null,
      cwd: null,
    });
  });
});

/** Contract 3.2, the other way round: what may stand beside each reason. */
function possible(record: RunRecord): boolean {
  const { exit_code: code, signal, ended_at, completed_at, duration_ms } = record;
  const seen = ended_at !== null && duration_ms !== null;
  switch (`${record.status} ${record.reason}`) {
    case 'completed exited':
      return seen && code !== null && signal === null && completed_at !== null;
    case 'failed exited':
    case 'failed not-started':
      return seen && code !== null && code !== 0 && signal === null && completed_at === null;
    case 'timeout timed-out':
      return seen && completed_at === null;
    case 'interrupted signaled':
      return seen && code === null && signal !== null && completed_at === null;
    case 'interrupted stopped':
      return seen && signal !== null && completed_at === null;
    case 'interrupted lost':
    case 'interrupted rebooted':
      return [code, signal, ended_at, completed_at, duration_ms].every((field) => field === null);
    default:
      return false;
  }
}

describe('a record of a newer schema', () => {
  it('is shown as far as it is understood', () => {
    const record = decodeRecord(lineWith({ schema: 2, mood: 'good' }));
    expect(record).toEqual({ ...completed(1), schema: 2 });
  });

  it.each<[string, Json]>([
    ['a status without a word here', { status: 'skipped', reason: 'overlap' }],
    ['a reason without a word here', { reason: 'checked' }],
    ['a combination that has no meaning here', { exit_code: null }],
  ])('cannot be judged with %s', (_what, changes) => {
    expect(decodeRecord(lineWith({ schema: 2, ...changes }))).toMatchObject({
      schema: 2,
      status: 'running',
      reason: 'unverifiable',
      exit_code: null,
      ended_at: null,
      completed_at: null,
    });
  });
});

describe('what a record says of itself', () => {
  it('is inferred for lost and rebooted only, and ended for all but running and skipped', () => {
    fc.assert(
      fc.property(runRecords, (record) => {
        expect(isInferred(record)).toBe(record.status === 'interrupted' && record.ended_at === null);
        expect(isEnded(record)).toBe(record.status !== 'running' && record.status !== 'skipped');
        expect(`cron:${idOf(record)}`).toBe(record.cron_job_id);
      }),
    );
  });

  it('does not change when a later run moves it, but for who moved it', () => {
    fc.assert(
      fc.property(endedRecords, (record) => {
        const moved = settledRecord(record, '2026-11-23T00:00:00.000Z', { ino: 7, size: 9 });
        expect(moved).toEqual({
          ...record,
          settled_at: '2026-11-23T00:00:00.000Z',
          journal: { ino: 7, size: 9 },
        });
      }),
    );
  });

  it('is no end as long as the run goes on', () => {
    fc.assert(fc.property(goingRecords, (record) => endFrom(jsonOf(record)) === null));
  });
});

describe('the pieces of a line', () => {
  it('come out of it as they went in', () => {
    fc.assert(
      fc.property(endedRecords, ends, (record, end) => {
        expect(record).toMatchObject(beginningFrom(jsonOf(record)) ?? { schema: 'no beginning' });
        expect(endFrom(JSON.parse(JSON.stringify(end)) as Json)).toEqual(end);
      }),
    );
  });

  it.each([
    [
      { ino: 7, size: 9 },
      { ino: 7, size: 9 },
    ],
    [
      { ino: null, size: 0 },
      { ino: null, size: 0 },
    ],
    [{ size: 4 }, { ino: null, size: 4 }],
    [
      { ino: 7, size: 9, born: 1_763_775_001_204 },
      { ino: 7, size: 9, born: 1_763_775_001_204 },
    ],
    [
      { ino: 7, size: 9, born: 'x' },
      { ino: 7, size: 9 },
    ],
    [{ ino: 7 }, null],
    [{ ino: 7, size: -1 }, null],
    [null, null],
    [7, null],
  ])('journal mark %j is %j', (value, mark) => {
    expect(markFrom(value)).toEqual(mark);
  });

  it('parseObject takes objects only', () => {
    expect(parseObject('{"a":1}')).toEqual({ a: 1 });
    for (const text of ['[1]', 'null', '1', '', '{', 'undefined']) expect(parseObject(text)).toBeNull();
  });
});

describe('cutCommand', () => {
  const jsonBytes = (command: readonly string[]) => Buffer.byteLength(JSON.stringify(command));

  it('leaves alone what is short enough', () => {
    const argv = ['/bin/sh', '-c', 'echo "hi"\n', '', 'é', '--'];
    expect(cutCommand(argv)).toEqual({ command: argv, cut: false });
    expect(cutCommand([])).toEqual({ command: [], cut: false });
  });

  it('keeps the longest beginning that fits', () => {
    const { command, cut } = cutCommand(['ls', 'x'.repeat(50_000), 'never seen']);
    expect(cut).toBe(true);
    expect(command.length).toBe(2);
    expect(command[1]).toMatch(/^x+$/);
    expect(jsonBytes(command)).toBe(LONGEST_COMMAND_BYTES);
  });

  it('cuts where the first byte is too many, and not before', () => {
    const fits = 'x'.repeat(LONGEST_COMMAND_BYTES - 4);
    expect(cutCommand([fits])).toEqual({ command: [fits], cut: false });
    expect(cutCommand([`${fits}x`])).toEqual({ command: [fits], cut: true });
  });

  it('counts bytes of JSON, in which a control character is six', () => {
    for (const argument of [
      '\x01'.repeat(40_000),
      '日'.repeat(40_000),
      '😀'.repeat(40_000),
      '"'.repeat(40_000),
    ]) {
      const { command, cut } = cutCommand(['p', argument]);
      expect(cut).toBe(true);
      expect(jsonBytes(command)).toBeLessThanOrEqual(LONGEST_COMMAND_BYTES);
      expect(jsonBytes(command)).toBeGreaterThan(LONGEST_COMMAND_BYTES - 16);
    }
  });

  it('takes ten thousand arguments', () => {
    const { command, cut } = cutCommand(Array.from({ length: 10_000 }, (_, i) => `argument-${i}`));
    expect(cut).toBe(true);
    expect(jsonBytes(command)).toBeLessThanOrEqual(LONGEST_COMMAND_BYTES);
    expect(command.slice(0, 2)).toEqual(['argument-0', 'argument-1']);
  });

  it('is always a beginning of the argv, whole or said to be cut', () => {
    const argument = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(fc.string({ minLength: 1 }), fc.nat(20_000)).map(([text, times]) => text.repeat(times)),
    );
    fc.assert(
      fc.property(fc.array(argument, { maxLength: 4 }), (argv) => {
        const { command, cut } = cutCommand(argv);
        expect(jsonBytes(command)).toBeLessThanOrEqual(LONGEST_COMMAND_BYTES);
        expect(cut || command.length === argv.length).toBe(true);
        command.forEach((piece, i) => {
          const whole = i < command.length - 1 || !cut;
          expect(whole ? piece === argv[i] : argv[i]?.startsWith(piece)).toBe(true);
        });
      }),
      { numRuns: 50 },
    );
  });
});
