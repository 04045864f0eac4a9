/** The name of a signal as the kernel's manual writes it, "SIGTERM". */
export type SignalName = NodeJS.Signals;

/** Told by one of these, a run ends as interrupted, stopped. */
export const STOPS: readonly SignalName[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'];

let known: Readonly<Record<string, number>> | null = null;

/** Asked for when a signal has come or is named: loading node:os takes a third of a millisecond, and most runs see none. */
function numbers(): Readonly<Record<string, number>> {
  known ??= process.getBuiltinModule('node:os').constants.signals;
  return known;
}

/** Real-time signals (34 and up) are left out: node reports a child killed by one as exit code 0. */
const HIGHEST = 31;

/** The number of a signal on this system, or 0 for a name that it does not have. */
export function signalNumber(name: string): number {
  return numbers()[name] ?? 0;
}

/** The name of signal `number` on this system, or null. */
export function signalName(number: number): SignalName | null {
  for (const [name, value] of Object.entries(numbers())) {
    if (value === number) return name as SignalName;
  }
  return null;
}

/** "TERM", "sigterm", "SIGTERM" and "15" all mean SIGTERM; null for anything else, 0 and real-time signals included. */
export function parseSignal(text: string): SignalName | null {
  if (/^[0-9]+$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= HIGHEST ? signalName(number) : null;
  }
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const number = signalNumber(name);
  return number >= 1 && number <= HIGHEST ? signalName(number) : null;
}
