// Places in a file that may be larger than memory, found by its newlines.
import { readInto } from './durable.js';
import { pourOut } from './pour.js';

const NEWLINE = 10;

/** Read at once. */
const BLOCK_BYTES = 65_536;

/** What of a file is shown or kept, and what is left out between. Bytes. */
export interface Excerpt {
  /** The head ends here. */
  readonly headEnd: number;
  /** The tail begins here. */
  readonly tailStart: number;
  /** Newlines in between. */
  readonly lines: number;
}

/**
 * The head and the tail of a file of `size` bytes, together at most `room` bytes, both cut at ends of lines; at characters
 * where a line is longer than that. Null where the file is no larger than `room`.
 */
export function excerptOf(fd: number, size: number, room: number): Excerpt | null {
  if (size <= room) return null;
  const half = Math.floor(room / 2);
  const headEnd = headOf(fd, half);
  const tailStart = tailOf(fd, size - half, size);
  return { headEnd, tailStart, lines: countNewlines(fd, headEnd, tailStart) };
}

/** Behind the last newline before `end`, else as many whole characters as stand before it. */
function headOf(fd: number, end: number): number {
  let newline = -1;
  backwards(fd, end, (bytes, at) => {
    const last = bytes.lastIndexOf(NEWLINE);
    newline = last === -1 ? -1 : at + last;
    return last !== -1;
  });
  return newline === -1 ? characterStart(fd, end, -1) : newline + 1;
}

/** Where the first line begins from `start` on, else where a character begins. The last byte of the file counts for none. */
function tailOf(fd: number, start: number, size: number): number {
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  for (let at = start - 1; at < size - 1; at += BLOCK_BYTES) {
    const count = readInto(fd, block, at, Math.min(BLOCK_BYTES, size - 1 - at));
    const newline = block.subarray(0, count).indexOf(NEWLINE);
    if (newline !== -1) return at + newline + 1;
  }
  return characterStart(fd, start, 1);
}

/** The nearest place from `at` on, in either direction, that is not in the middle of a character of UTF-8. */
function characterStart(fd: number, at: number, step: -1 | 1): number {
  const byte = Buffer.alloc(1);
  for (let tried = 0; tried < 4; tried++) {
    const place = at + tried * step;
    if (place <= 0 || readInto(fd, byte, place, 1) === 0 || ((byte[0] ?? 0) & 0xc0) !== 0x80) return place;
  }
  return at; // it is no UTF-8
}

function countNewlines(fd: number, from: number, to: number): number {
  let count = 0;
  pourOut(fd, from, to, (bytes) => {
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  });
  return count;
}

/** Hands head, `gap` and tail to `use`, each beginning with a line of its own. */
export function pourExcerpt(
  fd: number,
  size: number,
  { headEnd, tailStart }: Excerpt,
  gap: string,
  use: (bytes: Buffer) => void,
): void {
  pourOut(fd, 0, headEnd, use);
  const last = Buffer.alloc(1);
  const isWhole = headEnd === 0 || (readInto(fd, last, headEnd - 1, 1) === 1 && last[0] === NEWLINE);
  use(Buffer.from(`${isWhole ? '' : '\n'}${gap}\n`));
  pourOut(fd, tailStart, size, use);
}

/** Where the last `count` lines of a file of `size` bytes begin. */
export function lastLines(fd: number, size: number, count: number): number {
  let left = count;
  let start = 0;
  // The newline that ends the last line begins no other.
  backwards(fd, size - 1, (bytes, at) => {
    for (let newline = bytes.lastIndexOf(NEWLINE); newline !== -1; ) {
      if (--left === 0) {
        start = at + newline + 1;
        return true;
      }
      newline = newline === 0 ? -1 : bytes.lastIndexOf(NEWLINE, newline - 1);
    }
    return false;
  });
  return start;
}

/** Block by block from `end` to the beginning, until `look` has seen enough. */
function backwards(fd: number, end: number, look: (bytes: Buffer, at: number) => boolean): void {
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  for (let to = end; to > 0; to -= BLOCK_BYTES) {
    const at = Math.max(0, to - BLOCK_BYTES);
    if (look(block.subarray(0, readInto(fd, block, at, to - at)), at)) return;
  }
}
