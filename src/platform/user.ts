import { readFileSync } from 'node:fs';

/** What the password database's file says of the user this process acts as. */
export interface PasswdEntry {
  readonly name: string;
  readonly home: string;
}

/**
 * Reads /etc/passwd by hand: os.userInfo() asks NSS, and an LDAP server that does not answer would hold the job.
 * Null where the user is not in the file, or there is none.
 */
export function passwdEntry(uid: number, path = '/etc/passwd'): PasswdEntry | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null;
  }
  for (const line of text.split('\n')) {
    const [name, , id, , , home] = line.split(':');
    if (name && home !== undefined && id === String(uid)) return { name, home };
  }
  return null;
}

/** The effective user id; 0 is root. */
export function effectiveUid(): number {
  return process.geteuid?.() ?? -1;
}

/** HOME, else the password database's; null where neither says one. A HOME that is empty or relative is unset. */
export function homeDirectory(env: Readonly<Record<string, string | undefined>>): string | null {
  return env.HOME?.startsWith('/') ? env.HOME : passwdEntry(effectiveUid())?.home || null;
}

/** The name of the user this process acts as, LOGNAME and USER where the password file does not know it. */
export function userName(env: Readonly<Record<string, string | undefined>>): string | null {
  return passwdEntry(effectiveUid())?.name ?? (env.LOGNAME || env.USER || null);
}
