import { describe, expect, it } from 'vitest';
import {
  beginningFrom,
  encodeRecord,
  endedRecord,
  endFrom,
  goingRecord,
  inferredRecord,
  RECORD_FIELDS,
  recordBySay,
  recordFrom,
  settledRecord,
  skippedRecord,
} from '../../src/model/record.js';
import { journal, manual, sorted } from '../helpers/documents.js';
import { item, marked, tags } from '../helpers/mdoc.js';

const TIME = '2026-11-22T01:34:17.551Z';

const START = {
  schema: 1,
  cron_job_id: 'cron:01a200df-de74-7c3e-9b1d-2f6f0c5a9e11',
  job: 'backup',
  started_at: '2026-11-22T01:30:01.204Z',
  command: ['backup'],
};
const FACTS = { exit_code: null, signal: null, ended_at: TIME, completed_at: null, duration_ms: 256_347 };

function sure<T>(value: T | null): T {
  if (value === null) throw new Error('the sample is none');
  return value;
}

const BEGINNING = sure(beginningFrom(START));
const END = sure(endFrom({ ...FACTS, status: 'failed', reason: 'exited', exit_code: 23 }));

const SAMPLES = [
  goingRecord(BEGINNING, 'running', 4711),
  endedRecord(BEGINNING, END, null),
  inferredRecord(BEGINNING, 'rebooted', null, TIME),
  skippedRecord(BEGINNING, {
    signal: null,
    ended_at: TIME,
    duration_ms: 0,
    blocked_by: START.cron_job_id,
    overlap_exit_code: 75,
  }),
  settledRecord(recordBySay(BEGINNING, 4711), TIME, { ino: 1, size: 2 }),
  settledRecord(endedRecord(BEGINNING, END, 4711), TIME, { ino: 1, size: 2 }),
];

/** "Va timeout_ms Pq number or null" */
function fieldTag(tag: string): { name: string; types: string[] } {
  const [, name = '', types = ''] = /^Va (\w+) Pq (.+)$/.exec(tag) ?? [];
  return { name, types: types.split(' or ') };
}

/** The word with which the page would describe a value. */
function typeWord(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array of strings';
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return 'time';
  return typeof value;
}

describe('the fields in cronrun-journal(5)', () => {
  const fields = tags(journal.subsection('Record fields')).map(fieldTag);

  it('are all that a record has, in the order in which they are written', () => {
    expect(fields.map((field) => field.name)).toEqual([...RECORD_FIELDS]);
  });

  it.each(SAMPLES.map((record) => [record.reason, record] as const))(
    'have the types it says: %s',
    (_, record) => {
      const json = JSON.parse(encodeRecord(record)) as Record<string, unknown>;
      for (const { name, types } of fields) expect(types, name).toContain(typeWord(json[name]));
    },
  );

  it('are, in line 1 of a start record, those of a beginning, the identity and the journal', () => {
    const line = item(journal.subsection('Start records'), 'line 1');
    expect(sorted(marked(line, 'Va'))).toEqual(sorted([...Object.keys(BEGINNING), 'wrapper', 'journal']));
  });

  it('are, in line 3 of a start record, those of an end', () => {
    const line = item(journal.subsection('Start records'), 'line 3');
    expect(sorted(marked(line, 'Va'))).toEqual(
      sorted([...Object.keys(END), 'output', 'bytes', 'previous_completed_at']),
    );
  });
});

/** Facts one of which fits each ending that there is. */
const FITTING = [
  { ...FACTS, exit_code: 0, completed_at: TIME },
  { ...FACTS, exit_code: 1 },
  { ...FACTS, signal: 'SIGTERM' },
  { ...FACTS, ended_at: null, duration_ms: null },
];

function isEnding(status: string, reason: string): boolean {
  return FITTING.some((facts) => recordFrom({ ...START, ...facts, status, reason }) !== null);
}

describe('the pairs of status and reason', () => {
  const rows = tags(journal.subsection('Status and reason')).map((tag) => tag.split(' Ta '));
  const pairs = rows.slice(1).map(([status = '', reason = '']) => `${status} ${reason}`);

  it('in cronrun-journal(5) are those that the program takes for a record', () => {
    const endings = pairs.filter((pair) => !pair.startsWith('running '));
    const statuses = sorted(endings.map((pair) => pair.split(' ')[0] ?? ''));
    const reasons = sorted(pairs.map((pair) => pair.split(' ')[1] ?? ''));
    const known = statuses.flatMap((status) =>
      reasons.filter((reason) => isEnding(status, reason)).map((reason) => `${status} ${reason}`),
    );
    expect(statuses).toEqual(['completed', 'failed', 'interrupted', 'skipped', 'timeout']);
    expect(sorted(endings)).toEqual(sorted(known));
  });

  it('in cronrun(1) are the same', () => {
    const described = tags(manual.subsection('Status and reason')).map((tag) => tag.replace('Sy ', ''));
    const named = described.map((tag) => (tag.includes(' Pq ') ? tag.replace(' Pq ', ' ') : `${tag} ${tag}`));
    expect(sorted(named)).toEqual(sorted(pairs));
  });
});
