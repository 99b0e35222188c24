/** Bounds the bytes that requests under way hold, whatever their number: bodies, token ids, vectors of tokens, answers that
 * are not read yet. Beyond it they are answered 429. */
import { Bound } from "./bound.ts";

export class QueueRoom {
  readonly #bytes: Bound;
  readonly #most: number;

  /** @param estimateWait seconds after which there is likely room. */
  constructor(limit: number, estimateWait: () => number) {
    this.#bytes = new Bound(limit, estimateWait);
    this.#most = Math.floor(limit / 2);
  }

  /** Bytes that are held. */
  get taken(): number {
    return this.#bytes.taken;
  }

  /**
   * Takes so many bytes; what it returns gives them back, once. A body and an answer take at most half of the room each, so that any request
   * that the other limits allow is let in where nobody else is. @throws ServeError 429
   */
  take(bytes: number): () => void {
    return this.#bytes.take(Math.min(bytes, this.#most));
  }

  /** Takes what an answer holds that is made already: others wait for it. */
  hold(bytes: number): () => void {
    return this.#bytes.hold(Math.min(bytes, this.#most));
  }
}
