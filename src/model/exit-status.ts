import type { EndedRecord, JournalRecord } from './record.js';
import { signalNumber } from './signal.js';

/** The number with which cronrun exits. 193–197: the LSB leaves 150–199 to applications, no signal reaches there. */
export const EXIT = {
  ok: 0,
  overlap: 75,
  timeout: 124,
  ownFailure: 125,
  cannotRun: 126,
  notFound: 127,
  noSuchRun: 193,
  noneEnded: 194,
  unseenEnd: 195,
  cannotTell: 196,
  tooOld: 197,
  incomplete: 198,
} as const;

/**
 * The law: what `exec` exits with for a run is what `last --exit-code` exits with for its record.
 * (A run that was told to stop makes exec die by that signal, which a shell shows as the same number.)
 */
export function exitStatusOf(record: JournalRecord): number {
  switch (record.status) {
    case 'completed':
      return EXIT.ok;
    case 'failed':
      return record.reason === 'incomplete' ? EXIT.incomplete : record.exit_code;
    case 'timeout':
      return EXIT.timeout;
    case 'interrupted':
      return record.signal === null ? EXIT.unseenEnd : 128 + signalNumber(record.signal);
    case 'skipped':
      if (record.signal !== null) return 128 + signalNumber(record.signal);
      return record.overlap_exit_code ?? EXIT.overlap;
  }
}

/** What `--exit-code` knows of a job: see EXIT STATUS in cronrun(1). */
export interface Answer {
  /** The last run that ended. */
  readonly last: EndedRecord | null;
  /** A run that started after `last` is orphaned or unverifiable. */
  readonly unsure: boolean;
  /** A run goes on. */
  readonly running: boolean;
}

/** @param maxAgeMs how long ago a completed run may have ended; null: any time. */
export function exitStatusOfAnswer(answer: Answer, nowMs: number, maxAgeMs: number | null): number {
  if (answer.unsure) return EXIT.cannotTell;
  if (answer.last === null) return answer.running ? EXIT.noneEnded : EXIT.noSuchRun;
  const { last } = answer;
  if (last.status === 'completed' && maxAgeMs !== null && nowMs - Date.parse(last.ended_at) > maxAgeMs) {
    return EXIT.tooOld;
  }
  return exitStatusOf(last);
}
