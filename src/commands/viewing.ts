import type { Viewing } from '../view/facts.js';
import { decideColor, PLAIN, type Style } from '../view/style.js';
import { localZone } from '../view/time.js';
import { stdoutIsTerminal } from './terminal.js';
import type { CommonOptions, Surroundings } from './types.js';

/** How an answer is shown on this stdout, and whether that is a terminal. */
export interface Screen {
  readonly viewing: Viewing;
  readonly terminal: boolean;
}

/** Looks at stdout and at the colour options, once for each answer. */
export async function openScreen(options: CommonOptions, io: Surroundings): Promise<Screen> {
  const terminal = stdoutIsTerminal();
  const style = await styleFor(decideColor(options.color, io.env, terminal));
  return { viewing: { now: io.now(), zone: localZone, style }, terminal };
}

/** The painter is loaded only where there is something to paint. */
async function styleFor(color: boolean): Promise<Style> {
  return color ? (await import('../view/painter.js')).painter() : PLAIN;
}
