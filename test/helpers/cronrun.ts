import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach } from 'vitest';
import { RECORD_FIELDS } from '../../src/model/record.js';
import { endProcessesOf } from './processes.js';

/** The built bin, as a crontab would name it. */
export const BIN = resolve(import.meta.dirname, '../../bin/cronrun');

/** Children named by behaviour. */
export function fixture(name: string): string {
  return resolve(import.meta.dirname, '../fixtures', name);
}

const cleanups: (() => void)[] = [];

/** What a test left for afterwards is done. */
export function tidyUp(): void {
  for (const clean of cleanups.splice(0).reverse()) clean();
}

afterEach(tidyUp);

/** Runs `clean` after the test, whatever became of it. */
export function afterwards(clean: () => void): void {
  cleanups.push(clean);
}

/** An empty directory that is removed after the test. */
export function scratch(prefix = 'cronrun-test-'): string {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  afterwards(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** What cron gives a job, and nothing of the shell that runs the tests; `extra` on top. */
export function cronEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: process.env.HOME ?? '/root',
    LOGNAME: 'tester',
    SHELL: '/bin/sh',
    CRONRUN_NODE: process.execPath,
    ...extra,
  };
}

export interface Options {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly input?: string | Buffer;
  /** Ends a program that hangs; far above what any test needs. */
  readonly timeoutMs?: number;
}

export interface Result {
  /** What a shell would call $?: 128+n where a signal killed it. */
  readonly status: number;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What cronrun said, each message in one line: long ones are folded after 80 columns, and paths differ in length. */
export function said({ stderr }: Pick<Result, 'stderr'>): string {
  return stderr.replace(/\n {2}/g, ' ');
}

const HANGS_MS = 50_000;

/** Runs any program to its end. */
export function runProgram(file: string, args: readonly string[], options: Options = {}): Result {
  const { signal, status, stdout, stderr, error } = spawnSync(file, args, {
    env: options.env ?? cronEnvironment(),
    cwd: options.cwd,
    input: options.input ?? '',
    timeout: options.timeoutMs ?? HANGS_MS,
    killSignal: 'SIGKILL',
    maxBuffer: 64 * 1024 * 1024,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return { status: status ?? 128 + signalNumber(signal), signal, stdout, stderr };
}

/** Runs cronrun with `stateDir` to its end. */
export function cronrun(stateDir: string, args: readonly string[], options: Options = {}): Result {
  const env = { ...(options.env ?? cronEnvironment()), CRONRUN_STATE_DIR: stateDir };
  return runProgram(BIN, args, { ...options, env });
}

function signalNumber(signal: NodeJS.Signals | null): number {
  const { constants } = os;
  return signal === null ? 0 : constants.signals[signal];
}

/** A program that goes on while the test does. */
export class Going {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  /** Resolves when it is gone; somebody else may still hold its stdout. */
  readonly exited: Promise<unknown>;
  /** Resolves when it is gone and everything it wrote has been read. */
  readonly ended: Promise<Result>;

  constructor(file: string, args: readonly string[], options: Options = {}) {
    const { env = cronEnvironment(), cwd } = options;
    this.child = spawn(file, args, { env, cwd, stdio: 'pipe' });
    this.child.stdout?.on('data', (data) => {
      this.stdout += data;
    });
    this.child.stderr?.on('data', (data) => {
      this.stderr += data;
    });
    this.exited = new Promise((resolveExit) => {
      this.child.on('exit', resolveExit);
    });
    this.ended = new Promise((resolveEnd) => {
      this.child.on('close', (code, signal) => {
        const status = code ?? 128 + signalNumber(signal);
        resolveEnd({ status, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
    if (options.input !== undefined) this.child.stdin?.end(options.input);
    afterwards(() => void this.child.kill('SIGKILL'));
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Resolves once `text` stands on stdout: fixtures say "ready" before anything is sent to them. */
  says(text: string): Promise<unknown> {
    return poll(() => this.stdout.includes(text), `"${text}" on stdout`);
  }

  /** Waits for "ready PID" on stdout, behind `who` where several say it, and returns the pid. */
  async ready(who = ''): Promise<number> {
    const pattern = new RegExp(`^${who} ?ready (\\d+)$`, 'm');
    return Number((await poll(() => pattern.exec(this.stdout), `${who} ready on stdout`))[1]);
  }

  /** How many lines of stdout are `line`. */
  count(line: string): number {
    return this.stdout.split('\n').filter((each) => each === line).length;
  }
}

/** Starts cronrun with `stateDir`. */
export function start(stateDir: string, args: readonly string[], options: Options = {}): Going {
  return startProgram(stateDir, BIN, args, options);
}

/** Starts a program that becomes cronrun, or calls it. Whatever carries `stateDir` is ended after the test. */
export function startProgram(
  stateDir: string,
  file: string,
  args: readonly string[],
  options: Options = {},
): Going {
  const env = { ...(options.env ?? cronEnvironment()), CRONRUN_STATE_DIR: stateDir };
  if (!ending.has(stateDir)) {
    ending.add(stateDir);
    afterwards(() => {
      ending.delete(stateDir);
      endProcessesOf(stateDir);
    });
  }
  return new Going(file, args, { ...options, env });
}

const ending = new Set<string>();

/** Looks until `look` gives something true, at most `boundMs`. Never a guessed sleep. */
export async function poll<T>(look: () => T, what: string, boundMs = 30_000): Promise<NonNullable<T>> {
  const begun = performance.now();
  for (;;) {
    const seen = look();
    if (seen) return seen as NonNullable<T>;
    const passed = performance.now() - begun;
    if (passed > boundMs) throw new Error(`waited ${boundMs} ms in vain for ${what}`);
    // What takes long is looked at less often: a look may read all of /proc.
    await new Promise((next) => setTimeout(next, Math.min(Math.max(5, passed / 10), 50)));
  }
}

/** True while a process lives; zombies do not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** The whole lines of a job's journal that are JSON. */
export function journalOf(stateDir: string, job: string): Record<string, unknown>[] {
  const path = `${stateDir}/jobs/${job}/journal.jsonl`;
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => withAllFields(JSON.parse(line) as Record<string, unknown>));
}

/** A line leaves out what is null or false. */
export function withAllFields(line: Record<string, unknown>): Record<string, unknown> {
  const whole: Record<string, unknown> = {};
  for (const field of RECORD_FIELDS)
    whole[field] = field === 'killed' || field === 'command_cut' ? false : null;
  return { ...whole, ...line };
}

/** The run ids of the lines of a job's journal, in their order; what a full disk or a power cut tore is passed over. */
export function journaledIds(stateDir: string, job: string): string[] {
  const directory = `${stateDir}/jobs/${job}`;
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.jsonl')) : [];
  // Those that were moved away are called journal-NUMBER-ID.jsonl.
  const lines = names.sort().flatMap((name) => readFileSync(`${directory}/${name}`, 'utf8').split('\n'));
  return lines.flatMap((line) => /^\{.*"cron_job_id":"cron:([0-9a-f-]{36})".*\}$/.exec(line)?.[1] ?? []);
}

/** Names in a job's `running/`, temporary ones included. */
export function runningOf(stateDir: string, job: string): string[] {
  const path = `${stateDir}/jobs/${job}/running`;
  return existsSync(path) ? readdirSync(path) : [];
}

/** The record that `last --json` prints. */
export function lastOf(stateDir: string, job: string): Record<string, unknown> {
  return JSON.parse(cronrun(stateDir, ['last', '--json', job]).stdout) as Record<string, unknown>;
}

/** What `status --json` prints. */
export function statusOf(stateDir: string, job: string): Record<string, unknown> {
  return JSON.parse(cronrun(stateDir, ['status', '--json', job]).stdout) as Record<string, unknown>;
}
