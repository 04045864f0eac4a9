/**
 * What the launcher (bin/cronrun) saw before node changed it, and hands over in the environment:
 *
 *   CRONRUN_LAUNCHED="<ignored>:<soft>"  ignored: field 33 of /proc/self/stat, a decimal mask of signals 1–31;
 *                                        soft: the soft limit of open files ("1024", "unlimited"); either may be empty
 *   CRONRUN_KEPT_NODE_OPTIONS            NODE_OPTIONS as it was, if it was set
 *   CRONRUN_KEPT_NODE_EXTRA_CA_CERTS     NODE_EXTRA_CA_CERTS likewise
 *
 * None of the three reaches the command.
 */
export const LAUNCH_VARIABLES = {
  seen: 'CRONRUN_LAUNCHED',
  nodeOptions: 'CRONRUN_KEPT_NODE_OPTIONS',
  extraCaCerts: 'CRONRUN_KEPT_NODE_EXTRA_CA_CERTS',
} as const;

/** What the command must find as it was before node started. */
export interface Launch {
  /** Numbers of the signals that were ignored: the wrapper neither dies of them nor forwards them. */
  readonly ignored: readonly number[];
  /** The soft limit of open files as ulimit -S -n takes it; null where the launcher did not see it. */
  readonly softFiles: string | null;
}

/** KILL and STOP cannot be ignored. */
const NEVER_IGNORED = [9, 19];

/** Reads CRONRUN_LAUNCHED; without a launcher (a test, another entry) nothing is known to be altered. */
export function readLaunch(value: string | undefined): Launch {
  const match = /^(\d*):(\d+|unlimited|)$/.exec(value ?? '');
  const mask = Number(match?.[1] ?? 0);
  const ignored: number[] = [];
  for (let signal = 1; signal <= 31; signal++) {
    const bit = Math.floor(mask / 2 ** (signal - 1)) % 2;
    if (bit === 1 && !NEVER_IGNORED.includes(signal)) ignored.push(signal);
  }
  return { ignored, softFiles: match?.[2] || null };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment without what the launcher put there, and with what it set aside. */
export function restoreEnvironment(env: Environment): Record<string, string | undefined> {
  const restored = { ...env };
  put(restored, 'NODE_OPTIONS', env[LAUNCH_VARIABLES.nodeOptions]);
  put(restored, 'NODE_EXTRA_CA_CERTS', env[LAUNCH_VARIABLES.extraCaCerts]);
  for (const name of Object.values(LAUNCH_VARIABLES)) delete restored[name];
  return restored;
}

function put(env: Record<string, string | undefined>, name: string, value: string | undefined): void {
  if (value !== undefined) env[name] = value;
}
