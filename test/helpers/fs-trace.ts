type Fs = typeof import('node:fs');
type BareSpawn = typeof import('../../src/platform/bare-spawn.js');

/** Tells files apart for as long as a trace goes on: inode numbers are given out again. */
export type FileId = number;

/** A step that changes what is on disk, or that the world outside sees. Paths are relative to the traced root. */
export type Op =
  | { readonly kind: 'mkdir'; readonly path: string }
  | { readonly kind: 'create'; readonly path: string; readonly file: FileId }
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly file: FileId;
      readonly at: number;
      readonly bytes: Buffer;
    }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'sync'; readonly path: string; readonly file: FileId }
  /** A sync that failed: the kernel takes what was written before for clean, and never writes it again. */
  | { readonly kind: 'sync-failed'; readonly path: string; readonly file: FileId }
  | { readonly kind: 'sync-directory'; readonly path: string }
  | { readonly kind: 'spawn' }
  | { readonly kind: 'exit' }
  | { readonly kind: 'return' };

type FileOp = Exclude<Op, { kind: 'spawn' | 'exit' | 'return' }>;

/** Makes a call fail: the errno word, or null to let it through. Asked before the call is made. */
export type Fault = (op: FileOp) => string | null;

interface Opened {
  readonly path: string;
  readonly file: FileId | null;
}

interface Trace {
  readonly root: string;
  readonly ops: Op[];
  readonly files: Map<string, FileId>;
  readonly opened: Map<number, Opened>;
  readonly fault: Fault;
}

let current: Trace | null = null;
let lastFile: FileId = 0;

/** A number that no file of any trace has. */
export function newFileId(): FileId {
  return ++lastFile;
}

/**
 * Writes down every call that `act` makes below `root` by the functions that `tracedFs` and `tracedSpawn` wrap.
 * Outside of it syncs are left out: what a test builds by hand need not survive a power cut.
 *
 * @param files the files below `root` that are there already.
 */
export async function trace(
  root: string,
  files: ReadonlyMap<string, FileId>,
  act: () => unknown,
  fault: Fault = () => null,
): Promise<Op[]> {
  current = { root, ops: [], files: new Map(files), opened: new Map(), fault };
  try {
    await act();
    return [...current.ops, { kind: 'return' }];
  } finally {
    current = null;
  }
}

/** `fs` with its writing functions wrapped; for vi.mock('node:fs', …). */
export function tracedFs(fs: Fs): Fs {
  const wrapped = {
    ...fs,
    openSync: (path: string, flags?: string | number, mode?: number) => open(fs, path, flags, mode),
    closeSync: (fd: number) => close(fs, fd),
    writeSync: (fd: number, bytes: Uint8Array, offset: number, length: number, position: number | null) => {
      noteWrite(fs, fd, Buffer.from(bytes.subarray(offset, offset + length)), position);
      return fs.writeSync(fd, bytes, offset, length, position);
    },
    fsyncSync: sync,
    fdatasyncSync: sync,
    mkdirSync: (path: string, options?: Parameters<Fs['mkdirSync']>[1]) => {
      const made = fs.mkdirSync(path, options);
      note(path, (relative) => ({ kind: 'mkdir', path: relative }));
      return made;
    },
    renameSync: (from: string, to: string) => rename(fs, from, to),
    unlinkSync: (path: string) => {
      note(path, (relative) => ({ kind: 'unlink', path: relative }));
      fs.unlinkSync(path);
      current?.files.delete(relativeTo(path) ?? '');
    },
  };
  return { ...wrapped, default: wrapped } as unknown as Fs;
}

/** `spawnBare` wrapped, so that a trace says when a command was started and when it had ended. */
export function tracedSpawn(original: BareSpawn): BareSpawn {
  return {
    spawnBare: (...args) => {
      const child = original.spawnBare(...args);
      if (child === null) return null;
      current?.ops.push({ kind: 'spawn' });
      return {
        pid: child.pid,
        onExit: (listener) =>
          child.onExit((code, signal) => {
            current?.ops.push({ kind: 'exit' });
            listener(code, signal);
          }),
      };
    },
  };
}

/** The path below the traced root; null for what is not traced. The reserve holds no records and is left out. */
function relativeTo(path: string): string | null {
  if (current === null || !`${path}/`.startsWith(`${current.root}/`)) return null;
  return path.endsWith('/.reserve') ? null : path.slice(current.root.length + 1);
}

function note(path: string, make: (relative: string) => FileOp): void {
  const relative = relativeTo(path);
  if (relative !== null) push(make(relative));
}

function push(op: FileOp): void {
  if (current === null) return;
  const errno = current.fault(op);
  if (errno !== null && op.kind === 'sync') current.ops.push({ ...op, kind: 'sync-failed' });
  if (errno !== null) throw Object.assign(new Error(`${errno}: as the test says`), { code: errno });
  current.ops.push(op);
}

function open(fs: Fs, path: string, flags: string | number = 'r', mode?: number): number {
  const relative = relativeTo(path);
  const there = relative !== null && fs.existsSync(path);
  const fd = fs.openSync(path, flags, mode);
  if (current === null || relative === null) return fd;
  if (fs.fstatSync(fd).isDirectory()) {
    current.opened.set(fd, { path: relative, file: null });
    return fd;
  }
  const file = current.files.get(relative) ?? newFileId();
  current.files.set(relative, file);
  current.opened.set(fd, { path: relative, file });
  if (!there) push({ kind: 'create', path: relative, file });
  return fd;
}

function close(fs: Fs, fd: number): void {
  current?.opened.delete(fd);
  fs.closeSync(fd);
}

function noteWrite(fs: Fs, fd: number, bytes: Buffer, position: number | null): void {
  const opened = current?.opened.get(fd);
  if (opened === undefined || opened.file === null) return;
  // Without a position it is an append, or the first write of a new file: both are at the end.
  const at = position ?? fs.fstatSync(fd).size;
  push({ kind: 'write', path: opened.path, file: opened.file, at, bytes });
}

function sync(fd: number): void {
  if (current === null) return;
  const opened = current.opened.get(fd);
  if (opened === undefined) return;
  const { path, file } = opened;
  push(file === null ? { kind: 'sync-directory', path } : { kind: 'sync', path, file });
}

function rename(fs: Fs, from: string, to: string): void {
  const [path, target] = [relativeTo(from), relativeTo(to)];
  if (path !== null && target !== null) push({ kind: 'rename', path, to: target });
  fs.renameSync(from, to);
  const file = current?.files.get(path ?? '');
  if (current === null || file === undefined || path === null || target === null) return;
  current.files.delete(path);
  current.files.set(target, file);
  for (const [fd, opened] of current.opened)
    if (opened.file === file) current.opened.set(fd, { path: target, file });
}
