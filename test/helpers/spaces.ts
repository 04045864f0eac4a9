import {
  afterwards,
  BIN,
  cronEnvironment,
  Going,
  poll,
  runningOf,
  runProgram,
  startProgram,
} from './cronrun.js';
import { childrenOf } from './processes.js';
import { HERE, type Reader } from './readers.js';
import { runningPath, startLine } from './start-records.js';

/** A run that goes on while a test looks at it, its child written down. The numbers are those of its own space. */
export interface Live {
  readonly id: string;
  readonly wrapper: number;
  readonly child: number;
  /** What was started: nsenter, or the wrapper itself. */
  readonly going: Going;
  /** Its start record. */
  readonly path: string;
}

/** Namespaces of their own, or none: somewhere programs can be run. */
export class Space {
  /** What goes before a program so that it runs in there. */
  readonly through: readonly string[];

  constructor(through: readonly string[]) {
    this.through = through;
  }

  /** The real readers in there, or others than the real ones. */
  reader(built = HERE.built): Reader {
    return { built, through: this.through };
  }

  /** What a shell in there says. */
  shell(script: string, ...args: (string | number)[]): string {
    const [file = 'sh', ...rest] = [...this.through, 'bash', '-c', script, 'sh', ...args.map(String)];
    const env = cronEnvironment({ PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' });
    const { status, stdout, stderr } = runProgram(file, rest, { env });
    if (status !== 0) throw new Error(`${script}: ${status} ${stderr}`);
    return stdout.trim();
  }

  /** Starts a run in there and waits until its child is written down. */
  async exec(stateDir: string, job: string, command: readonly string[] = ['sleep', '1000']): Promise<Live> {
    const before = runningOf(stateDir, job);
    const [file = '', ...args] = [...this.through, BIN, 'exec', job, '--', ...command];
    const going = startProgram(stateDir, file, args);
    const isNew = (name: string) => name.endsWith('.jsonl') && !before.includes(name);
    const name = await poll(() => runningOf(stateDir, job).find(isNew), 'the start record');
    const path = `${runningPath(stateDir, job)}/${name}`;
    const child = await poll(() => startLine(path, 2), 'line 2 of the start record');
    const first = startLine(path, 1) as { cron_job_id: string; wrapper: { pid: number } };
    return { id: first.cron_job_id, wrapper: first.wrapper.pid, child: child.pid as number, going, path };
  }

  /** SIGKILL, and waits until nothing of it is left but perhaps a zombie. The numbers are those of this space. */
  kill(...pids: number[]): void {
    this.shell(KILL, ...pids);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

const KILL = `
kill -KILL "$@"
for pid; do while kill -0 $pid && ! grep -q '^State:.Z' /proc/$pid/status; do sleep 0.01; done; done 2>/dev/null
`;

/** No namespace of its own. */
export const OUTSIDE = new Space([]);

/**
 * Makes namespaces that last until the test ends.
 *
 * @param flags of unshare(1). @param setup a shell's words, run in there first; it may mount, and name the host.
 * @param entering flags of nsenter(1), where not all of them are to be entered.
 */
export async function openSpace(
  flags: readonly string[],
  setup = ':',
  entering: readonly string[] = ['--all'],
): Promise<Space> {
  // A shell that waits is a process 1 that also waits for whoever is left to it.
  const hold = 'if [ $$ = 1 ]; then while :; do sleep 1000; done; else exec sleep 1000; fi';
  const script = `${setup} && echo ready && ${hold}`;
  const holder = new Going('unshare', ['--fork', '--kill-child', ...flags, 'sh', '-c', script]);
  await holder.says('ready');
  const pid = await poll(() => childrenOf(holder.pid)[0], 'who holds the namespaces open');
  afterwards(() => killIfThere(pid)); // who has become another user does not die with unshare, see prctl(2)
  return new Space(['nsenter', '--target', String(pid), ...entering, '--']);
}
