// A bundle of its own (dist/output.cjs): exec loads it where --output asks for it, before the command starts.
import { closeSync, fstatSync } from 'node:fs';
import { formatDuration } from '../model/duration.js';
import type { EndedRecord } from '../model/record.js';
import type { RunId } from '../model/run-id.js';
import { wallMs } from '../platform/clock.js';
import type { Modes } from '../platform/durable.js';
import { bootTimeMs } from '../platform/identity.js';
import { excerptOf, pourExcerpt } from '../platform/lines.js';
import { pour, pourOut } from '../platform/pour.js';
import type { Notice, Tell } from '../run/notice.js';
import type { OutputKeeper, OutputLog } from '../run/output.js';
import { journalPath, logPath, outputDirectory } from '../state/directory.js';
import { statusesSinceCompletion, withJournal } from '../state/journal.js';
import { createLog, cutLog, syncLog, tidyLogs } from '../state/output-log.js';
import {
  incompleteText,
  notStartedWords,
  signaledWords,
  signalRemark,
  stoppedWords,
  timedOutWords,
} from '../view/notices.js';
import { cutLine, leftOutLine, outputHeader, type Since } from '../view/output.js';
import { Strainer } from '../view/strain.js';
import { isTerminal, type Speaker, whyNotStarted } from './exec-words.js';
import type { ExecOptions } from './types.js';

type KeepOptions = Pick<ExecOptions, 'outputLimit' | 'keepOutput'>;

/** Where and for whom a log is kept. */
interface Place {
  readonly stateDir: string;
  readonly job: string;
  readonly id: RunId;
  readonly modes: Modes;
}

export function outputKeeper(options: KeepOptions, speaker: Speaker): OutputKeeper {
  return {
    open: (stateDir, job, id, modes, tell) => {
      const fd = createLog(stateDir, job, id, modes);
      return keptLog(fd, { stateDir, job, id, modes }, options, speaker, tell);
    },
  };
}

function keptLog(fd: number, place: Place, options: KeepOptions, speaker: Speaker, tell: Tell): OutputLog {
  const { stateDir, job, id } = place;
  let ending: Notice | null = null;
  return {
    path: logPath(stateDir, job, id),
    fd,
    sync: () => syncLog(fd, outputDirectory(stateDir, job)),
    tell: (notice) => {
      if (ENDINGS.includes(notice.kind)) ending = notice;
      else tell(notice);
    },
    finish: (record) => {
      // A stderr that is gone is no reason to keep more than was asked for, and the other way round.
      if (record.status !== 'completed') tryTo(() => print(fd, place, record, ending, speaker));
      tryTo(() => shorten(fd, place, options.outputLimit));
      tryTo(() => tidy(place, options));
      tryTo(() => closeSync(fd));
    },
  };
}

/** What the header says. */
const ENDINGS: readonly Notice['kind'][] = ['ended', 'incomplete', 'not-started'];

function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // The run is recorded, and its log stays as it is.
  }
}

const STDERR = 2;

/** No mail is read that is longer; the rest is in the log. */
const MOST_PRINTED_BYTES = 100 * 1024;

/** All on stderr: the log knows no other stream, and a crontab line that throws stdout away must still mail it. */
function print(
  fd: number,
  { stateDir, job }: Place,
  record: EndedRecord,
  ending: Notice | null,
  speaker: Speaker,
): void {
  const { how, remark } = endingWords(record, ending, speaker);
  const header = outputHeader({ record, how, remark, since: sinceOf(stateDir, job), now: speaker.now() });
  const { size } = fstatSync(fd);
  pour(STDERR, Buffer.from(size === 0 ? header : `${header}\n`));
  const write = isTerminal(STDERR)
    ? strained()
    : { take: (bytes: Buffer) => pour(STDERR, bytes), end: () => undefined };
  const excerpt = excerptOf(fd, size, MOST_PRINTED_BYTES);
  if (excerpt === null) pourOut(fd, 0, size, write.take);
  else {
    const { headEnd, tailStart, lines } = excerpt;
    pourExcerpt(fd, size, excerpt, leftOutLine(record, lines, tailStart - headEnd), write.take);
  }
  write.end();
}

function strained() {
  const strainer = new Strainer();
  return {
    take: (bytes: Buffer) => pour(STDERR, Buffer.from(strainer.strain(bytes))),
    end: () => pour(STDERR, Buffer.from(strainer.end())),
  };
}

interface EndingWords {
  readonly how: string;
  readonly remark: string | null;
}

function endingWords(record: EndedRecord, ending: Notice | null, { job, program }: Speaker): EndingWords {
  if (ending?.kind === 'not-started') {
    return { how: notStartedWords(whyNotStarted(ending, job, program)), remark: null };
  }
  if (ending?.kind === 'incomplete') return { how: incompleteText(ending), remark: null };
  switch (record.reason) {
    case 'timed-out':
      return { how: timedOutWords(record), remark: null };
    case 'signaled':
      return { how: signaledWords(record), remark: signalRemark(record) };
    case 'stopped':
      return { how: stoppedWords(record), remark: null };
    default: {
      const after = record.duration_ms === null ? '' : `, after ${formatDuration(record.duration_ms)}`;
      return { how: `FAILED: exit code ${record.exit_code}${after}`, remark: null };
    }
  }
}

/** Looked at, at most: a job that never worked may have a long history. */
const MOST_SINCE = 1000;

/** This run stands in the journal, or nobody can tell. */
function sinceOf(stateDir: string, job: string): Since | null {
  try {
    return withJournal(journalPath(stateDir, job), null, (journal) => {
      const statuses = statusesSinceCompletion(journal, MOST_SINCE);
      return { statuses, more: statuses.length === MOST_SINCE };
    });
  } catch {
    return null;
  }
}

function tidy(place: Place, { keepOutput, outputLimit }: KeepOptions): void {
  const clutter = { bootedAtMs: bootTimeMs(), nowMs: wallMs() };
  tidyLogs(place, place.id, keepOutput, clutter, (fd, id) => {
    // What was cut has a line more than the limit allows.
    if (fstatSync(fd).size > outputLimit + MOST_CUT_LINE_BYTES) shorten(fd, { ...place, id }, outputLimit);
  });
}

/** What the line about what is missing takes, with room to spare. */
const MOST_CUT_LINE_BYTES = 256;

function shorten(fd: number, place: Place, limitBytes: number): void {
  if (limitBytes === 0) return;
  cutLog(fd, place.id, limitBytes, place, ({ lines, bytes }) => cutLine(lines, bytes, limitBytes));
}
