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

/** The lines of one job, for each metric in their order. Nothing else is kept of 10,000 of them. */
export type JobLines = readonly string[];

export function jobLines(facts: JobFacts): JobLines {
  return FAMILIES.map((family) => linesOf(family, facts));
}

/** All metrics of all jobs; each has its own lines in `jobs`, in the order of their names. */
export function exposition(jobs: readonly JobLines[]): string {
  return FAMILIES.map((family, index) => headOf(family) + jobs.map((lines) => lines[index]).join('')).join(
    '',
  );
}

const NEWLINE = 10;

/**
 * What `exposition` made, with these lines in the place of those that it had of their jobs. Nothing is read of other jobs,
 * so ten thousand of them cost no more than their bytes. Null where it is not what this version would have made.
 *
 * @param start where the first metric begins: what stands before it stays. @param jobs none: the job has no lines any more.
 */
export function withJobs(
  bytes: Buffer,
  start: number,
  jobs: ReadonlyMap<string, JobLines | null>,
): Buffer | null {
  const names = [...jobs.keys()].sort();
  const pieces: Buffer[] = [];
  let done = 0;
  let at = start;
  for (const [index, family] of FAMILIES.entries()) {
    const section = sectionAt(bytes, at, family, FAMILIES[index + 1] ?? null);
    if (section === null) return null;
    for (const job of names) {
      const lines = linesIn(bytes, section, family, job);
      if (lines === null) return null;
      pieces.push(bytes.subarray(done, lines.from), Buffer.from(jobs.get(job)?.[index] ?? ''));
      done = lines.to;
    }
    at = section.to;
  }
  return Buffer.concat([...pieces, bytes.subarray(done)]);
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Where the samples of a metric stand whose head begins at `at`; null where that does not, or something else follows. */
function sectionAt(bytes: Buffer, at: number, family: Family, next: Family | null): Range | null {
  const head = Buffer.from(headOf(family));
  if (!bytes.subarray(at, at + head.length).equals(head)) return null;
  const from = at + head.length;
  const to = next === null ? bytes.length : bytes.indexOf(`\n# HELP ${next.name} `, from - 1) + 1;
  return to < from || bytes[to - 1] !== NEWLINE ? null : { from, to };
}

/** The lines of a job, of which there may be none: then where they would stand. Null where a line is none of ours. */
function linesIn(bytes: Buffer, section: Range, { name }: Family, job: string): Range | null {
  const prefix = `${name}{job_name="`;
  const from = search(bytes, section.from, section.to, prefix, (other) => other >= job);
  const to = from === null ? null : search(bytes, from, section.to, prefix, (other) => other > job);
  return from === null || to === null ? null : { from, to };
}

/**
 * The beginning of the first line between `from` and `end`, both beginnings of lines, whose job `fits`, as it does for all
 * that follow; `end` where there is none. Null where a line is none of ours.
 */
function search(
  bytes: Buffer,
  from: number,
  end: number,
  prefix: string,
  fits: (job: string) => boolean,
): number | null {
  let low = from;
  let high = end;
  while (low < high) {
    const line = lineStart(bytes, (low + high) >> 1, low);
    const name = jobOf(bytes, line, prefix);
    if (name === null) return null;
    if (fits(name)) high = line;
    else low = bytes.indexOf(NEWLINE, line) + 1;
  }
  return low;
}

function lineStart(bytes: Buffer, at: number, least: number): number {
  // Not -1: that would be counted from the end.
  return at === 0 ? least : Math.max(least, bytes.lastIndexOf(NEWLINE, at - 1) + 1);
}

const LONGEST_NAME = 64;

function jobOf(bytes: Buffer, line: number, prefix: string): string | null {
  const nameAt = line + prefix.length;
  if (bytes.toString('latin1', line, nameAt) !== prefix) return null;
  const text = bytes.toString('latin1', nameAt, nameAt + LONGEST_NAME + 1);
  const quote = text.indexOf('"');
  return quote <= 0 ? null : text.slice(0, quote);
}
