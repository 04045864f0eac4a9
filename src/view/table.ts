/** Columns of a table, two blanks apart. Cells are padded before they are painted, so that colour takes no room. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Paints a padded cell. */
  readonly paint?: (cell: string, row: number, column: number) => string;
}

const GAP = '  ';

/** The width of each column: that of its longest cell. */
export function columnWidths(header: readonly string[], rows: readonly (readonly string[])[]): number[] {
  const widths = header.map((title) => title.length);
  for (const row of rows) {
    for (let column = 0; column < widths.length; column++) {
      widths[column] = Math.max(widths[column] ?? 0, row[column]?.length ?? 0);
    }
  }
  return widths;
}

/** Columns that a table of such widths takes, the last column left out. */
export function widthBeforeLast(widths: readonly number[]): number {
  return widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
}

/** The lines of a table, each ended by a newline and none by a blank. */
export function renderTable({ header, rows, paint }: Table): string {
  const widths = columnWidths(header, rows);
  const last = widths.length - 1;
  const pad = (cell: string, column: number): string =>
    column === last ? cell : cell.padEnd(widths[column] ?? 0);
  let text = `${header.map(pad).join(GAP).trimEnd()}\n`;
  for (let index = 0; index < rows.length; index++) {
    const cells = (rows[index] ?? []).map(pad);
    text += `${(paint ? cells.map((cell, column) => paint(cell, index, column)) : cells).join(GAP)}\n`;
  }
  return text;
}
