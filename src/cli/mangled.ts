import { quote, usage } from './usage.js';

/** What node puts where an argument is not UTF-8, and what almost nobody writes. */
const REPLACEMENT = '\uFFFD';

/**
 * Refuses a command line that node has altered: it decodes arguments as UTF-8, and a Latin-1 file name would
 * reach the command as another name. Costs nothing where U+FFFD does not occur.
 * @param args what followed the program's name. @param readCmdline the bytes of /proc/self/cmdline; may throw.
 * Throws CronrunError 'usage'.
 */
export function refuseMangled(args: readonly string[], readCmdline: () => Uint8Array): void {
  if (!args.some((arg) => arg.includes(REPLACEMENT))) return;
  const original = lastArguments(readCmdline, args.length);
  const mangled = args.find((arg, i) => arg.includes(REPLACEMENT) && !isSame(arg, original?.[i]));
  if (mangled === undefined) return;
  const doubt = original === null ? 'may not be UTF-8 (/proc cannot be read to tell)' : 'is not UTF-8';
  throw usage(
    'exec',
    `the argument ${quote(mangled)} ${doubt} and would reach the command altered.`,
    'Nothing was run. Put the command into a script and run that',
  );
}

/** The last `count` arguments as the kernel has them, or null where it does not tell. */
function lastArguments(readCmdline: () => Uint8Array, count: number): Uint8Array[] | null {
  try {
    const pieces = splitAtNul(readCmdline());
    return pieces.length < count ? null : pieces.slice(-count);
  } catch {
    return null;
  }
}

/** proc(5): every argument is ended by a NUL. */
function splitAtNul(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
    pieces.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return pieces;
}

function isSame(arg: string, bytes: Uint8Array | undefined): boolean {
  return bytes !== undefined && Buffer.compare(Buffer.from(arg), bytes) === 0;
}
