// A manual page without a program that shows manual pages: its words in order, headings and blank lines, no more.

/** Macros of mdoc(7) that stand for themselves in running text. */
const SIGNS: Readonly<Record<string, string>> = {
  Pf: '',
  Ns: '',
  No: '',
  Cm: '',
  Ar: '',
  Ev: '',
  Pa: '',
  Va: '',
};
const WORD_MACROS = [
  'Em',
  'Sy',
  'Li',
  'Ic',
  'Dv',
  'Er',
  'Sq',
  'Ql',
  'Dq',
  'Pq',
  'Bq',
  'Op',
  'Fn',
  'Vt',
  'Lk',
  'Mt',
];

/** Requests that lay out or name the page and have no words of their own. */
const SILENT = [
  'Dd',
  'Dt',
  'Os',
  'El',
  'Bl',
  'Ed',
  'Bd',
  'ad',
  'nh',
  'in',
  'sp',
  'ie',
  'el',
  'if',
  'de',
  'Bk',
  'Ek',
];

/** Roughly what man(1) would show of an mdoc(7) source, ended by a newline. */
export function plainPage(source: string): string {
  // A bare .Nm stands for the first name that was given.
  const name = /^\.Nm (\S+)/m.exec(source)?.[1] ?? '';
  const lines: string[] = [];
  for (const line of source.split('\n')) {
    if (/^\.?\s*\\"/.test(line) || line === '.') continue;
    if (line.startsWith('.')) lines.push(...requestLines(line.slice(1).trim(), name));
    else lines.push(`  ${unescapeRoff(line)}`);
  }
  const text = lines.join('\n').replace(/\n{3,}/g, '\n\n');
  return `${text.trim()}\n`;
}

function requestLines(request: string, name: string): string[] {
  const [macro = '', ...words] = splitWords(request);
  if (SILENT.includes(macro)) return [];
  if (macro === 'Sh' || macro === 'Ss') return ['', words.map(unescapeRoff).join(' ')];
  if (macro === 'Pp') return [''];
  if (macro === 'It') return ['', `  ${inline(words, name)}`];
  if (macro === 'Nd') return [`  - ${inline(words, name)}`];
  return [`  ${inline([macro, ...words], name)}`];
}

/** Words of a macro line; quotes keep blanks together. */
function splitWords(request: string): string[] {
  return [...request.matchAll(/"((?:[^"]|"")*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '',
  );
}

function inline(words: readonly string[], name: string): string {
  const shown: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const next = words[index + 1];
    if (word === 'Nm') {
      if (next === undefined || isMacro(next)) shown.push(name);
    } else if (word === 'Fl') {
      shown.push(next === undefined ? '-' : `-${unescapeRoff(next)}`);
      index++;
    } else if (word === 'Xr') {
      shown.push(`${next}(${words[index + 2] ?? ''})`);
      index += 2;
    } else if (!isMacro(word)) {
      shown.push(unescapeRoff(word));
    }
  }
  return shown.join(' ').replace(/ ([,.;:)])(?= |$)/g, '$1');
}

function isMacro(word: string): boolean {
  return word in SIGNS || WORD_MACROS.includes(word) || word === 'Nm' || word === 'Fl' || word === 'Xr';
}

/** Escapes of mandoc_char(7) that pages use; what is left loses its backslash only. */
function unescapeRoff(text: string): string {
  return text
    .replace(/\\f[A-Z]|\\&|\\%|\\c/g, '')
    .replace(/\\\((?:em|en|hy|mi)/g, '-')
    .replace(/\\\((?:aq|oq|cq)/g, "'")
    .replace(/\\\((?:dq|lq|rq)/g, '"')
    .replace(/\\\(bu/g, '*')
    .replace(/\\e/g, '\\')
    .replace(/\\([-~. ])/g, '$1');
}
