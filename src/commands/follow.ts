import { existsSync } from 'node:fs';
import { idOf, type RunRecord } from '../model/record.js';
import { monotonicMs } from '../platform/clock.js';
import { lookUntil } from '../platform/look-until.js';
import { outputDirectory, runningDirectory } from '../state/directory.js';
import { readJobRuns } from '../state/runs.js';
import type { Place } from './target.js';

/** Milliseconds. Whether anything of a run lives is asked no oftener: that looks at every process there is. */
const JUDGED_EVERY_MS = 1000;

/**
 * Looks whenever the log of a run may have grown, until `look` says something or the run has ended: by its wrapper's word,
 * or because nothing of it lives any more. Null: it has ended; what was written meanwhile is there.
 */
export async function follow<T>(place: Place, record: RunRecord, look: () => T | null): Promise<T | null> {
  const { stateDir } = place;
  const directories = [outputDirectory(stateDir, record.job), runningDirectory(stateDir, record.job)];
  const startRecord = `${runningDirectory(stateDir, record.job)}/${idOf(record)}.jsonl`;
  let judgedAt = Number.NEGATIVE_INFINITY;
  const found = await lookUntil<{ readonly seen: T | null }>(directories, null, () => {
    const seen = look();
    if (seen !== null) return { seen };
    const nowMs = monotonicMs();
    if (existsSync(startRecord) && nowMs - judgedAt < JUDGED_EVERY_MS) return null;
    judgedAt = nowMs;
    return goesOn(place, record) ? null : { seen: null };
  });
  return found?.seen ?? null;
}

function goesOn({ stateDir, isExclusive }: Place, { job, cron_job_id }: RunRecord): boolean {
  const runs = readJobRuns(stateDir, job, isExclusive);
  return runs?.going.some((run) => run.record.cron_job_id === cron_job_id) ?? false;
}
