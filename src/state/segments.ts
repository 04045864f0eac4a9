// What a journal was before it was rotated: whole files that nobody opens by name to append to any more. Readers open them
// one after the other, from the newest on, and only if the journal alone does not answer.
import { closeSync, fstatSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../errors.js';
import { decodeRecord, endOf, isEnded } from '../model/record.js';
import { readRange } from '../platform/durable.js';
import { listDirectory } from '../platform/list-directory.js';
import { type OpenFile, openFile } from '../platform/open-file.js';

/** The name of a file that was a journal. */
export interface Segment {
  readonly name: string;
  /** Its place among the others, the oldest has the least; null where it has only just been moved away. */
  readonly number: number | null;
  /** Its own for ever, also when it gets its number. */
  readonly id: string;
}

const NAME = /^journal-(?:(\d{6,15})|new)-([0-9a-f-]{36})\.jsonl$/;

/** Without a number it is newer than all that have one: whoever gives numbers begins with the oldest that has none. */
export function segmentName(number: number | null, id: string): string {
  return `journal-${number === null ? 'new' : String(number).padStart(6, '0')}-${id}.jsonl`;
}

/** Null for any other file. */
export function readSegmentName(name: string): Segment | null {
  const match = NAME.exec(name);
  if (match === null) return null;
  const [, number, id = ''] = match;
  return { name, number: number === undefined ? null : Number(number), id };
}

/** The segments in a job's directory, the oldest first. */
export function listSegments(directory: string): Segment[] {
  const found = listDirectory(directory).flatMap((name) => readSegmentName(name) ?? []);
  const numbered = found.filter(({ number }) => number !== null);
  numbered.sort((a, b) => (a.number ?? 0) - (b.number ?? 0) || (a.name < b.name ? -1 : 1));
  // One that got its number while the directory was read may have been read twice.
  const isTwice = ({ id }: Segment) => numbered.some((other) => other.id === id);
  return [
    ...numbered,
    ...byContent(
      directory,
      found.filter((one) => one.number === null && !isTwice(one)),
    ),
  ];
}

/**
 * Of several without a number, which only rotations that meet can leave for a moment, the one whose runs ended first
 * is the oldest: each was begun when the one before had been moved away.
 */
function byContent(directory: string, segments: readonly Segment[]): readonly Segment[] {
  if (segments.length < 2) return segments;
  const dated = segments.map((segment) => ({ segment, end: firstEnd(directory, segment) }));
  return dated.sort((a, b) => (a.end < b.end ? -1 : 1)).map(({ segment }) => segment);
}

const FIRST_LINES_BYTES = 131_072;

/** When the run of the first line that is one ended, ISO 8601; empty where there is none. */
function firstEnd(directory: string, segment: Segment): string {
  const file = openSegment(directory, segment);
  if (file === null) return '';
  try {
    for (const line of readRange(file.fd, 0, FIRST_LINES_BYTES).toString('utf8').split('\n')) {
      const record = decodeRecord(line);
      if (record !== null && isEnded(record)) return endOf(record);
    }
    return '';
  } finally {
    closeSync(file.fd);
  }
}

/** Null where it was removed. */
function openSegment(directory: string, { id, name }: Segment): OpenFile | null {
  for (let known: string | undefined = name; known !== undefined; ) {
    try {
      return openFile(`${directory}/${known}`);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    // It may have got its number meanwhile.
    const now = listDirectory(directory).find((other) => readSegmentName(other)?.id === id);
    known = now === known ? undefined : now;
  }
  return null;
}

/** A journal that is open for reading, as long as it was when it was opened, or a segment of it. */
export interface Journal extends OpenFile {
  /** The segment before it, opened when first asked for; null: there is none. It closes with the journal. */
  readonly older: () => Journal | null;
}

/** The journal at `path`, or its newest segment where it was moved away only just; null: no run has ended. */
export function openNewest(path: string): OpenFile | null {
  try {
    return openFile(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno !== 'ENOENT' && errno !== 'ENOTDIR') throw error;
  }
  const directory = dirname(path);
  for (const segment of listSegments(directory).reverse()) {
    const file = openSegment(directory, segment);
    if (file !== null) return file;
  }
  return null;
}

/**
 * Hands over `newest`, the journal at `path` or what was one when it was opened, with all that is older. Nothing of that
 * is looked for before somebody asks, and all of it is closed at the end; `newest` is not.
 *
 * @param onGone called where nobody can say any more what is older than `newest`; unless it throws, nothing is. Who
 * appends need not know: what he appends to a file without a name he appends anew.
 */
export function withOlder<T>(
  path: string,
  newest: OpenFile,
  use: (journal: Journal) => T,
  onGone: () => void = () => undefined,
): T {
  const opened: OpenFile[] = [];
  let left: Segment[] | null = null;
  const next = (): Journal | null => {
    left ??= segmentsBefore(path, newest, onGone);
    for (let segment = left.pop(); segment !== undefined; segment = left.pop()) {
      const file = openSegment(dirname(path), segment);
      if (file === null) continue;
      opened.push(file);
      return chained(file, next);
    }
    return null;
  };
  try {
    return use(chained(newest, next));
  } finally {
    for (const { fd } of opened) closeSync(fd);
  }
}

function chained(file: OpenFile, next: () => Journal | null): Journal {
  let older: Journal | null | undefined;
  return {
    fd: file.fd,
    ino: file.ino,
    born: file.born,
    size: file.size,
    older: () => {
      if (older === undefined) older = next();
      return older;
    },
  };
}

/** How often the directory is read anew where it changes meanwhile. */
const LOOKS = 10;

/**
 * What was moved away before `newest` was begun. `newest` was opened before the directory is read, so rotations may have
 * come between: what came after it is left out, as if it had been read at that moment. One that was removed, or written
 * anew under its name, has no place among the others.
 */
function segmentsBefore(path: string, newest: OpenFile, onGone: () => void): Segment[] {
  const directory = dirname(path);
  let segments: Segment[] = [];
  for (let look = 0; look < LOOKS; look++) {
    segments = listSegments(directory);
    if (segments.length === 0 || inodeOf(path) === newest.ino) return segments;
    const at = segments.findIndex(({ name }) => inodeOf(`${directory}/${name}`) === newest.ino);
    if (at !== -1) return segments.slice(0, at);
    if (fstatSync(newest.fd).nlink === 0) {
      onGone();
      return [];
    }
  }
  onGone();
  return segments;
}

function inodeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
