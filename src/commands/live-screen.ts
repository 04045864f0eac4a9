import { type ScreenSize, screenLines } from '../view/screen.js';

// Of the terminal: see console_codes(4). The screen of its own leaves what was there before as it was.
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const ERASE_LINE = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

/** Where a terminal does not say how large it is. */
const USUAL: ScreenSize = { rows: 24, columns: 80 };

/** A screen that is shown anew again and again, until this process ends. */
export class LiveScreen {
  readonly #write: (text: string) => void;
  #text = '';
  #note = '';

  /**
   * @param write writes to the terminal. @param onExit has something done at the end of this process, whatever ends it.
   */
  constructor(write: (text: string) => void, onExit: (undo: () => void) => unknown) {
    this.#write = write;
    onExit(() => this.#leave());
    process.stdout.on('resize', () => this.#draw());
    // What others wrote on it meanwhile goes.
    process.on('SIGCONT', () => this.#enter());
    process.on('SIGTSTP', this.#suspend);
    this.#enter();
  }

  show(text: string, note: string): void {
    this.#text = text;
    this.#note = note;
    this.#draw();
  }

  #enter(): void {
    this.#write(ENTER);
    this.#draw();
  }

  #draw(): void {
    if (this.#note === '') return;
    const lines = screenLines(this.#text, this.#note, sizeOf(process.stdout));
    this.#write(HOME + lines.map((line) => ERASE_LINE + line).join('\n') + ERASE_BELOW);
  }

  #leave(): void {
    try {
      this.#write(LEAVE);
    } catch {
      // the terminal is gone
    }
  }

  /** As the kernel does it: not at all where no shell is there that could continue us. */
  readonly #suspend = (): void => {
    this.#leave();
    process.off('SIGTSTP', this.#suspend);
    process.kill(process.pid, 'SIGTSTP');
    process.on('SIGTSTP', this.#suspend);
    this.#enter();
  };
}

function sizeOf({ rows, columns }: Partial<ScreenSize>): ScreenSize {
  return { rows: rows || USUAL.rows, columns: columns || USUAL.columns };
}
