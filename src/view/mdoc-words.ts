/** Macros of mdoc(7) that mark their words and add nothing to them. */
const MARKS = 'Ar Cm Dv Em Er Ev Fn Ic Li Lk Mt No Pa Sx Sy Va Vt'.split(' ');

/** Macros that enclose what follows on their line. */
const ENCLOSURES: Readonly<Record<string, readonly [string, string]>> = {
  Bq: ['[', ']'],
  Op: ['[', ']'],
  Pq: ['(', ')'],
  Dq: ['"', '"'],
  Ql: ["'", "'"],
  Sq: ["'", "'"],
};

/** Closing marks stand outside of an enclosure, and close to the word before them. */
const CLOSING = /^[.,;:)?!]$/;

/** Words of a macro line; quotes keep blanks together. */
export function splitMacro(request: string): string[] {
  return [...request.matchAll(/"((?:[^"]|"")*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '',
  );
}

/** What a macro line says in running text. @param name what a bare .Nm stands for. */
export function macroText(words: readonly string[], name: string): string {
  let text = '';
  let tight = true;
  for (let at = 0; at < words.length; ) {
    const taken = take(words.slice(at), name);
    if (taken.text !== null) text += tight || CLOSING.test(taken.text) ? taken.text : ` ${taken.text}`;
    if (taken.text !== null || taken.tight) tight = taken.tight;
    at += taken.words;
  }
  return text;
}

/** What the first words of a line come to. */
interface Taken {
  /** Null: nothing is shown. */
  readonly text: string | null;
  /** How many words that took. */
  readonly words: number;
  /** True where no blank follows. */
  readonly tight: boolean;
}

function take(words: readonly string[], name: string): Taken {
  const [word = '', next = '', third = ''] = words;
  const enclosure = Object.hasOwn(ENCLOSURES, word) ? ENCLOSURES[word] : undefined;
  if (enclosure !== undefined) return shown(enclosed(enclosure, words.slice(1), name), words.length);
  if (MARKS.includes(word)) return { text: null, words: 1, tight: false };
  switch (word) {
    case 'Ns':
      return { text: null, words: 1, tight: true };
    case 'Pf':
      return { text: unescapeRoff(next), words: 2, tight: true };
    case 'Nm':
      return words.length === 1 || isMacro(next) || CLOSING.test(next)
        ? shown(name, 1)
        : { text: null, words: 1, tight: false };
    case 'Fl':
      return shown(`-${unescapeRoff(next)}`, 2);
    case 'Xr':
      return shown(`${next}(${third})`, 3);
    default:
      return shown(unescapeRoff(word), 1);
  }
}

function shown(text: string, words: number): Taken {
  return { text, words, tight: false };
}

function enclosed([open, close]: readonly [string, string], words: readonly string[], name: string): string {
  let end = words.length;
  while (end > 0 && CLOSING.test(words[end - 1] ?? '')) end--;
  return `${open}${macroText(words.slice(0, end), name)}${close}${words.slice(end).join('')}`;
}

function isMacro(word: string): boolean {
  return (
    MARKS.includes(word) || ['Fl', 'Nm', 'Ns', 'Pf', 'Xr'].includes(word) || Object.hasOwn(ENCLOSURES, word)
  );
}

/** Escapes of mandoc_char(7) that pages use; what is left loses its backslash only. */
export function unescapeRoff(text: string): string {
  return text
    .replace(/\\f[A-Z]|\\&|\\%|\\c/g, '')
    .replace(/\\\((?:em|en|hy|mi)/g, '-')
    .replace(/\\\((?:aq|oq|cq)/g, "'")
    .replace(/\\\((?:dq|lq|rq)/g, '"')
    .replace(/\\\(bu/g, '*')
    .replace(/\\e/g, '\\')
    .replace(/\\([-~. ])/g, '$1');
}
