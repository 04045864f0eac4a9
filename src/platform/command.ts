import { accessSync, closeSync, constants, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { errnoOf } from '../errors.js';

/** Why a command cannot be started, as far as can be seen before it is tried. */
export interface Obstacle {
  readonly errno: string;
  /** The interpreter of its first line, where that is what is missing. */
  readonly interpreter: string | null;
}

/** glibc's PATH where none is set. */
const DEFAULT_PATH = '/bin:/usr/bin';

/**
 * Finds out what execvp(3) would, before anything is started: the shell that restores limits and ignored signals
 * would otherwise be the one to say "not found". Null where nothing is in the way.
 */
export function findObstacle(program: string, path: string | undefined): Obstacle | null {
  const candidates = program.includes('/')
    ? [program]
    : (path ?? DEFAULT_PATH).split(':').map((directory) => `${directory || '.'}/${program}`);
  let errno = 'ENOENT';
  for (const candidate of program === '' ? [] : candidates) {
    const refusal = refusalOf(candidate);
    if (refusal === null) return flawOf(candidate);
    if (refusal === 'EACCES') errno = refusal;
    else if (program.includes('/')) errno = refusal;
  }
  return { errno, interpreter: null };
}

/** An errno word, or null for a file that may be executed. */
function refusalOf(path: string): string | null {
  try {
    if (statSync(path).isDirectory()) return 'EACCES';
    accessSync(path, constants.X_OK);
    return null;
  } catch (error) {
    return errnoOf(error) ?? 'ENOENT';
  }
}

/** Longest first line that Linux looks at. */
const FIRST_LINE_BYTES = 256;

/** What is wrong with a file that may be executed. */
function flawOf(path: string): Obstacle | null {
  const start = firstBytes(path);
  const interpreter = /^#![ \t]*([^ \t\n\0]+)/.exec(start)?.[1];
  if (interpreter === undefined) return isGarbage(start) ? { errno: 'ENOEXEC', interpreter: null } : null;
  const refusal = refusalOf(interpreter);
  return refusal === null ? null : { errno: refusal, interpreter };
}

/**
 * execvp(3) gives to sh what the kernel does not know, and sh would run the bytes of an image as commands. A NUL in
 * the first line tells that a file is no script, as bash has it; formats that somebody registered are let through.
 */
function isGarbage(start: string): boolean {
  const [line = ''] = start.split('\n', 1);
  return line.includes('\0') && !start.startsWith('\x7fELF') && !knowsMoreFormats();
}

/** Whether the kernel was told of other formats than its own, see binfmt_misc. */
function knowsMoreFormats(): boolean {
  try {
    return readdirSync('/proc/sys/fs/binfmt_misc').some((name) => name !== 'register' && name !== 'status');
  } catch {
    return false;
  }
}

/** Empty where the file may be executed but not read. */
function firstBytes(path: string): string {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const bytes = Buffer.allocUnsafe(FIRST_LINE_BYTES);
      return bytes.toString('utf8', 0, readSync(fd, bytes, 0, FIRST_LINE_BYTES, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
