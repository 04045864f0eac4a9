/** Who tells others of a run. */
export const REPORTERS = ['ping', 'on-failure', 'on-success', 'on-end', 'textfile'] as const;

export type ReporterName = (typeof REPORTERS)[number];

/** What could not be told to others, and why. */
export interface ReportFailure {
  readonly reporter: ReporterName;
  /** One line; no secret stands in it. */
  readonly why: string;
  /** ISO 8601. */
  readonly at: string;
}
