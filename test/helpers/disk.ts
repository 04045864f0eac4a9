import { spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { afterwards, scratch } from './cronrun.js';
import { firstObstacle, needsLinux, needsProgram, needsRoot, type Obstacle } from './needs.js';
import { journalFile } from './start-records.js';

/** A small disk of our own, mounted, that a test may fill. */
export interface Disk {
  /** Where cronrun's state goes. */
  readonly stateDir: string;
  /** Leaves not one block. */
  fill(): void;
  /** Gives all of it back. */
  free(): void;
  /** Before the test is over, where it needs many of them. */
  unmount(): void;
}

export const FILE_SYSTEMS = ['tmpfs', 'ext4', 'xfs', 'btrfs'] as const;

export type FileSystem = (typeof FILE_SYSTEMS)[number];

/** Those that are on a disk: tmpfs is not, and has nothing to lose in a power cut that would come back. */
export type DiskFileSystem = Exclude<FileSystem, 'tmpfs'>;

/** The smallest sizes that mkfs takes, and above 16 MiB of free space, below which no reserve is made. */
const MAKE: Readonly<Record<DiskFileSystem, readonly string[]>> = {
  ext4: ['64M', 'mkfs.ext4', '-q', '-b', '4096', '-m', '0'],
  xfs: ['320M', 'mkfs.xfs', '-q'],
  btrfs: ['160M', 'mkfs.btrfs', '-q'],
};

export function needsDisk(type: FileSystem): Obstacle {
  const [, mkfs = 'true'] = type === 'tmpfs' ? [] : MAKE[type];
  return firstObstacle(
    needsLinux,
    needsRoot,
    () => (mkfs === 'true' ? null : needsProgram(mkfs, ['-V'])),
    () => tryMount(type),
  );
}

/** Sandboxes forbid mounts, kernels lack file systems: asked by doing it. */
function tryMount(type: FileSystem): Obstacle {
  try {
    const { unmount } = mountOn(type, scratch());
    unmount();
    return null;
  } catch (error) {
    return `no ${type} can be mounted here (${error instanceof Error ? error.message : error})`;
  }
}

/** Mounts an empty disk that is gone after the test. */
export function mountDisk(type: FileSystem): Disk {
  const { path, unmount } = mountOn(type, scratch());
  afterwards(unmount);
  const filler = `${path}/filler`;
  return {
    stateDir: `${path}/state`,
    fill: () => fill(filler),
    free: () => {
      rmSync(filler, { recursive: true });
      run('sync', '-f', path); // btrfs gives back what is removed when it next commits
    },
    unmount,
  };
}

function mountOn(type: FileSystem, directory: string): { path: string; unmount: () => void } {
  const path = `${directory}/disk`;
  if (type === 'tmpfs') {
    mkdirSync(path);
    run('mount', '-t', 'tmpfs', '-o', 'size=32M', 'tmpfs', path);
  } else {
    makeImage(type, `${directory}/image`);
    // xfs keeps room behind the end of a file for what may come, which would hide that the disk is full.
    mountImage(`${directory}/image`, path, type === 'xfs' ? ['allocsize=4k'] : []);
  }
  return { path, unmount: () => void spawnSync('umount', ['--lazy', path]) };
}

/** A file system that survives a power cut: one in a file, a sparse one. */
export function makeImage(type: DiskFileSystem, image: string): void {
  const [size = '', ...mkfs] = MAKE[type];
  run('truncate', '-s', size, image);
  run(...mkfs, image);
}

/** Mounts what is in `image` on `path`, which is made where it is missing. */
export function mountImage(image: string, path: string, options: readonly string[] = []): void {
  mkdirSync(path, { recursive: true });
  run('mount', '-o', ['loop', ...options].join(), image, path);
}

/** Runs a program that must succeed; what it wrote to stdout. */
export function run(...command: readonly string[]): string {
  const [file = '', ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8' });
  if (error === undefined && status === 0) return stdout;
  throw new Error(`${command.join(' ')}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`);
}

/** By ever smaller files, each as large as goes; then block by block, because making room ahead takes more than it. */
export function fill(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const last = openSync(`${directory}/last`, 'w');
  let name = 0;
  for (let size = 2 ** 28; size >= 4096; size /= 2) {
    while (spawnSync('fallocate', ['-l', String(size), `${directory}/${name}`]).status === 0) name++;
  }
  try {
    for (;;) writeSync(last, BLOCK);
  } catch {
    closeSync(last);
  }
}

const BLOCK = Buffer.alloc(4096, 1);

/** Blank lines up to so many bytes before the end of a block: readers pass over them, and what follows needs a new one. */
export function padJournal(stateDir: string, job: string, bytesLeft = 0): void {
  const path = journalFile(stateDir, job);
  const rest = 4096 - ((statSync(path).size + bytesLeft) % 4096);
  appendFileSync(path, '\n'.repeat(rest));
}
