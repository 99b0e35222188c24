/** A bound on what is held at once, be it places or bytes. */
import { ServeError } from "../errors.ts";

export class Bound {
  readonly #limit: number;
  /** Seconds after which there is likely room. */
  readonly #estimateWait: () => number;
  #taken = 0;

  constructor(limit: number, estimateWait: () => number) {
    this.#limit = limit;
    this.#estimateWait = estimateWait;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Takes so much; what it returns gives it back, once. @throws ServeError 429 */
  take(amount: number): () => void {
    if (this.#taken + amount > this.#limit) {
      throw new ServeError("Overloaded", "Model is overloaded", { retryAfter: this.#estimateWait() });
    }
    return this.hold(amount);
  }

  /** Takes so much even where there is no room: it is there already. */
  hold(amount: number): () => void {
    this.#taken += amount;
    let held = amount;
    return () => {
      this.#taken -= held;
      held = 0;
    };
  }
}
