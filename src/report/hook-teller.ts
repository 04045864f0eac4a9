// A bundle of its own (dist/hooks.cjs): only a run that has a hook loads it.
import type { Scene, Teller } from './teller.js';

/** Commands for sh; null: none. */
export interface Hooks {
  readonly onSuccess: string | null;
  readonly onFailure: string | null;
  readonly onEnd: string | null;
}

export function hookTeller(_hooks: Hooks, _scene: Scene): Teller {
  return { ended: () => Promise.resolve([]) };
}
