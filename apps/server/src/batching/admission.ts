/** Bounds what is in the server, from before they are tokenised until they are answered; a request beyond the bound is answered 429. */
import { ServeError } from "../errors.ts";

export class Admission {
  readonly #limit: number;
  /** Seconds after which a place is likely. */
  readonly #estimateWait: () => number;
  #taken = 0;

  constructor(limit: number, estimateWait: () => number) {
    this.#limit = limit;
    this.#estimateWait = estimateWait;
  }

  /**
   * Runs `body` while holding a place for each of the inputs, beyond the `held` ones that the caller has; at most half of all places, so
   * that a bulk leaves room for others and one of any size is let in.
   */
  async hold<T>(inputs: number, body: () => Promise<T>, held = 0): Promise<T> {
    const places = this.#places(inputs) - this.#places(held);
    if (this.#taken + places > this.#limit) {
      throw new ServeError("Overloaded", "Model is overloaded", { retryAfter: this.#estimateWait() });
    }
    this.#taken += places;
    try {
      return await body();
    } finally {
      this.#taken -= places;
    }
  }

  #places(inputs: number): number {
    return Math.min(inputs, Math.ceil(this.#limit / 2));
  }
}
