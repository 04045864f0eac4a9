// A bundle of its own (dist/textfile.cjs): only a run that keeps a textfile of metrics loads it.
import type { Scene, Teller } from './teller.js';

export function textfileTeller(_directory: string, _scene: Scene): Teller {
  return { ended: () => Promise.resolve([]) };
}
