/** What a piece of text is, colour aside. */
export type Tone = 'good' | 'bad' | 'going' | 'faint';

/** How each kind of text is painted. Words carry the meaning; a style only repeats it. */
export type Style = Readonly<Record<Tone, (text: string) => string>>;

const same = (text: string): string => text;

/** No colour at all. */
export const PLAIN: Style = { good: same, bad: same, going: same, faint: same };

/**
 * Whether to colour: --color, then NO_COLOR, then FORCE_COLOR, then whether stdout is a terminal that can.
 * A variable that is empty is unset; FORCE_COLOR takes 0 and false for no, as node itself does.
 */
export function decideColor(
  choice: 'auto' | 'always' | 'never',
  env: Readonly<Record<string, string | undefined>>,
  terminal: boolean,
): boolean {
  if (choice !== 'auto') return choice === 'always';
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return terminal && env.TERM !== 'dumb';
}
