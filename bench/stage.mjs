// State directories of the sizes that the bench asks about.
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';

/** One journal line as cronrun writes it; `n` makes it unique. */
export function journalLine(job, n, status = 'completed') {
  const id = `cron:${(0x019f0000_0000 + n)
    .toString(16)
    .padStart(12, '0')
    .replace(/^(.{8})/, '$1-')}-7000-8000-${n.toString(16).padStart(12, '0')}`;
  const at = new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString();
  const completed = status === 'completed';
  return `${JSON.stringify({
    schema: 1,
    cron_job_id: id,
    job,
    status,
    reason: 'exited',
    exit_code: completed ? 0 : 23,
    signal: null,
    started_at: at,
    completed_at: completed ? at : null,
    ended_at: at,
    duration_ms: 1234,
    timeout_ms: null,
    command: ['/usr/local/bin/backup', '--full'],
    cwd: '/root',
    host: 'db1',
    user: 'root',
    pid: 4711,
    timeout_signal: 'SIGTERM',
    kill_after_ms: 10000,
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    span_id: '00f067aa0ba902b7',
    previous_completed_at: at,
  })}\n`;
}

/** A job with `lines` runs and, as every real one has, an empty `running/`. */
export function makeJob(stateDir, job, lines) {
  const directory = `${stateDir}/jobs/${job}`;
  mkdirSync(`${directory}/running`, { recursive: true, mode: 0o700 });
  const journal = `${directory}/journal.jsonl`;
  writeFileSync(journal, '', { mode: 0o600 });
  let pieces = [];
  for (let n = 0; n < lines; n++) {
    pieces.push(journalLine(job, n, n % 7 === 3 ? 'failed' : 'completed'));
    if (pieces.length < 50_000 && n < lines - 1) continue;
    appendFileSync(journal, pieces.join(''));
    pieces = [];
  }
}
