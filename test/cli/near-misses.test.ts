import { describe, expect, it } from 'vitest';
import { failureText } from '../../src/cli/failure.js';
import { noSuchCommand } from '../../src/cli/near-misses.js';

function said(word: string, ...args: string[]): string {
  return failureText(noSuchCommand(word, args));
}

describe('a command that there is not', () => {
  it.each([
    ['logs', ['backup'], 'Runs of a job: cronrun ls backup. What one printed: cronrun output backup'],
    ['logs', [], 'Runs of a job: cronrun ls JOB. What one printed: cronrun output JOB'],
    ['LOGS', ['backup'], 'Runs of a job: cronrun ls backup. What one printed: cronrun output backup'],
    ['tail', ['-f', 'backup'], 'What a run printed: cronrun output backup'],
    ['history', ['-n', 'backup'], 'Runs of a job: cronrun ls backup'],
    ['list', [], 'All jobs: cronrun ls'],
    ['list', ['backup'], 'Runs of a job: cronrun ls backup'],
    ['run', [], 'Run and record a command: cronrun exec JOB -- COMMAND'],
    ['run', ['backup'], 'Run and record a command: cronrun exec backup -- COMMAND'],
    ['run', ['b', '--', 'ls', 'a b'], "Run and record a command: cronrun exec b -- ls 'a b'"],
    ['check', ['backup'], 'Did the last run complete: cronrun last --exit-code backup'],
    ['show', ['backup'], 'What a job does now, or how it ended: cronrun status backup'],
    ['ps', ['aux'], 'Runs that go on: cronrun ls --status running'],
    ['kill', ['backup'], 'To end what goes on of a job: cronrun stop backup'],
    ['rm', ['backup'], 'To forget a job: cronrun forget backup'],
    ['resolve', ['01a200df'], 'To say that a run is over: cronrun settle RUN-ID'],
    ['setle', ['01a200df'], 'Perhaps settle'],
    ['version', [], 'The version: cronrun --version'],
    ['journal', [], 'The format of the records: cronrun man journal'],
    ['lst', [], 'Perhaps last'],
    ['exce', ['b', '--', 'x'], 'Perhaps exec'],
  ])('%s %j: %s', (word, args, remedy) => {
    const text = said(word, ...args).replaceAll('\n  ', ' ');
    expect(text).toBe(`cronrun: no command "${word}". ${remedy}
`);
  });

  it('does not break what is to be typed', () => {
    expect(said('check', 'backup')).toMatch(/\n {2}cronrun last --exit-code backup\n$/);
  });

  it('exec was left out', () => {
    expect(said('backup', '--', 'rsync', '-a')).toBe(
      'cronrun: a run begins with exec. Type:\n  cronrun exec backup -- rsync -a\n',
    );
  });

  it('nothing is near', () => {
    expect(said('frobnicate')).toBe(
      'cronrun: no command "frobnicate". Write exec, checkpoint, status, last, ls,\n  output, wait, stop, settle, prune, forget, check, metrics, pings or man\n  (cronrun --help says what they do)\n',
    );
    expect(said('constructor')).toContain('Write exec,');
    expect(said('\u001b[2J')).toContain('no command "\\u001b[2J"');
  });
});
