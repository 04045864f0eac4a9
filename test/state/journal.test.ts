import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { decodeRecord, type EndedRecord, encodeLine, idOf } from '../../src/model/record.js';
import {
  findInJournal,
  knownBefore,
  laterTime,
  latestCompletion,
  linesFromEnd,
  markOf,
  measure,
  runsFromEnd,
  searchJournal,
  withJournal,
} from '../../src/state/journal.js';
import { scratch } from '../helpers/cronrun.js';
import { at, completed, failed, runId, skipped } from '../helpers/records.js';
import { inJournal, JOB, journalText, markNow, NO_MARK, putJournal } from '../helpers/state.js';

let stateDir: string;

beforeEach(() => {
  stateDir = scratch();
});

let files = 0;

/** A path of its own for each file: to write one again costs a wait for the disk on ext4. */
function freshPath(): string {
  return `${stateDir}/${files++}`;
}

/** What linesFromEnd says of a file with these bytes. */
function linesOf(content: string | Uint8Array): { text: string; at: number }[] {
  const path = freshPath();
  writeFileSync(path, content);
  return withJournal(path, [], (journal) => [...linesFromEnd(journal)]);
}

/** The same, found out the slow way: a journal's last line may lack its newline. */
function splitFromEnd(content: string): { text: string; at: number }[] {
  const texts = content.split('\n');
  if (texts.at(-1) === '') texts.pop();
  let place = 0;
  const lines = texts.map((text) => {
    const line = { text, at: place };
    place += Buffer.byteLength(text) + 1;
    return line;
  });
  return lines.reverse();
}

function readRuns(): { records: EndedRecord[]; skipped: number } {
  const skipped = { count: 0 };
  const records = inJournal(stateDir, (journal) => [...runsFromEnd(journal, skipped)]);
  return { records, skipped: skipped.count };
}

describe('linesFromEnd', () => {
  it.each(['', 'a', 'a\n', '\n', '\n\n', 'a\nb', 'a\nb\n', '\na', 'a\n\nb\n\n', 'a\r\nb\r\n', 'é\n日本\n'])(
    'reads %j',
    (content) => {
      expect(linesOf(content)).toEqual(splitFromEnd(content));
    },
  );

  it('reads lines of any length, wherever they fall', () => {
    const length = fc.oneof(fc.nat(40), fc.nat(9000), fc.nat(70_000));
    const content = fc
      .tuple(fc.array(length, { maxLength: 12 }), fc.boolean())
      .map(
        ([lengths, closed]) =>
          lengths.map((n, i) => String(i % 10).repeat(n)).join('\n') + (closed ? '\n' : ''),
      );
    fc.assert(
      fc.property(content, (text) => {
        expect(linesOf(text)).toEqual(splitFromEnd(text));
      }),
      { numRuns: 60 },
    );
  });

  /** Sizes around those of the blocks that are read: the border falls on, before and behind a newline. */
  it.each([8192, 65_536, 8192 + 65_536, 2 * 65_536])(
    'reads what stands around byte %d from the end',
    (border) => {
      for (let shift = -3; shift <= 3; shift++) {
        const tail = 'z'.repeat(border + shift);
        for (const content of [
          `a\nbb\n${tail}`,
          `a\nbb\n${tail}\n`,
          `\n\n${tail}\n\n`,
          `${tail}\n${tail}\nx`,
        ]) {
          expect(linesOf(content)).toEqual(splitFromEnd(content));
        }
      }
    },
  );

  it('finds a last line of 200 KiB, and those before it', () => {
    const content = `first\n${'x'.repeat(200 * 1024)}\n`;
    expect(linesOf(content)).toEqual(splitFromEnd(content));
  });

  it('passes over what is longer than any line, wherever it stands', () => {
    const path = freshPath();
    const hole = (1 << 22) + 5;
    writeFileSync(path, 'a\n');
    truncateSync(path, 2 + hole);
    appendFileSync(path, '\nz\n');
    const ends = 2 + hole + 3;
    truncateSync(path, ends + hole);
    const lines = withJournal(path, [], (journal) => [...linesFromEnd(journal)]);
    expect(lines.map(({ text, at }) => [text, at])).toEqual([
      ['(too long for a line)', ends],
      ['z', ends - 2],
      ['(too long for a line)', 2],
      ['a', 0],
    ]);
  });

  it('does not break characters that a block cuts apart', () => {
    const content = `${'日'.repeat(30_000)}\n${'é'.repeat(5000)}`;
    expect(linesOf(content)).toEqual(splitFromEnd(content));
  });

  it('reads no more than it is asked for: of 5 MB the last line at once', () => {
    const filler = `${'x'.repeat(99)}\n`.repeat(50_000);
    writeFileSync(`${stateDir}/journal`, `${filler}last\n`);
    withJournal(`${stateDir}/journal`, null, (journal) => {
      const [first] = linesFromEnd(journal);
      expect(first).toEqual({ text: 'last', at: 5_000_000 });
      expect([...linesFromEnd(journal)].length).toBe(50_001);
    });
  });

  it('stops where the file was cut meanwhile, without going round for ever', () => {
    writeFileSync(`${stateDir}/journal`, 'a\nb\nc\n');
    withJournal(`${stateDir}/journal`, null, (journal) => {
      const lines = [...linesFromEnd({ ...journal, size: 4 })];
      expect(lines.map((line) => line.text)).toEqual(['b', 'a']);
    });
  });
});

describe('withJournal', () => {
  it('answers for a journal that is not there', () => {
    expect(withJournal(`${stateDir}/none`, 'absent', () => 'read')).toBe('absent');
  });

  it('takes a file in the place of its directory for a journal that is not there', () => {
    writeFileSync(`${stateDir}/file`, '');
    expect(withJournal(`${stateDir}/file/journal`, 'absent', () => 'read')).toBe('absent');
  });

  it('lets every other failure through', () => {
    expect(() => withJournal(stateDir, null, () => null)).toThrow(/EINVAL/);
    const failing = () => {
      throw new Error('while it was read');
    };
    writeFileSync(`${stateDir}/journal`, 'a\n');
    expect(() => withJournal(`${stateDir}/journal`, null, failing)).toThrow('while it was read');
  });
});

describe('runsFromEnd', () => {
  it('reads the runs, last ended first', () => {
    putJournal(stateDir, [completed(1), failed(2), completed(3)]);
    expect(readRuns()).toEqual({ records: [completed(3), failed(2), completed(1)], skipped: 0 });
  });

  it('reads a last line without its newline', () => {
    putJournal(stateDir, [completed(1), encodeLine(failed(2))]);
    expect(readRuns().records).toEqual([failed(2), completed(1)]);
  });

  it('reads a journal with the line ends of another world', () => {
    putJournal(
      stateDir,
      [completed(1), failed(2)].map((record) => `${encodeLine(record)}\r\n`),
    );
    expect(readRuns()).toEqual({ records: [failed(2), completed(1)], skipped: 0 });
  });

  it.each([
    ['a torn tail', `{"schema":1,"cron_job_id":"cron:${runId(9)}"`],
    ['a tail of NULs', '\0'.repeat(300)],
    ['a log line', 'Nov 22 02:30:01 db1 CRON[1]: hello\n'],
    ['an object of somebody else', '{"hello":"world"}\n'],
    ['an array', '[1,2,3]\n'],
    ['bytes that are no UTF-8', Uint8Array.of(0xff, 0xfe, 0xc3, 0x28, 10)],
    ['a record that cannot be', `${encodeLine(failed(9)).replace('"exit_code":23', '"exit_code":0')}\n`],
    ['two lines run together', `${encodeLine(failed(8))}${encodeLine(failed(9))}\n`],
  ])('passes over %s, counts it, and reads on', (_what, garbage) => {
    putJournal(stateDir, [completed(1), garbage]);
    expect(readRuns()).toEqual({ records: [completed(1)], skipped: 1 });
  });

  it('passes over a byte order mark with the line it stands on, and no other', () => {
    putJournal(stateDir, ['\u{feff}', completed(1), failed(2)]);
    expect(readRuns()).toEqual({ records: [failed(2)], skipped: 1 });
  });

  it('counts every line that it passes over', () => {
    putJournal(stateDir, ['x\n', completed(1), '{}\n', '\0\0\n', failed(2), '}{']);
    expect(readRuns()).toEqual({ records: [failed(2), completed(1)], skipped: 4 });
  });

  it('thinks nothing of blank lines', () => {
    putJournal(stateDir, ['\n\n', completed(1), '  \r\n\t\n', failed(2), '\n']);
    expect(readRuns()).toEqual({ records: [failed(2), completed(1)], skipped: 0 });
  });

  it('survives garbage of any kind between records', () => {
    // A carriage return where a line would begin closes a file: what stands behind that was appended anew.
    const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[\n{}]|^\r/g, '.'));
    fc.assert(
      fc.property(fc.array(line, { minLength: 10, maxLength: 40 }), (garbage) => {
        const path = freshPath();
        const lines = garbage.flatMap((text, i) => [text, encodeLine(completed(i))]);
        writeFileSync(path, lines.join('\n'));
        const skipped = { count: 0 };
        const ids = withJournal(path, [], (journal) => [...runsFromEnd(journal, skipped)]).map(idOf);
        expect(ids).toEqual(garbage.map((_, i) => runId(i)).reverse());
        expect(skipped.count).toBe(garbage.filter((text) => text.trim() !== '').length);
      }),
      { numRuns: 10 },
    );
  });
});

describe('findInJournal', () => {
  const seek = (n: number, journal = NO_MARK) => ({ id: runId(n), journal });
  const found = (...sought: ReturnType<typeof seek>[]) =>
    [...inJournal(stateDir, (journal) => findInJournal(journal, sought))].sort();

  it('finds the runs that have a whole line', () => {
    putJournal(stateDir, [completed(1), failed(2), encodeLine(completed(3)).slice(0, -1)]);
    expect(found(seek(1), seek(2), seek(3), seek(4))).toEqual([runId(1), runId(2)]);
  });

  it('reads only what was appended since the runs began', () => {
    putJournal(stateDir, [completed(1)]);
    const mark = markNow(stateDir);
    putJournal(stateDir, [completed(2)]);
    expect(found(seek(1, mark), seek(2, mark))).toEqual([runId(2)]);
    expect(found(seek(1, mark), seek(2, mark), seek(9))).toEqual([runId(1), runId(2)]);
    expect(found(seek(2, markNow(stateDir)))).toEqual([]);
  });

  it('reads all of it where the mark is of another file, or of one that was longer', () => {
    putJournal(stateDir, [completed(1)]);
    const { ino, size } = markNow(stateDir);
    expect(found(seek(1, { ino: (ino ?? 0) + 1, size }))).toEqual([runId(1)]);
    expect(found(seek(1, { ino, size: size + 1 }))).toEqual([runId(1)]);
    expect(found(seek(1, { ino: null, size: 0 }))).toEqual([runId(1)]);
  });

  it('is not misled by an id in a command or in another field', () => {
    const command = [`"cron_job_id":"cron:${runId(5)}"`];
    putJournal(stateDir, [completed(1, { command, cwd: `cron:${runId(5)}` })]);
    expect(found(seek(5), seek(1))).toEqual([runId(1)]);
  });

  it('finds a line of a newer version too: its wrapper has had its word', () => {
    putJournal(stateDir, [
      `${encodeLine(completed(1)).replace('"schema":1', '"schema":2').replace('"completed"', '"checked"')}\n`,
    ]);
    expect(found(seek(1))).toEqual([runId(1)]);
  });
});

describe('searchJournal', () => {
  const search = (fits: (id: string) => boolean) =>
    inJournal(stateDir, (journal) => searchJournal(journal, fits));

  it('finds every run whose id fits, last ended first, each once', () => {
    putJournal(stateDir, [completed(1), failed(2), 'garbage\n', completed(1), completed(3)]);
    expect(search((id) => id !== runId(2)).map(idOf)).toEqual([runId(3), runId(1)]);
    expect(search(() => false)).toEqual([]);
  });
});

describe('latestCompletion', () => {
  it('is the latest of those appended since the mark, or the one known before', () => {
    putJournal(stateDir, [completed(1)]);
    const mark = markNow(stateDir);
    const latest = (known: string | null) =>
      inJournal(stateDir, (journal) => latestCompletion(journal, mark, known));
    expect(latest(at(-5))).toBe(at(-5));
    expect(latest(null)).toBeNull();
    putJournal(stateDir, [failed(2), completed(4), completed(3)]);
    expect(latest(at(-5))).toBe(completed(4).completed_at);
    expect(latest(at(99))).toBe(at(99));
  });
});

describe('laterTime', () => {
  it.each([
    [null, null, null],
    [at(1), null, at(1)],
    [null, at(1), at(1)],
    [at(1), at(2), at(2)],
    [at(2), at(1), at(2)],
  ])('of %s and %s is %s', (a, b, later) => {
    expect(laterTime(a, b)).toBe(later);
  });
});

describe('markOf and measure', () => {
  it('say how long the journal is, in bytes and in lines', () => {
    expect(markOf(null)).toEqual(NO_MARK);
    putJournal(stateDir, [completed(1), failed(2)]);
    inJournal(stateDir, (journal) => {
      expect(markOf(journal)).toEqual({
        ino: journal.ino,
        size: journalText(stateDir).length,
        born: journal.born,
      });
      expect(measure(journal)).toEqual({ lines: 2, first: encodeLine(completed(1)) });
    });
  });

  it.each([
    ['', 0],
    ['\n', 1],
    ['a', 1],
    ['a\n', 1],
    ['a\nb', 2],
    [`${'x\n'.repeat(600_000)}y`, 600_001],
    [`${'x'.repeat(1 << 20)}\ny\n`, 2],
  ])('count lines', (content, lines) => {
    putJournal(stateDir, [content], JOB);
    expect(inJournal(stateDir, measure).lines).toBe(lines);
  });
});

describe('a line of the journal', () => {
  it('of a run without a command is still a record', () => {
    const record = completed(1, { command: [] });
    expect(decodeRecord(encodeLine(record))).toEqual(record);
  });
});

describe('what a line tells that was so before it', () => {
  const known = () => inJournal(stateDir, knownBefore);
  const skips = (count: number, from: number) =>
    Array.from({ length: count }, (_, n) =>
      skipped(from + n, null, { previous_checkpoint: 'theirs', previous_completed_at: at(0.25) }),
    );

  it('stands in the lines of what was skipped, where they are many', () => {
    putJournal(stateDir, [failed(1, 3, { previous_checkpoint: 'a', previous_completed_at: at(0) })]);
    expect(known()).toEqual({ previous_checkpoint: 'a', previous_completed_at: at(0) });
    putJournal(stateDir, skips(11, 2));
    expect(known()).toEqual({ previous_checkpoint: 'a', previous_completed_at: at(0) });
    putJournal(stateDir, ['\n', ...skips(1, 13)]);
    expect(known()).toEqual({ previous_checkpoint: 'theirs', previous_completed_at: at(0.25) });
  });

  it('is looked for where a run ended between them, or what is there is of another version', () => {
    putJournal(stateDir, [...skips(20, 2), completed(30), ...skips(1, 31)]);
    expect(known()).toEqual({ previous_checkpoint: null, previous_completed_at: completed(30).completed_at });
    putJournal(stateDir, [...skips(20, 40), encodeLine({ ...skipped(70), schema: 2 }), '\n']);
    expect(known().previous_completed_at).toBe(completed(30).completed_at);
  });
});
