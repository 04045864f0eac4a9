import { closeSync } from 'node:fs';
import type { Tail } from '../model/ping.js';
import type { RunId } from '../model/run-id.js';
import { readRange } from '../platform/durable.js';
import { O_NOFOLLOW, openFile } from '../platform/open-file.js';
import { logPath } from '../state/directory.js';

/** The end of what was kept of a run's output, at most `most` bytes; null where nothing was. */
export function readTail(stateDir: string, job: string, run: RunId, most: number): Tail | null {
  try {
    // Where it has to be, whatever a record says: else a record could have any file sent.
    const { fd, size } = openFile(logPath(stateDir, job, run), O_NOFOLLOW);
    try {
      return { bytes: Buffer.from(readRange(fd, Math.max(0, size - most), size)), of: size };
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}
