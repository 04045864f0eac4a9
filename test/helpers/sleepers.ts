/** Pids of the processes that tests started; of no others is the environment asked where this list is used. */
export const sleepers = new Set<number>();

type Identity = typeof import('../../src/platform/identity.js');

/**
 * The real thing, but blind to the environment of processes that no test started: on a machine where something
 * runs that may not be looked into, a run whose child was never written down is rightly unverifiable.
 */
export function onlySleepers(identity: Identity): Identity {
  const hasEnvironmentEntry: Identity['hasEnvironmentEntry'] = (pid, entry) =>
    sleepers.has(pid) ? identity.hasEnvironmentEntry(pid, entry) : false;
  return { ...identity, hasEnvironmentEntry };
}
