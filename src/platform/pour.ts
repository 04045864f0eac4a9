import { readSync, writeSync } from 'node:fs';
import { errnoOf } from '../errors.js';
import { pauseMs } from './clock.js';

/** How long to wait before a full pipe is tried again, milliseconds. */
const PIPE_PAUSE_MS = 5;

/**
 * Writes all of `bytes` before it returns, however slow who reads them is. Throws what write(2) says but EAGAIN: somebody
 * else has made the pipe non-blocking, and it is full.
 */
export function pour(fd: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done, bytes.length - done, null);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error;
      pauseMs(PIPE_PAUSE_MS);
    }
  }
}

/** Read at once; a log may be larger than memory. */
const BLOCK_BYTES = 65_536;

/** Hands what stands between two places of a file to `use`, block by block; ends where the file does. Returns where that was. */
export function pourOut(fd: number, from: number, to: number, use: (bytes: Buffer) => void): number {
  const block = Buffer.allocUnsafeSlow(Math.max(1, Math.min(BLOCK_BYTES, to - from)));
  let at = from;
  while (at < to) {
    const count = readSync(fd, block, 0, Math.min(block.length, to - at), at);
    if (count === 0) break;
    use(block.subarray(0, count));
    at += count;
  }
  return at;
}
