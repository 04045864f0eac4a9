import { idOf, type RunningRecord, SCHEMA } from '../model/record.js';
import { shortRunId } from '../model/run-id.js';
import type { Line, StatusFacts } from './facts.js';
import { sanitize } from './sanitize.js';
import { tied } from './text.js';

/** What follows from a run that nobody watches, or that cannot be judged. */
export function meaningLines({ record, runs, here }: StatusFacts): Line[] {
  if (record.reason === 'orphaned') {
    return [['means', `${ORPHAN_MEANS} To end it: ${tied(`cronrun stop ${nameOf(record, runs)}`)}`]];
  }
  if (record.reason !== 'unverifiable') return [];
  return [['means', `${UNVERIFIABLE_MEANS} ${askThere(record, here)}${howToSettle(record)}`]];
}

const ORPHAN_MEANS =
  'its exit code will never be known. When these processes are gone it counts as INTERRUPTED (lost).';
const UNVERIFIABLE_MEANS =
  'it may go on, and it may have been cut short. If it ends in good order, its end comes on record here.';

/** What a newer version wrote is that version's to settle. */
function howToSettle(record: RunningRecord): string {
  if (record.schema > SCHEMA) return '';
  return `; if you know that it is over: ${tied(`cronrun settle ${shortRunId(idOf(record))}`)}`;
}

/** Of several runs that go on this one is meant. */
function nameOf(record: RunningRecord, { job, going }: StatusFacts['runs']): string {
  return going.length > 1 ? shortRunId(idOf(record)) : sanitize(job);
}

function askThere(record: RunningRecord, here: string | null): string {
  const elsewhere = record.host !== null && record.host !== here;
  const where = elsewhere ? `On ${sanitize(record.host ?? '')}` : 'Where it was started,';
  return `${where} this tells: ${tied(`cronrun status ${sanitize(record.job)}`)}`;
}
