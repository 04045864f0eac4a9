import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  type Breach,
  explainBreach,
  isLink,
  judgeAbove,
  judgeLink,
  judgeOwn,
  judgeRecord,
} from '../model/ownership.js';
import { GROUP_READABLE, type Modes, makeDirectories, PRIVATE } from '../platform/durable.js';
import { effectiveUid } from '../platform/user.js';
import { jobDirectory, jobsDirectory, runningDirectory } from './directory.js';

/** Whether records may be written into a state directory. */
export interface Ownership {
  /** Null: they may. */
  readonly breach: Breach | null;
  /** How to make things in it. */
  readonly modes: Modes;
}

const ABSENT: Ownership = { breach: null, modes: PRIVATE };

/**
 * What tells a directory made for a monitoring group: its group may read, and owns what is made in it. A plain mkdir
 * leaves 0755, and the group of what is made in that is the user's own, to whom nobody meant to show commands.
 */
const FOR_A_GROUP = 0o2050;

/** Group rights that the administrator gave the state directory go on to what is made in it. */
function modesBelow({ mode }: Stats): Modes {
  return (mode & FOR_A_GROUP) === FOR_A_GROUP ? GROUP_READABLE : PRIVATE;
}

/** Links that are followed one behind the other, as many as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * Looks whether the state directory and the directories of `job` (null: of no job) in it are ours alone, before
 * anything is written there. What is not there yet will be made by us. For root the directories above count as well:
 * what they lead to is root's to write, wherever it is. Throws what the file system says where it lets nobody look.
 */
export function inspectOwnership(stateDir: string, job: string | null, user = effectiveUid()): Ownership {
  const breach = user === 0 ? inspectAbove(stateDir, user, MOST_LINKS) : null;
  return breach === null ? inspectOwn(stateDir, job, user) : { breach, modes: PRIVATE };
}

/** The same without the directories above, for who looked at those when the run began. */
export function inspectOwn(stateDir: string, job: string | null, user = effectiveUid()): Ownership {
  const place = inspectStateDirectory(stateDir, user, MOST_LINKS);
  if (place.breach !== null || place === ABSENT) return place;
  return { ...place, breach: inspectInside(stateDir, job, user) };
}

/** The state directory may be reached by a link: then what it leads to has to stand the test. */
function inspectStateDirectory(path: string, user: number, links: number): Ownership {
  const entry = look(path);
  if (entry === null) return ABSENT;
  if (!isLink(entry)) return { breach: judgeOwn(path, entry, user), modes: modesBelow(entry) };
  const breach = judgeLink(path, entry, user);
  if (breach !== null) return { breach, modes: PRIVATE };
  const target = targetOf(path, links);
  const above = user === 0 ? inspectAbove(target, user, links - 1) : null;
  if (above !== null) return { breach: above, modes: PRIVATE };
  return inspectStateDirectory(target, user, links - 1);
}

function inspectInside(stateDir: string, job: string | null, user: number): Breach | null {
  const jobs = jobsDirectory(stateDir);
  const ofJob = job === null ? [] : [jobDirectory(stateDir, job), runningDirectory(stateDir, job)];
  for (const path of [jobs, ...ofJob]) {
    const entry = look(path);
    if (entry === null) return null;
    const breach = judgeOwn(path, entry, user);
    if (breach !== null) return breach;
  }
  return null;
}

/** The directories above `path`, from / down to where they end. */
function inspectAbove(path: string, user: number, links: number): Breach | null {
  for (const directory of directoriesAbove(path)) {
    const entry = look(directory);
    if (entry === null) return null;
    const breach = isLink(entry)
      ? (judgeLink(directory, entry, user) ?? inspectBehind(directory, user, links))
      : judgeAbove(directory, entry, user);
    if (breach !== null) return breach;
  }
  return null;
}

/** What a link leads to, and the directories above that. */
function inspectBehind(link: string, user: number, links: number): Breach | null {
  return inspectAbove(`${targetOf(link, links)}/`, user, links - 1);
}

function targetOf(link: string, links: number): string {
  if (links === 0) throw Object.assign(new Error('ELOOP: too many symbolic links'), { code: 'ELOOP' });
  return resolve(dirname(link), readlinkSync(link));
}

/** "/", "/var" and "/var/lib" for "/var/lib/cronrun". */
function directoriesAbove(path: string): string[] {
  const above = ['/'];
  for (let at = path.indexOf('/', 1); at !== -1; at = path.indexOf('/', at + 1))
    above.push(path.slice(0, at));
  return above;
}

/** The same for a start record that is to be acted on; null also where it is gone. */
export function inspectRecord(path: string, user = effectiveUid()): Breach | null {
  const entry = look(path);
  return entry === null ? null : judgeRecord(path, entry, user);
}

const IF_THERE = { throwIfNoEntry: false } as const;

function look(path: string): Stats | null {
  return lstatSync(path, IF_THERE) ?? null;
}

/** Somebody else decides what is where a record would be written: nothing is. */
export class NotOurs extends Error {
  constructor(breach: Breach) {
    super(explainBreach(breach));
  }
}

/** Throws NotOurs; see inspectOwn. */
export function requireOwn(stateDir: string, job: string): void {
  const { breach } = inspectOwn(stateDir, job);
  if (breach !== null) throw new NotOurs(breach);
}

/**
 * Makes a directory of `job` and those above it. Somebody may have been quicker and made one of them, so all are
 * looked at once more. Throws NotOurs. @returns as makeDirectories.
 */
export function makeOwnDirectories(stateDir: string, job: string, directory: string, mode: number): string {
  const there = makeDirectories(directory, mode);
  const { breach } = inspectOwnership(stateDir, job);
  if (breach !== null) throw new NotOurs(breach);
  return there;
}
