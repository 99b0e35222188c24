/** Bounds the inputs in the server, from before they are tokenised until they are answered; a request beyond the bound is answered 429. */
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

  /** Runs `body` while holding `inputs` places. */
  async hold<T>(inputs: number, body: () => Promise<T>): Promise<T> {
    if (this.#taken + inputs > this.#limit) {
      throw new ServeError("Overloaded", "Model is overloaded", { retryAfter: this.#estimateWait() });
    }
    this.#taken += inputs;
    try {
      return await body();
    } finally {
      this.#taken -= inputs;
    }
  }
}
