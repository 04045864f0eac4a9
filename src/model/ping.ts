import { exitStatusOf } from './exit-status.js';
import { isoMs } from './iso-time.js';
import { type EndedRecord, isInferred } from './record.js';
import type { RunId } from './run-id.js';

/** Which ping is sent for an end, as the options call it. */
export type PingKind = 'success' | 'fail' | 'log' | 'exit-code';

/** What a ping says: what stands behind the URL, where success is the URL itself and a number an exit status. */
export type PingWord = 'start' | 'success' | 'fail' | 'log' | number;

/** Where a ping goes. The URL is a secret: who has it can send pings of his own. */
export type PingAddress = { readonly url: string } | { readonly file: string };

/** Which kind an end of this sort is told as. */
export interface PingKinds {
  readonly pingOnSuccess: PingKind;
  readonly pingOnFailure: PingKind;
  readonly pingOnNotStarted: PingKind;
}

export function isPingWord(value: unknown): value is PingWord {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 && value <= 255;
  return value === 'start' || value === 'success' || value === 'fail' || value === 'log';
}

const FILE = 'file:';

/**
 * The address that --ping means; null for what is neither an http or https URL nor file: and a path. `absolute`: makes a
 * path absolute.
 */
export function readPingAddress(text: string, absolute: (path: string) => string): PingAddress | null {
  const path = filePath(text);
  if (path !== null) return path === '' ? null : { file: absolute(path) };
  const url = readPingUrl(text);
  return url === null ? null : { url };
}

/** The path of "file:PATH", and of the form with two slashes that browsers have; null for any other text. */
export function filePath(text: string): string | null {
  if (!text.startsWith(FILE)) return null;
  const path = text.slice(FILE.length);
  return path.startsWith('//') ? path.slice(2) : path;
}

/** The URL without blanks around it and without its fragment; null for what is none. */
export function readPingUrl(text: string): string | null {
  const trimmed = text.trim();
  // The parser of URLs takes blanks and line breaks out of the middle: two lines would be one URL.
  if (/[\s\p{Cc}]/u.test(trimmed)) return null;
  if (!URL.canParse(trimmed)) return null;
  const url = new URL(trimmed);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  if (url.port === '0') return null; // nobody can listen there
  url.hash = '';
  return url.href;
}

/** The URL in a file: its first line that is not empty. */
export function urlInFile(text: string): string | null {
  return readPingUrl(linesOf(text)[0] ?? '');
}

/** What a ping asks for besides its word. */
export interface PingQuery {
  /** The run; null: left out. */
  readonly rid: RunId | null;
  /** Have the check made if it is not there. */
  readonly create: boolean;
}

const UUID = /\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The URL of one ping. `base`: as readPingUrl gives it. */
export function pingUrl(base: string, word: PingWord, { rid, create }: PingQuery): string {
  const url = new URL(base);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = word === 'success' ? path : `${path}/${word}`;
  if (rid !== null) url.searchParams.set('rid', rid);
  // A check that is named by its UUID cannot be made.
  if (create && !UUID.test(path)) url.searchParams.set('create', '1');
  return url.href;
}

/** How an end is told. */
export function wordFor(record: EndedRecord, kinds: PingKinds): PingWord {
  const kind = kindFor(record, kinds);
  if (kind !== 'exit-code') return kind;
  // Nobody saw its exit status: 195 is an answer of ours, and none of its own.
  return isInferred(record) ? 'fail' : exitStatusOf(record);
}

function kindFor(record: EndedRecord, kinds: PingKinds): PingKind {
  if (record.status === 'completed') return kinds.pingOnSuccess;
  return record.reason === 'not-started' ? kinds.pingOnNotStarted : kinds.pingOnFailure;
}

/** What becomes of a ping that was answered. */
export type Verdict = 'delivered' | 'refused' | 'later' | 'again';

/**
 * `again`: at once, a little later. `later`: not now; a redirection is none of the server's own answers, and where it leads
 * nobody has said that a secret may go. `refused`: for ever, as with 404, where there is no such check.
 */
export function judgeStatus(status: number): Verdict {
  if (status >= 200 && status < 300) return 'delivered';
  if (status === 408 || status === 429 || status >= 500) return 'again';
  return status >= 400 ? 'refused' : 'later';
}

/** Longest pause that a server can ask for, and that cronrun makes on its own. */
export const LONGEST_PAUSE_MS = 3_600_000;

/** How long a try that has no limit may still take once the run is over, milliseconds. */
export const LAST_TRY_MS = 5000;

/** Retry-After as milliseconds from `nowMs`; null for what is none. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : dateMs(text) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), LONGEST_PAUSE_MS);
}

/** A date of HTTP, "Sun, 22 Nov 2026 01:30:00 GMT". Date.parse takes nearly anything for a date. */
function dateMs(text: string): number {
  return /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} [\d:]{8} GMT$/.test(text) ? Date.parse(text) : Number.NaN;
}

/** Longest pause that is made between two tries of one run. Whoever asks for more is asked by a later run. */
const LONGEST_WAIT_MS = 10_000;

/**
 * How long to wait before try `n` (the first one is 0), linearly more each time and no less than the server asked for; null:
 * that is too long, a later run tries.
 */
export function waitBeforeTry(n: number, askedMs: number | null): number | null {
  const ms = Math.max(n * 1000, askedMs ?? 0);
  return ms > LONGEST_WAIT_MS ? null : ms;
}

const MINUTE_MS = 60_000;

/** How long runs that have no ping of their own leave a server alone that failed so often in a row. */
export function pauseAfter(failures: number): number {
  return Math.min(failures, 15) * MINUTE_MS;
}

/** How old a ping that waits may become: after that it tells nobody anything new. */
export const OLDEST_MS = 7 * 86_400_000;

/** A clock that was set back makes nothing old. */
export function isTooOld(at: string, nowMs: number): boolean {
  return nowMs - isoMs(at) > OLDEST_MS;
}

/** What a server keeps of a body if it does not say so. */
export const USUAL_BODY_BYTES = 10_000;

/** No body is longer, whatever the server keeps. */
const LONGEST_BODY_BYTES = 1_048_576;

/** Ping-Body-Limit in bytes; null for what is none. */
export function bodyLimit(header: string | undefined): number | null {
  if (header === undefined || !/^\d+$/.test(header.trim())) return null;
  return Math.min(Number(header), LONGEST_BODY_BYTES);
}

/** The end of what a run printed. */
export interface Tail {
  readonly bytes: Buffer;
  /** How much it was in all, bytes. */
  readonly of: number;
}

/**
 * The body of a ping: the headline (null: none), and below that as much of the end of the output as fits into `limit` bytes,
 * with a line above it that says how much is missing. It begins at the beginning of a character.
 */
export function composeBody(headline: string | null, { bytes, of }: Tail, limit: number): Buffer {
  const head = Buffer.from(headline === null ? '' : `${headline}\n`);
  if (of === 0) return head.subarray(0, limit);
  const gap = head.length === 0 ? '' : '\n';
  if (bytes.length === of && head.length + gap.length + of <= limit)
    return Buffer.concat([head, Buffer.from(gap), bytes]);
  const widest = noteOf(of, of).length;
  const shown = lastOf(bytes, limit - head.length - gap.length - widest);
  if (shown.length === 0) return head.subarray(0, limit);
  return Buffer.concat([head, Buffer.from(gap + noteOf(shown.length, of)), shown]);
}

function noteOf(shown: number, of: number): string {
  return `[the last ${shown} of ${of} bytes]\n`;
}

/** The last bytes of `bytes`, at most `room`, from the beginning of a character on. */
function lastOf(bytes: Buffer, room: number): Buffer {
  let start = Math.max(0, bytes.length - Math.max(0, room));
  const cut = start;
  if (start > 0) while (start < bytes.length && start - cut < 4 && isContinuation(bytes[start])) start++;
  return bytes.subarray(start);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** A header of HTTP. */
export interface PingHeader {
  readonly name: string;
  readonly value: string;
}

/** These say how the request itself is framed. */
const OURS = ['content-length', 'transfer-encoding', 'connection', 'content-type', 'user-agent', 'expect'];

/** "Name: value"; null for what is no header, or one that is not for others to set. */
export function readHeader(line: string): PingHeader | null {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t]*?)[ \t]*$/.exec(line);
  const [, name = '', value = ''] = match ?? [];
  return match === null || OURS.includes(name.toLowerCase()) ? null : { name, value };
}

/** The headers in a file, one in each line that is neither empty nor a comment; null where one is none. */
export function headersInFile(text: string): PingHeader[] | null {
  const headers = linesOf(text)
    .filter((line) => !line.startsWith('#'))
    .map(readHeader);
  return headers.every((header) => header !== null) ? headers : null;
}

function linesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
