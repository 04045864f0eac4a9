import { closeSync } from 'node:fs';
import { errnoOf, explainErrno } from '../errors.js';
import {
  bodyLimit,
  filePath,
  headersInFile,
  judgeStatus,
  LAST_TRY_MS,
  type PingAddress,
  type PingHeader,
  readHeader,
  retryAfterMs,
  urlInFile,
  type Verdict,
  waitBeforeTry,
} from '../model/ping.js';
import { monotonicMs } from '../platform/clock.js';
import { readRange } from '../platform/durable.js';
import { openFile } from '../platform/open-file.js';

/** A request that is ready. */
export interface Post {
  readonly url: string;
  readonly headers: readonly PingHeader[];
  readonly body: Buffer;
}

/** How hard it is tried. */
export interface Manner {
  /** How long one try may take, milliseconds; 0: no limit. */
  readonly timeoutMs: number;
  readonly retries: number;
  /** Aborted: it ends at once, whatever is under way. */
  readonly stop: AbortSignal;
  /** Aborted: the try that is under way is the last one; null: nothing hurries. */
  readonly hurry: AbortSignal | null;
  /** The file of NODE_EXTRA_CA_CERTS, which the launcher keeps from node; null: none. */
  readonly caFile: string | null;
  readonly now: () => number;
}

/** What came of it. */
export interface Posted {
  readonly verdict: Verdict;
  /** What failed, in words without the URL; empty where nothing did. */
  readonly why: string;
  /** How long the server wants to be left alone, milliseconds; null: it did not say. */
  readonly askedMs: number | null;
  /** How much it keeps of a body, bytes; null: it did not say. */
  readonly bodyLimit: number | null;
}

/** Sends it until it is answered for good, or there are no tries left. Never rejects. */
export async function postPing(post: Post, manner: Manner): Promise<Posted> {
  for (let n = 1; ; n++) {
    const posted = await tryOnce(post, manner);
    const goesOn = posted.verdict === 'again' && n <= manner.retries && !isOver(manner);
    const waitMs = goesOn ? waitBeforeTry(n, posted.askedMs) : null;
    if (waitMs === null || !(await pause(waitMs, manner))) return withTries(posted, n);
  }
}

function isOver({ stop, hurry }: Manner): boolean {
  return stop.aborted || (hurry?.aborted ?? false);
}

function withTries(posted: Posted, tries: number): Posted {
  return posted.why === '' || tries === 1
    ? posted
    : { ...posted, why: `${posted.why}, tried ${tries} times` };
}

/** False where there is no time any more. */
function pause(ms: number, { stop, hurry }: Manner): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (whole: boolean) => {
      clearTimeout(timer);
      stop.removeEventListener('abort', cut);
      hurry?.removeEventListener('abort', cut);
      resolve(whole);
    };
    const cut = () => end(false);
    const timer = setTimeout(() => end(true), ms);
    stop.addEventListener('abort', cut);
    hurry?.addEventListener('abort', cut);
  });
}

/** A timer takes no more. */
const LONGEST_TIMER_MS = 2_147_483_647;

async function tryOnce(post: Post, manner: Manner): Promise<Posted> {
  const { timeoutMs, stop, hurry, now } = manner;
  if (stop.aborted) return failure('cronrun was told to stop');
  const { hostname } = new URL(post.url);
  if (monotonicMs() - (mute.get(hostname) ?? Number.NEGATIVE_INFINITY) < MUTE_MS) return unheard();
  let request: Requested;
  try {
    request = begin(post, manner.caFile);
  } catch (error) {
    return failure(wordsOf(error));
  }
  return new Promise((resolve) => {
    const timers: NodeJS.Timeout[] = [];
    const end = (posted: Posted) => {
      for (const timer of timers) clearTimeout(timer);
      stop.removeEventListener('abort', stopped);
      hurry?.removeEventListener('abort', hurried);
      // The answer is known by its head. Nothing is waited for any more, and nothing lingers.
      request.destroy();
      resolve(posted);
    };
    const limit = (ms: number) =>
      timers.push(
        setTimeout(() => end(failure(`no answer in ${seconds(ms)}`)), Math.min(ms, LONGEST_TIMER_MS)),
      );
    const stopped = () => end(failure('cronrun was told to stop'));
    const hurried = () => {
      if (timeoutMs === 0) limit(LAST_TRY_MS);
    };
    request.answered.then(
      (answer) => end(judge(answer, now())),
      (error: unknown) => {
        if (codeOf(error) !== MUTE) return end(failure(wordsOf(error)));
        mute.set(hostname, monotonicMs());
        end(unheard());
      },
    );
    stop.addEventListener('abort', stopped);
    hurry?.addEventListener('abort', hurried);
    if (timeoutMs > 0) limit(timeoutMs);
    else if (hurry?.aborted) hurried();
  });
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms}ms` : `${ms / 1000}s`;
}

function failure(why: string): Posted {
  return { verdict: 'again', why, askedMs: null, bodyLimit: null };
}

/** Not tried again at once: the name server would be waited for again. */
function unheard(): Posted {
  return { ...failure(wordsOf({ code: MUTE })), verdict: 'later' };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly limit: string | undefined;
}

interface Requested {
  readonly answered: Promise<Answer>;
  readonly destroy: () => void;
}

/**
 * glibc waits for a name server that does not answer for ten seconds or more, in a thread that a process cannot leave
 * behind: exec would not exit before. resolv.conf(5); it reads this when it is asked first. The command has been started with
 * an environment of its own.
 */
const RESOLVER_LIMITS = 'timeout:1 attempts:1';

/** How long a host is not looked up again after nobody answered that. */
const MUTE_MS = 30_000;

/** Hosts that could not be looked up, and when that was, by the monotonic clock: each look-up takes seconds that no limit cuts. */
const mute = new Map<string, number>();

const MUTE = 'EAI_AGAIN';

/** The modules are loaded here and not before: a run that is about to start its command must not wait for them. */
function begin({ url, headers, body }: Post, caFile: string | null): Requested {
  process.env.RES_OPTIONS ??= RESOLVER_LIMITS;
  const isSecure = url.startsWith('https:');
  const { request } = isSecure
    ? (require('node:https') as typeof import('node:https'))
    : (require('node:http') as typeof import('node:http'));
  const sent = request(url, {
    method: 'POST',
    agent: false, // one connection for one ping, closed behind it
    headers: headersOf(headers, body),
    ...(isSecure && caFile !== null ? { ca: authorities(caFile) } : {}),
  });
  const answered = new Promise<Answer>((resolve, reject) => {
    sent.on('response', (response) => {
      response.on('error', () => undefined);
      response.resume();
      const retryAfter = response.headers['retry-after'];
      const limit = response.headers['ping-body-limit'];
      resolve({ status: response.statusCode ?? 0, retryAfter, limit: one(limit) });
    });
    // 101: nobody asked for another protocol, and without this the connection would just be closed.
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, retryAfter: undefined, limit: undefined });
    });
    // Stays: what a connection says once we are through with it is nobody's concern.
    sent.on('error', reject);
  });
  sent.end(body);
  return { answered, destroy: () => void sent.destroy() };
}

function headersOf(headers: readonly PingHeader[], body: Buffer): Record<string, string | number> {
  const all: Record<string, string | number> = {};
  for (const { name, value } of headers) all[name] = value;
  all['User-Agent'] = AGENT;
  all['Content-Type'] = 'text/plain';
  all['Content-Length'] = body.length;
  return all;
}

/** Put in by the build, out of package.json. */
declare const CRONRUN_VERSION: string | undefined;

const AGENT = `cronrun/${typeof CRONRUN_VERSION === 'string' ? CRONRUN_VERSION : 'unbuilt'}`;

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

/** What node would do with NODE_EXTRA_CA_CERTS at its start: the authorities in that file besides its own. */
function authorities(path: string): string[] {
  const { rootCertificates } = require('node:tls') as typeof import('node:tls');
  return [...rootCertificates, readText(path)];
}

function judge({ status, retryAfter, limit }: Answer, nowMs: number): Posted {
  const verdict = judgeStatus(status);
  return {
    verdict,
    why: verdict === 'delivered' ? '' : statusWords(status),
    askedMs: verdict === 'again' ? retryAfterMs(retryAfter, nowMs) : null,
    bodyLimit: bodyLimit(limit),
  };
}

/** What people look for first. */
const REMARKS: Readonly<Record<number, string>> = {
  404: 'there is no such check',
  409: 'several checks have that slug',
  429: 'too many pings',
};

function statusWords(status: number): string {
  const remark =
    REMARKS[status] ?? (status >= 300 && status < 400 ? 'redirections are not followed' : undefined);
  return `the server answers ${status}${remark === undefined ? '' : `, ${remark}`}`;
}

const ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed before an answer came',
  EPIPE: 'the connection was closed before an answer came',
  ENOTFOUND: 'its host has no address',
  EAI_AGAIN: 'its host cannot be looked up',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  ETIMEDOUT: 'no connection',
  EMFILE: 'too many open files',
  EPROTO: 'the server does not speak TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not speak TLS',
};

/** Of the codes that have nothing but their beginning or an end in common. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^HPE_/, "the server's answer is no HTTP"],
  [/^ERR_(?:HTTP_|INVALID_CHAR$)/, 'a header of --ping-header cannot be sent'],
  [/CERT|SIGNED|VERIFY/, 'its certificate is not trusted'],
];

/** By its code alone: what node says names the host, and may name more. */
export function wordsOf(error: unknown): string {
  if (error instanceof Unusable) return error.message;
  const code = codeOf(error);
  const words = ERRORS[code] ?? KINDS.find(([kind]) => kind.test(code))?.[1];
  return words === undefined ? code : `${words} (${code})`;
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code.replace(/\W/g, '') : 'unknown error';
}

/** What was given for a ping cannot be used. The message is one line without a secret in it. */
export class Unusable extends Error {}

/** Longest file that is read for a URL or for headers. */
const LONGEST_FILE_BYTES = 65_536;

/** The URL as it stands in the file now, where it is in one. Throws Unusable. */
export function lookUpAddress(address: PingAddress): string {
  if ('url' in address) return address.url;
  const url = urlInFile(readText(address.file));
  if (url === null) throw new Unusable(`${address.file}: its first line is no http or https URL`);
  return url;
}

/** Throws Unusable. */
export function lookUpHeaders(header: string | null): readonly PingHeader[] {
  if (header === null) return [];
  const path = filePath(header);
  const headers = path === null ? oneHeader(header) : headersInFile(readText(path));
  if (headers === null) {
    throw new Unusable(path === null ? 'the header is none' : `${path}: a line of it is no header`);
  }
  return headers;
}

function oneHeader(line: string): PingHeader[] | null {
  const header = readHeader(line);
  return header === null ? null : [header];
}

/** A small text file. Throws Unusable, which names the path and nothing of what is in it. */
function readText(path: string): string {
  try {
    const { fd, size } = openFile(path);
    try {
      if (size > LONGEST_FILE_BYTES * 16) throw new Unusable(`${path} is too long`);
      return readRange(fd, 0, size).toString('utf8');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof Unusable) throw error;
    throw new Unusable(`${path}: ${errnoOf(error) === null ? 'cannot be read' : explainErrno(error)}`);
  }
}
