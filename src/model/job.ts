const JOB_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The rule in words, for messages and the manual. */
export const JOB_NAME_RULE = 'letters, digits and . _ - only, a letter or digit first, at most 64';

/** True for a name that is safe as a directory name, in a crontab and in a shell, unquoted. */
export function isJobName(name: string): boolean {
  return JOB_NAME.test(name);
}

/** The nearest allowed name, or null where nothing of `name` is left: "my backup" → "my-backup". */
export function proposeJobName(name: string): string | null {
  const proposal = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .replace(/-+/g, '-')
    .slice(0, 64)
    .replace(/[-.]+$/, '');
  return isJobName(proposal) ? proposal : null;
}
