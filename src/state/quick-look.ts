// What makes a list of ten thousand jobs quick: most journals end in lines that cronrun wrote in one piece, and of those
// the status stands at a known place. Whoever finds anything else there asks state/journal.ts.
import { decodeRecord, type EndedRecord, isEnded } from '../model/record.js';
import { readRange } from '../platform/durable.js';

/** A job's last runs, as a list of jobs shows them. */
export interface Recent {
  /** The last ones, whole. */
  readonly records: readonly EndedRecord[];
  /** Of these and the ones before, last ended first. */
  readonly statuses: readonly EndedRecord['status'][];
}

/** A dozen lines, and less than two blocks more. */
const TAIL_BYTES = 8192;

const BEGINNING = '{"schema":1,';
/** Where the id ends and the job begins, if the line begins as cronrun writes it. */
const ID_END = '{"schema":1,"cron_job_id":"cron:'.length + 36;
/** The last field of a line that no settler wrote; nothing but the end of the line may follow. */
const UNSETTLED = '"journal":null}';
/** The status that begins like this; the whole word is compared where it is used. */
const WORDS = { c: 'completed', f: 'failed', t: 'timeout', i: 'interrupted' } as const;

let tail: Buffer | null = null;

/**
 * The last `count` runs of a journal, of which only the last is parsed, and one more where the last did not complete (of
 * two runs that ended in one moment either may stand last). Null where a line is not as a wrapper writes it, a run
 * stands twice, or `count` runs take more than the tail.
 */
export function quickLook(
  journal: { readonly fd: number; readonly size: number },
  count: number,
): Recent | null {
  const start = Math.max(0, journal.size - TAIL_BYTES);
  tail ??= Buffer.allocUnsafeSlow(TAIL_BYTES);
  const bytes = readRange(journal.fd, start, journal.size, tail);
  const text = bytes.toString('utf8');
  if (text.length !== bytes.length) return null; // not ASCII: places in the text are none in the file
  const lines = lastLines(text, start === 0, count);
  if (lines === null) return null;
  const records: EndedRecord[] = [];
  const statuses: EndedRecord['status'][] = [];
  const seen: number[] = [];
  for (const { from, to } of lines) {
    const status = statusOfLine(text, from, to);
    const print = fingerprint(text, from);
    if (status === null || seen.includes(print)) return null;
    if (records.length === 0 || (records.length === 1 && records[0]?.status !== 'completed')) {
      const record = decodeRecord(text.slice(from, to));
      if (record === null || !isEnded(record)) return null;
      records.push(record);
    }
    seen.push(print);
    statuses.push(status);
  }
  return { records, statuses };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Where the last `count` lines stand, the last one first; null if the text does not hold them all. */
function lastLines(text: string, isWhole: boolean, count: number): Span[] | null {
  if (!text.endsWith('\n')) return null;
  const spans: Span[] = [];
  let from = isWhole ? 0 : text.indexOf('\n') + 1;
  while (from < text.length) {
    const to = text.indexOf('\n', from);
    spans.push({ from, to });
    from = to + 1;
  }
  if (spans.length < count && !isWhole) return null;
  return spans.slice(-count).reverse();
}

/** The status of a whole line that its own wrapper wrote, from its place in the text; null for any other line. */
export function statusOfLine(text: string, from: number, to: number): EndedRecord['status'] | null {
  if (!text.startsWith(BEGINNING, from) || !text.startsWith(UNSETTLED, to - UNSETTLED.length)) return null;
  const brace = text.indexOf('{', from + 1);
  if (brace !== -1 && brace < to) return null; // perhaps torn, and the next line glued to it
  const job = from + ID_END;
  if (!text.startsWith('","job":"', job)) return null;
  const at = text.indexOf('"', job + 9);
  const word = WORDS[text.charAt(at + 12) as keyof typeof WORDS];
  if (word === undefined || !text.startsWith(`","status":"${word}","reason":"`, at)) return null;
  return word;
}

/** The random end of a run's id as a number: two that differ are two runs. */
function fingerprint(text: string, from: number): number {
  const end = from + ID_END;
  return Number.parseInt(text.slice(end - 12, end), 16);
}
