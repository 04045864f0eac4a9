/** What lstat(2) says of something on the way to where records are written. */
export interface Entry {
  readonly uid: number;
  /** Type and permissions, see inode(7). With an ACL the group's bits are its mask, so they tell of that, too. */
  readonly mode: number;
}

/** What keeps cronrun from writing somewhere: somebody else decides what is there. */
export interface Breach {
  readonly path: string;
  readonly rule: 'link' | 'directory' | 'owner' | 'writable';
  /** What cronrun makes or uses itself; else it is on the way there. */
  readonly isOurs: boolean;
  readonly entry: Entry;
  /** Who wants to write. */
  readonly user: number;
}

const TYPE = 0o170000;
const DIRECTORY = 0o040000;
const LINK = 0o120000;
const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;

export function isLink({ mode }: Entry): boolean {
  return (mode & TYPE) === LINK;
}

function isDirectory({ mode }: Entry): boolean {
  return (mode & TYPE) === DIRECTORY;
}

/**
 * A directory in which cronrun writes must be one, belong to `user`, and nobody else may write in it: who could, could
 * plant links to write through, and records to believe.
 */
export function judgeOwn(path: string, entry: Entry, user: number): Breach | null {
  // Of every run's directories this is what they are: nothing else is made for those.
  if ((entry.mode & (TYPE | OTHERS_MAY_WRITE)) === DIRECTORY && entry.uid === user) return null;
  const breach = (rule: Breach['rule']): Breach => ({ path, rule, isOurs: true, entry, user });
  if (isLink(entry)) return breach('link');
  if (!isDirectory(entry)) return breach('directory');
  return breach(entry.uid === user ? 'writable' : 'owner');
}

/** A start record that is acted on must be of the very user who acts: in a directory that was open once, it may not be. */
export function judgeRecord(path: string, entry: Entry, user: number): Breach | null {
  const breach = (rule: Breach['rule']): Breach => ({ path, rule, isOurs: true, entry, user });
  if (entry.uid !== user) return breach('owner');
  return (entry.mode & OTHERS_MAY_WRITE) === 0 ? null : breach('writable');
}

/**
 * A directory above those: who may write in it can put another in the place of what is below. Not so in a sticky one
 * such as /tmp, where only the owner of an entry may rename or remove it (unlink(2)).
 */
export function judgeAbove(path: string, entry: Entry, user: number): Breach | null {
  const isSafe = (entry.mode & OTHERS_MAY_WRITE) === 0 || (entry.mode & STICKY) !== 0;
  if (isDirectory(entry) && entry.uid === user && isSafe) return null;
  const rule = !isDirectory(entry) ? 'directory' : entry.uid === user ? 'writable' : 'owner';
  return { path, rule, isOurs: false, entry, user };
}

/** A symbolic link on the way counts for what it leads to, if nobody but `user` and root can turn it elsewhere. */
export function judgeLink(path: string, entry: Entry, user: number): Breach | null {
  const isSafe = entry.uid === user || entry.uid === 0;
  return isSafe ? null : { path, rule: 'owner', isOurs: false, entry, user };
}

/** The path, the rule and the remedy, in one line. */
export function explainBreach({ path, rule, isOurs, entry, user }: Breach): string {
  const permissions = `mode ${(entry.mode & 0o7777).toString(8)}`;
  switch (rule) {
    case 'link':
      return `${path} is a symbolic link where a directory has to be; remove it`;
    case 'directory':
      return `${path} is no directory (ENOTDIR); move it away`;
    case 'owner':
      return `${path} belongs to user ${entry.uid} and has to belong to user ${user}; chown it or name another --state-dir`;
    case 'writable': {
      const harm = isOurs ? 'only its owner may write there' : 'so that others can replace what is in it';
      return `${path} is writable by others (${permissions}), ${harm}; chmod go-w ${path}`;
    }
  }
}
