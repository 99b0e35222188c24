/** How many calls of TEI's services are being answered: watches of health and of reflection, which end when their clients like, are none of them. */
export class UnderWay {
  #count = 0;
  #told: (() => void)[] = [];

  /** For a call that begins; what it returns is called at its end. */
  begin(): () => void {
    this.#count++;
    return () => {
      this.#count--;
      if (this.#count > 0) return;
      for (const tell of this.#told) tell();
      this.#told = [];
    };
  }

  /** Resolves when there is none. */
  async none(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#told.push(resolve));
  }
}
