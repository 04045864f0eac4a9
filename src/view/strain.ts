import { StringDecoder } from 'node:string_decoder';
import { sanitize } from './sanitize.js';

/** No line is waited for beyond this; whatever it holds is shown in pieces. Characters. */
const LONGEST_PIECE = 65_536;

const ESCAPE = '\u001b';

/** An escape sequence is shorter than this. Characters. */
const LONGEST_SEQUENCE = 32;

/**
 * Makes what somebody else wrote safe for a terminal, as it comes: newlines and tabs stay, every other control character
 * goes. Whole lines at a time, because an escape sequence or a character may be split between two blocks.
 */
export class Strainer {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  /** What of all bytes so far can be shown by now. */
  strain(bytes: Buffer): string {
    const text = this.#rest + this.#decoder.write(bytes);
    const newline = text.lastIndexOf('\n');
    const end = newline === -1 && text.length > LONGEST_PIECE ? text.length : newline + 1;
    this.#rest = text.slice(end);
    return strained(text.slice(0, end));
  }

  /** What is left for now, as nothing more comes for a while: a line that is not at its end, but no half of a sequence. */
  pause(): string {
    const end = wholeUpTo(this.#rest);
    const text = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end);
    return strained(text);
  }

  /** What is left: a last line without a newline. */
  end(): string {
    const text = this.#rest + this.#decoder.end();
    this.#rest = '';
    return strained(text);
  }
}

function strained(text: string): string {
  return text.replaceAll('\r\n', '\n').split('\n').map(strainedLine).join('\n');
}

function strainedLine(line: string): string {
  return line.split('\t').map(sanitize).join('\t');
}

/** Where the beginning of an escape sequence or of the end of a line may stand, at the end of a text. */
function wholeUpTo(text: string): number {
  const begun = text.lastIndexOf(ESCAPE);
  if (begun !== -1 && text.length - begun < LONGEST_SEQUENCE) return begun;
  return text.endsWith('\r') ? text.length - 1 : text.length;
}
