/**
 * A run's id: a UUID of version 7 (RFC 9562), lower case with dashes. The first 48 bits are the millisecond of
 * the start, so ids sort by start; nothing depends on that order where a clock may have moved.
 */
export type RunId = string;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** How an id is written in records, in the environment and on the command line. */
export const ID_PREFIX = 'cron:';

/** Fewest hex digits that name a run. */
export const SHORTEST_PREFIX = 8;

/** @param startedAtMs wall clock, milliseconds since 1970. @param random at least 10 bytes. */
export function makeRunId(startedAtMs: number, random: Uint8Array): RunId {
  const time = Math.trunc(startedAtMs).toString(16).padStart(12, '0').slice(-12);
  let rest = '';
  for (let i = 0; i < 10; i++) rest += (random[i] ?? 0).toString(16).padStart(2, '0');
  const variant = ((Number.parseInt(rest.charAt(4), 16) & 0x3) | 0x8).toString(16);
  const hex = `${time}7${rest.slice(1, 4)}${variant}${rest.slice(5)}`;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function isRunId(text: string): text is RunId {
  return UUID.test(text);
}

/** "cron:01a200df-de74-7c3e-9b1d-2f6f0c5a9e11" */
export function formatRunId(id: RunId): string {
  return ID_PREFIX + id;
}

/** The id inside a `cron_job_id`, or null if it is none. */
export function readRunId(text: string): RunId | null {
  const id = text.startsWith(ID_PREFIX) ? text.slice(ID_PREFIX.length) : text;
  return isRunId(id) ? id : null;
}

/** What people are shown: the 12 digits of the millisecond, "01a200df-de74". */
export function shortRunId(id: RunId): string {
  return id.slice(0, 13);
}

/** A piece of a run id as somebody typed it. `forced`: written with "cron:", so never meant as a job name. */
export interface RunReference {
  readonly hex: string;
  readonly forced: boolean;
}

/** Null for text that cannot be (a piece of) a run id: too short, too long, or not hex digits and dashes. */
export function parseRunReference(text: string): RunReference | null {
  const forced = text.startsWith(ID_PREFIX);
  const hex = (forced ? text.slice(ID_PREFIX.length) : text).replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]+$/.test(hex) || hex.length < SHORTEST_PREFIX || hex.length > 32) return null;
  return { hex, forced };
}

/** Beginning or end: 500 runs that start at once share the 12 digits people are shown, and differ at the end. */
export function matchesReference(id: RunId, reference: RunReference): boolean {
  const hex = id.replaceAll('-', '');
  return hex.startsWith(reference.hex) || hex.endsWith(reference.hex);
}
