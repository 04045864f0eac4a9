import type {
  EndedRecord,
  FailedRecord,
  InferredRecord,
  RunningRecord,
  SkippedRecord,
} from '../model/record.js';
import type { SignalName } from '../model/signal.js';

/** What exec may have to say, see DIAGNOSTICS in cronrun(1). The words for people are the view's. */
export type Notice =
  /** Nothing about this run is on record, and it goes on. `path` null: there is no place for it. */
  | { readonly kind: 'not-recorded'; readonly path: string | null; readonly error: unknown }
  /** The start record is there and may not survive a power cut. */
  | { readonly kind: 'not-durable'; readonly path: string; readonly error: unknown }
  /** What the command writes goes to where our own output goes. `path`: where it was to be kept. */
  | { readonly kind: 'output-not-kept'; readonly path: string; readonly error: unknown }
  | { readonly kind: 'found-cut-short'; readonly newest: InferredRecord; readonly more: number }
  | {
      readonly kind: 'not-started';
      readonly errno: string;
      readonly interpreter: string | null;
      readonly path: string | undefined;
      readonly exitStatus: 126 | 127;
    }
  | { readonly kind: 'passed-on'; readonly signal: SignalName; readonly pid: number }
  /** How it ended; said for timeouts, stops and deaths by signal only. */
  | { readonly kind: 'ended'; readonly record: EndedRecord; readonly lastCompletedAt: string | null }
  /** Success without the checkpoint that was required. */
  | { readonly kind: 'incomplete'; readonly record: FailedRecord; readonly wanted: string }
  /** `killed`: SIGKILL was sent, and did not help. */
  | { readonly kind: 'left-behind'; readonly pids: readonly number[]; readonly killed: boolean }
  /** A run that nobody can judge is in the way, perhaps for ever. `waits`: until it is not; else nothing is started. */
  | { readonly kind: 'in-the-way'; readonly record: RunningRecord; readonly waits: boolean }
  /** Nothing was started, and the journal would not take that. */
  | { readonly kind: 'skipped-unrecorded'; readonly record: SkippedRecord; readonly error: unknown }
  /** Others could not be told of the run. `why`: one line. `output`: the last of what a hook wrote. */
  | {
      readonly kind: 'not-told';
      readonly reporter: string;
      readonly why: string;
      readonly output?: string;
    }
  /** The journal would not take the end; where it is instead. */
  | {
      readonly kind: 'kept';
      readonly where: 'start-record' | 'file-name';
      readonly record: EndedRecord;
      readonly error: unknown;
    }
  /** Nothing would take the end: the record itself is said. */
  | { readonly kind: 'said-only'; readonly record: EndedRecord; readonly error: unknown };

export type Tell = (notice: Notice) => void;
