/** Every way in which cronrun itself can fail. The list is closed: a new failure gets a new word here. */
export type ErrorCode =
  | 'usage' // the command line or the environment says something that is not allowed
  | 'no-such-run' // asked for a job or run that is not on record
  | 'ambiguous-run' // a run id prefix that fits several runs
  | 'unreadable' // the state directory is there and cannot be read
  | 'unwritable' // the state directory cannot be written
  | 'no-state-directory' // no home, or a relative path and no working directory
  | 'not-ours' // stop: somebody else may have written the record, and whom it names
  | 'goes-on' // settle: the run can be seen to live, or a newer cronrun has to judge it
  | 'not-recorded' // --require-record, and the start record could not be made durable
  | 'not-locked' // --overlap, and nobody can tell whether another run of the job goes on
  | 'no-viewer' // no program on this machine shows manual pages
  | 'internal'; // a defect of ours

/**
 * The one error that reaches the user: one line that names the value, the rule and the remedy.
 * `hint` is printed below it, indented by two spaces; `cause` is kept for CRONRUN developers, never shown.
 */
export class CronrunError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CronrunError';
    this.code = code;
    this.hint = options.hint;
  }
}

/**
 * What node has no word for; it calls them UNKNOWN, or "Unknown system error -122". A quota is met where a disk is full,
 * EUCLEAN is a damaged file system, ESTALE an NFS server that forgot. errno(3); the numbers of most Linux machines.
 */
const NAMELESS: Readonly<Record<string, string | undefined>> =
  process.platform === 'darwin'
    ? { '-69': 'EDQUOT: disk quota exceeded', '-70': 'ESTALE: stale file handle' }
    : {
        '-116': 'ESTALE: stale file handle',
        '-117': 'EUCLEAN: structure needs cleaning',
        '-122': 'EDQUOT: disk quota exceeded',
      };

function wordsForNameless(error: unknown): string | undefined {
  return NAMELESS[String((error as { errno?: unknown } | null)?.errno)];
}

/** The errno word of a failed system call ("ENOSPC"), or null for any other error. */
export function errnoOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) return code;
  return wordsForNameless(error)?.split(':')[0] ?? null;
}

/**
 * "EACCES: permission denied": what node prints, without the call and the path that follow it, nor the list of who asked for
 * a module. Words of ours stay whole.
 */
export function explainErrno(error: unknown): string {
  const whole = wordsForNameless(error) ?? (error instanceof Error ? error.message : String(error));
  const text = whole.split('\nRequire stack:', 1)[0] ?? '';
  const isOurs = (error as { errno?: unknown } | null)?.errno === undefined && errnoOf(error) === null;
  const comma = isOurs ? -1 : text.indexOf(', ');
  return comma === -1 ? text : text.slice(0, comma);
}
