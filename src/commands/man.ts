import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CronrunError } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import { plainPage } from '../view/plain-page.js';
import type { Surroundings } from './types.js';

/** Files of the pages by the name they are asked for. */
const PAGES: ReadonlyMap<string | undefined, string> = new Map([
  [undefined, 'cronrun.1'],
  ['journal', 'cronrun-journal.5'],
]);

/**
 * `cronrun man [journal]`: opens the manual page that came with this package; npm no longer installs it where
 * man(1) looks. Returns the exit status. CronrunError 'usage', 'no-viewer'.
 */
export async function man(page: string | undefined, io: Surroundings): Promise<number> {
  const file = PAGES.get(page);
  if (file === undefined) {
    throw new CronrunError('usage', `man: there is no page ${JSON.stringify(page)}`, {
      hint: 'there are: cronrun man, cronrun man journal',
    });
  }
  await showPage(findPage(file), io);
  return EXIT.ok;
}

/** Shows the page that is the file `path`, roughly where no program can. */
export async function showPage(path: string, io: Pick<Surroundings, 'out'>): Promise<void> {
  if (!(await showWithProgram(path))) io.out(plainPage(readFileSync(path, 'utf8')));
}

/** man/ lies beside the directory of the bundle (dist/), one further up where the source runs unbundled. */
function findPage(file: string): string {
  const places = [join(__dirname, '..', 'man', file), join(__dirname, '..', '..', 'man', file)];
  const path = places.find((place) => existsSync(place));
  if (path !== undefined) return path;
  throw new CronrunError('no-viewer', `man: ${file} is not in the package of this cronrun`, {
    hint: 'it belongs into the directory man beside dist: install cronrun again',
  });
}

/** Programs that show a page which is a file, in the order in which they are tried. */
export function viewers(path: string, platform: NodeJS.Platform): [program: string, ...args: string[]][] {
  const asFile: [string, ...string[]] = ['man', '-l', path]; // man-db, mandoc (Alpine, OpenBSD)
  const byPath: [string, ...string[]] = ['man', path]; // macOS, FreeBSD: a name with a slash is a file
  const mandoc: [string, ...string[]] = ['mandoc', '-a', path]; // -a: through a pager, on a terminal
  return platform === 'linux' || platform === 'openbsd' ? [asFile, byPath, mandoc] : [byPath, asFile, mandoc];
}

/** True once a program has shown the page; one that is missing or fails is followed by the next. */
async function showWithProgram(path: string): Promise<boolean> {
  const { execa } = await import('execa');
  // Ctrl-C in the pager is the pager's business: without a listener it would end us and leave the pager behind.
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  try {
    for (const [program, ...args] of viewers(path, process.platform)) {
      const { failed, signal } = await execa(program, args, { stdio: 'inherit', reject: false });
      // A reader who leaves the pager by a signal has seen the page.
      if (!failed || signal !== undefined) return true;
    }
    return false;
  } finally {
    process.off('SIGINT', ignore);
  }
}
