import { describe, expect, it } from 'vitest';
import type { AnswerCall, ExecCall, LsCall } from '../../src/cli/call.js';
import { failureText } from '../../src/cli/failure.js';
import { type Shown, understand } from '../../src/cli/understand.js';
import { RECORD_FIELDS } from '../../src/model/record.js';

type Env = Record<string, string>;

/** Folding is the printer's affair, and tested with it. */
function flat(text: string): string {
  return text.replace(/\n */g, ' ');
}

/** What stderr gets for a line that is refused. */
function refusal(argv: readonly string[], env: Env = {}): string {
  try {
    return `accepted: ${JSON.stringify(understand(argv, env))}`;
  } catch (error) {
    return failureText(error);
  }
}

function exec(argv: readonly string[], env: Env = {}): ExecCall {
  return understand(['exec', ...argv], env) as ExecCall;
}

/** Of what exec tells others. */
const NOBODY_IS_TOLD = {
  schedule: null,
  graceMs: 600_000,
  onSuccess: null,
  onFailure: null,
  onEnd: null,
  textfile: null,
  ping: null,
  pingCreate: false,
  pingWithout: [],
  pingOnSuccess: 'exit-code',
  pingOnFailure: 'exit-code',
  pingOnNotStarted: 'fail',
  pingHeader: null,
  pingTimeoutMs: 5000,
  pingRetries: 2,
};

describe('exec', () => {
  it('defaults', () => {
    expect(exec(['backup', '--', 'true'])).toEqual({
      command: 'exec',
      job: 'backup',
      argv: ['true'],
      options: {
        stateDir: null,
        exclusiveState: false,
        color: 'auto',
        timeoutMs: null,
        timeoutSource: null,
        killAfterMs: 10_000,
        signal: 'SIGTERM',
        successCodes: [],
        requireRecord: false,
        requireCheckpoint: null,
        recordCommand: 'all',
        journalLimit: 20_971_520,
        overlap: 'allow',
        overlapWaitMs: 0,
        overlapExitCode: 75,
        output: 'inherit',
        outputLimit: 1_048_576,
        keepOutput: 10,
        ...NOBODY_IS_TOLD,
      },
    });
  });

  it('options before and behind the job, the last one counts', () => {
    const call = exec([
      '-t',
      '1m',
      '-k5',
      'backup',
      '--signal=int',
      '-t',
      '2m',
      '--require-record',
      '--',
      'true',
    ]);
    expect(call.options).toMatchObject({
      timeoutMs: 120_000,
      timeoutSource: '--timeout',
      killAfterMs: 5000,
      signal: 'SIGINT',
      requireRecord: true,
    });
  });

  it('whatever stands behind the first -- reaches the command', () => {
    const argv = ['sh', '-h', '--timeout', '--', '', 'a\nb', '--version', 'é'];
    expect(exec(['backup', '--', ...argv]).argv).toEqual(argv);
  });

  const TWINS: Env = {
    CRONRUN_TIMEOUT: '1h',
    CRONRUN_KILL_AFTER: '0',
    CRONRUN_SIGNAL: 'INT',
    CRONRUN_SUCCESS_CODES: '24',
    CRONRUN_REQUIRE_RECORD: '1',
    CRONRUN_REQUIRE_CHECKPOINT: 'done',
    CRONRUN_RECORD_COMMAND: 'name',
    CRONRUN_JOURNAL_LIMIT: '1G',
    CRONRUN_OVERLAP: 'wait',
    CRONRUN_OVERLAP_WAIT: '5m',
    CRONRUN_OVERLAP_EXIT_CODE: '0',
    CRONRUN_OUTPUT: 'on-failure',
    CRONRUN_OUTPUT_LIMIT: '64K',
    CRONRUN_KEEP_OUTPUT: '3',
    CRONRUN_SCHEDULE: '30 2 * * *',
    CRONRUN_GRACE: '30m',
    CRONRUN_ON_SUCCESS: 'true',
    CRONRUN_ON_FAILURE: 'false',
    CRONRUN_ON_END: ':',
    CRONRUN_TEXTFILE_DIR: '/srv/prom',
    CRONRUN_PING: 'https://hc.example/1',
    CRONRUN_PING_CREATE: '1',
    CRONRUN_PING_WITHOUT: 'start,body',
    CRONRUN_PING_ON_SUCCESS: 'success',
    CRONRUN_PING_ON_FAILURE: 'log',
    CRONRUN_PING_ON_NOT_STARTED: 'exit-code',
    CRONRUN_PING_HEADER: 'X-Team: ops',
    CRONRUN_PING_TIMEOUT: '2s',
    CRONRUN_PING_RETRIES: '0',
    CRONRUN_STATE_DIR: '/srv',
    CRONRUN_EXCLUSIVE_STATE: '1',
    CRONRUN_COLOR: 'never',
  };

  it('twins stand in for options', () => {
    expect(exec(['b', '--', 'true'], TWINS).options).toEqual({
      stateDir: '/srv',
      exclusiveState: true,
      color: 'never',
      timeoutMs: 3_600_000,
      timeoutSource: 'CRONRUN_TIMEOUT',
      killAfterMs: 0,
      signal: 'SIGINT',
      successCodes: [24],
      requireRecord: true,
      requireCheckpoint: 'done',
      recordCommand: 'name',
      journalLimit: 1_073_741_824,
      overlap: 'wait',
      overlapWaitMs: 300_000,
      overlapExitCode: 0,
      output: 'on-failure',
      outputLimit: 65_536,
      keepOutput: 3,
      ...NOBODY_IS_TOLD,
      schedule: expect.objectContaining({ expression: '30 2 * * *', zone: null }),
      graceMs: 1_800_000,
      onSuccess: 'true',
      onFailure: 'false',
      onEnd: ':',
      textfile: '/srv/prom',
      ping: 'https://hc.example/1',
      pingCreate: true,
      pingWithout: ['start', 'body'],
      pingOnSuccess: 'success',
      pingOnFailure: 'log',
      pingOnNotStarted: 'exit-code',
      pingHeader: 'X-Team: ops',
      pingTimeoutMs: 2000,
      pingRetries: 0,
    });
  });

  it('an empty twin is unset', () => {
    const empty = Object.fromEntries(Object.keys(TWINS).map((name) => [name, '']));
    expect(exec(['b', '--', 'true'], empty)).toEqual(exec(['b', '--', 'true']));
  });

  it('where the option is given the twin is not looked at', () => {
    expect(exec(['b', '-t5m', '--', 'true'], { CRONRUN_TIMEOUT: 'soon' }).options.timeoutMs).toBe(300_000);
    expect(
      exec(['b', '--no-require-record', '--', 'true'], { CRONRUN_REQUIRE_RECORD: 'yes' }).options,
    ).toMatchObject({
      requireRecord: false,
    });
  });

  it('0 undoes a limit of the environment, and has no source', () => {
    const { timeoutMs, timeoutSource } = exec(['b', '-t', '0', '--', 'true'], TWINS).options;
    expect([timeoutMs, timeoutSource]).toEqual([null, null]);
  });

  it.each([
    [['--require-record', '--no-require-record'], false],
    [['--no-require-record', '--require-record'], true],
  ])('%j', (options, required) => {
    expect(exec([...options, 'b', '--', 'true']).options.requireRecord).toBe(required);
  });

  it.each([
    ['0', '2', '*', '*', '*'],
    ['*/5', '*', '*', '*', '*'],
  ])('a schedule that lost its quotes: %s %s', (...fields) => {
    const said = refusal(['exec', '--schedule', ...fields, 'backup', '--', 'true']);
    expect(said).toBe("cronrun: exec: --schedule wants its five fields in quotes. Write '30 2 * * *'\n");
  });

  it('a schedule in quotes before a job that begins with a digit', () => {
    expect(exec(['--schedule', '0 2 * * *', '7zip', '--', 'true']).job).toBe('7zip');
  });

  it.each(['metrics', 'pings'])('%s speaks of all jobs', (command) => {
    expect(refusal([command, 'backup'])).toBe(
      `cronrun: ${command}: is of all jobs and takes no "backup". Leave it out\n`,
    );
  });

  it.each([
    [
      ['backup', 'rsync', '-a', '/srv', '/mnt'],
      'put -- between the job and its command',
      'backup -- rsync -a /srv /mnt',
    ],
    [['backup', 'sh', '-c', 'exit 3'], 'put -- between', "backup -- sh -c 'exit 3'"],
    [['-t', '5m', 'backup', '-k5', 'rm', '--', '-file'], 'put -- between', '-t 5m backup -k5 -- rm -- -file'],
    [['backup', 'echo', 'a\nb'], 'put -- between', 'JOB -- COMMAND [ARGUMENT...]'],
    [['backup', 'ls', '--help'], 'put -- between', 'backup -- ls --help'],
    [['backup', '--require-record', 'ls'], 'put -- between', 'backup --require-record -- ls'],
    [
      ['--timeout=5m', '--no-require-record', 'backup', 'ls'],
      'put --',
      '--timeout=5m --no-require-record backup -- ls',
    ],
    [['backup'], '-- and the command are missing', 'backup -- COMMAND'],
    [['backup', '--'], 'the command behind -- is missing', 'backup -- COMMAND'],
    [['--', '/usr/bin/rsync', '-a'], 'a run needs the name of its job', 'rsync -- /usr/bin/rsync -a'],
    [['-t', '5m', '--', '/'], 'a run needs the name of its job', '-t 5m JOB -- /'],
    [['--textfile', 'w', '--', 'true'], '--textfile took "w" as its value', '--textfile DIR w -- true'],
    [['--on-end', 'w', '--', 'true'], '--on-end took "w" as its value', '--on-end COMMAND w -- true'],
    [['--textfile', '/m', '--', 'true'], 'a run needs the name of its job', '--textfile /m true -- true'],
    [[], 'a run needs the name of its job', 'JOB -- COMMAND'],
  ])('%j: says what to type', (argv, problem, line) => {
    const lines = refusal(['exec', ...argv]).split('\n');
    expect(lines[0]).toContain(`cronrun: exec: ${problem}`);
    expect(lines[1]).toBe(`  cronrun exec ${line}`);
  });

  it.each([
    [['-t', '5min', 'backup', '--', 'true'], 'exec: --timeout 5min is not a duration. Write 5m\n  (units: '],
    [['-t', '-1', 'backup', '--', 'true'], 'exec: --timeout -1 is not a duration'],
    [['-t', 'backup', '--', 'true'], 'exec: --timeout backup is not a duration'],
    [['-t', '--', 'true'], 'exec: --timeout needs a value, DURATION. Write --timeout 5m\n'],
    [['backup', '--timeout', '--', 'true'], 'exec: --timeout needs a value'],
    [['-s', '-9', 'backup', '--', 'true'], 'exec: --signal -9 is not a signal. Write 9\n'],
    [['--state-dir', '-x', 'backup', '--', 'true'], 'exec: --state-dir -x looks like an option'],
    [['-1', '--', 'true'], 'exec: "-1" is not a job name'],
    [['my backup', '--', 'true'], 'only,\n  a letter or digit first, at most 64. Perhaps my-backup\n'],
    [['../etc', '--', 'true'], 'Perhaps etc\n'],
    [['', '--', 'true'], 'exec: "" is not a job name'],
    [['--timout', '5m', 'backup', '--', 'true'], 'exec: no option "--timout". Perhaps --timeout\n'],
    [['--no-timeout', 'backup', '--', 'true'], 'exec: no option "--no-timeout". Perhaps --timeout 0\n'],
    [['--no-require', 'backup', '--', 'true'], 'Perhaps --no-require-record\n'],
    [['--json', 'backup', '--', 'true'], 'exec: --json is an option of status, last and ls, not of exec\n'],
    [
      ['-a', 'backup', '--', 'true'],
      'exec: no option "-a". There are: cronrun exec --help\n  options of the command stand behind --\n',
    ],
    [
      ['--frobnicate', 'x', 'backup', '--', 'true'],
      'exec: no option "--frobnicate". There are: cronrun exec --help\n  options of the command stand behind --\n',
    ],
    [['-v', 'backup', '--', 'true'], 'exec: no option "-v". Perhaps --version\n'],
    [['--require-record=1', 'backup', '--', 'true'], 'exec: --require-record takes no value\n'],
    [['--signal=', 'backup', '--', 'true'], 'exec: --signal "" is not a signal'],
    [
      ['--record-command', 'nam', 'b', '--', 'true'],
      'exec: --record-command nam is not all or name. Perhaps name',
    ],
    [['--journal-limit', 'much', 'b', '--', 'true'], 'exec: --journal-limit much is not a size. Write 512K'],
  ])('%j is refused', (argv, message) => {
    expect(flat(refusal(['exec', ...argv]))).toContain(flat(message));
  });

  it.each([
    ['CRONRUN_TIMEOUT', 'soon', 'CRONRUN_TIMEOUT (environment): "soon" is not a duration.'],
    ['CRONRUN_KILL_AFTER', '-1', 'CRONRUN_KILL_AFTER (environment): "-1" is not a duration.'],
    ['CRONRUN_SIGNAL', 'x', 'CRONRUN_SIGNAL (environment): "x" is not a signal.'],
    ['CRONRUN_SUCCESS_CODES', '300', 'CRONRUN_SUCCESS_CODES (environment): "300" is not a list of'],
    ['CRONRUN_REQUIRE_RECORD', 'yes', 'CRONRUN_REQUIRE_RECORD (environment): "yes" is not 1 or 0.'],
    ['CRONRUN_RECORD_COMMAND', 'none', 'CRONRUN_RECORD_COMMAND (environment): "none" is not all or name'],
    ['CRONRUN_JOURNAL_LIMIT', '1 T', 'CRONRUN_JOURNAL_LIMIT (environment): "1 T" is not a size.'],
    ['CRONRUN_OVERLAP', 'never', 'CRONRUN_OVERLAP (environment): "never" is not allow, skip or wait'],
    [
      'CRONRUN_OVERLAP_EXIT_CODE',
      '256',
      'CRONRUN_OVERLAP_EXIT_CODE (environment): "256" is not an exit code',
    ],
    ['CRONRUN_EXCLUSIVE_STATE', 'true', 'CRONRUN_EXCLUSIVE_STATE (environment): "true" is not 1 or 0.'],
    ['CRONRUN_COLOR', 'blue', 'CRONRUN_COLOR (environment): "blue" is not auto, always or never'],
    ['CRONRUN_STATE_DIR', '-x', 'CRONRUN_STATE_DIR (environment): "-x" looks like an option.'],
  ])('a bad %s says that it stood in the environment', (twin, value, message) => {
    expect(flat(refusal(['exec', 'b', '--', 'true'], { [twin]: value }))).toContain(
      flat(`cronrun: exec: ${message}`),
    );
  });
});

describe('status and last', () => {
  it('all options', () => {
    const argv = [
      'last',
      '--exit-code',
      '--max-age',
      '26h',
      '--state-dir=/srv',
      '--color',
      'never',
      'backup',
    ];
    expect(understand(argv, {})).toEqual({
      command: 'last',
      target: 'backup',
      options: {
        stateDir: '/srv',
        exclusiveState: false,
        color: 'never',
        json: false,
        get: null,
        exitCode: true,
        maxAgeMs: 93_600_000,
      },
    });
  });

  it.each(['backup', 'cron:01a200df', '01a200df-de74', 'cron:01a200df-de74-7c3e-9b1d-2f6f0c5a9e11', 'logs'])(
    '%s is a target',
    (target) => {
      expect((understand(['status', target], {}) as AnswerCall<'status'>).target).toBe(target);
      expect((understand(['last', '--', target], {}) as AnswerCall<'last'>).target).toBe(target);
    },
  );

  it('the target may be left out: whether that means something, the command knows', () => {
    expect(understand(['status'], {})).toMatchObject({ target: undefined });
    expect(understand(['last'], {})).toMatchObject({ target: undefined });
  });

  it("never look at exec's twins", () => {
    const env = { CRONRUN_TIMEOUT: 'soon', CRONRUN_SIGNAL: 'x', CRONRUN_REQUIRE_RECORD: 'yes' };
    expect(understand(['last', 'b'], env)).toEqual(understand(['last', 'b'], {}));
    expect(understand(['ls'], env)).toEqual(understand(['ls'], {}));
  });

  it('--get takes every field of the record, and for status what only this moment knows', () => {
    const all = RECORD_FIELDS.join(',');
    expect(understand(['last', '--get', all, 'b'], {})).toMatchObject({ options: { get: RECORD_FIELDS } });
    expect(understand(['status', '--get', 'running,last_completed_at', 'b'], {})).toMatchObject({
      options: { get: ['running', 'last_completed_at'] },
    });
    expect(refusal(['last', '--get', 'running', 'b'])).toContain('no field "running"');
  });

  it.each([
    [['--json', '--get', 'status'], '--json and --get exclude each other. Write one'],
    [['--exit-code', '--json'], '--json and --exit-code exclude each other'],
    [['--exit-code', '--get', 'pid', '--json'], '--json and --get and --exit-code exclude each other'],
    [['--max-age', '26h'], '--max-age is for --exit-code. Write --exit-code --max-age 26h\n'],
    [['--exit-code', '--max-age', 'old'], '--max-age old is not a duration. Write 90s, 5m or 1h30m'],
    [['--get', 'exitcode'], '--get: no field "exitcode". Perhaps exit_code\n  (fields: schema cron_job_id '],
    [['--get', 'exit-code'], 'Perhaps exit_code\n'],
    [['--get', 'id'], 'Perhaps cron_job_id\n'],
    [['--get', 'Status'], 'Perhaps status\n'],
    [['--get', 'zzzzzz'], 'no field "zzzzzz"\n'],
    [['--get', 'constructor'], 'no field "constructor"'],
    [['a', 'b'], 'one job or run id, not 2: "a" and "b"\n'],
    [['a/b'], '"a/b" is neither a job name nor a run id: letters,'],
    [['cron:12'], '"cron:12" is not a run id'],
    [['-q'], '-q is an option of ls, not of'],
  ])('%j is refused', (argv, message) => {
    expect(flat(refusal(['last', ...argv]))).toContain(flat(message));
    expect(flat(refusal(['status', ...argv]))).toContain(flat(message));
  });
});

describe('ls', () => {
  it('all options', () => {
    const call = understand(['ls', '-q', '--status', 'failed', '--sort=name', '-n', '7'], {}) as LsCall;
    expect(call).toMatchObject({ job: undefined });
    expect(call.options).toEqual({
      stateDir: null,
      exclusiveState: false,
      color: 'auto',
      json: false,
      get: null,
      quiet: true,
      status: 'failed',
      sort: 'name',
      watch: false,
      limit: 7,
    });
  });

  it.each([
    [['-q', '--json'], '--json and --quiet exclude each other'],
    [['-w', '--json'], '--json and --watch exclude each other. Write one'],
    [['-q', '--watch', 'backup'], '--quiet and --watch exclude each other. Write one'],
    [['-n', '0'], '--limit 0 is not a whole number from 1 on'],
    [['--status', 'faild'], 'Perhaps failed'],
    [['--status', 'none'], 'is not running, completed, failed, timeout, interrupted or'],
    [['backup', '--sort', 'name'], '--sort is for jobs'],
    [['backup', '--get', 'recent'], 'no field "recent"'],
    [['cron:01a200df-de74'], '"cron:01a200df-de74" is a run. Type:\n  cronrun status cron:01a200df-de74\n'],
    [['--exit-code'], '--exit-code is an option of status and last, not of ls'],
    [['-5'], 'ls: no option "-5". Write -n 5\n'],
    [['--status', 'orphaned'], 'skipped. Perhaps running\n'],
    [['--status', 'lost'], 'skipped. Perhaps interrupted\n'],
    [['--format', 'json'], 'no option "--format". Perhaps --json or --get\n'],
  ])('%j is refused', (argv, message) => {
    expect(flat(refusal(['ls', ...argv]))).toContain(flat(message));
  });

  it('--get of a list of jobs knows their recent runs', () => {
    expect(understand(['ls', '--get', 'job,recent,running'], {})).toMatchObject({
      options: { get: ['job', 'recent', 'running'] },
    });
  });
});

describe('stop', () => {
  it('takes a job or a run, and no variable but those of every command', () => {
    const env = { CRONRUN_KILL_AFTER: 'nonsense', CRONRUN_SIGNAL: 'nonsense', CRONRUN_STATE_DIR: '/srv' };
    const call = { command: 'stop', target: 'backup' };
    const usual = { stateDir: '/srv', exclusiveState: false, color: 'auto' };
    expect(understand(['stop', 'backup'], env)).toEqual({
      ...call,
      options: { ...usual, killAfterMs: 10_000, signal: 'SIGTERM' },
    });
    expect(understand(['stop', '-k', '0', 'backup', '--signal=hup'], env)).toEqual({
      ...call,
      options: { ...usual, killAfterMs: 0, signal: 'SIGHUP' },
    });
  });

  it.each([
    [[], 'stop: name a job, or a run by its id all jobs: cronrun ls'],
    [['a', 'b'], 'stop: one job or run id, not 2: "a" and "b"'],
    [
      ['-s', 'USR1', 'a'],
      'stop: --signal USR1 tells no run to stop. Write TERM, INT, HUP or QUIT (SIGKILL at once: -k 1ms)',
    ],
    [['-s', 'trem', 'a'], 'stop: --signal trem is not a signal. Write TERM'],
  ])('%j: %s', (argv, message) => {
    expect(flat(refusal(['stop', ...argv]))).toBe(`cronrun: ${message} `);
  });
});

describe('prune and forget', () => {
  it('know what may go', () => {
    expect(understand(['prune', '--older-than', '90d'], {})).toMatchObject({
      command: 'prune',
      job: undefined,
      options: { olderThanMs: 90 * 86_400_000, keepRuns: null, dryRun: false },
    });
    expect(understand(['prune', 'backup', '--keep-runs', '10', '--dry-run'], {})).toMatchObject({
      job: 'backup',
      options: { olderThanMs: null, keepRuns: 10, dryRun: true },
    });
    expect(understand(['forget', '--dry-run', 'backup'], {})).toMatchObject({
      command: 'forget',
      job: 'backup',
      options: { dryRun: true },
    });
  });

  it.each([
    [['prune'], 'prune: say which runs: --older-than 90d, or --keep-runs 1000'],
    [
      ['prune', '--keep-runs', '1', '--older-than', '1d'],
      'prune: --older-than and --keep-runs exclude each other. Write one',
    ],
    [['prune', '--older-than', '90'], 'prune: --older-than 90 has no unit. Write 90d'],
    [['ls', '--status', 'skipped'], 'ls: skipped is a status of runs. Write ls --status skipped JOB'],
    [['forget', '--all'], 'forget: no option "--all". There are: cronrun forget --help'],
    [['prune', '--keep-runs', '0'], 'prune: --keep-runs 0 is not a whole number from 1 on. Write 20'],
    [['prune', '--keep-runs', '1', 'a', 'b'], 'prune: one job, not 2: "a" and "b"'],
    [['forget'], 'forget: name a job all jobs: cronrun ls'],
    [
      ['forget', '..'],
      'forget: ".." is not a job name: letters, digits and . _ - only, a letter or digit first, at most 64',
    ],
    [['forget', 'cron:01a200df'], 'forget: "cron:01a200df" is a run. Name a job'],
  ])('%j is refused', (argv, message) => {
    expect(flat(refusal(argv))).toBe(`cronrun: ${message} `);
  });
});

describe('settle', () => {
  it('takes a run id, and the options of all who judge', () => {
    const argv = ['settle', '--exclusive-state', '01a200df-de74', '--state-dir', '/srv'];
    expect(understand(argv, { CRONRUN_COLOR: 'never' })).toEqual({
      command: 'settle',
      run: '01a200df-de74',
      options: { stateDir: '/srv', exclusiveState: true, color: 'never' },
    });
    const undone = understand(['settle', '--no-exclusive-state', 'cron:01a200df'], {
      CRONRUN_EXCLUSIVE_STATE: '1',
    });
    expect(undone).toMatchObject({ run: 'cron:01a200df', options: { exclusiveState: false } });
  });

  it.each([
    [[], 'settle: name a run by its id. This lists what goes on: cronrun ls --status running'],
    [['backup'], 'settle: "backup" is not a run id. This shows those of a job: cronrun status backup'],
    [['01a200d'], 'settle: "01a200d" is not a run id. This shows those of a job: cronrun status 01a200d'],
    [['cron:xyz'], 'settle: "cron:xyz" is not a run id. Write 8 of its hex digits or more'],
    [['01a200df', '01a200e0'], 'settle: one run id, not 2: "01a200df" and "01a200e0"'],
    [['--json', '01a200df'], 'settle: --json is an option of status, last and ls, not of settle'],
  ])('%j is refused', (argv, message) => {
    expect(flat(refusal(['settle', ...argv]))).toBe(`cronrun: ${message} `);
  });
});

describe('man', () => {
  it('has two pages and looks at no twin', () => {
    expect(understand(['man'], { CRONRUN_COLOR: 'blue' })).toEqual({ command: 'man', page: undefined });
    expect(understand(['man', 'journal'], {})).toEqual({ command: 'man', page: 'journal' });
    expect(refusal(['man', 'jurnal'])).toContain(
      'man: no page "jurnal". Type cronrun man, or cronrun man journal',
    );
  });
});

describe('the program itself', () => {
  it('options that every command has may stand before it', () => {
    const behind = understand(['exec', '--state-dir', '/srv', '--color=never', 'b', '--', 'x'], {});
    expect(understand(['--state-dir', '/srv', '--color=never', 'exec', 'b', '--', 'x'], {})).toEqual(behind);
    expect(understand(['--state-dir', '/a', 'ls', '--state-dir', '/b'], {})).toMatchObject({
      options: { stateDir: '/b' },
    });
  });

  it.each([
    [['--json', 'ls'], '--json is an option of status, last and ls: write it behind that word'],
    [['-t', '5', 'wait', 'x'], '-t is an option of exec and wait: write it behind that word'],
    [['-n', '5', 'ls'], '-n is an option of ls and output: write it behind that word'],
    [['-x'], 'no option "-x"'],
    [['-V'], 'no option "-V". Perhaps --version\n'],
    [['--stat-dir', '/srv', 'ls'], 'no option "--stat-dir". Perhaps --state-dir\n'],
    [['--', 'true'], 'a run begins with exec and the name of its job. Type: cronrun exec true -- true\n'],
    [
      ['--color', 'never', '--', '/'],
      'a run begins with exec and the name of its job. Type: cronrun exec --color never JOB -- /\n',
    ],
    [['--state-dir'], '--state-dir needs a value, DIR. Write --state-dir /srv/cronrun'],
  ])('%j is refused', (argv, message) => {
    expect(flat(refusal(argv))).toContain(flat(`cronrun: ${message}`));
  });

  it.each([
    [[], false],
    [['--'], false],
    [['--color', 'never'], false],
    [['--help'], true],
    [['-h'], true],
    [['help'], true],
    [['help', '--help'], true],
  ])('%j shows the help of the program; asked for: %s', (argv, asked) => {
    const shown = understand(argv, {}) as Shown;
    expect(shown.text).toMatch(/^Usage: cronrun exec {7}\[options\]/);
    expect(shown.asked).toBe(asked);
  });

  it.each([
    [['exec', '--help']],
    [['exec', '-h', 'backup', '--', 'x']],
    [['exec', '--foo', '-h']],
    [['exec', '-t', '--help', 'b', '--', 'x']],
    [['--help', 'exec']],
    [['help', 'exec']],
  ])('%j shows the help of exec', (argv) => {
    expect((understand(argv, {}) as Shown).text).toContain(
      'Usage: cronrun exec [options] <job> -- <command>',
    );
  });

  it.each([[['--version']], [['last', '--version']], [['exec', '--version', 'x']], [['--version', 'ls']]])(
    '%j shows the version',
    (argv) => {
      expect(understand(argv, {})).toEqual({ command: 'show', text: 'cronrun unbuilt\n', asked: true });
    },
  );
});
