import { statSync } from 'node:fs';
import { CronrunError } from '../errors.js';
import { effectiveUid, homeDirectory, passwdEntry } from '../platform/user.js';
import { homeStateDirectory, SYSTEM_STATE_DIRECTORY, stateDirectory } from '../state/directory.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The state directory that a reader looks into, absolute. CronrunError 'no-state-directory' where there is none.
 * @param given --state-dir or CRONRUN_STATE_DIR; null: the usual place.
 */
export function statePlace(given: string | null, env: Environment): string {
  const found = stateDirectory({
    given,
    isRoot: effectiveUid() === 0,
    xdgStateHome: env.XDG_STATE_HOME,
    home: homeDirectory(env),
  });
  if (found !== null) return found;
  const why = given ? `--state-dir ${given} is relative, and the working directory is gone` : NO_HOME;
  throw new CronrunError('no-state-directory', why, {
    hint: given ? 'name it from / on' : 'set HOME, or name the state directory: --state-dir DIR',
  });
}

const NO_HOME = 'there is no home directory to look for records in';

/** A place where the state directory may be as well. */
export interface Candidate {
  readonly dir: string;
  /** True for the place that cron uses and a login shell does not, because it has XDG_STATE_HOME. */
  readonly hiddenByXdg: boolean;
}

/** Where else there may be records, `stateDir` excepted: cron's place, the login shell's, root's. */
export function otherCandidates(stateDir: string, env: Environment): Candidate[] {
  const home = homeDirectory(env);
  const user = { given: null, isRoot: false, home };
  const atHome = homeStateDirectory(home);
  const inShell = stateDirectory({ ...user, xdgStateHome: env.XDG_STATE_HOME });
  const dirs = new Set([atHome, inShell, SYSTEM_STATE_DIRECTORY]);
  return [...dirs]
    .filter((dir): dir is string => dir !== null && dir !== stateDir)
    .map((dir) => ({ dir, hiddenByXdg: dir === atHome && stateDir === inShell }));
}

/** The name of the user who owns a directory; null where either is not known. */
export function ownerName(stateDir: string): string | null {
  try {
    return passwdEntry(statSync(stateDir).uid)?.name ?? null;
  } catch {
    return null;
  }
}
