import { readdirSync } from 'node:fs';
import { errnoOf } from '../errors.js';

/** The names in a directory; none where it does not exist. */
export function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [];
    throw error;
  }
}
