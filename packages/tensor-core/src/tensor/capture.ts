/** Captured work: commands that a backend recorded once and runs again on the same buffers, which stay allocated as long. */
import type { Replay } from "../backend/backend.ts";
import { UseAfterDisposeError } from "../errors.ts";
import type { Tensor } from "./tensor.ts";

/** Made by `Runtime.capture`. Dispose it when done. */
export class Captured<T> {
  /** What the body returned. Tensors made in it hold the results of the latest `replay()`, nothing before the first; `dispose` ends them. */
  readonly value: T;
  readonly #replay: Replay;
  readonly #results: readonly Tensor[];
  #disposed = false;

  /** @param results The tensors that were made in the body and are part of `value`. */
  constructor(value: T, results: readonly Tensor[], replay: Replay) {
    this.value = value;
    this.#results = results;
    this.#replay = replay;
  }

  /**
   * Queues the recorded commands, in order with all others: inputs written before are seen, and nothing waits.
   * @throws UseAfterDisposeError
   */
  replay(): void {
    if (this.#disposed)
      throw new UseAfterDisposeError("replay", "expected a live capture, got one that was disposed: capture again");
    this.#replay.run();
  }

  /** Gives the results and all memory of the recording back; replays that are queued still run. Calling it twice is harmless. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const tensor of this.#results) tensor.dispose();
    this.#replay.dispose();
  }
}
