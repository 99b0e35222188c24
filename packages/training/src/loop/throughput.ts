/** Tokens per second of steps whose numbers may arrive together: over the last steps that took long enough to be timed. */

/** In seconds. Numbers of two steps can be read in one turn of the event loop: one alone would seem to take no time. */
const leastTime = 0.5;

export class Throughput {
  #steps: { readonly tokens: number; readonly seconds: number }[] = [];

  /** Adds a step and gives the rate over it and those before it that are needed for half a second, in tokens per second. */
  add(tokens: number, seconds: number): number {
    this.#steps.push({ tokens, seconds });
    let first = this.#steps.length - 1;
    let [allTokens, allSeconds] = [tokens, seconds];
    while (first > 0 && allSeconds < leastTime) {
      const before = this.#steps[--first]!;
      allTokens += before.tokens;
      allSeconds += before.seconds;
    }
    this.#steps = this.#steps.slice(first);
    return allTokens / allSeconds;
  }
}
