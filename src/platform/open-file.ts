import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';

/** A regular file that is open for reading, as long as it was when it was opened. */
export interface OpenFile {
  readonly fd: number;
  readonly ino: number;
  /** When it was made, milliseconds since 1970; 0 where the file system does not keep it. */
  readonly born: number;
  readonly size: number;
}

/** For openFile: the errno word is ELOOP where the name is a symbolic link. */
export const { O_NOFOLLOW } = constants;

/**
 * Opens a file for reading; the caller closes it. What is no regular file is refused with EINVAL: a fifo would hold
 * whoever opens or reads it for ever, and a device may have no end. `flags`: more of open(2).
 */
export function openFile(path: string, flags = 0): OpenFile {
  // Without O_NONBLOCK the opening itself would wait for a fifo's writer.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  const stat = fstatSync(fd);
  if (stat.isFile()) return { fd, ino: stat.ino, born: bornAt(stat), size: stat.size };
  closeSync(fd);
  throw noRegularFile(path);
}

/** @see OpenFile.born */
export function bornAt(stat: Stats): number {
  return Math.floor(stat.birthtimeMs);
}

/** The error for what is no regular file, as the system calls make theirs. */
export function noRegularFile(path: string): Error {
  return Object.assign(new Error('EINVAL: not a regular file'), { code: 'EINVAL', path });
}
