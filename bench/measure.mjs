// Times whole processes in pairs: absolute times mean nothing on a shared machine, the ratio of neighbours does.
import { spawnSync } from 'node:child_process';

/** What cron gives a job. */
export const CRON_ENV = {
  HOME: process.env.HOME ?? '/root',
  LOGNAME: 'root',
  SHELL: '/bin/sh',
  PATH: '/usr/bin:/bin',
};

/** Runs a command to its end; milliseconds of wall time. */
export function wallMs([file, ...args], env = CRON_ENV) {
  const begun = performance.now();
  const { error } = spawnSync(file, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const took = performance.now() - begun;
  if (error) throw error;
  return took;
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Runs a and b in turn, n times each after two warm-ups; the median of the ratios of neighbours. */
export function pairedRatio(a, b, n, env = CRON_ENV) {
  const ratios = [];
  for (let i = -2; i < n; i++) {
    const first = wallMs(a, env);
    const second = wallMs(b, env);
    if (i >= 0) ratios.push(first / second);
  }
  return median(ratios);
}

/** Largest resident set of any process below a command, KiB; null without GNU time. */
export function peakKiB(command, env = CRON_ENV) {
  const { stderr, error } = spawnSync('/usr/bin/time', ['-f', '%M', ...command], { env, encoding: 'utf8' });
  return error ? null : Number(stderr.trim().split('\n').at(-1));
}

export function medianOf(n, measure) {
  const values = [];
  for (let i = 0; i < n; i++) values.push(measure());
  return values.includes(null) ? null : median(values);
}

/** True where a program is on cron's PATH. */
export function isThere(program) {
  return spawnSync('/bin/sh', ['-c', `command -v ${program}`], { env: CRON_ENV }).status === 0;
}
