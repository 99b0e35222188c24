/** Bounds the bytes that requests under way hold, whatever their number: bodies, token ids, vectors of tokens. Beyond it they are answered 429. */
import { ServeError } from "../errors.ts";

export class QueueRoom {
  readonly #limit: number;
  /** Seconds after which there is likely room. */
  readonly #estimateWait: () => number;
  #taken = 0;

  constructor(limit: number, estimateWait: () => number) {
    this.#limit = limit;
    this.#estimateWait = estimateWait;
  }

  /** Bytes that are held. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes so many bytes; what it returns gives them back, once. A body and an answer take at most half of the room each, so that any request
   * that the other limits allow is let in where nobody else is. @throws ServeError 429
   */
  take(bytes: number): () => void {
    let share = Math.min(bytes, Math.floor(this.#limit / 2));
    if (this.#taken + share > this.#limit) {
      throw new ServeError("Overloaded", "Model is overloaded", { retryAfter: this.#estimateWait() });
    }
    this.#taken += share;
    return () => {
      this.#taken -= share;
      share = 0;
    };
  }
}
