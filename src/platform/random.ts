import { closeSync, openSync, readSync } from 'node:fs';

/**
 * `count` random bytes from the kernel. node:crypto would cost 4.5 ms of every start. Where /dev/urandom is
 * missing (a bare chroot) the clock and the pid must do: an id has to be unique, not secret.
 */
export function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  try {
    const fd = openSync('/dev/urandom', 'r');
    try {
      readSync(fd, bytes, 0, count, null);
    } finally {
      closeSync(fd);
    }
  } catch {
    let seed = process.hrtime.bigint() ^ (BigInt(process.pid) << 32n);
    for (let i = 0; i < count; i++) {
      seed = (seed * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
      bytes[i] = Number(seed >> 56n);
    }
  }
  return bytes;
}
