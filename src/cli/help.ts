import type { CommandName, OptionSpec } from './options.js';

/** Help is never wider than this, whatever the terminal: it is read in mails and side by side, too. */
export const HELP_COLUMNS = 80;

interface CommandHelp {
  /** What follows the command's name. */
  readonly usage: string;
  readonly summary: string;
  /** Heading in the list of commands. */
  readonly group: string;
  /** Stands below the options. */
  readonly more: string;
}

const ASK = 'Ask:';
const TELL = 'Tell:';

const TWINS = `In brackets: the environment variable that stands in for an option, as at the
top of a crontab. The option wins.`;

const EXIT_OF_EXEC = `Exit status:
  0        completed
  75       skipped by --overlap, if --overlap-exit-code says no other
  124      ended by its timeout
  125      cronrun itself failed: usage, --require-record
  126 127  the command could not be run, or was not found
  128+n    cut short by signal n
  198      it exited with success, without what --require-checkpoint asks for
  others   the command's own`;

const exitOfAnswers = (
  of194: string,
): string => `Exit status: 0 if there is an answer, 193 if there is none, 125 on failure.
With --exit-code that of exec for the run (0 completed, 124 timeout, 125, 126,
127, 128+n cut short by signal n, 198, others the command's own), and
  193  no such job or run is on record
  194  ${of194}
  195  cut short, and nobody saw how
  196  cannot tell now: a newer run is orphaned or unverifiable
  197  completed, but longer ago than --max-age`;

const IN_A_CRONTAB = `In a crontab (cron's PATH is short; this finds the path: command -v cronrun):
  30 2 * * *  /usr/local/bin/cronrun exec -t 2h backup -- /usr/local/bin/backup`;

export const COMMAND_HELP: Readonly<Record<CommandName, CommandHelp>> = {
  exec: {
    usage: '[options] <job> -- <command> [args...]',
    summary: 'run a command and record how it ends',
    group: 'Run:',
    more: `${TWINS}\n\n${EXIT_OF_EXEC}\n\n${IN_A_CRONTAB}`,
  },
  checkpoint: {
    usage: '<text>',
    summary: 'inside a run: it got so far',
    group: 'Run:',
    more: `The same as echo TEXT >>"$CRONRUN_CHECKPOINT_FILE", and on disk when it returns.
The last line counts. status and last show it, the next run finds it in
CRONRUN_LAST_CHECKPOINT and, until a run completes, CRONRUN_RESUME_CHECKPOINT.`,
  },
  status: {
    usage: '[options] [job | run-id]',
    summary: 'what a job is doing now, or how it ended',
    group: ASK,
    more: `Without a job, inside a run: that run.\n\n${exitOfAnswers('it is running')}`,
  },
  last: {
    usage: '[options] [job | run-id]',
    summary: 'the last run that ended',
    group: ASK,
    more: `Without a job: inside a run the one before it, else the last of all jobs.\n\n${exitOfAnswers('no run has ended yet, one is running')}`,
  },
  ls: {
    usage: '[options] [job]',
    summary: 'all jobs, or the runs of one job, newest first',
    group: ASK,
    more: 'Exit status: 0 if there is an answer, 193 if there is none, 125 on failure.',
  },
  output: {
    usage: '[options] [job | run-id]',
    summary: 'what a run printed, if exec kept it',
    group: ASK,
    more: `Of a job, the newest run whose output was kept, which exec --output on-failure
does. Without a job: inside a run an earlier one, else the run that ended last.

Exit status: 0 if there is an answer, 193 if there is none, 125 on failure.`,
  },
  wait: {
    usage: '[options] <job | run-id>',
    summary: 'until a run has ended',
    group: ASK,
    more: `Of a job, the run that goes on. Exit status: that of last --exit-code for the
run, 194 if it had not ended in time, 196 if nobody can tell from here.`,
  },
  stop: {
    usage: '[options] <job | run-id>',
    summary: 'end what goes on of a job, or one run',
    group: 'Run:',
    more: `The run is told by its wrapper, which records how it ends; after the grace
period its session and process group get SIGKILL. A run that lost its wrapper is
ended itself. What has left it, a daemon with its CRONRUN_ID, is named only.

Exit status: 0 if nothing of it is left, also where nothing went on; 193 if
there is no such job or run; 196 if it cannot be judged from here, and nothing
was signalled; 125 if something is left, or on failure.`,
  },
  settle: {
    usage: '[options] <run-id>',
    summary: 'say that a run is over which cronrun cannot judge',
    group: TELL,
    more: `For a run that is unverifiable, and of which you know that it is over: it counts
as interrupted (lost) from then on. Refused while anything of it can be seen to
live. A run that goes on all the same may be doubled by the next one.

Exit status: 0 if the run is settled, or ended already; 193 if there is none;
125 if it goes on, or on failure.`,
  },
  prune: {
    usage: '[options] [job]',
    summary: 'remove what is on record of old runs',
    group: TELL,
    more: `One of --older-than and --keep-runs is needed; without a job it is all jobs.
The last run that ended always stays, and so does the last one that completed.

Exit status: 0, 193 if there is no such job, 125 on failure.`,
  },
  forget: {
    usage: '[options] <job>',
    summary: 'remove all that is on record of a job',
    group: TELL,
    more: `Refused while a run of it goes on, or cannot be judged.

Exit status: 0, 193 if there is no such job, 125 if a run goes on or on failure.`,
  },
  check: {
    usage: '[options] [job...]',
    summary: 'whether all is well, for Nagios, Icinga and Checkmk',
    group: ASK,
    more: `Without a job: all of them, the worst first. Prints one line with perfdata:
  CRONRUN CRITICAL: backup FAILED (23) 31m ago, after 4m 16s | age=87012s ...

Exit status: 0 ok, 1 warning, 2 critical, 3 unknown: a job without a run, no
answer, a usage error.`,
  },
  metrics: {
    usage: '[options]',
    summary: 'for Prometheus: all jobs in its text format',
    group: ASK,
    more: 'Exit status: 0, 125 on failure.',
  },
  pings: {
    usage: '[options]',
    summary: 'pings that could not be delivered yet',
    group: ASK,
    more: `The next exec of any job sends them, too. Where they go to is a secret, and not
shown.

Exit status: 0; 125 if one could not be sent, or on failure.`,
  },
  man: {
    usage: '[journal]',
    summary: 'the manual, or the page about the records',
    group: 'Read:',
    more: 'cronrun man is cronrun(1), cronrun man journal is cronrun-journal(5).',
  },
};

export const PROGRAM_SUMMARY =
  'Put it in front of a cron job and ask it later: did the job complete, or was it cut short?';

export const PROGRAM_MORE = `Exit status of exec, and later of last --exit-code for the same run:
  0        completed
  75       skipped by --overlap
  124      ended by its timeout
  125      cronrun itself failed
  126 127  the command could not be run, or was not found
  128+n    cut short by signal n
  198      it exited with success, without what --require-checkpoint asks for
  193-197  last only: no such run, none ended, unseen end, cannot tell, too old
  others   the command's own

${IN_A_CRONTAB}

More: cronrun <command> --help, cronrun man`;

/** The help of an option, its default and its environment twin. */
export function describeOption(option: OptionSpec<unknown>): string {
  const fallback = option.fallbackText === null ? '' : ` (default: ${option.fallbackText})`;
  const twin = option.twin === null ? '' : ` [${option.twin}]`;
  return `${option.help}${fallback}${twin}`;
}

/** "-t, --timeout <DURATION>", as help shows it and commander reads it. */
export function flagsOf(option: OptionSpec<unknown>): string {
  const short = option.short === null ? '' : `-${option.short}, `;
  const value = option.value === null ? '' : ` <${option.value}>`;
  return `${short}--${option.name}${value}`;
}
