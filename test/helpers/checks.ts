// The contract of the pinging API of Healthchecks, as its documentation has it, as a server that can also misbehave.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterwards, poll } from './cronrun.js';

/** One request as it came. */
export interface Ping {
  readonly method: string;
  /** "start", "fail", "log", "0" to "255"; "success" where nothing follows the check. */
  readonly word: string;
  /** The UUID, or "PING-KEY/slug". */
  readonly check: string;
  readonly rid: string | null;
  readonly create: string | null;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** What it was answered; null: it was not. */
  readonly status: number | null;
}

/** What happens to a request instead of what the contract says. */
export type Mishap =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Record<string, string> }
  /** Never answered; the connection stays open. */
  | { readonly kind: 'stall' }
  /** Closed without an answer. */
  | { readonly kind: 'drop' }
  /** Closed in the middle of the head of the answer. */
  | { readonly kind: 'half' }
  /** Answered when the promise resolves. */
  | { readonly kind: 'after'; readonly when: Promise<unknown> };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const PATH =
  /^\/(?<check>[0-9a-f-]{36}|[A-Za-z0-9_-]{22}\/[a-z0-9_-]+)(?:\/(?<word>start|fail|log|\d{1,4}))?$/;

export const CHECK = '5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278';
export const OTHER_CHECK = '0c5a9e11-d4c7-4bf5-bcc8-01a200df2f6f';
export const PING_KEY = 'fqOOd6-F4MMNuCEnzTU01w';

/** A server on loopback that knows CHECK and OTHER_CHECK, and makes checks for PING_KEY. */
export class Checks {
  /** Every request, in the order in which it had come whole. */
  readonly pings: Ping[] = [];
  /** What happens to the requests that come next, one each; 'well': what the contract says. */
  readonly mishaps: (Mishap | 'well')[] = [];
  /** What happens to all others; null: what the contract says. */
  always: Mishap | null = null;
  /** Bytes that are kept of a body; null: no header says so. */
  bodyLimit: number | null = 10_000;
  readonly #known = new Set([CHECK, OTHER_CHECK]);
  readonly #scheme: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  port = 0;

  /** @param secrets of a server that speaks https. */
  constructor(secrets: { readonly key: Buffer; readonly cert: Buffer } | null = null) {
    const take = (request: IncomingMessage, response: ServerResponse) => void this.#take(request, response);
    this.#server = secrets === null ? createServer(take) : createSecureServer(secrets, take);
    this.#scheme = secrets === null ? 'http' : 'https';
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param port 0: any. */
  async listen(port = 0): Promise<this> {
    await new Promise<void>((next) => this.#server.listen(port, '127.0.0.1', next));
    ({ port: this.port } = this.#server.address() as AddressInfo);
    return this;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await new Promise((next) => this.#server.close(next));
  }

  url(check = CHECK): string {
    return `${this.#scheme}://127.0.0.1:${this.port}/${check}`;
  }

  /** Of a check: what it was told and took, in its order. */
  words(check = CHECK): string[] {
    return this.taken(check).map(({ word }) => word);
  }

  taken(check = CHECK): Ping[] {
    return this.pings.filter((ping) => ping.check === check && isGood(ping));
  }

  /** Resolves when so many requests have come. */
  has(count: number): Promise<unknown> {
    return poll(() => this.pings.length >= count, `${count} pings, not ${this.pings.length}`);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) pieces.push(piece as Buffer);
    } catch {
      return; // gone in the middle of it
    }
    const body = Buffer.concat(pieces);
    const next = this.mishaps.shift();
    const mishap = next === undefined ? this.always : next === 'well' ? null : next;
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
    const { check = '', word = 'success' } = PATH.exec(pathname)?.groups ?? {};
    const rid = searchParams.get('rid');
    const create = searchParams.get('create');
    const contract = this.#answer(check, word, rid, create);
    const status =
      mishap === null || mishap.kind === 'after'
        ? contract.status
        : mishap.kind === 'status'
          ? mishap.status
          : null;
    const ping = {
      method: request.method ?? '',
      word,
      check,
      rid,
      create,
      headers: request.headers,
      body,
      status,
    };
    this.pings.push(ping);
    if (mishap?.kind === 'after') await mishap.when;
    if (mishap?.kind === 'stall') return;
    if (mishap?.kind === 'drop') request.socket.destroy();
    else if (mishap?.kind === 'half') request.socket.end('HTTP/1.1 200 OK\r\nContent-Le');
    else this.#send(response, status ?? 500, contract.text, mishap?.kind === 'status' ? mishap.headers : {});
  }

  #answer(
    check: string,
    word: string,
    rid: string | null,
    create: string | null,
  ): { status: number; text: string } {
    if (check === '') return { status: 404, text: 'not found' };
    if (/^\d+$/.test(word) && Number(word) > 255) return { status: 400, text: 'invalid url format' };
    if (rid !== null && !UUID.test(rid)) return { status: 400, text: 'invalid uuid format' };
    if (this.#known.has(check)) return { status: 200, text: 'OK' };
    if (!check.startsWith(`${PING_KEY}/`) || create !== '1') return { status: 404, text: 'not found' };
    this.#known.add(check);
    return { status: 201, text: 'Created' };
  }

  #send(
    response: ServerResponse,
    status: number,
    text: string,
    headers: Record<string, string> | undefined,
  ): void {
    const limit = this.bodyLimit === null ? {} : { 'Ping-Body-Limit': String(this.bodyLimit) };
    response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...limit, ...headers });
    response.end(status < 300 ? text : 'no');
  }
}

function isGood({ status }: Ping): boolean {
  return status !== null && status < 300;
}

/** A server that is closed after the test. */
export async function startChecks(
  secrets: { readonly key: Buffer; readonly cert: Buffer } | null = null,
): Promise<Checks> {
  const checks = await new Checks(secrets).listen();
  afterwards(() => void checks.close());
  return checks;
}

/** A port of loopback on which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((next) => server.listen(0, '127.0.0.1', next));
  const { port } = server.address() as AddressInfo;
  await new Promise((next) => server.close(next));
  return port;
}
