import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { wordsFor } from '../../src/commands/exec-words.js';
import { last } from '../../src/commands/last.js';
import { ls } from '../../src/commands/ls.js';
import { status } from '../../src/commands/status.js';
import type { AnswerOptions, ColorChoice, LsOptions, Surroundings } from '../../src/commands/types.js';
import { CronrunError } from '../../src/errors.js';
import {
  decodeRecord,
  encodeLine,
  idOf,
  isEnded,
  RECORD_FIELDS,
  type RunRecord,
} from '../../src/model/record.js';
import { lookBack } from '../../src/run/look-back.js';
import { jobDirectory, journalPath, runningDirectory } from '../../src/state/directory.js';
import { listRuns, readJobGist, readJobRuns } from '../../src/state/runs.js';
import { uncleanColours, uncleanGet, uncleanIn, uncleanJson } from '../helpers/clean.js';
import { type Mutation, mutations, rawLines } from '../helpers/mutations.js';
import {
  at,
  COMPLETED,
  completed,
  ELSEWHERE,
  endOf,
  failed,
  failedWith,
  lost,
  runId,
} from '../helpers/records.js';
import { aliveHere, deadChild, deadHere, JOB, otherBoot, startBytes } from '../helpers/state.js';

// Whatever stands in the files, readers answer, show nothing that acts on a terminal, and find every record that is whole.

vi.mock('../../src/commands/terminal.js', () => ({ stdoutIsTerminal: () => true }));
vi.mock('../../src/platform/identity.js', async (original) => {
  const { onlySleepers } = await import('../helpers/sleepers.js');
  const identity = onlySleepers(await original<typeof import('../../src/platform/identity.js')>());
  const processes = identity.readProcessTable(); // it takes long, and is asked for ten thousand times
  return { ...identity, readProcessTable: () => processes };
});

vi.mock('../../src/platform/clock.js', async (original) => ({
  ...(await original<typeof import('../../src/platform/clock.js')>()),
  pauseMs: () => undefined,
}));

const NOW = Date.parse(at(60));

interface Said {
  readonly out: string;
  readonly err: string;
}

/** Nothing that stands in a file may make a reader fail; several runs may fit an id. */
async function ask(call: (io: Surroundings) => number | Promise<number>): Promise<Said> {
  let [out, err] = ['', ''];
  const io: Surroundings = {
    env: { HOME: '/nowhere' },
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    now: () => NOW,
  };
  try {
    await call(io);
  } catch (error) {
    if (!(error instanceof CronrunError) || error.code !== 'ambiguous-run') throw error;
    err += `${error.message}\n${error.hint ?? ''}`;
  }
  return { out, err };
}

type Manner = Partial<Pick<AnswerOptions & LsOptions, 'json' | 'get' | 'color'>>;

function questionsOf(stateDir: string, ids: readonly string[]): ((manner: Manner) => Promise<Said>)[] {
  const answer: AnswerOptions = {
    stateDir,
    color: 'never',
    json: false,
    get: null,
    exitCode: false,
    maxAgeMs: null,
    exclusiveState: false,
  };
  const list: LsOptions = {
    stateDir,
    color: 'never',
    json: false,
    get: null,
    quiet: false,
    exclusiveState: false,
    status: null,
    sort: 'trouble',
    watch: false,
    limit: 100,
  };
  const targets = [
    JOB,
    ...ids.slice(0, 1).map((id) => id.slice(0, 13)),
    ...ids.slice(-1).map((id) => `cron:${id}`),
  ];
  return [
    ...targets.map((target) => (manner: Manner) => ask((io) => status({ ...answer, ...manner }, target, io))),
    ...targets.map((target) => (manner: Manner) => ask((io) => last({ ...answer, ...manner }, target, io))),
    (manner) => ask((io) => last({ ...answer, ...manner }, undefined, io)),
    (manner) => ask((io) => ls({ ...list, ...manner }, undefined, io)),
    (manner) => ask((io) => ls({ ...list, ...manner }, JOB, io)),
  ];
}

/** What is wrong with what readers print. */
async function uncleanAnswers(stateDir: string, ids: readonly string[]): Promise<string[]> {
  const wrong: string[] = [];
  const get = [...RECORD_FIELDS];
  for (const question of questionsOf(stateDir, ids)) {
    const inColour = (color: ColorChoice) => question({ color });
    const plain = await inColour('never');
    const [json, words] = [await question({ json: true }), await question({ get })];
    wrong.push(...uncleanIn(plain.out), ...uncleanColours((await inColour('always')).out, plain.out));
    wrong.push(...uncleanJson(json.out), ...uncleanGet(words.out, get.length));
    wrong.push(...[plain, json, words].flatMap(({ err }) => uncleanIn(err)));
  }
  return wrong;
}

function list(stateDir: string): readonly RunRecord[] {
  return listRuns(stateDir, JOB, 1000)?.records ?? [];
}

/** Readers that go different ways to the same facts. */
function disagreements(stateDir: string): string[] {
  const records = list(stateDir);
  const wrong: string[] = [];
  const ids = records.map(idOf);
  if (new Set(ids).size < ids.length) wrong.push('a run is listed twice');
  const [runs, gist] = [readJobRuns(stateDir, JOB), readJobGist(stateDir, JOB)];
  expect(gist).toEqual(gist === null ? runs : { ...runs, last: expect.objectContaining(gist.last ?? {}) });
  if ((runs?.last?.cron_job_id ?? null) !== (records.find(isEnded)?.cron_job_id ?? null)) {
    wrong.push('last and ls speak of different runs');
  }
  for (const one of ['completed', 'failed', 'timeout', 'interrupted', 'running'] as const) {
    const chosen = (listRuns(stateDir, JOB, 1000, one)?.records ?? []).map(idOf);
    const wanted = records.filter((record) => record.status === one).map(idOf);
    if (chosen.join() !== wanted.join()) wrong.push(`--status ${one} lists others`);
  }
  for (const json of records.filter(isEnded).map(encodeLine)) {
    const again = decodeRecord(json);
    if (again === null || encodeLine(again) !== json) wrong.push(`no record: ${json.slice(0, 900)}`);
  }
  return wrong;
}

/** The next run settles what is over: readers say the same before and after, and nothing that was written is touched. */
function wrongsOnceSettled(stateDir: string): string[] {
  const wrong: string[] = [];
  const path = journalPath(stateDir, JOB);
  const before = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const told = wordsOf(list(stateDir));
  const speaker = { job: JOB, program: 'true', now: () => NOW };
  lookBack(stateDir, JOB, (notice) => wrong.push(...uncleanIn(wordsFor(notice, speaker))));
  const now = wordsOf(list(stateDir));
  if (now !== told) wrong.push(`settled, it is told otherwise: ${told} -> ${now}`);
  const after = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  if (!after.subarray(0, before.length).equals(before)) wrong.push('the journal was rewritten');
  return wrong;
}

function wordsOf(records: readonly RunRecord[]): string {
  return records
    .map(({ cron_job_id, status, reason }) => `${cron_job_id} ${status} ${reason}`)
    .sort()
    .join('\n');
}

/** A state directory with these files of the job; gone when `use` is done. On a disk that is none, where there is one. */
async function withState<T>(
  journal: Buffer,
  starts: readonly (readonly [name: string, bytes: Buffer])[],
  use: (stateDir: string) => Promise<T>,
): Promise<T> {
  const stateDir = mkdtempSync(`${existsSync('/dev/shm') ? '/dev/shm' : tmpdir()}/cronrun-fuzz-`);
  try {
    mkdirSync(runningDirectory(stateDir, JOB), { recursive: true });
    writeFileSync(`${jobDirectory(stateDir, JOB)}/journal.jsonl`, journal);
    for (const [name, bytes] of starts) writeFileSync(`${runningDirectory(stateDir, JOB)}/${name}`, bytes);
    return await use(stateDir);
  } finally {
    rmSync(stateDir, { recursive: true });
  }
}

async function wrongsWith(
  journal: Buffer,
  starts: readonly (readonly [name: string, bytes: Buffer])[],
  whole: readonly string[],
): Promise<string[]> {
  return withState(journal, starts, async (stateDir) => {
    const ids = list(stateDir).map(idOf);
    const missing = whole.filter((id) => !ids.includes(id)).map((id) => `${id} is whole and not found`);
    const shown = await uncleanAnswers(stateDir, ids);
    return [...missing, ...shown, ...disagreements(stateDir), ...wrongsOnceSettled(stateDir)];
  });
}

const TIMEOUT = { status: 'timeout', reason: 'timed-out', exit_code: null, signal: 'SIGKILL' } as const;

const RECORDS: readonly RunRecord[] = [
  completed(1, { command: ['sh', '-c', 'echo "a:b" | tr , ;'] }),
  failed(2, 23, { previous_completed_at: at(1.5), user: 'jürgen' }),
  lost(3),
  completed(4, { job: 'other', timeout_ms: 90_000, timeout_source: '--timeout' }),
  { ...lost(5), settled_at: at(7), journal: { ino: 1, size: 0 } },
  completed(6, { previous_completed_at: at(4.5) }),
];
const LINES = RECORDS.map((record) => `${encodeLine(record)}\n`);

const STARTS: readonly (readonly [name: string, bytes: Buffer])[] = [
  [`${runId(10)}.jsonl`, startBytes(10, { wrapper: deadHere(), child: deadChild() })],
  [`${runId(11)}.jsonl`, startBytes(11, { wrapper: otherBoot() })],
  [`${runId(12)}.jsonl`, startBytes(12, { wrapper: deadHere(), end: endOf(12, COMPLETED) })],
  [`${runId(13)}.jsonl`, startBytes(13, { wrapper: deadHere(), end: endOf(13, failedWith(3)) })],
  [`${runId(14)}.jsonl`, startBytes(14, { wrapper: ELSEWHERE })],
  [`${runId(15)}.jsonl`, startBytes(15, { wrapper: aliveHere() })],
  [
    `${runId(16)}.end-timeout-timed-out-x-SIGKILL-${Date.parse(at(17))}-60000.jsonl`,
    startBytes(16, { end: endOf(16, TIMEOUT), endInName: true }),
  ],
];
const idIn = (name: string) => name.slice(0, 36);

/** More by CRONRUN_TEST_FUZZ, for a night. */
const RUNS = Number(process.env.CRONRUN_TEST_FUZZ ?? 60);

describe('readers', { timeout: 300_000 }, () => {
  it('of a journal in which anything may have happened', async () => {
    await fc.assert(
      fc.asyncProperty(mutations, async (mutate: Mutation) => {
        const journal = mutate(Buffer.from(LINES.join('')));
        const lines = new Set(rawLines(journal).map((line) => `${line}\n`));
        const whole = RECORDS.filter((_, i) => lines.has(Buffer.from(LINES[i] ?? '').toString('latin1'))).map(
          idOf,
        );
        expect(await wrongsWith(journal, [], whole)).toEqual([]);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });

  it('of the last line, which is read in more than one way', async () => {
    await fc.assert(
      fc.asyncProperty(mutations, async (mutate: Mutation) => {
        const [before, line] = [LINES.slice(0, -1), LINES.at(-1) ?? ''];
        const journal = Buffer.concat([Buffer.from(before.join('')), mutate(Buffer.from(line))]);
        expect(await wrongsWith(journal, [], RECORDS.slice(0, -1).map(idOf))).toEqual([]);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });

  it('of start records in which anything may have happened to one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(STARTS.length - 1), mutations, async (victim, mutate) => {
        const starts = STARTS.map(
          ([name, bytes], i) => [name, i === victim ? mutate(bytes) : bytes] as const,
        );
        const whole = starts.filter((_, i) => i !== victim).map(([name]) => idIn(name));
        expect(
          await wrongsWith(Buffer.from(LINES.join('')), starts, [...whole, ...RECORDS.map(idOf)]),
        ).toEqual([]);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });

  it('of files by any name in running/', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'end-',
        'completed-exited-0-x-',
        'SIG',
        '\x1b[31m',
        '\n',
        '\u202e',
        '.tmp',
        '9'.repeat(30),
        '-1',
        '..',
        ' ',
      ),
      fc.string({ maxLength: 8 }),
    );
    const names = fc
      .tuple(
        fc.constantFrom('', '.', runId(10), runId(20), `${runId(10)}.end-failed-exited-3-x-1-1`),
        fc.array(piece, { maxLength: 3 }),
        fc.constantFrom('.jsonl', '.tmp', ''),
      )
      .map((parts) => parts.flat().join(''))
      .filter(
        (name) => !/[/\0]/.test(name) && !['', '.', '..'].includes(name) && Buffer.byteLength(name) < 255,
      );
    await fc.assert(
      fc.asyncProperty(names, fc.constantFrom(...STARTS), async (name, [, bytes]) => {
        const others = STARTS.filter(([other]) => idIn(other) !== idIn(name));
        const starts = [...others, [name, bytes] as const];
        const whole = [...others.map(([other]) => idIn(other)), ...RECORDS.map(idOf)];
        expect(await wrongsWith(Buffer.from(LINES.join('')), starts, whole)).toEqual([]);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});
