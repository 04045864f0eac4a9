import { isoTime } from '../model/iso-time.js';
import { encodeLine, type Skip, type SkippedRecord, skippedRecord } from '../model/record.js';
import { makeRunId } from '../model/run-id.js';
import { monotonicMs, wallMs } from '../platform/clock.js';
import { readPlace } from '../platform/identity.js';
import { randomBytes } from '../platform/random.js';
import { appendToJournal } from '../state/append.js';
import { knownBefore } from '../state/journal.js';
import { inspectOwnership, NotOurs } from '../state/ownership.js';
import { rotateLong } from '../state/rotation.js';
import type { Journal } from '../state/segments.js';
import type { Tell } from './notice.js';
import type { Plan } from './plan.js';
import { beginningOf } from './record-start.js';

/** When a run was asked for that may have to wait for its turn. */
export interface Asked {
  /** Wall clock, milliseconds since 1970. */
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** How it came to nothing. */
export type Refusal = Pick<Skip, 'blocked_by' | 'overlap_exit_code' | 'signal'>;

/** Puts a run that is not begun into the journal. Where that fails it is said, and the record is the same. */
export function recordSkip(
  plan: Plan,
  stateDir: string,
  asked: Asked,
  refusal: Refusal,
  tell: Tell,
): SkippedRecord {
  const id = makeRunId(asked.wallMs, randomBytes(10));
  const startedAt = isoTime(asked.wallMs);
  const record = skippedRecord(
    beginningOf(
      { ...plan, keeper: null },
      { runs: null },
      { id, startedAt, trace: null },
      readPlace().host_name,
    ),
    {
      ...refusal,
      ended_at: isoTime(wallMs()),
      duration_ms: Math.round(monotonicMs() - asked.monotonicMs),
    },
  );
  try {
    const { breach, modes } = inspectOwnership(stateDir, plan.job);
    if (breach !== null) throw new NotOurs(breach);
    const size = appendToJournal(stateDir, plan.job, modes, (journal) => lineOf(record, journal));
    rotateLong(stateDir, plan.job, size, plan.journalLimit);
  } catch (error) {
    tell({ kind: 'skipped-unrecorded', record, error });
  }
  return record;
}

/** Like every line it tells what was before it. */
function lineOf(record: SkippedRecord, journal: Journal): string {
  return `${encodeLine({ ...record, ...knownBefore(journal) })}\n`;
}
