import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';

/** Rings when something changes in one of its directories; once for all changes since it was last waited for. */
export class Bell {
  readonly #watchers = new Map<string, FSWatcher>();
  #rung = false;
  #wake: () => void = () => undefined;

  /**
   * Watches these directories, and no others any more. Whatever changes in them from now on rings.
   *
   * @returns those that cannot be watched: they are not there, or the system has no watch left (inotify(7)).
   */
  attend(directories: readonly string[]): readonly string[] {
    const wanted = new Set(directories);
    for (const directory of this.#watchers.keys()) if (!wanted.has(directory)) this.#leave(directory);
    return directories.filter((directory) => !this.#watch(directory));
  }

  #watch(directory: string): boolean {
    if (this.#watchers.has(directory)) return true;
    try {
      const watcher = watch(directory, (_, name) => {
        // Its own name is said when it is gone: it is watched anew where it comes back.
        if (name === basename(directory)) this.#leave(directory);
        this.change();
      });
      watcher.on('error', () => this.#leave(directory));
      this.#watchers.set(directory, watcher);
      return true;
    } catch {
      return false;
    }
  }

  #leave(directory: string): void {
    this.#watchers.get(directory)?.close();
    this.#watchers.delete(directory);
  }

  change(): void {
    this.#rung = true;
    this.#wake();
  }

  /** Resolves at the next ring, at once if one came meanwhile, or after `ms`. */
  async ring(ms: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#rung = false;
  }

  close(): void {
    this.attend([]);
  }
}
