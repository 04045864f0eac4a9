import { resolve } from 'node:path';
import { CronrunError, explainErrno } from '../errors.js';
import { EXIT } from '../model/exit-status.js';
import { monotonicMs } from '../platform/clock.js';
import { exposition, type JobLines, jobLines } from '../report/exposition.js';
import { type Place, readOrRefuse } from '../report/job-facts.js';
import { listJobs } from '../state/runs.js';
import { refusedText } from '../view/missing.js';
import { whereItMayBe } from './missing.js';
import { statePlace } from './state-place.js';
import type { MetricsOptions, Surroundings } from './types.js';
import { requireOwnership } from './writable.js';

/**
 * `cronrun metrics`: what is known of all jobs, in the text format of Prometheus; printed, or written to a file. Returns the
 * exit status. CronrunError 'unreadable', 'unwritable', 'no-state-directory'.
 */
export async function metrics(options: MetricsOptions, io: Surroundings): Promise<number> {
  const { exclusiveState: isExclusive, textfile } = options;
  const place: Place = { stateDir: statePlace(options.stateDir, io.env), isExclusive };
  const refused = textfile === null ? print(place, io) : await write(place, textfile, io);
  if (refused.length === 0) return EXIT.ok;
  io.err(refusedText(refused));
  return EXIT.ownFailure;
}

/** Nothing is written anywhere. Returns for each job that cannot be read, why. */
function print(place: Place, io: Surroundings): readonly string[] {
  const jobs: JobLines[] = [];
  const refused: string[] = [];
  for (const job of listJobs(place.stateDir)) {
    const facts = readOrRefuse(place, job, refused);
    if (facts !== null) jobs.push(jobLines(facts));
  }
  io.out(exposition(jobs).text);
  if (jobs.length === 0 && refused.length === 0) {
    const { stateDir } = place;
    io.err(whereItMayBe({ command: 'metrics', stateDir, asked: null, job: null, mayBeRun: false }, io));
  }
  return refused;
}

/** Longest that others may write at the same time, milliseconds. */
const PATIENCE_MS = 30_000;

/** What is half written is taken away again where this command ends early. */
async function write(place: Place, textfile: string, io: Surroundings): Promise<readonly string[]> {
  const { modes } = requireOwnership('metrics', place.stateDir, null);
  const { onExit } = await import('signal-exit');
  const { refreshAll } = await import('../report/textfile.js');
  const directory = resolve(textfile);
  try {
    const untilMs = monotonicMs() + PATIENCE_MS;
    const stop = new AbortController().signal; // signals end this process
    const guard = (undo: () => void) => onExit(undo);
    return await refreshAll({ directory, ...place, path: io.env.PATH, untilMs, stop, guard }, modes);
  } catch (error) {
    if (error instanceof CronrunError) throw error;
    const why = `metrics: cannot write in ${directory} (${explainErrno(error)})`;
    throw new CronrunError('unwritable', why, { cause: error });
  }
}
