/** Bounds what is in the server, from before they are tokenised until they are answered; a request beyond the bound is answered 429. */
import { Bound } from "./bound.ts";

export class Admission {
  readonly #all: Bound;
  readonly #most: number;

  /** @param estimateWait seconds after which a place is likely. */
  constructor(limit: number, estimateWait: () => number) {
    this.#all = new Bound(limit, estimateWait);
    this.#most = Math.ceil(limit / 2);
  }

  /**
   * Runs `body` while holding a place for each of the inputs, beyond the `held` ones that the caller has; at most half of all places, so
   * that a bulk leaves room for others and one of any size is let in.
   */
  async hold<T>(inputs: number, body: () => Promise<T>, held = 0): Promise<T> {
    const giveBack = this.#all.take(Math.min(inputs, this.#most) - Math.min(held, this.#most));
    try {
      return await body();
    } finally {
      giveBack();
    }
  }
}
