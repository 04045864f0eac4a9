import { statSync } from 'node:fs';
import type { RunRecord } from '../../src/index.js';

/** A reader's answer, and what the book (see storm-book.ts) said before it was asked and after it had answered. */
export interface Answer {
  readonly reader: string;
  /** Bytes of the book. */
  readonly from: number;
  readonly to: number;
  /** Milliseconds of the clock that all processes share. */
  readonly asked: number;
  readonly answered: number;
  readonly facts: Facts;
}

/** What an answer says. A part that the question did not ask for is left out. */
export interface Facts {
  /** All runs of the job, newest first. */
  readonly runs?: readonly string[];
  /** The run that `status` speaks of; null: there is none. */
  readonly newest?: string | null;
  /** The last run that ended; null: none has. */
  readonly last?: string | null;
  /** Ids of the runs that go on. */
  readonly running?: readonly string[];
  /** What a reader says of lines that it could not read, or anything else that it ought not to say. */
  readonly complaint?: string;
}

/** Which run it is: the command carries its number as the argument at this place. */
export const NUMBER_AT = 4;

type Said = Pick<RunRecord, 'cron_job_id' | 'command' | 'status' | 'reason' | 'exit_code'>;

/** "17 cron:01a2… failed exited 3": the number of a run, its id and its verdict. */
export function sayingOf({ command, cron_job_id, status, reason, exit_code }: Said): string {
  const code = exit_code === null ? '' : ` ${exit_code}`;
  return `${command[NUMBER_AT]} ${cron_job_id} ${status} ${reason}${code}`;
}

export function sayingOrNull(record: Said | null): string | null {
  return record === null ? null : sayingOf(record);
}

export function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function bytesOf(book: string): number {
  return statSync(book).size;
}
