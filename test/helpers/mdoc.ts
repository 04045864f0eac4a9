/** One manual page in mdoc(7), cut up as far as the tests look into it. */
export class ManualPage {
  private readonly lines: readonly string[];

  constructor(source: string) {
    this.lines = source.split('\n');
  }

  /** The lines of a section (.Sh), subsections included. Throws for a title that is not there. */
  section(title: string): string[] {
    return within(this.lines, `.Sh ${title}`, ['.Sh ']);
  }

  /** The lines of a subsection (.Ss). Throws for a title that is not there. */
  subsection(title: string): string[] {
    return within(this.lines, `.Ss ${title}`, ['.Ss ', '.Sh ']);
  }

  /** Titles of the subsections of a section, in order. */
  subsectionsOf(title: string): string[] {
    return this.section(title)
      .filter((line) => line.startsWith('.Ss '))
      .map((line) => line.slice('.Ss '.length));
  }
}

function within(lines: readonly string[], head: string, ends: readonly string[]): string[] {
  const start = lines.indexOf(head);
  if (start === -1) throw new Error(`the page has no "${head}"`);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => ends.some((prefix) => line.startsWith(prefix)));
  return end === -1 ? rest : rest.slice(0, end);
}

/** What a list has on its left side: the tags (.It) without the macro, in order. */
export function tags(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('.It ')).map((line) => line.slice('.It '.length));
}

/** The lines of one item of a list, its tag left out. */
export function item(lines: readonly string[], tag: string): string[] {
  const rest = lines.slice(lines.indexOf(`.It ${tag}`) + 1);
  return rest.slice(
    0,
    rest.findIndex((line) => /^\.(It|El)\b/.test(line)),
  );
}

/** Every name that a macro marks, in a tag or in running text: marked(lines, 'Ev') → ["HOME", …]. */
export function marked(lines: readonly string[], macro: string): string[] {
  const head = new RegExp(`^\\.(?:It )?${macro} (.*)$`);
  return lines
    .flatMap((line) => (head.exec(line)?.[1] ?? '').split(/[\s,]+/))
    .filter((word) => /^\w/.test(word));
}

export interface OptionTag {
  /** As typed: ["-t", "--timeout"]. */
  readonly names: readonly string[];
  readonly takesValue: boolean;
}

/** "Fl t , Fl -timeout Ar duration" */
export function optionTag(tag: string): OptionTag {
  const names = [...tag.matchAll(/\bFl (\S+)/g)].map((match) => `-${match[1]}`);
  return { names, takesValue: /\bAr\b/.test(tag) };
}
