import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { postPing, wordsOf } from '../../src/report/ping-post.js';
import { afterwards } from '../helpers/cronrun.js';

describe('what node says of a ping that failed', () => {
  it.each([
    ['ECONNREFUSED', 'connection refused (ECONNREFUSED)'],
    ['EPROTO', 'the server does not speak TLS (EPROTO)'],
    ['HPE_INVALID_CONSTANT', "the server's answer is no HTTP (HPE_INVALID_CONSTANT)"],
    ['ERR_INVALID_CHAR', 'a header of --ping-header cannot be sent (ERR_INVALID_CHAR)'],
    [
      'ERR_HTTP_INVALID_HEADER_VALUE',
      'a header of --ping-header cannot be sent (ERR_HTTP_INVALID_HEADER_VALUE)',
    ],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)'],
    ['EWHATEVER', 'EWHATEVER'],
    [undefined, 'unknown error'],
  ])('%s', (code, expected) => {
    expect(wordsOf({ code, message: 'https://secret.example' })).toBe(expected);
  });
});

/** A server that answers every connection with the same bytes, and leaves it open. */
async function answering(bytes: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('an answer that is none', () => {
  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

  it.each([
    ['http', upgrade, 'later', 'the server answers 101'],
    ['http', 'SSH-2.0-OpenSSH_9.6\r\n', 'again', "the server's answer is no HTTP (HPE_INVALID_CONSTANT)"],
    ['https', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'again', 'the server does not speak TLS (EPROTO)'],
  ])('over %s: %j', async (scheme, bytes, verdict, why) => {
    const port = await answering(bytes);
    const post = { url: `${scheme}://127.0.0.1:${port}/x`, headers: [], body: Buffer.from('x') };
    const stop = new AbortController().signal;
    const manner = { timeoutMs: 5000, retries: 0, stop, hurry: null, caFile: null, now: Date.now };
    expect(await postPing(post, manner)).toMatchObject({ verdict, why });
  });
});
