/** How many calls of TEI's services are being answered: watches of health and of reflection, which end when their clients like, are none of them. */
export class UnderWay {
  readonly #calls = new Set<Promise<void>>();

  /** Counts a call until it is answered. @param call never rejects */
  count(call: Promise<void>): void {
    this.#calls.add(call);
    void call.finally(() => this.#calls.delete(call));
  }

  /** Resolves when there is none. */
  async answered(): Promise<void> {
    while (this.#calls.size > 0) await Promise.all(this.#calls);
  }
}
