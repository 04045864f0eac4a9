import type { FileId, Op } from './fs-trace.js';

/** What a power cut left: files with their bytes, directories with null. Paths are relative, '' is the root. */
export type Tree = ReadonlyMap<string, Buffer | null>;

/** How finely it is tried what may be left of a write. */
export type Tearings = 'all' | 'few';

interface Piece {
  readonly at: number;
  readonly bytes: Buffer;
}

/** certain: synced. doubtful: a sync of it failed, so no later one will write it. */
interface Written extends Piece {
  readonly fate: 'pending' | 'certain' | 'doubtful';
}

interface FileState {
  /** As it was when all of it was synced. */
  durable: Buffer;
  /** Written since, in this order. */
  written: Written[];
}

type Entry = FileId | 'directory';
type Entries = Map<string, Entry>;
type Change = (entries: Entries) => void;

interface DirectoryState {
  durable: Entries;
  pending: Change[];
}

/**
 * A disk that promises no more than POSIX does: what was not synced may be there, or not, or in part. A file's sync
 * says nothing of its name, a directory's sync nothing of what is in its files, and nothing keeps the order in which
 * it was done; a rename is seen whole or not at all.
 */
export class Disk {
  readonly #tearings: Tearings;
  readonly #files = new Map<FileId, FileState>();
  readonly #directories = new Map<string, DirectoryState>([['', { durable: new Map(), pending: [] }]]);

  /** @param tearings how many ways there are to be left in part: 'few' where there is much else to try. */
  constructor(tearings: Tearings = 'all') {
    this.#tearings = tearings;
  }

  apply(op: Op): void {
    switch (op.kind) {
      case 'mkdir':
        this.#directories.set(op.path, { durable: new Map(), pending: [] });
        this.#change(op.path, (entries, name) => entries.set(name, 'directory'));
        break;
      case 'create':
        this.#files.set(op.file, { durable: Buffer.alloc(0), written: [] });
        this.#change(op.path, (entries, name) => entries.set(name, op.file));
        break;
      case 'write':
        this.#file(op.file).written.push({ at: op.at, bytes: op.bytes, fate: 'pending' });
        break;
      case 'rename':
        this.#rename(op.path, op.to);
        break;
      case 'unlink':
        this.#change(op.path, (entries, name) => entries.delete(name));
        break;
      case 'sync':
        syncFile(this.#file(op.file), 'certain');
        break;
      case 'sync-failed':
        syncFile(this.#file(op.file), 'doubtful');
        break;
      case 'sync-directory':
        this.#syncEntries(this.#directory(op.path));
        break;
    }
  }

  /** Everything that was done so far will survive. */
  settleDown(): void {
    for (const file of this.#files.values()) syncFile(file, 'certain');
    for (const directory of this.#directories.values()) this.#syncEntries(directory);
  }

  /** What a program sees that looks now. */
  current(): Tree {
    const entriesOf = (path: string) => after(this.#directory(path));
    return this.#tree(entriesOf, (file) => withPieces(file.durable, file.written));
  }

  /** The files there are now. */
  files(): Map<string, FileId> {
    const found = new Map<string, FileId>();
    this.#walk(
      (path) => after(this.#directory(path)),
      '',
      (path, entry) => {
        if (entry !== 'directory') found.set(path, entry);
      },
    );
    return found;
  }

  /** Every state in which a power cut now may leave the disk. */
  *afterPowerCut(): Generator<Tree> {
    const directories = [...this.#directories.keys()];
    const choices = directories.map((path) => entryVariants(this.#directory(path)));
    for (const chosen of product(choices)) {
      const entries = new Map(directories.map((path, i) => [path, chosen[i] ?? new Map()]));
      yield* this.#contentVariants((path) => entries.get(path) ?? new Map());
    }
  }

  *#contentVariants(entriesOf: (path: string) => Entries): Generator<Tree> {
    const reachable: FileId[] = [];
    this.#walk(entriesOf, '', (_, entry) => {
      if (entry !== 'directory') reachable.push(entry);
    });
    for (const contents of product(reachable.map((id) => contentVariants(this.#file(id), this.#tearings)))) {
      const byFile = new Map(reachable.map((id, i) => [this.#file(id), contents[i] ?? Buffer.alloc(0)]));
      yield this.#tree(entriesOf, (file) => byFile.get(file) ?? file.durable);
    }
  }

  #tree(entriesOf: (path: string) => Entries, contentOf: (file: FileState) => Buffer): Tree {
    const tree = new Map<string, Buffer | null>();
    this.#walk(entriesOf, '', (path, entry) => {
      tree.set(path, entry === 'directory' ? null : contentOf(this.#file(entry)));
    });
    return tree;
  }

  #walk(
    entriesOf: (path: string) => Entries,
    from: string,
    visit: (path: string, entry: Entry) => void,
  ): void {
    for (const [name, entry] of entriesOf(from)) {
      const path = from === '' ? name : `${from}/${name}`;
      visit(path, entry);
      if (entry === 'directory') this.#walk(entriesOf, path, visit);
    }
  }

  #rename(from: string, to: string): void {
    const file = this.files().get(from);
    if (file === undefined) throw new Error(`the model knows no ${from}`);
    this.#change(from, (entries, name) => {
      entries.delete(name);
      entries.set(split(to).name, file);
    });
  }

  #change(path: string, change: (entries: Entries, name: string) => void): void {
    const { directory, name } = split(path);
    this.#directory(directory).pending.push((entries) => change(entries, name));
  }

  #syncEntries(directory: DirectoryState): void {
    directory.durable = after(directory);
    directory.pending = [];
  }

  #file(id: FileId): FileState {
    const file = this.#files.get(id);
    if (file === undefined) throw new Error(`the model knows no file ${id}`);
    return file;
  }

  #directory(path: string): DirectoryState {
    const directory = this.#directories.get(path);
    if (directory === undefined) throw new Error(`the model knows no directory ${path}`);
    return directory;
  }
}

function split(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf('/');
  return slash === -1
    ? { directory: '', name: path }
    : { directory: path.slice(0, slash), name: path.slice(slash + 1) };
}

function after({ durable, pending }: DirectoryState): Entries {
  const entries = new Map(durable);
  for (const change of pending) change(entries);
  return entries;
}

function syncFile(file: FileState, fate: 'certain' | 'doubtful'): void {
  file.written = file.written.map((piece) => (piece.fate === 'pending' ? { ...piece, fate } : piece));
  if (file.written.some((piece) => piece.fate === 'doubtful')) return;
  file.durable = withPieces(file.durable, file.written);
  file.written = [];
}

function withPieces(content: Buffer, pieces: readonly Piece[]): Buffer {
  let result = content;
  for (const { at, bytes } of pieces) {
    const longer = Buffer.alloc(Math.max(result.length, at + bytes.length));
    result.copy(longer);
    bytes.copy(longer, at);
    result = longer;
  }
  return result;
}

/** Any of the changes may have reached the disk, whatever their order. */
function entryVariants({ durable, pending }: DirectoryState): Entries[] {
  return product(pending.map((change) => [null, change])).map((chosen) =>
    after({ durable, pending: chosen.filter((change) => change !== null) }),
  );
}

function contentVariants({ durable, written }: FileState, tearings: Tearings): Buffer[] {
  const variants = new Map<string, Buffer>();
  for (const chosen of product(written.map((piece) => pieceVariants(piece, tearings)))) {
    const content = withPieces(durable, chosen.flat());
    variants.set(content.toString('latin1'), content);
  }
  return [...variants.values()];
}

/**
 * What may be left of one write: nothing, its beginning, its end (with NULs before it where the file grew), its
 * length in NULs, a beginning followed by NULs, or all of it.
 */
function pieceVariants({ at, bytes, fate }: Written, tearings: Tearings): Piece[][] {
  if (fate === 'certain') return [[{ at, bytes }]];
  const { length } = bytes;
  const half = length >> 1;
  if (tearings === 'few') return [[], [{ at, bytes }], [{ at, bytes: bytes.subarray(0, half) }]];
  const beginnings = [...new Set([1, half, length - 1])].filter((count) => count > 0 && count < length);
  const nuls = Buffer.alloc(length);
  return [
    [],
    [{ at, bytes }],
    ...beginnings.map((count) => [{ at, bytes: bytes.subarray(0, count) }]),
    [{ at: at + half, bytes: bytes.subarray(half) }],
    [{ at, bytes: nuls }],
    [{ at, bytes: Buffer.concat([bytes.subarray(0, half), nuls.subarray(half)]) }],
  ];
}

/** Every way to take one of each. */
function product<T>(choices: readonly (readonly T[])[]): T[][] {
  let taken: T[][] = [[]];
  for (const choice of choices) taken = taken.flatMap((before) => choice.map((one) => [...before, one]));
  return taken;
}
