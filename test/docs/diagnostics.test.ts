import { describe, expect, it } from 'vitest';
import { manual, sources } from '../helpers/documents.js';
import { tags } from '../helpers/mdoc.js';

/** A message as the page shows it: " ... " for what differs from case to case. */
function piecesOf(message: string): string[] {
  return message.split(' ... ');
}

describe('what cronrun(1) says that exec says', () => {
  const program = sources().join('\n');

  const messages = tags(manual.section('DIAGNOSTICS')).map((tag) => tag.replace('Sy ', ''));

  it.each(messages)('is in the program: %s', (message) => {
    expect(piecesOf(message).filter((piece) => !program.includes(piece))).toEqual([]);
  });
});
