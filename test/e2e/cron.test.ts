import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { expect, it } from 'vitest';
import {
  afterwards,
  BIN,
  cronrun,
  fixture,
  journalOf,
  lastOf,
  poll,
  runningOf,
  runProgram,
  scratch,
} from '../helpers/cronrun.js';
import {
  describeUnless,
  firstObstacle,
  needsLinux,
  needsRoot,
  needsUnshare,
  type Obstacle,
} from '../helpers/needs.js';
import { endProcessesOf } from '../helpers/processes.js';
import { plantStartRecord } from '../helpers/start-records.js';

/** cron fires at full minutes. */
const TWO_MINUTES_MS = 120_000;

function needsCron(): Obstacle {
  const { status } = runProgram('sh', ['-c', 'command -v cron && [ -d /var/spool/cron/crontabs ]'], {
    env: PATHS,
  });
  return status === 0 ? null : "it takes Debian's cron, which is not installed";
}

const PATHS = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/** The crontab variable that a machine needs whose node is in no usual place. */
function nodeVariable(): string {
  const { status } = runProgram(BIN, ['--version'], { env: { PATH: '/nonexistent' } });
  return status === 0 ? '' : `CRONRUN_NODE=${process.execPath}\n`;
}

/** A directory for the commands of the crontab without node in it, as /usr/bin:/bin is for whoever uses nvm. */
function makePath(directory: string): string {
  const path = `${directory}/bin`;
  mkdirSync(path);
  for (const name of ['sh', 'sleep', 'touch', 'env']) symlinkSync(`/bin/${name}`, `${path}/${name}`);
  return path;
}

/** A stand-in that puts each mail into a file of its own, whole. */
function makeSendmail(directory: string): void {
  mkdirSync(`${directory}/mails`);
  const script = `#!/bin/sh\ncat >'${directory}/incoming.'$$\nmv '${directory}/incoming.'$$ '${directory}/mails/'$$\n`;
  writeFileSync(`${directory}/sendmail`, script);
  chmodSync(`${directory}/sendmail`, 0o755);
}

/** Returns its end: what it started goes on. */
function startCron(directory: string): () => void {
  const args = ['--mount', fixture('private-cron.sh'), directory];
  const cron = spawn('unshare', args, { env: PATHS, stdio: ['ignore', 'ignore', 'inherit'] });
  const end = () => void cron.kill('SIGKILL');
  afterwards(end);
  return end;
}

function mailsOf(directory: string): string[] {
  return readdirSync(`${directory}/mails`).map((name) => readFileSync(`${directory}/mails/${name}`, 'utf8'));
}

const noCron = firstObstacle(needsLinux, needsRoot, needsCron, () => needsUnshare('--mount'));

describeUnless(noCron, "Debian's cron", () => {
  it('fires a crontab: records, exit statuses, silence on success, mails about trouble', {
    timeout: 180_000,
  }, async () => {
    const directory = scratch();
    chmodSync(directory, 0o755);
    const stateDir = `${directory}/state`;
    afterwards(() => endProcessesOf(stateDir)); // cron's children outlive it
    makeSendmail(directory);
    plantStartRecord(stateDir, 'died', { wrapper: { boot_id: '6d9a2f3e-0000-4000-8000-000000000000' } });
    writeFileSync(
      `${directory}/crontab`,
      `PATH=${makePath(directory)}
MAILTO=root
CRONRUN_STATE_DIR=${stateDir}
${nodeVariable()}
* * * * * ${BIN} exec quiet -- touch ${directory}/touched
* * * * * ${BIN} exec fails -- sh -c 'exit 3'; echo "exit status $?" >${directory}/fails
* * * * * ${BIN} exec -t 1s slow -- sh -c 'echo fetching ...; exec sleep 1000'
* * * * * ${BIN} exec died -- sh -c 'exit 0'
* * * * * ${BIN} exec talks -- env
`,
    );
    const endCron = startCron(directory);

    const jobs = ['quiet', 'fails', 'slow', 'died', 'talks'];
    const ended = () => jobs.every((job) => journalOf(stateDir, job).some((line) => line.ended_at !== null));
    await poll(ended, 'an end of every job', TWO_MINUTES_MS);
    endCron(); // before it fires again
    await poll(() => mailsOf(directory).length >= 3 && existsSync(`${directory}/fails`), 'the mails');

    expect(jobs.map((job) => cronrun(stateDir, ['last', '--exit-code', job]).status)).toEqual([
      0, 3, 124, 0, 0,
    ]);
    expect(jobs.flatMap((job) => runningOf(stateDir, job))).toEqual([]);
    expect(readFileSync(`${directory}/fails`, 'utf8')).toBe('exit status 3\n');
    expect(existsSync(`${directory}/touched`)).toBe(true);
    expect(lastOf(stateDir, 'quiet')).toMatchObject({
      status: 'completed',
      user: 'root',
      command: ['touch', `${directory}/touched`],
    });

    const mails = mailsOf(directory);
    const about = (job: string) =>
      mails.filter((mail) => new RegExp(`^Subject: .* ${job} -- `, 'm').test(mail));
    expect(jobs.map((job) => about(job).length)).toEqual([0, 0, 1, 1, 1]);
    expect(bodyOf(about('slow')[0])).toMatch(
      /^fetching \.\.\.\ncronrun: slow: TIMEOUT: ended after 1s\n {2}never completed; cronrun status [0-9a-f]{8}-[0-9a-f]{4}\n$/,
    );
    expect(bodyOf(about('died')[0]).replace(/\s+/g, ' ')).toMatch(
      /^cronrun: died: the run before, of 2026-11-20 .* was INTERRUPTED: the machine restarted while it ran \(run 01a1f693-21c0\) $/,
    );
    expectBareEnvironment(bodyOf(about('talks')[0]), directory);
  });
});

function bodyOf(mail = ''): string {
  return mail.slice(mail.indexOf('\n\n') + 2);
}

/** What cron gives and what a run is told, and nothing of what the launcher needed on the way. */
function expectBareEnvironment(text: string, directory: string): void {
  const names = text.split('\n').map((line) => line.split('=', 1)[0] ?? '');
  const own = names.filter((name) => name.startsWith('CRONRUN_') && !name.startsWith('CRONRUN_LAST_'));
  expect(own.filter((name) => name !== 'CRONRUN_NODE').toSorted()).toEqual([
    'CRONRUN_CHECKPOINT_FILE',
    'CRONRUN_ID',
    'CRONRUN_JOB',
    'CRONRUN_RESUME_CHECKPOINT',
    'CRONRUN_RUNNING',
    'CRONRUN_STATE_DIR',
    'CRONRUN_UNSURE',
  ]);
  expect(text).toContain(`PATH=${directory}/bin\n`);
  expect(text).toContain('CRONRUN_LAST_STATUS=none\n');
  expect(names.filter((name) => name.startsWith('NODE'))).toEqual([]);
}
