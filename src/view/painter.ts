import type { Style } from './style.js';

/** A style that paints. The level is given: chalk does not know NO_COLOR. */
export async function painter(): Promise<Style> {
  const { Chalk } = await import('chalk');
  const chalk = new Chalk({ level: 1 });
  return { good: chalk.green, bad: chalk.bold.red, going: chalk.cyan, faint: chalk.dim };
}
