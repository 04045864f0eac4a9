import type { EndedRecord } from '../model/record.js';
import type { ReporterName } from '../model/report.js';

/** Commands for sh; null: none. */
export interface Hooks {
  readonly onSuccess: string | null;
  readonly onFailure: string | null;
  readonly onEnd: string | null;
}

/** A command that is to be run. */
export interface DueHook {
  readonly reporter: ReporterName;
  readonly command: string;
}

/** Who is asked to tell others. */
export interface Asked extends Hooks {
  readonly ping: unknown;
  readonly textfile: string | null;
}

/** Who is to tell of an end. */
export function dueReporters(asked: Asked, record: Pick<EndedRecord, 'status'>): ReporterName[] {
  const hooks = dueHooks(asked, record).map(({ reporter }) => reporter);
  return [
    ...(asked.ping === null ? [] : ['ping' as const]),
    ...hooks,
    ...(asked.textfile === null ? [] : ['textfile' as const]),
  ];
}

/** What is to be run for an end, one after the other. Every end but completed is a failure. */
export function dueHooks(
  { onSuccess, onFailure, onEnd }: Hooks,
  { status }: Pick<EndedRecord, 'status'>,
): DueHook[] {
  const first: [ReporterName, string | null] =
    status === 'completed' ? ['on-success', onSuccess] : ['on-failure', onFailure];
  const all: [ReporterName, string | null][] = [first, ['on-end', onEnd]];
  return all.flatMap(([reporter, command]) => (command === null ? [] : [{ reporter, command }]));
}
