/** Columns of a table, two blanks apart. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** As `columnWidths` gives them; the last column is not padded. */
  readonly widths: readonly number[];
  /** What becomes of a cell once it is padded: painted, so that colour takes no room, or cut. */
  readonly finish: (cell: string, column: number, row: number) => string;
}

const GAP = '  ';

/** The width of each column: that of its longest cell. */
export function columnWidths(header: readonly string[], rows: readonly (readonly string[])[]): number[] {
  const widths = header.map((title) => title.length);
  for (const row of rows) {
    for (let column = 0; column < widths.length; column++) {
      const length = row[column]?.length ?? 0;
      if (length > (widths[column] ?? 0)) widths[column] = length;
    }
  }
  return widths;
}

/** Columns that a table of such widths takes, the last column left out. */
export function widthBeforeLast(widths: readonly number[]): number {
  return widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
}

/** The lines of a table, each ended by a newline. */
export function renderTable({ header, rows, widths, finish }: Table): string {
  const pad = (cell: string, column: number): string =>
    column === widths.length - 1 ? cell : cell.padEnd(widths[column] ?? 0);
  // Joined line by line: one text that grows by a cell at a time keeps a rope of 100,000 pieces alive.
  const lines = [header.map(pad).join(GAP)];
  for (let row = 0; row < rows.length; row++) {
    const cells = rows[row] ?? [];
    lines.push(cells.map((cell, column) => finish(pad(cell, column), column, row)).join(GAP));
  }
  return `${lines.join('\n')}\n`;
}
