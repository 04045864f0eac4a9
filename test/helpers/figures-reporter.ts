import type { Reporter, TestModule } from 'vitest/node';
import type { Figure } from './figures.js';

/** Prints the figures of all fault tests as one table, last of all. */
export default class FiguresReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const figures: Figure[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests()) figures.push(...(test.meta().figures ?? []));
    }
    if (figures.length > 0) console.log(`\n${figuresTable(figures)}`);
  }
}

/** A table in Markdown. Mutants, in which lies are wanted, come last. */
function figuresTable(figures: readonly Figure[]): string {
  const isMutant = ({ fault }: Figure) => fault.startsWith('MUTANT ');
  const real = figures.filter((figure) => !isMutant(figure));
  const points = real.reduce((sum, figure) => sum + figure.points, 0);
  const lies = real.reduce((sum, figure) => sum + figure.lies, 0);
  const rows = [...real, { fault: 'all', points, lies }, ...figures.filter(isMutant)];
  const width = Math.max(...rows.map(({ fault }) => fault.length));
  const line = (a: string, b: string, c: string) =>
    `| ${a.padEnd(width)} | ${b.padStart(7)} | ${c.padStart(4)} |`;
  return [
    line('fault', 'points', 'lies'),
    `| ${'-'.repeat(width)} | ------: | ---: |`,
    ...rows.map((row) => line(row.fault, String(row.points), String(row.lies))),
  ].join('\n');
}
