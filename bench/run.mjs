// npm run bench: what cronrun costs, as ratios against a bare node and against its peers, in one run.
// Installs nothing; what is missing is said.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CRON_ENV, isThere, median, medianOf, pairedRatio, peakKiB, wallMs } from './measure.mjs';
import { makeJob } from './stage.mjs';

const N = Number(process.env.CRONRUN_BENCH_N ?? 40);
const BIN = resolve(import.meta.dirname, '../bin/cronrun');
const NODE = process.execPath;
const scratch = mkdtempSync(join(tmpdir(), 'cronrun-bench-'));
const env = { ...CRON_ENV, CRONRUN_NODE: NODE, CRONRUN_STATE_DIR: `${scratch}/state` };
const rows = [];

function row(figure, value, must, unit = '') {
  const text = typeof value === 'number' ? `${value.toFixed(value < 10 ? 2 : 1)}${unit}` : value;
  rows.push([figure, text, must]);
  console.log(`${figure.padEnd(62)} ${text.padStart(14)}   ${must}`);
}

/** The soft limit of open files below the hard one, as systemd starts cron. */
function lowerSoftLimit() {
  const { status } = spawnSync('prlimit', ['--pid', String(process.pid), '--nofile=1024:']);
  console.log(status === 0 ? 'soft limit of open files: 1024' : 'prlimit is missing: limits are as they are');
}

function speed() {
  const exec = [BIN, 'exec', 'bench', '--', '/bin/true'];
  row('exec wall / node -e 0', pairedRatio(exec, [NODE, '-e', '0'], N, env), '<= 1.60');
  for (const [peer, command, must] of [
    ['chronic true', ['chronic', '/bin/true'], '<= 1.20'],
    ['timeout 60 true', ['timeout', '60', '/bin/true'], ''],
    ['flock FILE true', ['flock', `${scratch}/lock`, '/bin/true'], ''],
  ]) {
    if (isThere(peer.split(' ')[0])) row(`exec wall / ${peer}`, pairedRatio(exec, command, N, env), must);
    else row(`exec wall / ${peer}`, 'not installed', must);
  }
}

function memory() {
  const exec = medianOf(9, () => peakKiB([BIN, 'exec', 'bench', '--', '/bin/true'], env));
  const bare = medianOf(9, () => peakKiB([NODE, '-e', '0'], env));
  row('peak memory of exec / node -e 0', exec && bare ? exec / bare : 'GNU time is missing', '<= 1.12');
}

async function waitingMemory() {
  const child = spawn(BIN, ['exec', 'waits', '--', '/bin/sleep', '60'], { env, stdio: 'ignore' });
  const running = `${env.CRONRUN_STATE_DIR}/jobs/waits/running`;
  const hasChild = () => {
    try {
      const name = readdirSync(running).find((file) => file.endsWith('.jsonl'));
      return name !== undefined && readFileSync(`${running}/${name}`, 'utf8').includes('{"pid":');
    } catch {
      return false;
    }
  };
  while (!hasChild()) await new Promise((next) => setTimeout(next, 10));
  await new Promise((next) => setTimeout(next, 500));
  const anonymous = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'));
  const ended = new Promise((next) => child.once('exit', next));
  child.kill('SIGTERM');
  await ended;
  row('anonymous memory of a waiting wrapper', Number(anonymous?.[1]) / 1024, '<= 6.5 MiB', ' MiB');
}

function readers() {
  const empty = `${scratch}/empty.cjs`;
  writeFileSync(empty, '');
  const large = `${scratch}/large`;
  makeJob(large, 'million', 1_000_000);
  makeJob(large, 'one', 1);
  spawnSync('sync'); // half a gigabyte that is still being written would slow down whoever comes first
  const last = (job) => [BIN, 'last', '--exit-code', '--state-dir', large, job];
  row(
    'last --exit-code of 1,000,000 lines / node empty.cjs',
    pairedRatio(last('million'), [NODE, empty], N, env),
    '<= 1.40',
  );
  row('the same / with one line', pairedRatio(last('million'), last('one'), N, env), '<= 1.05');
  const many = `${scratch}/many`;
  for (let n = 0; n < 10_000; n++) makeJob(many, `job-${n}`, 20);
  const ls = [BIN, 'ls', '--state-dir', many];
  row('ls of 10,000 jobs / node empty.cjs', pairedRatio(ls, [NODE, empty], Math.ceil(N / 4), env), '<= 12');
}

/** The end of a run is told in a file of metrics; nothing is read of the other jobs that it tells of. */
function textfile() {
  const exec = (jobs) => {
    const stateDir = `${scratch}/metrics-of-${jobs}`;
    const directory = `${stateDir}-textfile`;
    mkdirSync(directory);
    for (let n = 0; n < jobs; n++) makeJob(stateDir, `job-${n}`, 1);
    wallMs([BIN, 'metrics', '--state-dir', stateDir, '--textfile', directory], env);
    return [BIN, 'exec', '--state-dir', stateDir, '--textfile', directory, 'job-0', '--', '/bin/true'];
  };
  const one = exec(1);
  row('exec --textfile / exec, one job', pairedRatio(one, one.toSpliced(4, 2), N, env), '');
  row('exec --textfile, 10,000 jobs / one job', pairedRatio(exec(10_000), one, N, env), '');
}

/** Milliseconds from asking for a run to the first thing that its command does. */
function msToCommand(args, stateDir) {
  const begun = performance.timeOrigin + performance.now();
  const command = [...args, 'bench', '--', 'date', '+%s%N'];
  const { stdout, error } = spawnSync(BIN, ['exec', '-t', '1h', ...command], {
    env: { ...env, CRONRUN_STATE_DIR: stateDir },
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
  });
  if (error) throw error;
  return Number(stdout) / 1e6 - begun;
}

/** Pings that nobody answers: this process listens, and takes nothing while it waits for its children. */
async function pings() {
  const server = createServer();
  await new Promise((next) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, next));
  const stateDir = `${scratch}/pings`;
  const url = `http://127.0.0.1:${server.address().port}/check`;
  const ping = ['--ping', url, '--ping-timeout', '50ms', '--ping-retries', '0'];
  const ratios = [];
  for (let i = -2; i < N; i++) {
    const first = msToCommand(ping, stateDir);
    rmSync(`${stateDir}/pings`, { recursive: true, force: true });
    const second = msToCommand([], stateDir);
    if (i >= 0) ratios.push(first / second);
  }
  row('time to the command, --ping to a black hole / without', median(ratios), '<= 1.05');
  const waiting = { ...env, CRONRUN_STATE_DIR: stateDir };
  for (let n = 0; n < 20; n++) msToCommand(ping, stateDir);
  const exec = [BIN, 'exec', 'bench', '--', '/bin/true'];
  wallMs(exec, waiting); // tries once, and then leaves the server alone
  const costs = [];
  for (let i = 0; i < N; i++) costs.push(wallMs(exec, waiting) / wallMs(exec, env));
  row('exec wall, 20 pings wait for a dead server / none wait', median(costs), '<= 1.50');
  server.close();
}

async function storm(count) {
  const stateDir = `${scratch}/storm`;
  const begun = performance.now();
  const codes = await Promise.all(Array.from({ length: count }, (_, i) => stormRun(stateDir, i % 256)));
  const perSecond = count / ((performance.now() - begun) / 1000);
  const lines = readFileSync(`${stateDir}/jobs/storm/journal.jsonl`, 'utf8').trimEnd().split('\n');
  const whole = lines.filter((line) => isRecord(line)).length;
  const wrong = codes.filter((code, i) => code !== i % 256).length;
  row(
    `${count} execs at once: lost / torn / wrong exits`,
    `${count - whole} / ${lines.length - whole} / ${wrong}`,
    '0 / 0 / 0',
  );
  row(`${count} execs at once: runs a second`, perSecond, '>= 30');
  row(`the same / ${count} times node -e 0 at once`, perSecond / (await bareStorm(count)), '');
}

/** Bare nodes that are started in the same way; how many end in a second. */
async function bareStorm(count) {
  const begun = performance.now();
  await Promise.all(Array.from({ length: count }, () => bareRun()));
  return count / ((performance.now() - begun) / 1000);
}

function bareRun() {
  return new Promise((next) => spawn(NODE, ['-e', '0'], { env, stdio: 'ignore' }).once('exit', next));
}

function stormRun(stateDir, code) {
  return new Promise((next) => {
    const args = ['exec', 'storm', '--', '/bin/sh', '-c', `exit ${code}`];
    spawn(BIN, args, { env: { ...env, CRONRUN_STATE_DIR: stateDir }, stdio: 'ignore' }).once('exit', next);
  });
}

function isRecord(line) {
  try {
    return JSON.parse(line).schema === 1;
  } catch {
    return false;
  }
}

function syncs() {
  if (!isThere('strace'))
    return row('syncs of a second run: files, directories', 'strace is missing', '2, 1');
  const trace = `${scratch}/trace`;
  const command = [
    '-f',
    '-y',
    '-e',
    'trace=fsync,fdatasync',
    '-o',
    trace,
    BIN,
    'exec',
    'bench',
    '--',
    '/bin/true',
  ];
  wallMs([join('/usr/bin', 'strace'), ...command], env);
  const calls = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => / f(data)?sync\(/.test(line));
  const directories = calls.filter((line) => /running>|bench>|jobs>|state>/.test(line)).length;
  row('syncs of a second run: files, directories', `${calls.length - directories}, ${directories}`, '2, 1');
}

process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
console.log(`node ${process.version}, ${N} pairs each, ${new Date().toISOString().slice(0, 10)}`);
lowerSoftLimit();
speed();
memory();
await waitingMemory();
syncs();
readers();
textfile();
await pings();
await storm(500);
console.log(
  `\n| figure | measured | must |\n|---|---|---|\n${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`,
);
