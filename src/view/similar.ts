/** At most so many names are proposed. */
const PROPOSALS = 3;

/** Names that somebody who typed `name` may have meant, the nearest first. */
export function similarNames(name: string, names: readonly string[]): string[] {
  return names
    .map((candidate) => ({ candidate, distance: nearness(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, PROPOSALS)
    .map(({ candidate }) => candidate);
}

/** A name that begins with what was typed, or the other way round, counts as one slip. */
function nearness(typed: string, candidate: string): number {
  const begins = typed.length >= 3 && (candidate.startsWith(typed) || typed.startsWith(candidate));
  return begins && typed !== candidate ? 1 : editDistance(typed, candidate);
}

/** Letters to insert, leave out, replace or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        at(above, column) + 1,
        at(current, column - 1) + 1,
        at(above, column - 1) + (same ? 0 : 1),
        swapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = above;
    above = current;
  }
  return at(above, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
