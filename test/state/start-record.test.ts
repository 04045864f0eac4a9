import { closeSync, openSync, readFileSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProcessId } from '../../src/model/liveness.js';
import type { KeptOutput } from '../../src/model/output.js';
import { type End, idOf, LONGEST_COMMAND_BYTES } from '../../src/model/record.js';
import {
  encodeChild,
  encodeEnd,
  encodeStartRecord,
  endedFileName,
  parseStartRecord,
  readFileName,
  readStartRecord,
  type StartLine,
} from '../../src/state/start-record.js';
import { beginnings, ends, runIds } from '../helpers/arbitraries.js';
import { scratch } from '../helpers/cronrun.js';
import { at, beginning, COMPLETED, ELSEWHERE, endOf, failedWith, runId } from '../helpers/records.js';

const CHILD: ProcessId = { pid: 4711, start_ticks: 193_787 };
const END = endOf(1, failedWith(23));

function startLine(over: Partial<StartLine['beginning']> = {}): StartLine {
  return { beginning: beginning(1, over), wrapper: ELSEWHERE, journal: { ino: 17, size: 4096 } };
}

/** A whole start record as text, with lines 2 and 3 overwritten as a wrapper does. */
function written(
  line: StartLine,
  child: ProcessId | null,
  end: End | null,
  previous: string | null = null,
): string {
  const { bytes, childAt, endAt } = encodeStartRecord(line);
  if (child) encodeChild(child).copy(bytes, childAt);
  if (end) encodeEnd(end, previous, line.beginning.output).copy(bytes, endAt);
  return bytes.toString('utf8');
}

describe('the layout of a start record', () => {
  it('is three lines, of which the third begins a block and the second ends where it begins', () => {
    const { bytes, childAt, endAt } = encodeStartRecord(startLine());
    expect(bytes.length).toBe(4096 + 8192);
    expect([childAt, endAt]).toEqual([4096 - 256, 4096]);
    expect([...bytes].filter((byte) => byte === 10).length).toBe(3);
    for (const next of [childAt, endAt, bytes.length]) expect(bytes[next - 1]).toBe(10);
  });

  it('keeps its places whatever line 1 holds, up to the longest argv', () => {
    const argument = fc.tuple(fc.string({ minLength: 1, unit: 'binary' }), fc.nat(4000));
    fc.assert(
      fc.property(beginnings, argument, (begun, [text, times]) => {
        const line: StartLine = { ...startLine(), beginning: { ...begun, command: [text.repeat(times)] } };
        const { bytes, childAt, endAt } = encodeStartRecord(line);
        expect(endAt % 4096).toBe(0);
        expect(childAt).toBe(endAt - 256);
        expect(bytes.length).toBe(endAt + 8192);
        expect([...bytes.keys()].filter((i) => bytes[i] === 10)).toEqual([
          childAt - 1,
          endAt - 1,
          bytes.length - 1,
        ]);
        const parsed = parseStartRecord(bytes.toString('utf8'), idOf(begun), null);
        expect(parsed?.start.beginning).toEqual(line.beginning);
      }),
      { numRuns: 60 },
    );
  });

  it.each([0, 1, 2, 3, 255, 256, 257])(
    'has room for line 2 where line 1 leaves %d bytes of its block',
    (left) => {
      const empty = encodeStartRecord(startLine({ user: '' })).bytes;
      const used = empty.indexOf(' '.repeat(8));
      const { bytes, childAt, endAt } = encodeStartRecord(
        startLine({ user: 'x'.repeat(4096 - left - used) }),
      );
      expect(bytes.toString('utf8', 0, childAt).trimEnd()).toMatch(/}$/);
      expect(endAt).toBe(left > 256 ? 4096 : 8192);
    },
  );

  it('takes an argv of 40 KB', () => {
    const command = ['/bin/sh', '-c', 'x'.repeat(40_000)];
    const line = startLine({ command });
    expect(parseStartRecord(written(line, CHILD, END), runId(1), null)?.start).toMatchObject({
      beginning: { command },
      child: CHILD,
      end: END,
    });
    expect(LONGEST_COMMAND_BYTES).toBeLessThan(40_000);
  });

  it('has room for every child and every end', () => {
    const pids = fc.record({ pid: fc.maxSafeNat(), start_ticks: fc.option(fc.maxSafeNat(), { nil: null }) });
    fc.assert(
      fc.property(pids, ends, (child, end) => {
        expect(encodeChild(child).length).toBeLessThan(256);
        expect(encodeEnd(end, at(0)).length).toBeLessThan(8192);
      }),
    );
  });

  it('can be overwritten in place: the file stays as long as it was, and says it all', () => {
    const path = `${scratch()}/start`;
    const { bytes, childAt, endAt } = encodeStartRecord(startLine());
    writeFileSync(path, bytes);
    const fd = openSync(path, 'r+');
    const child = encodeChild(CHILD);
    writeSync(fd, child, 0, child.length, childAt);
    const end = encodeEnd(END, at(0));
    writeSync(fd, end, 0, end.length, endAt);
    closeSync(fd);
    expect(readFileSync(path).length).toBe(bytes.length);
    expect(readFileSync(path, 'utf8').split('\n').length).toBe(4);
    expect(readStartRecord(path, runId(1), null, unexpectedPause)).toMatchObject({ child: CHILD, end: END });
  });
});

function unexpectedPause(): never {
  throw new Error('nothing here is torn');
}

describe('parseStartRecord', () => {
  it('undoes what was written, at each of its three stages', () => {
    const stages = fc.constantFrom<[boolean, boolean]>(
      [false, false],
      [true, false],
      [true, true],
      [false, true],
    );
    fc.assert(
      fc.property(beginnings, ends, stages, (begun, end, [hasChild, hasEnd]) => {
        const line: StartLine = { ...startLine(), beginning: begun };
        const text = written(line, hasChild ? CHILD : null, hasEnd ? end : null);
        expect(parseStartRecord(text, idOf(begun), null)).toEqual({
          start: { id: idOf(begun), ...line, child: hasChild ? CHILD : null, end: hasEnd ? end : null },
          torn: false,
        });
      }),
    );
  });

  it('is not believed under the name of another run: it was copied by hand', () => {
    expect(parseStartRecord(written(startLine(), CHILD, END), runId(2), null)).toBeNull();
  });

  it.each([-1, 1.5, 1e300, '7'])('takes %s for no pid', (pid) => {
    const text = written(startLine(), { ...CHILD, pid: pid as number }, null);
    expect(parseStartRecord(text, runId(1), null)?.start.child).toBeNull();
  });

  it('takes from line 3 how much was written, or that no log could be made', () => {
    const path = '/state/jobs/backup/output/x.log';
    const line = startLine({ output: { path, bytes: null } });
    const outputAfter = (output: KeptOutput | null) => {
      const { bytes, endAt } = encodeStartRecord(line);
      encodeEnd(END, null, output).copy(bytes, endAt);
      return parseStartRecord(bytes.toString('utf8'), runId(1), null)?.start.beginning.output;
    };
    expect(outputAfter({ path, bytes: 7 })).toEqual({ path, bytes: 7 });
    expect(outputAfter({ path, bytes: null })).toEqual({ path, bytes: null });
    expect(outputAfter(null)).toBeNull();
  });

  it('believes the third line about the completion before: runs ended while this one went on', () => {
    const line = startLine({ previous_completed_at: at(-90) });
    const start = parseStartRecord(written(line, CHILD, END, at(-10)), runId(1), null)?.start;
    expect(start?.beginning.previous_completed_at).toBe(at(-10));
    for (const other of [null, 'soon', '\x1b[31m']) {
      const start = parseStartRecord(written(line, CHILD, END, other), runId(1), null)?.start;
      expect(start?.beginning.previous_completed_at).toBe(at(-90));
    }
  });

  it.each([
    ['is empty', ''],
    ['is blank', ' '.repeat(4096)],
    ['is NUL', '\0'.repeat(12_288)],
    ['is somebody else’s', 'hello\nworld\n'],
    ['is an array', '[]\n\n\n'],
    ['lacks the wrapper', `${JSON.stringify(beginning(1))}\n\n\n`],
    ['has a wrapper without a pid', `${JSON.stringify({ ...beginning(1), wrapper: {} })}\n\n\n`],
    ['lacks what the run began with', `${JSON.stringify({ wrapper: ELSEWHERE })}\n\n\n`],
  ])('is null where line 1 %s', (_what, text) => {
    expect(parseStartRecord(text, runId(1), END)).toBeNull();
  });

  it('is null where line 1 is cut off anywhere', () => {
    const text = written(startLine(), CHILD, END);
    const whole = text.indexOf('}} ') + 2;
    expect(parseStartRecord(text.slice(0, whole), runId(1), null)).not.toBeNull();
    for (let length = 0; length < whole; length += 7)
      expect(parseStartRecord(text.slice(0, length), runId(1), null)).toBeNull();
  });

  it('knows no child where line 2 is torn or strange', () => {
    const { bytes, childAt } = encodeStartRecord(startLine());
    for (const line2 of ['{"pid":47', '{}', '{"pid":"4711"}', '4711', '\0\0\0', '[]']) {
      const text = `${bytes.toString('utf8', 0, childAt)}${line2}\n\n`;
      expect(parseStartRecord(text, runId(1), null)?.start.child).toBeNull();
    }
  });

  it('knows no journal mark where none was written, so that the whole journal is searched', () => {
    const { journal: _, ...line } = { ...beginning(1), wrapper: ELSEWHERE, journal: null };
    expect(parseStartRecord(`${JSON.stringify(line)}\n\n\n`, runId(1), null)?.start.journal).toEqual({
      ino: null,
      size: 0,
    });
  });

  it('is not torn where the third line parses and says what a newer version knows: no look makes that clearer', () => {
    const { bytes, endAt } = encodeStartRecord(startLine());
    bytes.write('{"status":"paused","reason":"asked"}', endAt);
    expect(parseStartRecord(bytes.toString(), runId(1), null)).toMatchObject({
      torn: false,
      start: { end: null },
    });
  });

  it('is torn while the third line is there and does not parse', () => {
    const { bytes, endAt } = encodeStartRecord(startLine());
    const end = encodeEnd(END, null);
    const text = bytes.toString('utf8', 0, endAt);
    for (const length of [1, 10, end.length - 1]) {
      const parsed = parseStartRecord(`${text}${end.toString('utf8', 0, length)}   \n`, runId(1), null);
      expect(parsed).toMatchObject({ torn: true, start: { end: null } });
    }
    expect(parseStartRecord(text, runId(1), null)?.torn).toBe(false);
  });

  it('takes the end from the name where the third line has none, and the line before the name', () => {
    const other = endOf(1, COMPLETED);
    expect(parseStartRecord(written(startLine(), null, null), runId(1), END)?.start.end).toEqual(END);
    expect(parseStartRecord(written(startLine(), null, other), runId(1), END)?.start.end).toEqual(other);
  });
});

describe('names of start records', () => {
  it('are the run id', () => {
    expect(readFileName(`${runId(1)}.jsonl`)).toEqual({ id: runId(1), end: null });
  });

  it('carry an end where nothing else would take it: all of it but killed and the errno', () => {
    fc.assert(
      fc.property(runIds, ends, (id, end) => {
        const name = endedFileName(id, end);
        expect(name.length).toBeLessThanOrEqual(255);
        expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
        expect(readFileName(name)).toEqual({ id, end: { ...end, killed: false, error: null } });
      }),
      { numRuns: 300 },
    );
  });

  it('read as in this example', () => {
    const stopped = {
      ...END,
      status: 'interrupted',
      reason: 'stopped',
      exit_code: null,
      signal: 'SIGTERM',
    } as End;
    expect(endedFileName(runId(1), stopped)).toBe(
      `${runId(1)}.end-interrupted-stopped-x-SIGTERM-${Date.parse(END.ended_at)}-30000.jsonl`,
    );
  });

  it.each([
    'journal.jsonl',
    `.${runId(1)}.tmp`,
    `${runId(1)}`,
    `${runId(1)}.jsonl~`,
    `${runId(1)}.json`,
    `${runId(1).toUpperCase()}.jsonl`,
    `x${runId(1)}.jsonl`,
    `${runId(1)}.end-completed.0.jsonl`,
    `${runId(1)}.end-completed-lost-0-x-1-1.jsonl`,
    `${runId(1)}.end-failed-exited-0-x-1-1.jsonl`,
    `${runId(1)}.end-failed-exited-x-x-1-1.jsonl`,
    `${runId(1)}.end-failed-exited-3-x-99999999999999999-1.jsonl`,
    'README',
    '',
  ])('are nothing like %j', (name) => {
    expect(readFileName(name)).toBeNull();
  });
});

describe('readStartRecord', () => {
  let path: string;
  const pause = vi.fn<(ms: number) => void>();
  const { bytes, endAt } = encodeStartRecord(startLine());

  beforeEach(() => {
    path = `${scratch()}/start`;
    pause.mockReset();
  });

  function tear(): void {
    writeFileSync(path, bytes);
    const fd = openSync(path, 'r+');
    writeSync(fd, '{"status":"compl', endAt);
    closeSync(fd);
  }

  it('is gone where the file is', () => {
    expect(readStartRecord(path, runId(1), null, pause)).toBe('gone');
  });

  it('is garbage where line 1 is none', () => {
    writeFileSync(path, bytes.subarray(0, 100));
    expect(readStartRecord(path, runId(1), null, pause)).toBe('garbage');
    expect(pause).not.toHaveBeenCalled();
  });

  it('looks again at a torn third line, and sees the write that was under way', () => {
    tear();
    pause.mockImplementationOnce(() => undefined);
    pause.mockImplementationOnce(() => writeFileSync(path, written(startLine(), CHILD, END)));
    expect(readStartRecord(path, runId(1), null, pause)).toMatchObject({ end: END });
    expect(pause.mock.calls).toEqual([[5], [5]]);
  });

  it('looks again three times, then takes the run as it is', () => {
    tear();
    expect(readStartRecord(path, runId(1), null, pause)).toMatchObject({ id: runId(1), end: null });
    expect(pause.mock.calls).toEqual([[5], [5], [5]]);
  });

  it('is gone where the file goes while it waits', () => {
    tear();
    pause.mockImplementationOnce(() => unlinkSync(path));
    expect(readStartRecord(path, runId(1), null, pause)).toBe('gone');
  });
});
