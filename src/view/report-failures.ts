import type { ReportFailure } from '../model/report.js';
import { sanitize } from './sanitize.js';

/** At most so many are shown; the last ones, because those are of the end. */
const MOST_SHOWN = 3;

/** "ping failed: HTTP 500 (2 tries)", and how many more there are. */
export function failureLines(failures: readonly ReportFailure[]): string[] {
  const shown = failures
    .slice(-MOST_SHOWN)
    .map(({ reporter, why }) => `${reporter} failed: ${sanitize(why)}`);
  const more = failures.length - shown.length;
  return more === 0 ? shown : [...shown, `and ${more} more before: --get report_failures`];
}
