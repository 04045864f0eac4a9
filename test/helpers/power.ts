import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { afterwards, cronEnvironment, poll } from './cronrun.js';
import { type DiskFileSystem, mountImage, run } from './disk.js';
import { childrenOf, endProcessesOf } from './processes.js';

/**
 * When the power fails: at once, when the disk holds what was synced; or after the file system has committed its names
 * and sizes by itself, as it does every few seconds, while the contents that nobody synced are still in memory.
 */
export type Failing = 'at once' | 'after a commit';

/** What a disk held at one moment of a run, and what was true then. */
export interface Cut {
  /** Behind which call of the wrapper: "fsync running/ID.jsonl". */
  readonly after: string;
  /** The copied disk, which several cuts share where nothing was written in between. */
  readonly image: string;
  readonly truth: Moment;
}

/** What is true of a run at one moment. */
export interface Moment {
  /** Its run id, without "cron:"; null before it has one. */
  readonly id: string | null;
  /** Its command's first instruction was executed. */
  readonly began: boolean;
  /** Its command was told to end. */
  readonly ended: boolean;
  /** exec has returned. */
  readonly returned: boolean;
}

/** Calls after which the wrapper is stopped, if they touch the state directory; arm64 has not all of them. */
const TOUCHING = [
  'mkdir mkdirat chmod fchmod fchmodat open openat close stat newfstatat statx statfs access faccessat write pwrite64',
  'pread64 fsync fdatasync rename renameat renameat2 unlink unlinkat fallocate ftruncate',
]
  .flatMap((calls) => calls.split(' '))
  .map((call) => `?${call}`)
  .join();

/** What the command writes before it ends, for logs that are kept: more than 1 KiB. */
export const WRITTEN = Array.from({ length: 400 }, (_, i) => `${i + 1}\n`).join('');

/** The command says that it runs, and ends with 3 when it is told. */
const COMMAND = 'echo >"$1"; until [ -e "$2" ]; do sleep 0.01; done; seq 1 400; exit 3';

/** A disk that is copied whenever something was written to it. */
class Copied {
  readonly path: string;
  private copies = 0;
  private written = '';
  private commits = 0;
  private readonly statistics: string;
  /** A file of somebody else. To sync it takes a commit of everything that the file system did so far. */
  private readonly neighbour: number;

  constructor(
    private readonly type: DiskFileSystem,
    private readonly image: string,
  ) {
    this.path = `${image}-mounted`;
    // The file system's own timer would commit at moments that nobody chose; xfs has none for one mount.
    mountImage(image, this.path, type === 'xfs' ? ['nouuid'] : ['commit=300']);
    afterwards(() => void spawnSync('umount', ['--lazy', this.path]));
    this.neighbour = openSync(`${this.path}/neighbour`, 'w');
    const device = run('findmnt', '-n', '-o', 'SOURCE', this.path).trim();
    this.statistics = `/sys/block/${basename(device)}/stat`;
  }

  /** Commits what the file system itself knows, and not the contents of files: those stay as they were. */
  commit(): void {
    this.commits++;
    if (this.type === 'btrfs') run('btrfs', 'filesystem', 'label', this.path, `commit ${this.commits}`);
    else {
      futimesSync(this.neighbour, this.commits, this.commits);
      fsyncSync(this.neighbour);
    }
  }

  /** What a power cut would leave now. */
  async copy(): Promise<string> {
    for (;;) {
      const written = await this.quiet();
      if (written === this.written) return this.newest;
      this.copies++;
      run('cp', '--sparse=always', this.image, this.newest);
      this.written = written;
    }
  }

  private get newest(): string {
    return `${this.image}-${this.copies}`;
  }

  /** How much was written, flushed and discarded so far, once nothing is on its way; see sysfs-block's "stat". */
  private quiet(): Promise<string> {
    const look = () => {
      const numbers = readFileSync(this.statistics, 'utf8').trim().split(/\s+/);
      return numbers[8] === '0' ? [4, 6, 11, 13].map((at) => numbers[at]).join() : null;
    };
    return poll(look, 'the disk to have written everything');
  }

  unmount(): void {
    closeSync(this.neighbour);
    run('umount', this.path);
  }
}

/** strace's log as it grows. */
class Log {
  private at = 0;
  private text = '';
  constructor(private readonly path: string) {}

  /** What was written up to the next time that the wrapper was stopped; null if it has not been yet. */
  nextStop(): string | null {
    this.text += this.readOn();
    const end = this.text.indexOf(STOPPED);
    if (end === -1) return null;
    const lines = this.text.slice(0, end);
    this.text = this.text.slice(end + STOPPED.length);
    return lines;
  }

  private readOn(): string {
    if (!existsSync(this.path)) return '';
    const fd = openSync(this.path, 'r');
    const bytes = Buffer.alloc(fstatSync(fd).size - this.at);
    this.at += readSync(fd, bytes, 0, bytes.length, this.at);
    closeSync(fd);
    return bytes.toString('latin1');
  }
}

const STOPPED = '--- stopped by SIGSTOP ---\n';

export interface Powered {
  readonly type: DiskFileSystem;
  /** Is written to. */
  readonly image: string;
  readonly failing: Failing;
  /** Which cronrun. */
  readonly bin: string;
  /** Of exec. */
  readonly options: readonly string[];
  /** Done when the command has begun, before it is told to end. */
  readonly meanwhile: ((path: string) => void) | undefined;
}

/** Where cronrun's state is, below the place where a disk is mounted. */
export function stateOn(path: string): string {
  return `${path}/state`;
}

/** Lets cronrun run `job` and cuts the power behind each of its calls that touches the state directory, and in the end. */
export async function cutPower(powered: Powered): Promise<Cut[]> {
  const disk = new Copied(powered.type, powered.image);
  const flow = new Flow(disk, powered);
  const cuts = await flow.toItsEnd();
  disk.unmount();
  return cuts;
}

/** One run of the wrapper from stop to stop. */
class Flow {
  private readonly cuts: Cut[] = [];
  private readonly began: string;
  private readonly go: string;
  private readonly log: Log;
  private readonly strace: ChildProcess;
  private readonly stateDir: string;
  private id: string | null = null;
  private hasChild = false;

  constructor(
    private readonly disk: Copied,
    private readonly powered: Powered,
  ) {
    const { image, bin, options } = powered;
    [this.began, this.go] = [`${image}-began`, `${image}-go`];
    this.log = new Log(`${image}-trace`);
    this.stateDir = stateOn(disk.path);
    const filter = [
      '-e',
      `trace=${TOUCHING},?clone,?clone3,?fork,?vfork`,
      '-e',
      `inject=${TOUCHING}:signal=STOP`,
    ];
    const exec = [bin, 'exec', ...options, 'job', '--', 'sh', '-c', COMMAND, 'sh', this.began, this.go];
    const env = { ...cronEnvironment(), CRONRUN_STATE_DIR: this.stateDir };
    this.strace = spawn('strace', ['-y', '-o', `${image}-trace`, ...filter, ...exec], {
      env,
      stdio: 'ignore',
    });
    afterwards(() => endProcessesOf(this.stateDir));
  }

  async toItsEnd(): Promise<Cut[]> {
    for (;;) {
      const lines = await poll(
        () => this.log.nextStop() ?? (this.isOver ? 'over' : null),
        'a call of the wrapper',
      );
      if (lines === 'over') break;
      await this.stopped(lines);
      for (const pid of childrenOf(this.strace.pid ?? -1)) process.kill(pid, 'SIGCONT');
    }
    if (this.strace.exitCode !== 3) throw new Error(`exec has not returned 3 but ${this.strace.exitCode}`);
    this.commit();
    await this.cut('return', true);
    return this.cuts;
  }

  private get isOver(): boolean {
    return this.strace.exitCode !== null || this.strace.signalCode !== null;
  }

  private async stopped(lines: string): Promise<void> {
    const last =
      lines
        .trimEnd()
        .split('\n')
        .findLast((line) => /^\w+\(/.test(line)) ?? '';
    this.id ??= /running\/\.([0-9a-f-]{36})\.tmp/.exec(last)?.[1] ?? null;
    if (this.id !== null && madeChild(lines)) this.hasChild = true;
    const place = placeOf(last, this.stateDir);
    if (place === null) return;
    if (this.hasChild) await poll(() => existsSync(this.began), 'the command');
    const call = last.slice(0, last.indexOf('('));
    if (CHANGES.test(last)) this.commit();
    await this.cut(`${call} ${place}`, false);
    if (this.hasChild && call === 'pwrite64') this.letGo();
  }

  private commit(): void {
    if (this.powered.failing === 'after a commit') this.disk.commit();
  }

  private letGo(): void {
    if (existsSync(this.go)) return;
    this.powered.meanwhile?.(this.disk.path);
    writeFileSync(this.go, '');
  }

  private async cut(after: string, returned: boolean): Promise<void> {
    const image = await this.disk.copy();
    const { id, began, go } = this;
    const truth = { id, began: existsSync(began), ended: existsSync(go), returned };
    this.cuts.push({ after, image, truth });
  }
}

/** Behind the others there is nothing new to commit. */
const CHANGES = /^(mkdir|f?chmod|write|pwrite|f(data)?sync|rename|unlink|ftruncate|fallocate|open.*O_CREAT)/;

function madeChild(lines: string): boolean {
  return lines.split('\n').some((line) => /^(clone3?|v?fork)\(/.test(line) && !line.includes('CLONE_THREAD'));
}

/** What a call touches, "running/ID.jsonl", in the state directory; null for what is elsewhere. */
function placeOf(line: string, stateDir: string): string | null {
  const paths = line.match(/(?<=[<"])\/[^>"]*(?=[>"])/g) ?? [];
  const path = paths.findLast((one) => `${one}/`.startsWith(`${stateDir}/`));
  if (path === undefined) return null;
  const place = path.slice(stateDir.length + 1).replace('jobs/job/', '');
  return place.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, 'ID') || '.';
}
