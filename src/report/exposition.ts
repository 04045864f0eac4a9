// The text format of Prometheus: what the node exporter reads from a file, and promtool checks.
import { exitStatusOf } from '../model/exit-status.js';
import { isoMs } from '../model/iso-time.js';
import type { EndedRecord } from '../model/record.js';
import { ENDED_STATUSES } from '../model/totals.js';
import type { JobFacts } from './job-facts.js';

/** A metric and its samples of a job. */
interface Family {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  /** Each with what stands behind the job in its labels. */
  readonly samples: (facts: JobFacts) => readonly (readonly [labels: string, value: number | null])[];
}

const ONE = '';

/** Every metric, in the order in which they are written. What is unknown has no sample. */
const FAMILIES: readonly Family[] = [
  {
    name: 'cronrun_job_last_run_timestamp_seconds',
    type: 'gauge',
    help: 'When the last run that ended was started.',
    samples: ({ last }) => [[ONE, last === null ? null : seconds(isoMs(last.started_at))]],
  },
  {
    name: 'cronrun_job_last_success_timestamp_seconds',
    type: 'gauge',
    help: 'When a run last completed.',
    samples: ({ lastCompletedAt }) => [
      [ONE, lastCompletedAt === null ? null : seconds(isoMs(lastCompletedAt))],
    ],
  },
  {
    name: 'cronrun_job_last_duration_seconds',
    type: 'gauge',
    help: 'How long the last run that ended took. Absent if nobody saw its end.',
    samples: ({ last }) => [[ONE, durationOf(last)]],
  },
  {
    name: 'cronrun_job_last_exit_code',
    type: 'gauge',
    help: 'What cronrun last --exit-code has for the last run that ended: 0 only if it completed, 195 if nobody saw its end.',
    samples: ({ last }) => [[ONE, last === null ? null : exitStatusOf(last)]],
  },
  {
    name: 'cronrun_job_last_status',
    type: 'gauge',
    help: '1 for the status of the last run that ended, 0 for the others.',
    samples: ({ last }) =>
      ENDED_STATUSES.map((status) => [
        `,status="${status}"`,
        last === null ? null : Number(last.status === status),
      ]),
  },
  {
    name: 'cronrun_job_running',
    type: 'gauge',
    help: 'Runs that go on, with or without their wrapper, and those that cannot be judged from here.',
    samples: ({ running }) => [[ONE, running]],
  },
  {
    name: 'cronrun_job_runs_total',
    type: 'counter',
    help: 'Runs that have ended, by how they ended.',
    samples: ({ totals }) => ENDED_STATUSES.map((status) => [`,status="${status}"`, totals[status]]),
  },
  {
    name: 'cronrun_job_interrupted',
    type: 'gauge',
    help: '1 if the last run that ended was cut short: by a signal, by a stop, or nobody knows by what.',
    samples: ({ last }) => [[ONE, Number(last?.status === 'interrupted')]],
  },
  {
    name: 'cronrun_job_next_due_timestamp_seconds',
    type: 'gauge',
    help: 'When the job is due next, by the schedule that its last run declared. Absent without one.',
    samples: ({ due }) => [[ONE, due === null || due.nextMs === null ? null : seconds(due.nextMs)]],
  },
  {
    name: 'cronrun_job_late',
    type: 'gauge',
    help: '1 if a run is due and has not begun, its grace not over yet. Absent without a schedule.',
    samples: ({ due }) => [[ONE, due === null ? null : Number(due.lateSinceMs !== null)]],
  },
  {
    name: 'cronrun_job_missed',
    type: 'gauge',
    help: 'How many runs should have begun since one did last. Absent without a schedule.',
    samples: ({ due }) => [[ONE, due === null ? null : due.missed]],
  },
];

function seconds(ms: number): number {
  return ms / 1000;
}

function durationOf(last: EndedRecord | null): number | null {
  return last === null || last.duration_ms === null ? null : seconds(last.duration_ms);
}

/** What stands above the samples of a metric. */
function headOf({ name, type, help }: Family): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** Neither the name of a job nor a status has anything in it that would have to be escaped. */
function linesOf({ name, samples }: Family, facts: JobFacts): string {
  let lines = '';
  for (const [labels, value] of samples(facts)) {
    if (value !== null) lines += `${name}{job_name="${facts.job}"${labels}} ${value}\n`;
  }
  return lines;
}

const NEWLINE = 10;

/** The lines of one job, for each metric in their order. Nothing else is kept of 10,000 of them. */
export type JobLines = readonly string[];

export function jobLines(facts: JobFacts): JobLines {
  return FAMILIES.map((family) => linesOf(family, facts));
}

/** A text, and where the head of each metric begins in it, bytes. */
export interface Exposition {
  readonly text: string;
  readonly heads: readonly number[];
}

/**
 * All metrics of all jobs; each has its own lines in `jobs`, in the order of their names.
 *
 * @param start how much stands before it.
 */
export function exposition(jobs: readonly JobLines[], start = 0): Exposition {
  let text = '';
  const heads = FAMILIES.map((family, index) => {
    const at = start + text.length; // every character is a byte
    text += headOf(family) + jobs.map((lines) => lines[index]).join('');
    return at;
  });
  return { text, heads };
}

/** A text that is not in memory: it may be of ten thousand jobs. */
export interface Source {
  readonly size: number;
  /** Fewer bytes where it ends before. */
  readonly read: (from: number, to: number) => Buffer;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** A text made of pieces of another one, and of what is new; and where the head of each metric begins in it. */
export interface Change {
  readonly pieces: readonly (Range | string)[];
  readonly heads: readonly number[];
}

/**
 * What `exposition` made, with these lines in the place of those that it had of their jobs. Nothing is looked at of other
 * jobs but some names on the way. Null where it is not what this version would have made.
 *
 * @param heads as they were. @param jobs null: the job has no lines any more.
 */
export function withJobs(
  source: Source,
  heads: readonly number[],
  jobs: ReadonlyMap<string, JobLines | null>,
): Change | null {
  if (heads.length !== FAMILIES.length) return null;
  const names = [...jobs.keys()].sort();
  const pieces: (Range | string)[] = [];
  const newHeads: number[] = [];
  let done = 0;
  let grown = 0;
  for (const [index, family] of FAMILIES.entries()) {
    const section = sectionAt(source, heads[index] ?? -1, heads[index + 1] ?? source.size, family);
    if (section === null) return null;
    newHeads.push((heads[index] ?? 0) + grown);
    for (const job of names) {
      const old = linesIn(source, section, family, job);
      if (old === null) return null;
      const lines = jobs.get(job)?.[index] ?? '';
      pieces.push({ from: done, to: old.from }, lines);
      done = old.to;
      grown += lines.length - (old.to - old.from);
    }
  }
  return { pieces: [...pieces, { from: done, to: source.size }], heads: newHeads };
}

/** Where the samples of a metric stand, between its head and the next one; null where the head is none of ours. */
function sectionAt({ read }: Source, at: number, to: number, family: Family): Range | null {
  const head = headOf(family);
  const from = at + head.length;
  if (at < 0 || to < from || read(at, from).toString('latin1') !== head) return null;
  return read(to - 1, to)[0] === NEWLINE ? { from, to } : null;
}

/** The lines of a job, of which there may be none: then where they would stand. Null where a line is none of ours. */
function linesIn(source: Source, section: Range, { name }: Family, job: string): Range | null {
  const prefix = `${name}{job_name="`;
  const from = search(source, section, prefix, (other) => other >= job);
  const to = from === null ? null : search(source, { ...section, from }, prefix, (other) => other > job);
  return from === null || to === null ? null : { from, to };
}

/**
 * The beginning of the first line of a range, which begins and ends between lines, whose job `fits`, as it does for all that
 * follow; its end where there is none. Null where a line is none of ours.
 */
function search(
  source: Source,
  { from, to }: Range,
  prefix: string,
  fits: (job: string) => boolean,
): number | null {
  let low = from;
  let high = to;
  while (low < high) {
    const line = lineAround(source, (low + high) >> 1, low);
    const job = line === null ? null : jobOf(line.text, prefix);
    if (line === null || job === null) return null;
    if (fits(job)) high = line.at;
    else low = line.at + line.text.length;
  }
  return low;
}

/** No line of ours is longer, bytes. */
const LONGEST_LINE = 256;

/** The line that `at` is in, its newline included, if it begins at `least` or later; null where it is too long for one. */
function lineAround({ read }: Source, at: number, least: number): { at: number; text: string } | null {
  const start = Math.max(least, at - LONGEST_LINE);
  const text = read(start, at + LONGEST_LINE).toString('latin1');
  const before = at === start ? -1 : text.lastIndexOf('\n', at - start - 1);
  const end = text.indexOf('\n', at - start);
  if ((before === -1 && start !== least) || end === -1) return null;
  return { at: start + before + 1, text: text.slice(before + 1, end + 1) };
}

function jobOf(line: string, prefix: string): string | null {
  const quote = line.indexOf('"', prefix.length);
  return line.startsWith(prefix) && quote !== -1 ? line.slice(prefix.length, quote) : null;
}
