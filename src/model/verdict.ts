import type { GroupJudgement, Liveness, PlaceMatch } from './liveness.js';
import type { Reason } from './record.js';

/** What a reader found out about a start record that no journal line and no recorded end overrule. */
export interface Evidence {
  readonly place: PlaceMatch;
  readonly wrapper: Liveness;
  /** The child's session and group or, where the child was never written down, whoever carries the run's id. */
  readonly child: GroupJudgement['liveness'];
}

export type Verdict = Extract<Reason, 'running' | 'orphaned' | 'unverifiable' | 'lost' | 'rebooted'>;

/**
 * The verdicts about a run that nobody has told the end of, see cronrun-journal(5). "interrupted" (lost, rebooted) is
 * said on proof, or on a person's promise about places; what cannot be decided is unverifiable.
 */
export function judgeRun(evidence: Evidence): Verdict {
  if (evidence.place === 'other-boot') return 'rebooted';
  // Not rebooted, though the boot may be another: that is known of this host only.
  if (evidence.place === 'replaced') return 'lost';
  if (evidence.place === 'elsewhere') return 'unverifiable';
  if (evidence.wrapper === 'alive') return 'running';
  if (evidence.wrapper === 'unknown') return 'unverifiable';
  switch (evidence.child) {
    case 'alive':
      return 'orphaned';
    case 'dead':
      return 'lost';
    case 'unknown':
      return 'unverifiable';
  }
}
