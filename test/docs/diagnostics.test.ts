import { describe, expect, it } from 'vitest';
import { manual, sources, WHOLE } from '../helpers/documents.js';
import { tags } from '../helpers/mdoc.js';

/** A tag stands for a message; " ... " for what differs from case to case. */
function piecesOf(tag: string): string[] {
  return tag.split(' ... ');
}

describe.skipIf(!WHOLE)('what cronrun(1) says that exec says', () => {
  const program = sources().join('\n');

  it.each(tags(manual.section('DIAGNOSTICS')))('is in the program: %s', (tag) => {
    expect(piecesOf(tag).filter((piece) => !program.includes(piece))).toEqual([]);
  });
});
