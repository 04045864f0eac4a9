import { describe, expect, it } from 'vitest';
import {
  type Missing,
  missingLine,
  missingText,
  noneEndedText,
  nothingChosenText,
  unreadableText,
} from '../../src/view/missing.js';
import * as sample from './samples.js';

const bakcup: Missing = {
  command: 'status',
  asked: 'bakcup',
  mayBeRun: false,
  stateDir: '/var/lib/cronrun',
  similar: [],
  others: [],
  runsOf: [],
  place: 'directory',
};
const elsewhere = { dir: '/home/al/.local/state/cronrun', jobs: 3, hasJob: false, hiddenByXdg: false };

describe('something that is not on record', () => {
  it('is said as drawn', () => {
    expect(missingText({ ...bakcup, similar: ['backup'] })).toBe(`\
cronrun: no run of "bakcup" is on record in /var/lib/cronrun
  jobs there with a name like it: backup
`);
    expect(missingLine(bakcup)).toBe('cronrun: no run of "bakcup" is on record in /var/lib/cronrun\n');
  });

  it('may have been meant as a run, or as anything', () => {
    expect(missingLine({ ...bakcup, asked: '01a200df', mayBeRun: true })).toContain(
      'no job or run "01a200df" is',
    );
    expect(missingLine({ ...bakcup, asked: null })).toBe(
      'cronrun: no run is on record in /var/lib/cronrun\n',
    );
  });

  it('may be where cron puts it', () => {
    const others = [{ ...elsewhere, hiddenByXdg: true }];
    expect(missingText({ ...bakcup, asked: null, stateDir: '/home/al/state/cronrun', others })).toBe(`\
cronrun: no run is on record in /home/al/state/cronrun
  3 jobs are in /home/al/.local/state/cronrun, which cron uses: it does not see
  XDG_STATE_HOME
  cronrun ls --state-dir /home/al/.local/state/cronrun
`);
  });

  it('may be on record by that name elsewhere', () => {
    const others = [{ ...elsewhere, dir: "/srv/it's", jobs: 1, hasJob: true }];
    expect(missingText({ ...bakcup, others })).toBe(`\
cronrun: no run of "bakcup" is on record in /var/lib/cronrun
  it is on record in /srv/it's
  cronrun status bakcup --state-dir '/srv/it'\\''s'
`);
  });

  it('may be where this user may not look', () => {
    const others = [{ dir: '/var/lib/cronrun', jobs: null, hasJob: false, hiddenByXdg: false }];
    expect(missingText({ ...bakcup, asked: null, stateDir: '/x', others })).toBe(`\
cronrun: no run is on record in /x
  this records one: cronrun exec JOB -- COMMAND
  there is /var/lib/cronrun too, which this user may not read
`);
  });

  it('is not there before the first run, nor where the place is misspelt', () => {
    const absent = { ...bakcup, place: 'absent' as const };
    expect(missingText({ ...absent, asked: null })).toBe(`\
cronrun: no run is on record in /var/lib/cronrun
  there is no such directory yet: the first cronrun exec JOB -- COMMAND makes it
`);
    expect(missingText(absent)).toBe(`\
cronrun: no run of "bakcup" is on record in /var/lib/cronrun
  there is no such directory yet
`);
    expect(missingText({ ...absent, asked: null, others: [elsewhere] })).not.toContain('no such directory');
    expect(missingText({ ...bakcup, place: 'no-directory' })).toContain('\n  it is not a directory\n');
  });

  it('may be a run where a job was expected', () => {
    const run = { ...bakcup, command: 'ls', asked: '01a200df-de74' };
    expect(missingText({ ...run, runsOf: ['backup'] })).toContain(
      '\n  it is a run of backup: cronrun status 01a200df-de74\n',
    );
    expect(missingText({ ...run, runsOf: ['backup', 'sync'] })).toContain(
      '\n  several runs have such an id: cronrun status 01a200df-de74\n',
    );
  });

  it('may be a piece of an id that is too short', () => {
    const line = '\n  a run is named by at least 8 digits of its id\n';
    expect(missingText({ ...bakcup, asked: '01a200' })).toContain(line);
    expect(missingText({ ...bakcup, asked: 'feed' })).not.toContain(line);
  });

  it('reaches the terminal without its control characters', () => {
    expect(missingLine({ ...bakcup, asked: 'a\u001b[2Jb', stateDir: '/\u202ex' })).toBe(
      'cronrun: no run of "ab" is on record in /x\n',
    );
  });
});

describe('other talk', () => {
  it('of a job none of whose runs has ended', () => {
    const run = sample.going(sample.beginning('reindex', '2026-11-22 02:53:00'), 'running').record;
    expect(noneEndedText('reindex', run)).toBe(
      'cronrun: no run of "reindex" has ended yet; one goes on (run 01a200df-de74)\n',
    );
    expect(noneEndedText(null, run)).toBe(
      'cronrun: no run has ended yet; one of "reindex" goes on (run 01a200df-de74)\n',
    );
    const orphan = { ...run, reason: 'orphaned' as const };
    expect(noneEndedText('reindex', orphan)).toBe(`\
cronrun: no run of "reindex" has ended yet; one has lost its wrapper and goes
  on (run 01a200df-de74)
`);
    const far = { ...run, reason: 'unverifiable' as const };
    expect(noneEndedText('reindex', far)).toBe(`\
cronrun: no run of "reindex" has ended yet; one cannot be judged from here
  (run 01a200df-de74)
`);
    expect(noneEndedText('reindex', null)).toBe('cronrun: no run of "reindex" has ended yet\n');
  });

  it('of lists that are empty, and of what was passed over', () => {
    expect(nothingChosenText(8, 'job', 'failed')).toBe('cronrun: none of 8 jobs has the status failed\n');
    expect(nothingChosenText(1, 'run', null)).toBe('cronrun: none of 1 run is shown\n');
    expect(unreadableText(1, 'backup')).toBe(
      'cronrun: backup: 1 line on record that is no record is left out\n',
    );
    expect(unreadableText(3, null)).toBe('cronrun: 3 lines on record that are no record are left out\n');
  });
});
