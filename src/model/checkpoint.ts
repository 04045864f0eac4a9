/** How far a run said it got; both null where it never said. */
export interface Reached {
  /** The last whole line it wrote, at most LONGEST_CHECKPOINT_BYTES of it. */
  readonly checkpoint: string | null;
  /** When it last wrote, ISO 8601. */
  readonly checkpoint_at: string | null;
}

/** What the next run could go on from once this one has ended: nothing, where it completed. */
export function resumeAfter(
  record: Pick<Reached, 'checkpoint'> & {
    readonly status: string;
    readonly previous_checkpoint: string | null;
  },
): string | null {
  return record.status === 'completed' ? null : (record.checkpoint ?? record.previous_checkpoint);
}

export const NOTHING_REACHED: Reached = { checkpoint: null, checkpoint_at: null };

/** Longest checkpoint that is kept, bytes of UTF-8; of a longer line the beginning counts. */
export const LONGEST_CHECKPOINT_BYTES = 1024;

const NEWLINE = 10;

/**
 * The last whole line of `bytes` that is not blank; null where there is none. A line without its newline may be half
 * written. `begins`: the bytes are all there is, so the first line is whole, too.
 */
export function lastCheckpoint(bytes: Buffer, begins: boolean): string | null {
  let end = bytes.lastIndexOf(NEWLINE);
  while (end !== -1) {
    const newline = end === 0 ? -1 : bytes.lastIndexOf(NEWLINE, end - 1);
    if (newline === -1 && !begins) return null;
    const text = checkpointOf(bytes.subarray(newline + 1, end));
    if (text !== '') return text;
    end = newline;
  }
  return null;
}

/** Whether some whole line of `bytes` is exactly `wanted`. */
export function hasCheckpoint(bytes: Buffer, wanted: string): boolean {
  return `\n${bytes.toString('utf8')}`.replaceAll('\r\n', '\n').includes(`\n${wanted}\n`);
}

/** Neither an environment nor a person has a use for NULs, which a power cut may leave, or for a carriage return. */
function checkpointOf(line: Buffer): string {
  const cut = new TextDecoder().decode(line.subarray(0, LONGEST_CHECKPOINT_BYTES), { stream: true });
  return cut.replaceAll('\0', '').trimEnd();
}
