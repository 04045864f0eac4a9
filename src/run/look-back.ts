import { isoTime } from '../model/iso-time.js';
import type { JobRuns } from '../model/job-runs.js';
import { type EndedRecord, type InferredRecord, isInferred, type JournalMark } from '../model/record.js';
import { wallMs } from '../platform/clock.js';
import { type Modes, PRIVATE } from '../platform/durable.js';
import { bootTimeMs } from '../platform/identity.js';
import { markOf } from '../state/journal.js';
import type { Survey } from '../state/judging.js';
import { inspectOwnership, NotOurs } from '../state/ownership.js';
import { jobRuns } from '../state/runs.js';
import type { Journal } from '../state/segments.js';
import { settle, sweep } from '../state/settle.js';
import { surveyJob } from '../state/survey.js';
import type { Tell } from './notice.js';
import type { Plan } from './plan.js';
import type { Reporter } from './reporter.js';

/** What a run knows of the runs before it. */
export interface Past {
  /** Null: no run of the job is on record. */
  readonly runs: JobRuns | null;
  /** False where the state directory cannot be read: then nothing is known, not even that there was no run. */
  readonly known: boolean;
  /** Why nothing may be recorded now; null: it may. */
  readonly refusal: unknown;
  /** How the journal stood. */
  readonly mark: JournalMark;
  /** How to make things in this state directory. */
  readonly modes: Modes;
}

/** What a run was told that counts for those before it, too. */
type Told = Pick<Plan, 'exclusiveState' | 'journalLimit' | 'reporter'>;

/** What is known where there are no records to look at. */
export const NOTHING_KNOWN: Past = {
  runs: null,
  known: false,
  refusal: null,
  mark: { ino: null, size: 0 },
  modes: PRIVATE,
};

/** Runs of the journal that are looked at: the last one, and one more in case two ended in the same moment. */
const LOOKED_AT = 2;

/**
 * Step 2 of the protocol: reads the runs before this one and settles those that are over. Nothing in here may
 * keep the job from running; what cannot be settled now is settled by a later run. Where others can write nothing is
 * settled, and what is there is told as `last` would tell it.
 */
export function lookBack(
  stateDir: string,
  job: string,
  tell: Tell,
  { exclusiveState, journalLimit, reporter }: Told = {
    exclusiveState: false,
    journalLimit: 0,
    reporter: null,
  },
): Past {
  const { modes, refusal } = mayWrite(stateDir, job);
  const look = (survey: Survey, journal: Journal | null) => ({
    survey,
    runs: jobRuns(job, survey, journal, LOOKED_AT),
    mark: markOf(journal),
  });
  try {
    const { survey, runs, mark } = surveyJob(stateDir, job, look, exclusiveState);
    if (refusal === null) settleOver({ stateDir, job, modes, journalLimit, reporter }, survey, tell);
    return { runs, known: true, refusal, mark, modes };
  } catch {
    return { ...NOTHING_KNOWN, refusal, modes };
  }
}

/** How to make things in the state directory, or why nothing may be made there. */
function mayWrite(stateDir: string, job: string): Pick<Past, 'modes' | 'refusal'> {
  try {
    const { breach, modes } = inspectOwnership(stateDir, job);
    return { modes, refusal: breach === null ? null : new NotOurs(breach) };
  } catch (error) {
    return { modes: PRIVATE, refusal: error };
  }
}

/** Where runs are settled, and how. */
interface Books {
  readonly stateDir: string;
  readonly job: string;
  readonly modes: Modes;
  readonly journalLimit: number;
  readonly reporter: Reporter | null;
}

/** So many are made sure of before the command starts, which must not wait for more; the others while it runs. */
const TOLD_FIRST = 20;

function settleOver(books: Books, survey: Survey, tell: Tell): void {
  const { over, recorded, leftovers } = survey;
  if (over.length + recorded.length + leftovers.length === 0) return;
  const nowMs = wallMs();
  const found = over.map((run) => run.record).filter(isInferred);
  books.reporter?.recorded(found.slice(-TOLD_FIRST));
  const lost = moveOver(books, survey, nowMs).filter(isInferred);
  sayCutShort(lost, tell);
  if (lost.length + recorded.length > 0)
    books.reporter?.settled(
      lost,
      recorded.map((run) => run.start.id),
    );
  try {
    sweep(books.stateDir, books.job, leftovers, { bootedAtMs: bootTimeMs(), nowMs });
  } catch {
    // a later run tries again
  }
}

/** The runs that stand in the journal from now on. */
function moveOver(
  { stateDir, job, modes, journalLimit }: Books,
  survey: Survey,
  nowMs: number,
): readonly EndedRecord[] {
  try {
    return settle(stateDir, job, survey, modes, isoTime(nowMs), journalLimit);
  } catch {
    return movedAllTheSame(stateDir, job, survey.over).map((run) => run.record);
  }
}

/**
 * A full disk or a read-only one: they stay where they are, and readers see them there. Where only the sync failed
 * the journal has them, and no later run would find them anew and say so. Where nobody can tell, better twice than never.
 */
function movedAllTheSame(stateDir: string, job: string, over: Survey['over']): Survey['over'] {
  try {
    return surveyJob(stateDir, job, (now) => {
      const open = now.over.map((run) => run.start.id);
      return over.filter((run) => !open.includes(run.start.id));
    });
  } catch {
    return over;
  }
}

/** Said once, by the run that settles it: so a reboot in the middle of a job reaches the mailbox. */
function sayCutShort(lost: readonly InferredRecord[], tell: Tell): void {
  const newest = lost.at(-1);
  if (newest !== undefined) tell({ kind: 'found-cut-short', newest, more: lost.length - 1 });
}
