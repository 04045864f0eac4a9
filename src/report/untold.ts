// A bundle of its own (dist/untold.cjs): only a run loads it that finds one whose wrapper was killed when it had recorded its end.
import { type EndedRecord, isEnded } from '../model/record.js';
import type { RunId } from '../model/run-id.js';
import { findRuns } from '../state/runs.js';

/** How runs ended whose start record was still there, so that nobody was told. What cannot be read now is left out. */
export function endsOnRecord(stateDir: string, ids: readonly RunId[]): readonly EndedRecord[] {
  return ids.flatMap((id) => {
    try {
      return findRuns(stateDir, { hex: id.replaceAll('-', ''), forced: true }).filter(isEnded);
    } catch {
      return [];
    }
  });
}
