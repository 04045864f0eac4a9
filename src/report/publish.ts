import { closeSync, constants, fchmodSync, fstatSync, lstatSync, openSync, renameSync } from 'node:fs';
import writeFileAtomic from 'write-file-atomic';
import type { RunId } from '../model/run-id.js';
import { removeIfThere, writeWhole } from '../platform/durable.js';
import { listDirectory } from '../platform/list-directory.js';
import { noRegularFile } from '../platform/open-file.js';
import { effectiveUid } from '../platform/user.js';

/** The file of metrics in a directory. */
export function promPath(directory: string): string {
  return `${directory}/cronrun.prom`;
}

/** Has something undone should this process end early; returns what says that there is no need any more. */
export type Guard = (undo: () => void) => () => void;

/** Hands over what is to be written, piece by piece. */
export type Pour = (write: (bytes: Uint8Array) => void) => void;

/**
 * Replaces the file of metrics in a directory with all that `pour` hands over, or leaves it as it is: written beside it,
 * looked at, and renamed. Everybody may read it, whatever the umask says.
 *
 * The directory is another program's, and whoever owns that may plant links in it. So nothing is opened there but under a
 * name that nobody can guess: write-file-atomic would follow a link under that of the file, and its own temporary names can
 * be foreseen. It is given no bytes of its own, because what is copied from the file before is never all in memory.
 *
 * @param id nobody else has it. Throws what the file system says.
 */
export async function publish(directory: string, pour: Pour, id: RunId, guard: Guard): Promise<void> {
  const staged = `${directory}/.cronrun-${id}.tmp`;
  const remove = () => void removeIfThere(staged);
  const done = guard(remove);
  let poured = 0;
  try {
    await writeFileAtomic(staged, NOTHING, {
      tmpfileCreated: (path) => {
        poured = fill(path, pour);
      },
    });
    const { size } = lstatSync(staged);
    if (size !== poured) throw new Error(`ENOSPC: only ${size} of ${poured} bytes were kept`);
    renameSync(staged, promPath(directory));
  } catch (error) {
    remove();
    throw error;
  } finally {
    done();
  }
}

const NOTHING = Buffer.alloc(0);
const FOR_ALL = 0o644;
const OPENING = constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** By its descriptor: its name may be another file's by now. @returns how many bytes there were. */
function fill(path: string, pour: Pour): number {
  const fd = openSync(path, OPENING);
  try {
    const stat = fstatSync(fd);
    const isOurs = stat.isFile() && stat.uid === effectiveUid() && stat.nlink === 1 && stat.size === 0;
    if (!isOurs) throw noRegularFile(path);
    fchmodSync(fd, FOR_ALL);
    let poured = 0;
    pour((bytes) => {
      writeWhole(fd, bytes);
      poured += bytes.length;
    });
    return poured;
  } finally {
    closeSync(fd);
  }
}

const LEFT = /^\.cronrun-[0-9a-f-]{36}\.tmp(?:\.\d+)?$/;
const HOUR_MS = 3_600_000;

/**
 * Removes what was left by who was killed while he wrote, where that is ours and old: nobody writes for so long. What cannot
 * be looked at or removed stays; it keeps nobody from writing.
 */
export function sweepLeftovers(directory: string, nowMs: number): void {
  try {
    for (const name of listDirectory(directory).filter((one) => LEFT.test(one))) {
      const path = `${directory}/${name}`;
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (!stat?.isFile() || stat.uid !== effectiveUid()) continue;
      if (nowMs - stat.mtimeMs > HOUR_MS) removeIfThere(path);
    }
  } catch {
    // as said above
  }
}
