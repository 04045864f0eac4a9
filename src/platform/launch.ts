/**
 * What the launcher (bin/cronrun) saw before node changed it, and hands over in the environment:
 *
 *   CRONRUN_LAUNCHED="<ignored>:<soft>"  ignored: field 33 of /proc/$$/stat, a decimal mask of signals 1–31;
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
