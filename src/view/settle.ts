import { BY_PERSON, type JournalRecord } from '../model/record.js';
import { runMark } from './headline.js';
import { sanitize } from './sanitize.js';
import { paragraph } from './text.js';
import { statusName } from './words.js';

/** What `settle` did: on a person's word, or because the run turned out to be over anyway. */
export function settledText(record: JournalRecord): string {
  const word = record.settled_by === BY_PERSON ? 'on your word' : 'it was over';
  return `${paragraph(`${beginning(record)}settled, ${word}: ${outcome(record)} ${runMark(record)}`)}\n`;
}

/** There was nothing to settle. */
export function endedAlreadyText(record: JournalRecord): string {
  return `${paragraph(`${beginning(record)}ended already: ${outcome(record)} ${runMark(record)}`)}\n`;
}

function beginning({ job }: JournalRecord): string {
  return `${sanitize(job)}: `;
}

function outcome({ status, reason }: JournalRecord): string {
  return reason === 'exited' ? statusName(status) : `${statusName(status)} (${reason})`;
}
