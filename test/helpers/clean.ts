/** What may act on a terminal: C0 and C1 controls but the newline, DEL, and what turns text round or breaks lines. */
const ACTS = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\u{e0000}-\u{e007f}]/u;

/** The colours that cronrun itself uses. */
const COLOURS = new RegExp(`${'\x1b'}\\[(?:1|2|22|31|32|36|39)m`, 'g');

/** What in a text for people is not for their eyes, a phrase for each thing. */
export function uncleanIn(text: string): string[] {
  return ACTS.test(text) ? [`a control character in ${JSON.stringify(text.slice(0, 300))}`] : [];
}

/** The text in colour without the colours that cronrun itself uses. */
export function withoutColours(text: string): string {
  return text.replace(COLOURS, '');
}

/** The same for a text in colour: without the colours it must be the plain one. */
export function uncleanColours(coloured: string, plain: string): string[] {
  return withoutColours(coloured) === plain ? [] : [`colours hide ${JSON.stringify(coloured.slice(0, 300))}`];
}

/** What is wrong with lines of JSON as scripts read them. */
export function uncleanJson(text: string): string[] {
  const wrong = uncleanIn(text);
  if (text !== '' && !text.endsWith('\n')) wrong.push('the last line has no end');
  for (const line of text.split('\n').slice(0, -1)) {
    try {
      JSON.parse(line);
    } catch {
      wrong.push(`no JSON: ${line.slice(0, 300)}`);
    }
  }
  return wrong;
}

/** What is wrong with lines of --get: so many words in each. */
export function uncleanGet(text: string, words: number): string[] {
  const lines = text.split('\n').slice(0, -1);
  const odd = lines.find((line) => line.split(/\s/u).length !== words);
  return [...uncleanIn(text), ...(odd === undefined ? [] : [`not ${words} words: ${odd.slice(0, 300)}`])];
}
