/** Keeps the end of what somebody writes. */
export class Tail {
  readonly #limit: number;
  #blocks: Buffer[] = [];
  #kept = 0;
  #written = 0;

  /** @param limit bytes that are kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  take(block: Buffer): void {
    this.#blocks.push(block);
    this.#kept += block.length;
    this.#written += block.length;
    // Not at every block: each time all that is kept is copied.
    if (this.#kept > 2 * this.#limit) this.#cut();
  }

  /** The last bytes as text, below a line that says how many are missing. */
  text(): string {
    this.#cut();
    const left = this.#written - this.#kept;
    const text = Buffer.concat(this.#blocks).toString('utf8');
    return left === 0 ? text : `... ${left} bytes before this are left out\n${text}`;
  }

  #cut(): void {
    const all = Buffer.concat(this.#blocks);
    const rest = all.subarray(Math.max(0, all.length - this.#limit));
    this.#blocks = [Buffer.from(rest)]; // a copy: a part would keep the whole in memory
    this.#kept = rest.length;
  }
}
