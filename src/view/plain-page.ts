// A manual page where no program shows manual pages, as in many a container: filled text, headings, lists, no more.
import { macroText, splitMacro, unescapeRoff } from './mdoc-words.js';
import { wrapWords } from './text.js';

const PAGE_COLUMNS = 78;

/** Below a section heading, and below the tag of a list. */
const INDENT = 2;
const ITEM_INDENT = 8;

/** Requests that name the page or date it. */
const NAMELESS = ['Dd', 'Dt', 'Os'];

/** Columns of a cell in a list of kind "column". */
const CELL_COLUMNS = 15;

interface List {
  /** "tag", "bullet", "enum" or "column". */
  readonly kind: string;
  items: number;
}

/** Roughly what man(1) would show of an mdoc(7) source, ended by a newline. */
export function plainPage(source: string): string {
  // A bare .Nm stands for the first name that was given.
  const page = new Page(/^\.Nm (\S+)/m.exec(source)?.[1] ?? '');
  for (const line of source.split('\n')) {
    if (/^\.?\s*\\"/.test(line) || line === '.') continue;
    if (line.startsWith('.')) page.request(line.slice(1).trim());
    else page.text(unescapeRoff(line));
  }
  return page.end();
}

class Page {
  readonly #name: string;
  readonly #lines: string[] = [];
  #section = '';
  #words = '';
  #literal = false;
  /** Put before the next paragraph in place of blanks: a bullet, a number. */
  #mark = '';
  #list: List | null = null;

  constructor(name: string) {
    this.#name = name;
  }

  text(words: string): void {
    if (this.#literal) this.#lines.push(words === '' ? '' : `${' '.repeat(this.#indent() + INDENT)}${words}`);
    else if (words !== '') this.#words += `${this.#words === '' ? '' : ' '}${words}`;
  }

  request(request: string): void {
    const [macro = '', ...words] = splitMacro(request);
    if (NAMELESS.includes(macro)) return;
    if (macro === 'Sh' || macro === 'Ss') this.#heading(macro, words.map(unescapeRoff).join(' '));
    else if (macro === 'Bl') this.#listOf({ kind: words[0]?.slice(1) ?? '', items: 0 });
    else if (macro === 'El') this.#listOf(null);
    else if (macro === 'It') this.#item(words);
    else if (macro === 'Bd' || macro === 'Ed') this.#display(macro === 'Bd');
    else if (macro === 'Pp') this.#paragraph();
    else if (macro === 'Nd') this.text(`- ${words.map(unescapeRoff).join(' ')}`);
    else this.#inline([macro, ...words]);
  }

  end(): string {
    this.#paragraph();
    const text = this.#lines.join('\n').replace(/\n{3,}/g, '\n\n');
    return `${text.trim()}\n`;
  }

  #indent(): number {
    return this.#list === null || this.#list.kind === 'column' ? INDENT : ITEM_INDENT;
  }

  #inline(words: readonly string[]): void {
    if (words[0] === 'Nm' && this.#section === 'SYNOPSIS') this.#flush();
    this.text(macroText(words, this.#name));
  }

  #display(literal: boolean): void {
    this.#paragraph();
    this.#literal = literal;
  }

  #heading(macro: string, title: string): void {
    this.#paragraph();
    if (macro === 'Sh') this.#section = title;
    this.#lines.push(macro === 'Sh' ? title : ` ${title}`);
  }

  #listOf(list: List | null): void {
    this.#paragraph();
    this.#list = list;
  }

  #item(words: readonly string[]): void {
    const list = this.#list;
    if (list === null) return;
    if (list.kind === 'column') {
      this.#lines.push(`${' '.repeat(INDENT)}${this.#cells(words)}`.trimEnd());
      return;
    }
    this.#paragraph();
    list.items++;
    if (list.kind === 'tag') this.#lines.push(`${' '.repeat(INDENT)}${macroText(words, this.#name)}`);
    else this.#mark = list.kind === 'enum' ? `${list.items}.` : '-';
  }

  #cells(words: readonly string[]): string {
    const cells: string[][] = [[]];
    for (const word of words) {
      if (word === 'Ta') cells.push([]);
      else cells.at(-1)?.push(word);
    }
    return cells.map((cell) => macroText(cell, this.#name).padEnd(CELL_COLUMNS)).join('');
  }

  /** Ends the paragraph, and leaves a blank line behind it. */
  #paragraph(): void {
    this.#flush();
    const above = this.#lines.at(-1) ?? '';
    if (above !== '') this.#lines.push('');
  }

  #flush(): void {
    if (this.#words === '') return;
    const indent = this.#indent();
    const lines = wrapWords(this.#words, PAGE_COLUMNS - indent);
    const first = this.#mark === '' ? '' : this.#mark.padStart(indent - 2).padEnd(indent);
    this.#lines.push(
      ...lines.map((line, at) => `${at === 0 && first !== '' ? first : ' '.repeat(indent)}${line}`),
    );
    this.#mark = '';
    this.#words = '';
  }
}
