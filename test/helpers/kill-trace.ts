/** One system call of a wrapper's first thread, as it is found again in another run. */
export interface Step {
  readonly call: string;
  /** The how many-th by this name since the launcher was started: what strace counts by. */
  readonly nth: number;
  /** The how many-th by this name at this place. */
  readonly nthThere: number;
  /** How many landmarks came before it. */
  readonly landmark: number;
  /** With them, what it is, and the how many-th of its like since the last landmark. */
  readonly key: string;
  /** What it touches below the state directory; empty where it does not. */
  readonly where: string;
}

export interface Trace {
  readonly steps: readonly Step[];
  /** How many calls in it touch the state directory or change the run. */
  readonly landmarks: number;
  /** SIGKILL came at the last of them, which was not made any more. */
  readonly killed: boolean;
}

/**
 * Pure: reads what `strace -y` wrote of one thread. Memory, locks and the event loop take a few calls more or less from
 * time to time; between two landmarks the others keep their number.
 */
export function readTrace(text: string, stateDir: string): Trace {
  const counts = new Map<string, number>();
  const count = (what: string) => {
    const next = (counts.get(what) ?? 0) + 1;
    counts.set(what, next);
    return next;
  };
  const steps: Step[] = [];
  let landmarks = 0;
  for (const line of text.split('\n')) {
    const call = /^(\w+)\(/.exec(line)?.[1];
    if (call === undefined || call === 'execve') continue;
    const where = placeOf(line, stateDir);
    const like = `${landmarks} ${call} ${where || kernelFileOf(line)}`;
    const nthThere = count(`${call} at ${where}`);
    steps.push({
      call,
      nth: count(call),
      nthThere,
      landmark: landmarks,
      key: `${like} #${count(like)}`,
      where,
    });
    if (where !== '' || isLandmark(line)) landmarks++;
  }
  return { steps, landmarks, killed: /^\+\+\+ killed by SIGKILL/m.test(text) };
}

/** What changes the run: a child is made, waited for or signalled. */
function isLandmark(line: string): boolean {
  if (/^(clone3?|v?fork)\(/.test(line)) return !line.includes('CLONE_THREAD');
  return /^wait4\(.*\) = \d/.test(line) || /^kill\(-\d+, SIG/.test(line);
}

/** Of what was asked for: where a call was not made any more there is no result. */
function pathsIn(line: string): string[] {
  const asked = /^(.*)\) += /.exec(line)?.[1] ?? line;
  return asked.match(/(?<=[<"])\/[^>"]*(?=[>"])/g) ?? [];
}

/** The last path that lies below the state directory, ids left out; "/" for itself, empty where there is none. */
function placeOf(line: string, stateDir: string): string {
  const path = pathsIn(line).findLast((one) => one === stateDir || one.startsWith(`${stateDir}/`));
  if (path === undefined) return '';
  return path.slice(stateDir.length).replace(/[0-9a-f-]{36}/, 'UUID') || '/';
}

/** Whose number it is differs; how many there are does not, in a pid namespace that is our own. */
function kernelFileOf(line: string): string {
  const path = pathsIn(line).findLast((one) => one.startsWith('/proc'));
  return path?.replace(/^\/proc\/\d+/, '/proc/PID') ?? '';
}

/**
 * Pure: the steps of the first trace that all the others have as well. What only some have (a lock that was waited for)
 * stands between two that all have, and changes nothing that anybody could read.
 */
export function steadySteps(traces: readonly Trace[]): Step[] {
  const [first, ...others] = traces.map(({ steps }) => steps);
  const keys = others.map((steps) => new Set(steps.map(({ key }) => key)));
  return first?.filter(({ key }) => keys.every((each) => each.has(key))) ?? [];
}
